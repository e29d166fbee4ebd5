import { type ChatwootClient, OUTGOING } from '../clients/chatwoot.ts'
import type { Delivery } from '../inbox/contracts.ts'
import type { HandlerContext, HandlerPair } from '../inbox/drain.ts'
import { PermanentError } from '../inbox/errors.ts'
import { type ChatwootConversationEvent, type ChatwootMessage, readConversation } from '../sources/chatwoot-payloads.ts'
import type { SourceHandlers } from '../sources/payloads.ts'
import { languageOfTurn } from './answer.ts'
import { giveToPerson, SaleRefusedError } from './booking.ts'
import { type Conversation, fetchConversation, toConversation, updateContact } from './conversation.ts'
import { MAX_ANSWER_LENGTH } from './dialogue.ts'
import { handOverFor, withQuotes } from './hand-over.ts'
import { rememberingLanguage } from './language.ts'
import { isLessonAhead } from './lesson-ahead.ts'
import { kindOf } from './lesson-kind.ts'
import { createAnswerCount } from './loops.ts'
import { isWithPerson, messageGivenUp } from './message-given-up.ts'
import { answerForPupil } from './pupil-turn.ts'
import { allEnded, publish, type Reply, sayOnce } from './reply.ts'
import { segmentOf } from './segment.ts'
import type { Services } from './services.ts'
import { subjectIn } from './subject.ts'
import { giveBack, openForPerson, takeOver, withoutPerson } from './take-over.ts'
import { textOf } from './text-of.ts'
import { lastOfPerson, newConversationOf, quietOf, undeliveredOf, type Written, writtenTogether } from './together.ts'
import { type Turn, textsOf, writtenAt } from './turn.ts'
import { createTyping } from './typing.ts'
import { noteUndelivered } from './undelivered.ts'
import { releaseUnsold, WITHOUT_ORDER } from './unsold.ts'
import { voiceHandlers, withoutWaitingVoices } from './voice.ts'
import { isOpenedBySystem, isSwitchedOff, whoHas } from './who-has-it.ts'
import { isHeard, isOfMachine } from './written-by.ts'

/** A message handled so long after it was written may have been answered meanwhile. */
const STALE_AFTER_MS = 2 * 60 * 1_000
/** Characters of a message that may be in a note, or in the log at debug level. */
const PREVIEW_LENGTH = 50
/** Attributes that every conversation starts with. */
const INITIAL_ATTRIBUTES = { language_prompted: false, intake_completed: false, pending_intent: 'menu' }

/** Handles a student's messages, choices and new conversations. */
export function messageHandlers(services: Services): SourceHandlers<'chatwoot'> {
  const { chatwoot, now } = services
  const isTooMany = createAnswerCount(now)
  const typing = createTyping(services)

  async function onMessages(delivery: Delivery<unknown>, all: HandlerContext): Promise<void> {
    const writes = writtenTogether(all)
    if (writes !== undefined) all.log.debug({ preview: previewOf(writes.delivery.payload) }, 'a student writes')
    if (chatwoot === null) {
      if (writes !== undefined) all.log.warn('no reply sent: CW_TOKEN is not set')
      return
    }
    const context = await withoutWaitingVoices(services, all)
    const written = writtenTogether(context)
    for (const failed of undeliveredOf(context)) await noteUndelivered(services, chatwoot, failed, context)
    const person = lastOfPerson(context)
    if (person !== undefined) return takeOver(services, chatwoot, person, context)
    if (written !== undefined) {
      await onWritten(chatwoot, written, context)
      return typing?.ends(toConversation(written.delivery.payload.conversation, services).id, context)
    }
    const begun = newConversationOf(context)
    if (begun === undefined) return
    const { id, attributes } = toConversation(begun, services)
    if (!isSwitchedOff(attributes)) await initialise(services, chatwoot, id, delivery, context)
  }

  async function onWritten(
    chatwoot: ChatwootClient,
    { delivery, each }: Written,
    context: HandlerContext,
  ): Promise<void> {
    const { id, payload } = delivery
    const conversation = toConversation(payload.conversation, services)
    if (whoHas(conversation, services) === 'person') return openForPerson(services, chatwoot, conversation, context)
    const late = now() - writtenAt(delivery)
    if (late > STALE_AFTER_MS && (await isOvertaken(services, chatwoot, delivery, context))) {
      // Recorded first: what comes in now must not join it.
      const lateBy = await context.once(`${id}:overtaken`, () => late)
      const note = { content: lateNote(lateBy, payload) }
      await sayOnce(chatwoot, 'sendPrivateNote', conversation.id, note, `${id}:late`, context)
      return openForPerson(services, chatwoot, conversation, context)
    }
    // Recorded before anything is sent, so that a retry sends the same reply whatever has changed.
    let current = conversation
    const reply = await context.once(`${id}:reply`, async () => {
      // Read: the copy in the event can predate the reply to the previous message.
      current = await fetchConversation(chatwoot, conversation.id, context.signal, services)
      const owner = whoHas(current, services)
      const takesBack = owner === 'unclear' && (await isOpenedBySystem(chatwoot, current.id, context.signal))
      if (owner !== 'bot' && !takesBack) {
        await openForPerson(services, chatwoot, current, context)
        return null
      }
      const answered = await answer(current, { delivery, each }, context)
      if (answered === null) return null
      const reply = { ...withoutPerson(current, answered), ...(takesBack && { takesBack }) }
      return withInitial(chatwoot, current, reply, delivery, context)
    })
    if (reply !== null) await publish(services, chatwoot, current, reply, id, context)
  }

  async function onResolved(delivery: Delivery<ChatwootConversationEvent>, context: HandlerContext): Promise<void> {
    if (chatwoot !== null) await giveBack(services, chatwoot, delivery, context)
  }

  /** null: none is needed. */
  async function answer(
    conversation: Conversation,
    { delivery, each }: Written,
    context: HandlerContext,
  ): Promise<Reply | null> {
    const { signal, log, note, once } = context
    const written = each.map(({ id, payload }) => ({ id, text: textOf(payload).slice(0, MAX_ANSWER_LENGTH) }))
    const text = textOf(delivery.payload).slice(0, MAX_ANSWER_LENGTH)
    const kind = kindOf(conversation, services)
    const turn: Turn = { services, conversation, kind, signal, delivery, text, written, once, log, note, context }
    turn.conversation = { ...conversation, isLessonAhead: await isLessonAhead(turn) }
    const said = languageOfTurn(turn)
    const service = subjectIn(services, text)
    const named = service === undefined || service === conversation.attributes.service ? undefined : { service }
    turn.conversation = {
      ...turn.conversation,
      language: said.language,
      attributes: { ...conversation.attributes, ...named },
    }
    const answers = { at: writtenAt(delivery), language: said.language }
    const texts = textsOf(turn)
    const complete = async (reply: Reply) => {
      const greeted = await withGreeting(turn, reply)
      const begun = named === undefined ? greeted : { ...greeted, attributes: { ...named, ...greeted.attributes } }
      return { ...rememberingLanguage(withQuotes(begun, texts), said), answers }
    }
    if (isTooMany(conversation.id)) return complete(handOverFor(services, 'endless', texts, turn.conversation))
    try {
      const reply = await answerForPupil(turn, said, filesOf(delivery.payload))
      return reply && complete(reply)
    } catch (error) {
      if (!(error instanceof PermanentError)) throw error
      log.warn({ err: error }, 'handing the student over to a person')
      const isRefused = error instanceof SaleRefusedError
      const over = isRefused ? WITHOUT_ORDER : await releaseUnsold(services, conversation, delivery, context)
      return complete({ ...giveToPerson(services, turn.conversation, error.message), ...over })
    }
  }

  async function onGivenUp(_: Delivery<unknown>, context: HandlerContext): Promise<void> {
    const written = writtenTogether(context)
    if (chatwoot === null || written === undefined || lastOfPerson(context) !== undefined) return
    await messageGivenUp(services, chatwoot, written.delivery, context)
  }

  const needs = ['chatwoot'] as const
  // Together: the updates of the bot's last messages come in while a student goes on writing.
  const message: HandlerPair<unknown> = {
    handle: onMessages,
    gaveUp: onGivenUp,
    needs,
    quiet: quietOf(services, typing),
  }
  return {
    message_created: message,
    message_updated: message,
    conversation_created: message,
    conversation_resolved: { handle: onResolved, gaveUp: saysNothing, needs },
    conversation_status_changed: { handle: onResolved, gaveUp: saysNothing, needs },
  }
}

/** Voice messages that have waited for their text. */
export function waitedVoiceHandlers(services: Services): Record<string, HandlerPair<unknown>> {
  return voiceHandlers(messageHandlers(services).message_created as HandlerPair<unknown>)
}

function filesOf({ attachments }: ChatwootMessage): 'none' | 'heard' | 'unseen' {
  if (attachments.length === 0) return 'none'
  return isHeard({ attachments }) ? 'heard' : 'unseen'
}

/** Nobody waits for an answer: that it was given up is in the log. */
function saysNothing(): void {}

/** Well-formed: an emoji cut in half would be invalid JSON to Chatwoot. */
function previewOf(payload: ChatwootMessage): string {
  return textOf(payload).slice(0, PREVIEW_LENGTH).toWellFormed()
}

/** Whether a person has taken over, or the student has been answered since. What the bot says in order is about earlier messages. */
async function isOvertaken(
  services: Services,
  client: ChatwootClient,
  delivery: Delivery<ChatwootMessage>,
  context: HandlerContext,
): Promise<boolean> {
  const { signal, isInOrder } = context
  const id = String(delivery.payload.conversation.id)
  const current = await client.getConversation(id, signal)
  const last = current.last_non_activity_message
  const isOfBotBefore = isInOrder && last?.content_attributes?.tutorbot != null
  const isOutgoing = last?.message_type === OUTGOING && !last.private && last.id > delivery.payload.id
  const isAnswered = isOutgoing && !isOfBotBefore && !isOfMachine(last)
  const isTaken =
    whoHas(toConversation(readConversation(current, 'conversation'), services), services) === 'person' ||
    isAnswered ||
    (await isWithPerson(delivery, context))
  return isTaken && !(await client.wasSent(id, `${delivery.id}:message`, signal))
}

/** @param late ms */
function lateNote(late: number, payload: ChatwootMessage): string {
  const minutes = Math.round(late / 60_000)
  return `TutorBot could handle a message only ${minutes} min late and did not reply to it: "${previewOf(payload)}"`
}

/** Sets a new conversation's missing attributes and its contact's segment, once. */
async function initialise(
  services: Services,
  client: ChatwootClient,
  conversation: string,
  delivery: Delivery<unknown>,
  context: HandlerContext,
): Promise<void> {
  await context.once(initialisedKey(client, conversation), async () => {
    const current = await fetchConversation(client, conversation, context.signal, services)
    const { attributes, contact } = initialOf(current)
    const { contactId, read } = current
    await allEnded([
      attributes && client.mergeAttributes(conversation, attributes, context.signal, read),
      contact && contactId && updateContact(client, contactId, contact, context),
    ])
    return delivery.id
  })
}

/** The first answer in a conversation begins with whom the student chats with. */
async function withGreeting({ services, conversation, delivery, once }: Turn, reply: Reply): Promise<Reply> {
  const greeting = services.tutor.greetings[conversation.language]
  if (greeting === undefined || reply.content === undefined) return reply
  const key = `${initialisedKey(services.chatwoot as ChatwootClient, conversation.id)}:greeted`
  if ((await once(key, () => delivery.id)) !== delivery.id) return reply
  return { ...reply, content: `${greeting}\n${reply.content}` }
}

/** The first reply sets them along with its own. */
async function withInitial(
  client: ChatwootClient,
  conversation: Conversation,
  reply: Reply,
  delivery: Delivery<unknown>,
  { once }: HandlerContext,
): Promise<Reply> {
  const first = await once(initialisedKey(client, conversation.id), () => delivery.id)
  if (first !== delivery.id) return reply
  const { attributes, contact } = initialOf(conversation)
  return {
    ...reply,
    ...(attributes && { attributes: { ...attributes, ...reply.attributes } }),
    ...(contact && { contact: { ...contact, ...reply.contact } }),
  }
}

function initialisedKey({ accountId }: ChatwootClient, conversation: string): string {
  return `chatwoot:${accountId}:${conversation}:initialised`
}

/** What a conversation and its contact lack. */
function initialOf({ attributes, contactAttributes }: Conversation): Pick<Reply, 'attributes' | 'contact'> {
  const lacking = Object.entries(INITIAL_ATTRIBUTES).filter(([name]) => attributes[name] == null)
  return {
    ...(lacking.length > 0 && { attributes: Object.fromEntries(lacking) }),
    ...(contactAttributes.segment == null && { contact: { segment: segmentOf(contactAttributes) } }),
  }
}
