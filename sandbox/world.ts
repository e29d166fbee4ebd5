import { randomBytes } from 'node:crypto'
import { EventEmitter } from 'node:events'
import { railsJson } from '../commands/samples.ts'
import type { Clock } from '../inbox/contracts.ts'
import { watchCalls } from './calls.ts'
import { type ChatwootApi, startChatwootApi, TUTOR } from './chatwoot-api.ts'
import { chatwootBody } from './chatwoot-bodies.ts'
import * as people from './chatwoot-people.ts'
import { ACTIVITY, type ChatwootChange, type ConversationState } from './chatwoot-state.ts'
import { applyFaults, type Faults } from './faults.ts'
import { type Payments, startPayments } from './payment-desk.ts'
import { RefusedError } from './refused.ts'
import { type StripeApi, startStripeApi } from './stripe-api.ts'
import { WebhookSender } from './webhooks.ts'
import { Wire, type WireEntry } from './wire.ts'

/**
 * The world around the service: a Chatwoot and a Stripe that stand in, students, a tutor, and people who pay. Everything
 * that is done in it goes to the service as webhooks, as it does from the real ones.
 */
export interface World extends Payments {
  chatwoot: ChatwootApi
  stripe: StripeApi
  /** changed: anything at all. wire: an entry is new, or has ended. */
  events: EventEmitter<{ changed: []; wire: [WireEntry] }>
  /** The latest 500, the oldest first. */
  wire: readonly WireEntry[]
  /** The id of the conversation. */
  addStudent(student: people.NewStudent): number
  /** The student writes. @throws {RefusedError} like everything below: it makes no sense now, and why */
  say(conversation: number, text: string): void
  /** The student makes a choice of a question, also of an older one. */
  choose(conversation: number, messageId: number, value: string): void
  sendVoice(conversation: number): void
  sendPicture(conversation: number): void
  /** A person answers the student. */
  answer(conversation: number, text: string, via: 'chatwoot' | 'phone'): void
  note(conversation: number, text: string): void
  assign(conversation: number, on: boolean): void
  giveBack(conversation: number): void
  resolve(conversation: number): void
  readonly faults: Readonly<Faults>
  setFaults(faults: Partial<Faults>): void
  /** Sends a webhook again: the same bytes, signed anew. */
  resend(wireId: number): void
  /** Resolves when no webhook is on its way. One that waits for its next attempt is not. */
  settled(): Promise<void>
  /** Does something while no webhook is on its way, such as moving the clock on: each is signed before it, or after it. */
  pauseFor(work: () => Promise<void>): Promise<void>
  close(): Promise<void>
}

export interface WorldOptions {
  clock: Clock
  /** Where sessions are paid: `/` and their ids are added. */
  payUrl: string
  /** Of the webhooks. */
  secrets: { chatwoot: string; stripe: string }
  /** Where the service is now. */
  serviceUrl(): string
  /** How long the service's answer may take, ms. Default 5,000. */
  webhookTimeoutMs?: number
}

/** What the bot of the inboxes gets; the account's webhook gets what bots do not. */
const FOR_ACCOUNT = new Set<ChatwootChange['event']>(['conversation_created', 'contact_created', 'contact_updated'])

export async function startWorld(options: WorldOptions): Promise<World> {
  const { clock, secrets, payUrl, webhookTimeoutMs: timeoutMs } = options
  const chatwoot = await startChatwootApi({ now: clock.now, tokens: randomTokens(), lastMessage: 0 })
  const stripe = await startStripeApi({ now: clock.now, secretKey: `sk_test_${random()}`, payUrl })
  const { state } = chatwoot
  const events: World['events'] = new EventEmitter()
  const changed = () => void events.emit('changed')
  const wire = new Wire()
  const serviceUrl = () => options.serviceUrl()
  const sender = new WebhookSender({ clock, wire, secrets, serviceUrl, ...(timeoutMs && { timeoutMs }) })
  const faults: Faults = { chatwoot: 'none', stripe: 'none', twice: false }

  const send = (webhook: Parameters<WebhookSender['send']>[0]) => {
    sender.send(webhook)
    if (faults.twice) sender.send(webhook)
  }

  function sendChatwoot(change: ChatwootChange): void {
    const { event, conversation, contact, message } = change
    const body = railsJson(chatwootBody(change, clock.now()))
    const as = FOR_ACCOUNT.has(event) ? 'account' : 'bot'
    const inOrderWith = conversation === undefined ? `contact ${contact.id}` : `conversation ${conversation.id}`
    const hand = conversation && message && ((why: string) => handToPerson(conversation, why))
    const about = { event, ...(message && { message: message.id }) }
    send({ ...about, body, inOrderWith, as, ...(as === 'bot' && hand && { gaveUp: hand }) })
    changed()
  }

  /** Webhooks::Trigger in Chatwoot: the bot can't be reached. */
  function handToPerson(conversation: ConversationState, why: string): void {
    if (conversation.status !== 'pending') return
    state.setStatus(conversation, 'open')
    const content = `Conversation was marked open by system due to an error with the agent bot. (${why})`
    state.addMessage(conversation, { content, message_type: ACTIVITY, sender: null })
    changed()
  }

  state.changes.on('change', sendChatwoot)
  wire.events.on('wire', entry => {
    events.emit('wire', entry)
    changed()
  })
  watchCalls(chatwoot, 'chatwoot', wire, clock)
  watchCalls(stripe, 'stripe', wire, clock)
  const payments = startPayments(stripe, clock, event => {
    const { id } = event.data.object as { id: string }
    send({ event: event.type, body: JSON.stringify(event, null, 2), inOrderWith: id, as: 'stripe' })
    changed()
  })

  const find = (id: number): ConversationState => {
    const conversation = state.conversations.get(id)
    if (conversation === undefined) throw new RefusedError(`There is no conversation ${id}.`)
    return conversation
  }

  return {
    ...payments,
    chatwoot,
    stripe,
    events,
    wire: wire.entries,
    addStudent: student => people.addStudent(state, student).id,
    say: (id, text) => void people.say(state, find(id), text),
    choose: (id, message, value) => people.choose(state, find(id), message, value),
    sendVoice: id => people.sendFile(state, find(id), { file_type: 'audio', extension: 'ogg' }),
    sendPicture: id => people.sendFile(state, find(id), { file_type: 'image', extension: 'jpg' }),
    answer: (id, text, via) => people.answer(state, find(id), text, via),
    note: (id, text) => people.note(state, find(id), text),
    assign: (id, on) => state.assign(find(id), on ? TUTOR.id : null),
    giveBack: id => people.giveBack(state, find(id)),
    resolve: id => state.setStatus(find(id), 'resolved'),
    faults,
    setFaults(parts) {
      Object.assign(faults, parts)
      applyFaults(faults, { chatwoot, stripe }, clock)
      changed()
    },
    resend(wireId) {
      if (!sender.resend(wireId)) throw new RefusedError('This webhook can not be sent again: it is too old, or none.')
    },
    settled: () => sender.settled(),
    pauseFor: work => sender.pauseFor(work),
    async close() {
      payments.stop()
      await sender.close()
      await Promise.all([chatwoot.close(), stripe.close()])
    },
  }
}

const random = () => randomBytes(16).toString('hex')

function randomTokens(): ChatwootApi['tokens'] {
  return { bot: random(), admin: random(), agent: random() }
}
