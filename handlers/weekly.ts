import type { Interval, LocalCalendar } from '../calendar/contract.ts'
import type { WeeklyTime } from '../calendar/weekly.ts'
import { describeError } from '../inbox/backoff.ts'
import type { Delivery } from '../inbox/contracts.ts'
import type { HandlerContext, HandlerPair } from '../inbox/drain.ts'
import { PermanentError } from '../inbox/errors.ts'
import { OWN_EVENT_PREFIX } from '../inbox/later.ts'
import { conversationOfKey, keyPart } from '../sources/keys.ts'
import { type Booking, book, planningOf, readerOf, tutorReader } from './booking.ts'
import { type Conversation, fetchIfThere } from './conversation.ts'
import { withDoubt } from './doubt.ts'
import { followUp } from './follow-up.ts'
import { UNPAID } from './lesson-payment.ts'
import { replyOnce, respectingSilence, sayOnce } from './reply.ts'
import type { Services } from './services.ts'
import { formatDay, formatTime, formatWeekday, formatWhen } from './times.ts'
import { weeklyLessons } from './weekly-times.ts'

/**
 * The lessons of a weekly time: ordinary ones, booked some weeks ahead, and further ones each week until it is ended.
 * They reach further than students can book, so that nobody else can have that time.
 */

const EVENT = `${OWN_EVENT_PREFIX}weekly_lessons`
const DAY_MS = 24 * 60 * 60_000
const WEEK_MS = 7 * DAY_MS

/** What is made next. Times are Unix ms. */
interface More {
  weekly: string
  /** Lessons that begin before it have been made. */
  from: number
  /** When it is due. */
  at: number
}

/** What became of the lessons of some weeks. Recorded. */
export interface Made {
  /** `at`: when it begins, Unix ms. */
  booked: { order: string; at: number }[]
  /** @param at where its start would be, Unix ms @param why for the tutor */
  skipped: { at: number; why: string }[]
}

const SKIPPED = {
  clock: 'clocks go forward then',
  closed: 'it is closed then',
  taken: 'its time is taken',
}

/**
 * Books a weekly time's lessons, sees to their reminders and payments, and to it that the further ones are made later: in
 * the mailbox of the delivery that is handled. Can be repeated, at any time: what is next is counted from `at`.
 * @param from lessons that begin before it are not made, Unix ms @param at when they were to be made, Unix ms
 */
export async function makeLessons(
  booking: Booking,
  weekly: WeeklyTime,
  { from, at: dueAt }: { from: number; at: number },
  context: HandlerContext,
): Promise<Made> {
  const { services } = booking
  const { zone } = readerOf(booking.conversation, services)
  const until = dueAt + horizonOf(services)
  const made: Made = { booked: [], skipped: [] }
  for (const { order, at, time } of weeklyLessons(weekly, from, until, services.zone)) {
    const why = at <= services.now() ? 'past' : await bookOne(booking, order, time)
    if (why === undefined) {
      made.booked.push({ order, at })
      await followUp(services, order, context, zone)
    } else if (why !== 'past') made.skipped.push({ at, why: SKIPPED[why] })
  }
  // Not before what has been made already: by now the tutor may have set fewer weeks.
  await makeMore({ weekly: weekly.id, from: Math.max(from, until), at: dueAt + WEEK_MS }, context)
  return made
}

/** Further than anybody can book, until the next ones are made, ms. */
function horizonOf({ tutor }: Services): number {
  const ahead = Object.values(tutor.planning).map(({ daysAhead }) => daysAhead + 2 + 7)
  return Math.max(tutor.weekly.weeksAhead * 7, ...ahead) * DAY_MS
}

/** Why it is not booked; undefined: it is. */
async function bookOne(
  booking: Booking,
  order: string,
  time: Interval | undefined,
): Promise<keyof typeof SKIPPED | 'past' | undefined> {
  const { services, signal } = booking
  if (time === undefined) return 'clock'
  // Only a calendar in the store has weekly times.
  const before = await (services.calendar as LocalCalendar).lessonOf(order, signal)
  // By an earlier attempt, or cancelled since.
  if (before !== null) return before.cancelledAt === undefined ? undefined : 'past'
  const isClosed = planningOf(booking).closed.some(({ start, end }) => start < time.end && end > time.start)
  if (isClosed) return 'closed'
  return (await book(booking, order, time.start, UNPAID)) ? undefined : 'taken'
}

function tomorrow(more: More): More {
  return { ...more, at: more.at + DAY_MS }
}

function makeMore(more: More, { schedule }: Pick<HandlerContext, 'schedule'>): Promise<unknown> {
  const key = `weekly:${keyPart(more.weekly)}:at:${more.at}`
  return schedule({ key, event: EVENT, payload: { ...more }, at: more.at })
}

/** They end. Its delivery is dead, not done: nobody else could be told, and so the tutor learns of it. */
class ConversationGoneError extends PermanentError {
  constructor({ id, conversation }: WeeklyTime) {
    super(
      `The weekly lessons ${id} have ended: there is no conversation ${conversation} in Chatwoot. Those that are booked stay until you cancel them; discard this delivery once you know`,
    )
  }
}

/** Handles weekly times of which further lessons are due. */
export function weeklyHandlers(services: Services): Record<string, HandlerPair<More>> {
  const { chatwoot, calendar } = services

  async function onDue({ id, payload }: Delivery<More>, all: HandlerContext): Promise<void> {
    const context = withDoubt(all, payload.at, services)
    const silent = (why: string) => context.log.info({ weekly: payload.weekly }, `no further weekly lessons: ${why}`)
    const weekly = await calendar.weekly?.get(payload.weekly)
    if (weekly === null) return silent('they have been ended')
    if (weekly === undefined || chatwoot === null) {
      // It may be set again: the weeks go on then.
      await makeMore(tomorrow(payload), context)
      return silent('the calendar has none, or CW_TOKEN is not set; looked at again tomorrow')
    }
    const conversation = await fetchIfThere(chatwoot, weekly.conversation, context.signal, services)
    if (conversation === null) throw new ConversationGoneError(weekly)
    const kind = { type: 'regular', minutes: weekly.minutes } as const
    const booking = { services, conversation, kind, named: weekly, signal: context.signal }
    const { skipped } = await context.once(`${id}:made`, () => makeLessons(booking, weekly, payload, context))
    if (skipped.length === 0) return
    await replyOnce(services, chatwoot, conversation, id, context, () =>
      respectingSilence(services, conversation, {
        content: skippedIn(services, conversation, skipped),
        note: skippedNote(services, skipped),
      }),
    )
  }

  /** The next day it is tried again: nobody asks for it. */
  async function gaveUp({ id, payload, orderingKey }: Delivery<More>, context: HandlerContext): Promise<void> {
    if (context.error instanceof ConversationGoneError) {
      await calendar.weekly?.end(payload.weekly)
      return
    }
    await makeMore(tomorrow(payload), context)
    const { id: conversation } = conversationOfKey(orderingKey)
    if (chatwoot === null || conversation === undefined) return
    const content = `The next weekly lessons could not be booked (${payload.weekly}): ${describeError(context.error)}. It is tried again tomorrow.`
    await sayOnce(chatwoot, 'sendPrivateNote', conversation, { content }, `${id}:gave-up`, context)
  }

  return { [EVENT]: { handle: onDue, gaveUp, needs: ['chatwoot'] } }
}

/** For the student. */
export function skippedIn(services: Services, conversation: Conversation, skipped: Made['skipped']): string {
  const reader = readerOf(conversation, services)
  return services.tutor.texts[conversation.language].weeklySkipped(
    skipped.map(({ at }) => formatDay(at, reader)).join(', '),
  )
}

/** For the tutor. */
export function skippedNote(services: Services, skipped: Made['skipped']): string {
  const reader = tutorReader(services)
  return `Weekly lessons that are left out: ${skipped.map(({ at, why }) => `${formatWhen(at, reader)} (${why})`).join('; ')}`
}

/** `dinsdag`, `17:00`. @param at the start of one of its lessons, Unix ms */
export function inWords(services: Services, conversation: Conversation, at: number): [day: string, time: string] {
  const reader = readerOf(conversation, services)
  return [formatWeekday(at, reader), formatTime(at, reader)]
}
