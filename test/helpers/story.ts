import { railsJson, chatwoot as samples, stripeEvent, stripePaymentIntent } from '../../commands/samples.ts'
import { signChatwoot } from '../../plugins/verification.ts'
import type { ChatwootApi } from '../../sandbox/chatwoot-api.ts'
import type { ConversationState, MessageState } from '../../sandbox/chatwoot-state.ts'
import type { Session, StripeApi } from '../../sandbox/stripe-api.ts'
import { CHATWOOT_SECRET, stripeHeaders } from './app.ts'

/** Where webhooks go, and how to know that one was handled. */
export interface Receiver {
  /** Of the service. */
  url(): Promise<string>
  /** Resolves when the delivery is handled: with the message of the line that says how. */
  handled(delivery: string): Promise<string>
}

/** The channel decides how a choice comes back: as an update of the question, or as a text. */
export type Channel = 'widget' | 'whatsapp'

/** A student in a conversation, who sees what the bot sends and answers it. */
export interface Student {
  conversation: ConversationState
  /** Writes a text; what the bot answers. */
  says(content: string): Promise<string[]>
  /** Makes a choice of the last question, by its title or its position from 1; what the bot answers. */
  chooses(choice: string | number): Promise<string[]>
  /** Sends a text without waiting for anything; its delivery id. */
  sends(content: string): Promise<string>
  /** The titles of the last question's choices. */
  choices(): string[]
  /** All that was sent to the student, and all private notes. */
  read(): string[]
  notes(): string[]
}

export interface World {
  chatwoot: ChatwootApi
  stripe: StripeApi
  receiver: Receiver
}

let lastId = 6_000_000

export function student(
  { chatwoot, receiver }: World,
  channel: Channel = 'whatsapp',
  parts: Partial<ConversationState> = {},
  contact: Record<string, unknown> = { language: 'nl' },
): Student {
  const conversation = chatwoot.addConversation(parts, { custom_attributes: contact })
  const { messages } = conversation
  const sent = (isPrivate: boolean) =>
    messages
      .filter(message => message.message_type === 1 && message.private === isPrivate)
      .map(({ content }) => content as string)
  const question = () => messages.findLast(({ content_type }) => content_type === 'input_select') as MessageState
  const itemsOf = ({ content_attributes }: MessageState) =>
    content_attributes.items as { title: string; value: string }[]

  /** The conversation's current state. */
  const options = () => ({
    conversation: conversation.id,
    attributes: conversation.custom_attributes ?? {},
    labels: conversation.labels,
    status: conversation.status,
    assignee: conversation.assignee,
    contactId: conversation.contact,
    contact: chatwoot.contacts.get(conversation.contact)?.custom_attributes ?? {},
  })

  async function answerTo(delivery: Promise<string>): Promise<string[]> {
    const before = sent(false).length
    await receiver.handled(await delivery)
    return sent(false).slice(before)
  }

  const self: Student = {
    conversation,
    async sends(content) {
      const id = ++lastId
      messages.push({ id, content, message_type: 0, private: false, content_type: 'text', content_attributes: {} })
      return deliverChatwoot(receiver, samples.incoming({ ...options(), message: id, content }))
    },
    says: content => answerTo(self.sends(content)),
    chooses(choice) {
      const asked = question()
      const items = itemsOf(asked)
      const item = typeof choice === 'number' ? items[choice - 1] : items.find(({ title }) => title === choice)
      if (item === undefined) throw new Error(`${choice} is not among ${items.map(({ title }) => title)}`)
      if (channel === 'whatsapp') return self.says(item.title)
      return answerTo(deliverChatwoot(receiver, samples.submitted({ ...options(), message: asked.id, choice: item })))
    },
    choices: () => itemsOf(question()).map(({ title }) => title),
    read: () => sent(false),
    notes: () => sent(true),
  }
  return self
}

/** The student pays: what Stripe has then, and its two events about it. */
export function pay(session: Session, paymentIntent = `pi_${session.id}`) {
  Object.assign(session, { payment_intent: paymentIntent, payment_status: 'paid', status: 'complete', url: null })
  const { intent_metadata: _, ...shown } = session
  const intent = stripePaymentIntent({
    paymentIntent,
    amount: session.amount_total as number,
    metadata: session.intent_metadata as Record<string, string>,
  })
  return {
    completed: stripeEvent('checkout.session.completed', shown, { id: `evt_${session.id}_completed` }),
    succeeded: stripeEvent('payment_intent.succeeded', intent, { id: `evt_${session.id}_succeeded` }),
  }
}

/** An event with a session's current state. */
export function sessionEvent(session: Session, type: string) {
  const { intent_metadata: _, ...shown } = session
  return stripeEvent(`checkout.session.${type}`, shown, { id: `evt_${session.id}_${type}` })
}

export async function deliverChatwoot(receiver: Receiver, payload: object): Promise<string> {
  const body = railsJson(payload)
  return post(`${await receiver.url()}/cw`, { ...signChatwoot(body, CHATWOOT_SECRET) }, body)
}

export async function deliverStripe(receiver: Receiver, event: object): Promise<string> {
  const body = JSON.stringify(event)
  return post(`${await receiver.url()}/webhook/payments`, stripeHeaders(body), body)
}

async function post(url: string, headers: Record<string, string>, body: string): Promise<string> {
  const response = await fetch(url, { method: 'POST', headers, body })
  const answer = (await response.json()) as { status?: string; id?: string }
  if (answer.status !== 'accepted') throw new Error(`not accepted: ${response.status} ${JSON.stringify(answer)}`)
  return answer.id as string
}
