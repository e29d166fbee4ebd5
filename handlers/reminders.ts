import type { BookedLesson } from '../calendar/contract.ts'
import type { ChatwootClient } from '../clients/chatwoot.ts'
import type { Delivery } from '../inbox/contracts.ts'
import type { HandlerContext, HandlerPair } from '../inbox/drain.ts'
import { PermanentError } from '../inbox/errors.ts'
import { OWN_EVENT_PREFIX } from '../inbox/later.ts'
import { conversationKey, keyPart } from '../sources/keys.ts'
import { readerOf } from './booking.ts'
import { type Conversation, fetchIfThere } from './conversation.ts'
import { withDoubt } from './doubt.ts'
import { kindOfBooked, whereOf } from './lesson-kind.ts'
import { lessonDialogueOf } from './my-lesson-state.ts'
import { pupilLines } from './pupils.ts'
import { outsideQuietHours } from './quiet-hours.ts'
import { type Reply, replyOnce, respectingSilence } from './reply.ts'
import type { Services } from './services.ts'
import { formatWhen } from './times.ts'

/** Reminds students of their lessons: deliveries for later, which read the lesson again when they are due. */

const EVENT = `${OWN_EVENT_PREFIX}lesson_reminder`
const HOUR_MS = 3_600_000

interface Reminder {
  order: string
  /** The lesson's revision: it rises when the lesson is moved. */
  sequence: number
  /** When the lesson begins, Unix ms. */
  start: number
  /** Before the lesson; as in the tutor's settings. */
  hours: number
  /** When it is due, Unix ms. */
  at: number
}

/**
 * Makes the reminders of a lesson that is booked, or has been moved. Can be repeated. Where lessons can't be read (a
 * host's calendar without `lessonOf`) there are none; nor is there one for which it is too late already.
 * @param zone the student's, IANA. Default: the tutor's
 * @throws {TransientError} the calendar can't be read now. What it refuses is only logged: the lesson is booked
 */
export async function remind(
  services: Services,
  order: string,
  context: Pick<HandlerContext, 'signal' | 'schedule' | 'log'>,
  zone = services.zone,
): Promise<void> {
  const { chatwoot, tutor, now } = services
  const { hours } = tutor.reminders
  if (hours.length === 0 || chatwoot === null) return
  const lesson = await lessonToCome(services, order, context.signal).catch((error: unknown) => {
    if (!(error instanceof PermanentError)) throw error
    context.log.warn({ err: error, order }, 'no reminders: the calendar does not show the lesson')
    return null
  })
  // Without a conversation there is nobody to tell.
  if (lesson === null || lesson.conversation === '') return
  const { start, sequence, conversation } = lesson
  const orderingKey = conversationKey(chatwoot.accountId, conversation)
  // Two that would come at the same moment are one: the last.
  const times = new Map<number, number>()
  for (const each of [...hours].sort((one, other) => other - one)) {
    const due = start - each * HOUR_MS
    const at = due <= now() ? undefined : outsideQuietHours(due, start, zone, now())
    if (at !== undefined) times.set(at, each)
  }
  for (const [at, each] of times) {
    const key = `lesson:${keyPart(order)}:${sequence}:reminder:${each}`
    await scheduleOne({ order, sequence, start, hours: each, at }, key, orderingKey, context)
  }
}

function scheduleOne(
  reminder: Reminder,
  key: string,
  orderingKey: string,
  { schedule }: Pick<HandlerContext, 'schedule'>,
) {
  return schedule({ key, orderingKey, event: EVENT, payload: { ...reminder }, at: reminder.at })
}

/** null: it is not booked (any more), has begun, or the calendar can't tell. */
async function lessonToCome(
  { calendar, now }: Services,
  order: string,
  signal: AbortSignal,
): Promise<BookedLesson | null> {
  const lesson = (await calendar.lessonOf?.(order, signal)) ?? null
  if (lesson === null || lesson.isHeld || lesson.cancelledAt !== undefined) return null
  return lesson.start > now() ? lesson : null
}

/** Handles reminders that are due. */
export function reminderHandlers(services: Services): Record<string, HandlerPair<Reminder>> {
  const { chatwoot } = services

  async function onDue(delivery: Delivery<Reminder>, context: HandlerContext): Promise<void> {
    const { key, orderingKey, payload } = delivery
    const silent = (why: string) => context.log.info({ order: payload.order }, `no reminder: ${why}`)
    if (chatwoot === null) return silent('CW_TOKEN is not set')
    const lesson = await lessonToCome(services, payload.order, context.signal)
    if (lesson === null) return silent('there is no such lesson to come')
    if (lesson.sequence !== payload.sequence) return silent('the lesson has been moved, and has its own')
    if (lesson.start !== payload.start) return remindOfNewTime(services, delivery, lesson, context)
    if (!isWanted(services, payload)) return silent('the tutor’s settings have another one, or none')
    const conversation = await fetchIfThere(chatwoot, lesson.conversation, context.signal, services)
    if (conversation === null) return silent('the conversation is gone')
    if (remindersAreOff(conversation)) return silent('the student does not want any')
    const at = outsideQuietHours(services.now(), lesson.start, readerOf(conversation, services).zone, services.now())
    if (at === undefined) return silent('the lesson begins in the quiet hours, or soon after them')
    if (at > services.now()) return void (await scheduleOne({ ...payload, at }, `${key}:later`, orderingKey, context))
    await tell(services, chatwoot, conversation, lesson, key, withDoubt(context, payload.at, services))
  }

  return {
    // That it was given up is in the log: nobody waits for it.
    [EVENT]: { handle: onDue, gaveUp: () => {}, needs: ['chatwoot', 'google'] },
  }
}

/** In the calendar somebody has moved it by hand, which changes no revision: the reminder is that of the new time. */
async function remindOfNewTime(
  { now, zone }: Services,
  { key, orderingKey, payload }: Delivery<Reminder>,
  { start }: BookedLesson,
  context: HandlerContext,
): Promise<void> {
  const due = Math.max(start - payload.hours * HOUR_MS, now())
  const at = outsideQuietHours(due, start, zone, now())
  if (at !== undefined) await scheduleOne({ ...payload, start, at }, `${key}:moved`, orderingKey, context)
}

/** Not what the tutor has turned off since; and after an outage one reminder, not all that were missed. */
function isWanted({ tutor, now }: Services, { hours, start }: Reminder): boolean {
  const all = tutor.reminders.hours
  const isMissed = all.some(other => other < hours && start - other * HOUR_MS <= now())
  return all.includes(hours) && !isMissed
}

/** The contact's attribute counts; a bot's token may not write it, so the conversation has it too. */
export function remindersAreOff({ attributes, contactAttributes }: Conversation): boolean {
  const said = contactAttributes.reminders ?? attributes.reminders
  return said === 'off' || said === false
}

/** What sets them on or off for good. */
export function remindersSet(to: 'on' | 'off'): Required<Pick<Reply, 'attributes' | 'contact'>> {
  return { attributes: { reminders: to }, contact: { reminders: to } }
}

function tell(
  services: Services,
  client: ChatwootClient,
  conversation: Conversation,
  lesson: BookedLesson,
  key: string,
  context: HandlerContext,
): Promise<void> {
  const { language } = conversation
  const when = formatWhen(lesson.start, readerOf(conversation, services))
  const where = whereOf(services, kindOfBooked(services, lesson), language)
  const whose = pupilLines(conversation, services.tutor, lesson.student)
  return replyOnce(services, client, conversation, key, context, () =>
    respectingSilence(services, conversation, {
      content: [services.tutor.texts[language].reminder(when), ...whose, ...where].join('\n'),
      about: { text: 'reminder', values: [when] },
      // What is answered then is the reminder, and not the lesson that was looked at days before.
      ...(isLookedAt(conversation) && { attributes: { my_lesson: null } }),
    }),
  )
}

/** Whether the last thing shown was a lesson, without a question of what to do with it. */
function isLookedAt({ attributes }: Conversation): boolean {
  const intent = lessonDialogueOf(attributes)?.intent
  return intent === 'lesson' || intent === 'lessons'
}
