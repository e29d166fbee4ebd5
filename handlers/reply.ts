import { isDeepStrictEqual } from 'node:util'
import type { ChatwootClient, MenuItem } from '../clients/chatwoot.ts'
import { ChatwootRefusedError, isForbidden } from '../clients/chatwoot-api.ts'
import type { HandlerContext } from '../inbox/drain.ts'
import { markUrgent } from '../inbox/pace.ts'
import type { Json } from '../sources/json.ts'
import { countUnsaid, forChannel } from './channel.ts'
import { type Conversation, fetchConversation, fetchIfPossible, updateContact } from './conversation.ts'
import { pupilQuestionOf } from './pupils.ts'
import type { Services } from './services.ts'
import type { TemplateParams, TemplateValues } from './templates.ts'
import type { LanguageCode } from './texts/index.ts'
import { awaitAnswer } from './unanswered.ts'
import { isSilent, withWayBack } from './who-has-it.ts'

/** Everything to do in Chatwoot for one delivery. */
export interface Reply {
  /** Attributes of the conversation to set; null deletes one's value. */
  attributes?: Json
  /** Attributes of the contact to set. */
  contact?: Json
  labels?: { add?: string[]; remove?: string[] }
  /** For the tutor: a private note. */
  note?: string
  /** Default: English. */
  noteLanguage?: LanguageCode
  /** For the student. */
  content?: string
  items?: MenuItem[]
  /** What a template can say in place of `content`. */
  about?: TemplateValues
  /** What it answers: if that was long ago, it begins with a word about the wait. */
  answers?: Answered
  /** Hand the conversation over to a person. */
  handsOver?: boolean
  /** Chatwoot opened it, but no person has it: it is the bot's again. */
  takesBack?: boolean
  /** The dialogue's state when this was decided: if it has changed since, only the note is written. */
  since?: DialogueState
}

export interface Answered {
  /** When it was written, or came in, Unix ms. */
  at: number
  language: LanguageCode
}

/** Chatwoot's own queue runs minutes late under load, and who chats does not wait at the screen: longer is an outage, ms. */
const SORRY_AFTER_MS = 10 * 60_000

/** Decided when it is sent: the reply may be an earlier attempt's, of before the outage. */
function withSorry({ now, tutor }: Services, { answers, ...reply }: Reply): Reply {
  const isLate = answers !== undefined && now() - answers.at > SORRY_AFTER_MS
  if (!isLate || reply.content === undefined) return reply
  return { ...reply, content: `${tutor.texts[answers.language].sorryForWait}\n${reply.content}` }
}

/** The attributes that make up a dialogue's state. */
const STATE = ['pending_intent', 'offered_slots', 'order_id', 'checkout_session'] as const
type DialogueState = Record<(typeof STATE)[number], unknown>

export function stateOf({ attributes }: { attributes: Json }): DialogueState {
  return Object.fromEntries(STATE.map(name => [name, attributes[name] ?? null])) as DialogueState
}

/** Whether the dialogue is neither where it was, nor where an earlier attempt at this reply has moved it. */
function hasMovedOn(current: Conversation, { since, attributes }: Reply): boolean {
  const ends = [since, stateOf({ attributes: { ...since, ...attributes } })]
  return !ends.some(end => isDeepStrictEqual(end, stateOf(current)))
}

/** If the bot must be silent, turns the message into a note for the tutor. */
export function respectingSilence(services: Services, conversation: Conversation, reply: Reply): Reply {
  const { content, items: _, note, handsOver: __, ...rest } = reply
  if (!isSilent(conversation, services) || content === undefined) return reply
  const unsaid = `TutorBot is silent here, and has not told the student: "${content}"`
  return { ...rest, note: note === undefined ? unsaid : `${note}\n${unsaid}` }
}

/**
 * Decides on a reply and publishes it, once per key: several Stripe events may report one fact, and a late one must not
 * undo what has happened since.
 */
export async function replyOnce(
  services: Services,
  client: ChatwootClient,
  conversation: Conversation,
  key: string,
  context: HandlerContext,
  decide: () => Promise<Reply | null> | Reply | null,
): Promise<void> {
  await context.once(`${key}:done`, async () => {
    let isNew = false
    const reply = await context.once(`${key}:reply`, () => {
      isNew = true
      return decide()
    })
    if (reply === null) return
    // The dialogue can't have moved on since it was read for this decision: its deliveries are handled one at a time.
    const current = isNew ? reply : await unlessOutdated(services, client, conversation, reply, context)
    await publish(services, client, conversation, current, key, context)
  })
}

/**
 * Can be repeated from the start: attributes and labels are merged, notes and messages carry a marker. News comes after
 * the changes it relies on. An answer is sent together with them: what the student writes next is handled after both.
 * @param key unique to this reply
 */
export async function publish(
  services: Services,
  client: ChatwootClient,
  conversation: Conversation,
  reply: Reply,
  key: string,
  context: HandlerContext,
): Promise<void> {
  const { id, contactId, read } = conversation
  const { signal } = context
  const told = forChannel(services, conversation, endingLessonDialogue(conversation, withSorry(services, reply)))
  const { attributes, contact, labels, note, noteLanguage, content, items, template, isUnsaid } = told
  const { handsOver, takesBack } = told
  const toTutor = note && handsOver ? withWayBack(note, conversation, services, noteLanguage) : note
  const isAnswer = reply.answers !== undefined && reply.since === undefined
  const tell = async () => {
    if (content === undefined) return
    await sayOnce(client, 'sendMessage', id, { content, items, template }, `${key}:message`, context)
  }
  await allEnded([
    attributes && client.mergeAttributes(id, attributes, signal, read),
    contact && contactId && lacks(conversation, contact) && updateIfThere(client, contactId, contact, context),
    labels && client.changeLabels(id, labels, signal, read),
    takesBack && !handsOver && client.setStatus(id, 'pending', signal),
    toTutor && sayOnce(client, 'sendPrivateNote', id, { content: toTutor }, `${key}:note`, context),
    isAnswer && tell(),
  ])
  if (isUnsaid) await countUnsaid(services, conversation, key, context)
  if (!isAnswer) await tell()
  if (handsOver) await handOver(services, client, conversation, key, context)
}

/**
 * Another question, another state, or a person ends what was open about a booked lesson, or for whom a lesson is: its
 * numbers and titles would answer something else.
 */
function endingLessonDialogue({ attributes: current }: Conversation, reply: Reply): Reply {
  const { attributes = {}, items, handsOver } = reply
  const isOther = items !== undefined || attributes.pending_intent !== undefined || handsOver
  const isOpen = (name: string) => current[name] != null && attributes[name] === undefined
  const ended = [
    ...(isOpen('my_lesson') ? ['my_lesson'] : []),
    ...(isOpen('pupil_asked') && pupilQuestionOf(current)?.is === 'which' ? ['pupil_asked'] : []),
  ]
  if (ended.length === 0 || !isOther) return reply
  return { ...reply, attributes: { ...attributes, ...Object.fromEntries(ended.map(name => [name, null])) } }
}

/** What is left of a reply that was decided earlier: only its note if the dialogue has moved on. */
export async function unlessOutdated(
  services: Services,
  client: ChatwootClient,
  { id }: Conversation,
  reply: Reply,
  { signal }: HandlerContext,
): Promise<Reply> {
  const { since, note } = reply
  if (since === undefined || !hasMovedOn(await fetchConversation(client, id, signal, services), reply)) return reply
  return note === undefined ? {} : { note }
}

/** Whether a contact's attributes are not known to be so already. */
function lacks({ read, contactAttributes }: Conversation, attributes: Json): boolean {
  const isLacking = ([name, value]: [string, unknown]) => !isDeepStrictEqual(contactAttributes[name], value)
  return read === undefined || Object.entries(attributes).some(isLacking)
}

/** Waits for all of them also if one fails: nothing may still be under way when the attempt is made again. */
export async function allEnded(calls: (Promise<unknown> | undefined | false | '')[]): Promise<void> {
  const ended = await Promise.allSettled(calls)
  for (const call of ended) if (call.status === 'rejected') throw call.reason
}

/** A contact may be merged or deleted at any moment; the rest must not fail because of it. */
async function updateIfThere(client: ChatwootClient, id: string, attributes: Json, context: HandlerContext) {
  try {
    await updateContact(client, id, attributes, context)
  } catch (error) {
    if (!(error instanceof ChatwootRefusedError)) throw error
    context.log.warn({ err: error }, 'contact not updated: refused by Chatwoot')
  }
}

/** Sends a message or private note, once per key. */
export async function sayOnce(
  client: ChatwootClient,
  how: 'sendMessage' | 'sendPrivateNote',
  conversation: string,
  {
    content,
    items,
    template,
  }: { content: string; items?: MenuItem[] | undefined; template?: TemplateParams | undefined },
  key: string,
  { signal, once }: HandlerContext,
): Promise<void> {
  await once(key, async mayHaveActed => {
    if (mayHaveActed && (await client.wasSent(conversation, key, signal))) return
    await client[how](conversation, content, signal, { items, template, marker: key })
  })
}

/** Hands a conversation over to a person. @param key unique to this hand-over */
export async function handOver(
  services: Services,
  client: ChatwootClient,
  conversation: Conversation,
  key: string,
  context: HandlerContext,
): Promise<void> {
  const { handoffAgentId } = services
  const { id, personWroteAt, read } = conversation
  const { signal, once, log } = context
  // Somebody waits for a person.
  markUrgent(signal)
  // Known first, and once: Chatwoot assigns a conversation to the agent whose token opens it.
  const assigned = await once(`${key}:assigned`, async () => {
    return (conversation.read ? conversation : await fetchIfPossible(client, conversation, context, services)).assigned
  })
  await awaitAnswer(services, client, conversation, key, context)
  // What a person wrote earlier is no answer to this: the bot must not take it back when that was long ago.
  if (personWroteAt !== undefined && read) {
    await client.mergeAttributes(id, { person_wrote_at: null }, signal, read)
  }
  await client.setStatus(id, 'open', signal)
  // Bots could not before PR 14655. Open is the sign that counts, and somebody waits.
  await client.changeLabels(id, { add: ['intent:handoff'] }, signal, read).catch(error => {
    if (!isForbidden(error)) throw error
    log.warn({ err: error }, 'no label intent:handoff: set CW_ADMIN_TOKEN to an administrator’s token')
  })
  if (handoffAgentId !== undefined && !assigned) await client.assign(id, handoffAgentId, signal)
}
