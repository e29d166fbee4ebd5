import { type ChatwootClient, type ChatwootConversation, carriesMarker, type MenuItem } from '../plugins/chatwoot.ts'
import type { Delivery } from '../plugins/inbox/contracts.ts'
import type { Handler, HandlerContext } from '../plugins/inbox/drain.ts'
import { PermanentError } from '../plugins/inbox/errors.ts'
import type { StripeClient } from '../plugins/stripe.ts'
import { type Conversation, conversationOf, isSilent, readConversation, updateContact } from './conversation.ts'
import { formatAmount } from './money.ts'
import { asArray, asObject, asText, type Json } from './payload.ts'
import { type Segment, segmentOf } from './segment.ts'
import { TEXTS, type Texts } from './texts/index.ts'

/** A reply later than this after the message may have been overtaken, ms. */
const STALE_AFTER = 2 * 60 * 1_000
/** How much of a message may be in a log (at debug level only) or a note, characters. */
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

/** What a reply can be: known again by its marker, if Chatwoot's answer to it got lost. */
const REPLIES = ['answered', 'handed over'] as const
type Outcome = (typeof REPLIES)[number] | 'late'

interface Answer {
  content: string
  items?: MenuItem[]
  /** A human goes on from here. */
  handsOver?: boolean
}

/** What the bot does when a student writes, chooses, or comes in. */
export function messageHandlers(options: MessageOptions): Record<string, Handler> {
  const { chatwoot, stripe, prices = {}, handoffAgentId, now = Date.now } = options

  async function onMessage(delivery: Delivery, context: HandlerContext): Promise<void> {
    const { id, event, payload } = delivery
    if (!isFromStudent(event, payload)) return
    context.log.debug({ preview: previewOf(payload) }, 'a student writes')
    if (chatwoot === null) return context.log.warn('no reply is sent: CW_TOKEN is not set')
    const conversation = conversationOf(asObject(payload.conversation))
    if (isSilent(conversation)) return
    await initialise(chatwoot, conversation.id, context)
    const outcome = await context.once(`${id}:reply`, () => reply(chatwoot, conversation, delivery, context))
    if (outcome === 'handed over') await handOver(chatwoot, conversation.id, delivery, context)
  }

  async function onConversation(delivery: Delivery, context: HandlerContext): Promise<void> {
    const { id, attributes } = conversationOf(delivery.payload)
    if (chatwoot === null || attributes.bot_disabled === true) return
    await initialise(chatwoot, id, context)
  }

  /** What came of it is kept, so that another attempt goes on from there: our own reply does not overtake itself. */
  async function reply(
    client: ChatwootClient,
    { id, language, contactAttributes }: Conversation,
    delivery: Delivery,
    { attempt, signal, log }: HandlerContext,
  ): Promise<Outcome> {
    const late = now() - delivery.receivedAt
    if (attempt > 1 || late > STALE_AFTER) {
      const current = await client.getConversation(id, signal)
      const sent = REPLIES.find(outcome => carriesMarker(current, markerOf(delivery, outcome)))
      if (sent !== undefined) return sent
      if (late > STALE_AFTER && isOvertaken(current, delivery.payload)) {
        await client.sendPrivateNote(id, lateNote(late, delivery.payload), signal)
        return 'late'
      }
    }
    const { content, items, handsOver } = await answerTo(delivery.payload, contactAttributes, TEXTS[language], log)
    const outcome = handsOver ? 'handed over' : 'answered'
    await client.sendMessage(id, content, signal, { items, marker: markerOf(delivery, outcome) })
    return outcome
  }

  async function answerTo(payload: Json, contact: Json, texts: Texts, log: HandlerContext['log']): Promise<Answer> {
    const choice = choose(payload)
    if (choice === undefined) return { content: texts.menu, items: menuItems(texts) }
    const quote = choice === 'prices' ? await quotePrices(segmentOf(contact), texts, log) : null
    return quote === null ? { content: texts.handoff, handsOver: true } : { content: quote }
  }

  /** null: the prices can't be told; why is said in the log. */
  async function quotePrices(segment: Segment, texts: Texts, log: HandlerContext['log']): Promise<string | null> {
    try {
      const lines = await priceLines(segment, texts)
      if (lines.length > 0) return texts.prices(lines)
      log.warn('no prices can be told (STRIPE_SECRET_KEY or a price id is not set): handed over')
    } catch (error) {
      if (!(error instanceof PermanentError)) throw error
      log.warn({ err: error }, 'no prices can be told: handed over')
    }
    return null
  }

  async function priceLines(segment: Segment, texts: Texts): Promise<string[]> {
    const weekend = segment === 'weekend'
    const ids = [
      { minutes: 60, id: weekend ? prices.weekend60 : prices.standard60 },
      { minutes: 90, id: weekend ? prices.weekend90 : prices.standard90 },
    ]
    const lines: string[] = []
    for (const { minutes, id } of ids) {
      if (stripe === null || id === undefined) continue
      const { unit_amount, currency } = await stripe.getPrice(id)
      if (unit_amount !== null) lines.push(texts.price(minutes, formatAmount(unit_amount, currency)))
    }
    return lines
  }

  async function handOver(
    client: ChatwootClient,
    conversation: string,
    delivery: Delivery,
    { signal, once }: HandlerContext,
  ): Promise<void> {
    // Asked first, and once: Chatwoot assigns a conversation to the agent whose token opens it.
    const assigned = await once(`${delivery.id}:assigned`, async () => {
      return (await readConversation(client, conversation, signal)).assigned
    })
    await client.setStatus(conversation, 'open', signal)
    await client.changeLabels(conversation, { add: ['intent:handoff'] }, signal)
    if (handoffAgentId !== undefined && !assigned) await client.assign(conversation, handoffAgentId, signal)
  }

  /** The student must not wait for a bot that has given up. */
  async function onGivenUp(delivery: Delivery, context: HandlerContext): Promise<void> {
    const { event, payload } = delivery
    if (chatwoot === null || !isFromStudent(event, payload)) return
    await handOver(chatwoot, conversationOf(asObject(payload.conversation)).id, delivery, context)
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

/** The beginning of what a message says. An emoji that the cut halves would be no valid JSON for Chatwoot. */
function previewOf(payload: Json): string {
  return textOf(payload).slice(0, PREVIEW).toWellFormed()
}

function menuItems(texts: Texts): MenuItem[] {
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
  const chosen = ({ title, value }: MenuItem, index: number) =>
    [value, title.toLowerCase(), `${index + 1}`].includes(text)
  const items = Object.values(TEXTS).map(texts => menuItems(texts).find(chosen))
  return items.find(item => item !== undefined)?.value
}

function markerOf({ id }: Delivery, outcome: Outcome): string {
  return `${id}:${outcome}`
}

/** Whether a human has taken over since, or something was sent to the student after this message. */
function isOvertaken(current: ChatwootConversation, payload: Json): boolean {
  if (isSilent(conversationOf(current))) return true
  const last = current.last_non_activity_message
  const OUTGOING = 1
  return last != null && last.message_type === OUTGOING && !last.private && last.id > Number(payload.id)
}

/** @param late ms */
function lateNote(late: number, payload: Json): string {
  const minutes = Math.round(late / 60_000)
  return `TutorBot could handle a message only ${minutes} min late and did not reply to it: "${previewOf(payload)}"`
}

/** Gives a conversation the attributes it lacks and its contact a segment, once. */
async function initialise(client: ChatwootClient, conversation: string, context: HandlerContext): Promise<void> {
  await context.once(`chatwoot:${client.accountId}:${conversation}:initialised`, async () => {
    const { attributes, contactId, contactAttributes } = await readConversation(client, conversation, context.signal)
    const lacking = Object.entries(INITIAL_ATTRIBUTES).filter(([name]) => attributes[name] == null)
    if (lacking.length > 0) await client.mergeAttributes(conversation, Object.fromEntries(lacking), context.signal)
    if (contactId === undefined || contactAttributes.segment != null) return
    await updateContact(client, contactId, { segment: segmentOf(contactAttributes) }, context)
  })
}
