import { railsJson } from '../../commands/samples.ts'
import { signChatwoot } from '../../plugins/verification.ts'
import type { ChatwootApi } from '../../sandbox/chatwoot-api.ts'
import { chatwootBody } from '../../sandbox/chatwoot-bodies.ts'
import { type Channel, choicesOf, choose, receive, say } from '../../sandbox/chatwoot-people.ts'
import {
  type ChatwootChange,
  type ChatwootState,
  type ConversationState,
  type MessageState,
  SMS,
  WHATSAPP,
  WIDGET,
} from '../../sandbox/chatwoot-state.ts'
import type { StripeApi } from '../../sandbox/stripe-api.ts'
import { CHATWOOT_SECRET, stripeHeaders } from './app.ts'

/** Where to send webhooks, and how to know that one was handled. */
export interface Receiver {
  /** URL of the service. */
  url(): Promise<string>
  /** Resolves when the delivery is handled, with the message of its log line. */
  handled(delivery: string): Promise<string>
}

/** A student in a conversation, who sees the bot's messages and answers them. */
export interface Student {
  conversation: ConversationState
  /** Writes a text; returns the bot's answers. */
  says(content: string): Promise<string[]>
  /** Sends a message of any kind; returns the bot's answers. */
  sendsMessage(message: Partial<MessageState>): Promise<string[]>
  /** Something happens in Chatwoot to a message; returns the bot's answers. */
  happens(act: () => void): Promise<string[]>
  /** Makes a choice of the last question, by its title or its position from 1; returns the bot's answers. */
  chooses(choice: string | number): Promise<string[]>
  /** Sends a text without waiting; returns its delivery id. */
  sends(content: string): Promise<string>
  /** The titles of the last question's choices. */
  choices(): string[]
  /** Everything sent to the student, and all private notes. */
  read(): string[]
  notes(): string[]
}

export interface World {
  chatwoot: ChatwootApi
  stripe: StripeApi
  receiver: Receiver
}

export function student(
  { chatwoot, receiver }: World,
  channel: Channel = 'whatsapp',
  parts: Partial<ConversationState> = {},
  contact: Record<string, unknown> = { language: 'nl' },
): Student {
  const { state } = chatwoot
  const inbox = { whatsapp: WHATSAPP, widget: WIDGET, sms: SMS }[channel]
  const conversation = state.addConversation({ inbox, ...parts }, { custom_attributes: contact })
  const { messages } = conversation
  const sent = (isPrivate: boolean) =>
    messages
      .filter(message => message.message_type === 1 && message.private === isPrivate)
      .map(({ content }) => content as string)
  const question = () => messages.findLast(({ content_type }) => content_type === 'input_select') as MessageState

  /** Does something, and delivers Chatwoot's event about the message. */
  const deliver = (act: () => void) => deliverChatwoot(receiver, bodyOf(state, act))

  async function answerTo(delivery: Promise<string>): Promise<string[]> {
    const before = sent(false).length
    await receiver.handled(await delivery)
    return sent(false).slice(before)
  }

  const self: Student = {
    conversation,
    sends: content => deliver(() => say(state, conversation, content)),
    says: content => answerTo(self.sends(content)),
    happens: act => answerTo(deliver(act)),
    sendsMessage: message => answerTo(deliver(() => receive(state, conversation, message))),
    chooses(choice) {
      const asked = question()
      const items = choicesOf(asked)
      const item = typeof choice === 'number' ? items[choice - 1] : items.find(({ title }) => title === choice)
      if (item === undefined) throw new Error(`${choice} is not among ${items.map(({ title }) => title)}`)
      return answerTo(deliver(() => choose(state, conversation, asked.id, item.value)))
    },
    choices: () => choicesOf(question()).map(({ title }) => title),
    read: () => sent(false),
    notes: () => sent(true),
  }
  return self
}

/** Does something in Chatwoot to a message; returns the body of its webhook. */
export function bodyOf(state: ChatwootState, act: () => void): object {
  let told: ChatwootChange | undefined
  const listen = (change: ChatwootChange) => {
    if (change.message !== undefined) told = change
  }
  state.changes.on('change', listen)
  act()
  state.changes.off('change', listen)
  return chatwootBody(told as ChatwootChange, Date.now())
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
