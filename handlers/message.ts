import { type ChatwootClient, type ChatwootConversation, ChatwootRefusedError } from '../plugins/chatwoot.ts'
import type { Delivery } from '../plugins/inbox/contracts.ts'
import type { Handler, HandlerContext } from '../plugins/inbox/drain.ts'
import { PermanentError } from '../plugins/inbox/errors.ts'
import type { StripeClient } from '../plugins/stripe.ts'
import { formatAmount } from './money.ts'
import { asArray, asId, asObject, asText, type Json } from './payload.ts'
import { type Segment, segmentOf } from './segment.ts'
import { languageOf, TEXTS, type Texts } from './texts/index.ts'

/** A reply later than this after the message may have been overtaken, ms. */
const STALE_AFTER = 2 * 60 * 1_000
/** How much of a message may be in a log, at debug level only, characters. */
const PREVIEW = 50
/** Attributes that every conversation has, and what they are at first. */
const INITIAL_ATTRIBUTES = { language_prompted: false, intake_completed: false, pending_intent: 'menu' }

/** Stripe price ids of lessons of 60 and of 90 minutes; what is missing can't be quoted. */
export interface PriceIds {
  standard60?: string | undefined
  standard90?: string | undefined
  weekend60?: string | undefined
  weekend90?: string | undefined
}

export interface MessageOptions {
  chatwoot: ChatwootClient | null
  stripe: StripeClient | null
  prices?: PriceIds
  /** The agent who gets conversations that are handed over; none: they are open for everybody. */
  handoffAgentId?: number | undefined
  /** Unix ms. */
  now?: () => number
}

/** A conversation, as far as the bot looks at it. */
interface Conversation {
  id: string
  status: string
  labels: unknown[]
  attributes: Json
  contact: Json
  assigned: boolean
}

/** What the bot does when a student writes, chooses, or comes in. */
export function messageHandlers(options: MessageOptions): Record<string, Handler> {
  const { chatwoot, stripe, prices = {}, handoffAgentId, now = Date.now } = options

  async function onMessage(delivery: Delivery, context: HandlerContext): Promise<void> {
    const { payload } = delivery
    if (!isFromStudent(delivery.event, payload)) return
    context.log.debug({ preview: textOf(payload).slice(0, PREVIEW) }, 'a student writes')
    if (chatwoot === null) {
      context.log.warn('no reply is sent: CW_TOKEN is not set')
      return
    }
    let conversation = conversationOf(asObject(payload.conversation), asObject(payload.sender))
    if (now() - delivery.receivedAt > STALE_AFTER) {
      const current = await chatwoot.getConversation(conversation.id, context.signal)
      conversation = conversationOf(current)
      if (isSilent(conversation) || isAnswered(current, payload)) {
        await noteThatItIsLate(chatwoot, conversation, delivery, context)
        return
      }
    }
    if (isSilent(conversation)) return
    await initialise(chatwoot, conversation.id, context)
    await answer(chatwoot, conversation, delivery, context)
  }

  async function onConversation(delivery: Delivery, context: HandlerContext): Promise<void> {
    const conversation = conversationOf(delivery.payload)
    if (chatwoot === null || conversation.attributes.bot_disabled === true) return
    await initialise(chatwoot, conversation.id, context)
  }

  async function answer(
    client: ChatwootClient,
    conversation: Conversation,
    delivery: Delivery,
    context: HandlerContext,
  ) {
    const texts = TEXTS[languageOf(conversation.contact)]
    const choice = choose(delivery.payload)
    const say = (content: string, items?: { title: string; value: string }[]) =>
      context.once(`${delivery.id}:reply`, () => client.sendMessage(conversation.id, content, context.signal, items))

    if (choice === undefined) return say(texts.menu, menuItems(texts))
    if (choice === 'prices') {
      const quote = await quotePrices(segmentOf(asObject(conversation.contact.custom_attributes)), texts)
      if (quote !== null) return say(quote)
      context.log.warn('no prices can be told (STRIPE_SECRET_KEY or a price id is not set): handed over')
    }
    await say(texts.handoff)
    await handOver(client, conversation.id, context)
  }

  /** null: there is nothing to quote from. */
  async function quotePrices(segment: Segment, texts: Texts): Promise<string | null> {
    const weekend = segment === 'weekend'
    const ids = [
      { minutes: 60, id: weekend ? prices.weekend60 : prices.standard60 },
      { minutes: 90, id: weekend ? prices.weekend90 : prices.standard90 },
    ]
    const lines: string[] = []
    for (const { minutes, id } of ids) {
      if (stripe === null || id === undefined) continue
      const price = await stripe.getPrice(id)
      if (price.unit_amount !== null) lines.push(texts.price(minutes, formatAmount(price.unit_amount, price.currency)))
    }
    return lines.length === 0 ? null : texts.prices(lines)
  }

  async function handOver(client: ChatwootClient, conversation: string, { signal }: HandlerContext): Promise<void> {
    await client.changeLabels(conversation, { add: ['intent:handoff'] }, signal)
    if (handoffAgentId !== undefined) await client.assign(conversation, handoffAgentId, signal)
    await client.setStatus(conversation, 'open', signal)
  }

  /** The student must not wait for a bot that has given up. */
  async function onGivenUp(delivery: Delivery, context: HandlerContext): Promise<void> {
    const { payload } = delivery
    if (chatwoot === null || !isFromStudent(delivery.event, payload)) return
    await handOver(chatwoot, conversationOf(asObject(payload.conversation)).id, context)
  }

  const message: Handler = { handle: onMessage, gaveUp: onGivenUp }
  return { message_created: message, message_updated: message, conversation_created: onConversation }
}

/** A student's own message, or the choice made in the web widget, which comes as an update of the bot's question. */
function isFromStudent(event: string, payload: Json): boolean {
  if (event === 'message_updated') return submittedValues(payload).length > 0
  return payload.message_type === 'incoming' && payload.private !== true
}

function submittedValues(payload: Json): unknown[] {
  return asArray(asObject(payload.content_attributes).submitted_values)
}

/** One submitted value: of a choice `{title, value}`, of a form `{name, value}`. */
export function choiceOf(submitted: unknown): { title: string; value: string } {
  const { title, name, value } = asObject(submitted)
  return { title: asText(title) ?? asText(name) ?? '', value: typeof value === 'object' ? '' : String(value ?? '') }
}

/** What a message says: what was chosen, else its text, else what is attached. */
export function textOf(payload: Json): string {
  const chosen = submittedValues(payload).map(submitted => choiceOf(submitted).value)
  if (chosen.length > 0) return chosen.join(', ')
  const attached = asArray(payload.attachments).map(
    attachment => `[${asText(asObject(attachment).file_type) ?? 'file'}]`,
  )
  return asText(payload.content) ?? attached.join(' ')
}

function menuItems(texts: Texts) {
  return [
    { title: texts.menuBook, value: 'book' },
    { title: texts.menuTrial, value: 'trial' },
    { title: texts.menuPrices, value: 'prices' },
    { title: texts.menuHuman, value: 'human' },
  ]
}

/** The menu item that a message chooses: by its value, its title in any language, or its number. */
function choose(payload: Json): string | undefined {
  const text = textOf(payload).trim().toLowerCase()
  for (const texts of Object.values(TEXTS)) {
    const items = menuItems(texts)
    const item = items.find(({ title, value }, index) => [value, title.toLowerCase(), `${index + 1}`].includes(text))
    if (item !== undefined) return item.value
  }
  return undefined
}

/** From an event or from the API, which have the same shape; a message's event may know its sender better. */
function conversationOf(conversation: Json | ChatwootConversation, sender: Json = {}): Conversation {
  const meta = asObject(conversation.meta)
  const id = asId(conversation.id)
  if (id === undefined) throw new PermanentError('The conversation has no id')
  return {
    id,
    status: String(conversation.status),
    labels: asArray(conversation.labels),
    attributes: asObject(conversation.custom_attributes),
    contact: { ...sender, ...asObject(meta.sender) },
    assigned: asId(asObject(meta.assignee).id) !== undefined,
  }
}

/** Whether the bot keeps out: it is switched off here, or a human has the conversation or was asked to take it. */
function isSilent({ attributes, assigned, labels, status }: Conversation): boolean {
  return attributes.bot_disabled === true || assigned || (status === 'open' && labels.includes('intent:handoff'))
}

/** Whether something was sent to the student after this message. */
function isAnswered(current: ChatwootConversation, payload: Json): boolean {
  const last = current.last_non_activity_message
  const OUTGOING = 1
  return last != null && last.message_type === OUTGOING && !last.private && last.id > Number(payload.id)
}

async function noteThatItIsLate(
  client: ChatwootClient,
  conversation: Conversation,
  delivery: Delivery,
  context: HandlerContext,
) {
  const minutes = Math.round((Date.now() - delivery.receivedAt) / 60_000)
  const note = `TutorBot could handle a message only ${minutes} min late and did not reply to it: "${textOf(delivery.payload).slice(0, PREVIEW)}"`
  await context.once(`${delivery.id}:late`, () => client.sendPrivateNote(conversation.id, note, context.signal))
}

/** Gives a conversation the attributes it lacks and its contact a segment, once. */
async function initialise(client: ChatwootClient, conversation: string, context: HandlerContext): Promise<void> {
  await context.once(`chatwoot:${client.accountId}:${conversation}:initialised`, async () => {
    const current = conversationOf(await client.getConversation(conversation, context.signal))
    const lacking = Object.entries(INITIAL_ATTRIBUTES).filter(([name]) => current.attributes[name] === undefined)
    if (lacking.length > 0) await client.mergeAttributes(conversation, Object.fromEntries(lacking), context.signal)

    const contact = asId(current.contact.id)
    const attributes = asObject(current.contact.custom_attributes)
    if (contact === undefined || attributes.segment !== undefined) return
    await updateContact(client, contact, { segment: segmentOf(attributes) }, context)
  })
}

/** A bot's token may not change contacts: that is said, and nothing else fails for it. */
export async function updateContact(
  client: ChatwootClient,
  contact: string,
  attributes: Json,
  context: HandlerContext,
) {
  try {
    await client.updateContact(contact, attributes, context.signal)
  } catch (error) {
    if (!(error instanceof ChatwootRefusedError) || ![401, 403].includes(error.status)) throw error
    context.log.warn({ err: error }, 'the contact is not updated: set CW_ADMIN_TOKEN, an administrator’s token')
  }
}
