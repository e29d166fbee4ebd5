import type { BookedLesson, LocalCalendar } from '../calendar/contract.ts'
import type { PackageEntry } from '../calendar/packages.ts'
import { describeError } from '../inbox/backoff.ts'
import type { Delivery } from '../inbox/contracts.ts'
import type { HandlerContext, HandlerPair } from '../inbox/drain.ts'
import { OWN_EVENT_PREFIX } from '../inbox/later.ts'
import { conversationKey } from '../sources/keys.ts'
import { type Booking, linkFrom, MIN_PAYMENT_MS, paymentLink, readerOf, tutorReader } from './booking.ts'
import { fetchIfThere } from './conversation.ts'
import { withDoubt } from './doubt.ts'
import { kindOfPaid } from './lesson-kind.ts'
import { endLinkOf, isLinkMade, type Link, linkKey, paymentByNow, recordLink } from './lesson-link.ts'
import { UNPAID, writeLessonPayment } from './lesson-payment.ts'
import { moneyIn } from './money.ts'
import { hasPackageFor, leftOf, packagesOfStudent } from './packages.ts'
import { pupilLines } from './pupils.ts'
import { outsideQuietHours } from './quiet-hours.ts'
import { type Reply, replyOnce, respectingSilence, sayOnce } from './reply.ts'
import type { Services } from './services.ts'
import { formatWhen } from './times.ts'
import { resultOf } from './unsold.ts'
import { whoseLessons } from './whose-lesson.ts'

/**
 * Lessons that are booked and not paid yet: before them a package pays, or the student gets a link; and the tutor hears of
 * those that have begun unpaid. A lesson is never called off for not being paid: that is the tutor's to decide.
 */

const EVENT = `${OWN_EVENT_PREFIX}lesson_payment`
const HOUR_MS = 3_600_000
/** Stripe's most is 24 h from when the session is made. Less the time for retries of the handler. */
const MAX_LINK_MS = 24 * HOUR_MS - 5 * 60_000

/** `hours`: as in the tutor's settings; 0: the lesson begins. */
interface Due extends Link {
  /** When the lesson begins, Unix ms. */
  start: number
  /** When it is due, Unix ms. */
  at: number
}

/**
 * Sees to it that an unpaid lesson's payment is asked for; does nothing for any other one. Can be repeated.
 * @param zone the student's, IANA
 * @throws {TransientError} the calendar can't be read now
 */
export async function askForPayment(
  services: Services,
  order: string,
  context: Pick<HandlerContext, 'signal' | 'schedule'>,
  zone: string,
): Promise<void> {
  const { chatwoot, now, tutor } = services
  const lesson = await unpaidLesson(services, order, context.signal)
  // Without a conversation there is nobody to tell.
  if (lesson === null || chatwoot === null || lesson.conversation === '') return
  const { start, sequence, conversation } = lesson
  const orderingKey = conversationKey(chatwoot.accountId, conversation)
  const plan = (hours: number, at: number) => {
    const payload = { order, sequence, start, hours, at } satisfies Due
    return context.schedule({ key: linkKey(payload), orderingKey, event: EVENT, payload, at })
  }
  for (const hours of hoursToCome(tutor.payment.linkHours, start, now())) {
    const at = outsideQuietHours(Math.max(start - hours * HOUR_MS, now()), start, zone, now())
    if (at !== undefined) await plan(hours, at)
  }
  await plan(0, start)
}

/** Those for which it is not too late; the last of those that have passed is for now. In order of time. */
function hoursToCome(all: readonly number[], start: number, now: number): number[] {
  const hours = [...all].sort((one, other) => other - one)
  const isPast = (each: number) => start - each * HOUR_MS <= now
  const last = hours.findLast(isPast)
  return [...(last === undefined ? [] : [last]), ...hours.filter(each => !isPast(each))]
}

/** null: it is paid, not booked any more, or the calendar can't tell. */
async function unpaidLesson({ calendar }: Services, order: string, signal: AbortSignal): Promise<BookedLesson | null> {
  const lesson = (await calendar.lessonOf?.(order, signal)) ?? null
  return lesson?.payment === UNPAID && lesson.cancelledAt === undefined ? lesson : null
}

/** Handles payments that are due. */
export function paymentDueHandlers(services: Services): Record<string, HandlerPair<Due>> {
  const { chatwoot } = services

  async function onDue(delivery: Delivery<Due>, all: HandlerContext): Promise<void> {
    const { order, sequence, start, hours, at } = delivery.payload
    const context = withDoubt(all, at, services)
    const silent = (why: string) => context.log.info({ order }, `a payment is not asked for: ${why}`)
    if (chatwoot === null) return silent('CW_TOKEN is not set')
    const { key } = delivery
    const lesson = await lessonDue(services, delivery, context)
    if (lesson === null) return silent('the lesson is paid, or not booked any more')
    if (lesson.sequence !== sequence || lesson.start !== start) return silent('the lesson has been moved')
    const conversation = await fetchIfThere(chatwoot, lesson.conversation, context.signal, services)
    if (conversation === null) return silent('the conversation is gone')
    const booking = { services, conversation, kind: kindOfPaid(lesson), named: lesson, signal: context.signal }
    if (hours === 0)
      return replyOnce(services, chatwoot, conversation, key, context, () => begun(booking, lesson, key, context))
    if (start <= services.now()) return silent('the lesson has begun')
    await replyOnce(services, chatwoot, conversation, key, context, async () => {
      // The link of an earlier attempt is this one's own.
      const isReady = (await isLinkMade(delivery.payload, context)) || (await endLinkOf(services, lesson, context))
      // The one before is being paid.
      if (!isReady) return null
      return (await payFromPackage(booking, lesson, key, context)) ?? linkFor(booking, lesson, delivery, context)
    })
  }

  async function gaveUp({ key, payload }: Delivery<Due>, context: HandlerContext): Promise<void> {
    const lesson = await unpaidLesson(services, payload.order, context.signal)
    if (lesson === null || chatwoot === null) return
    const content = `${nameOf(services, lesson)} is not paid, and no link could be sent: ${describeError(context.error)}.`
    await sayOnce(chatwoot, 'sendPrivateNote', lesson.conversation, { content }, `${key}:gave-up`, context)
  }

  return { [EVENT]: { handle: onDue, gaveUp, needs: ['chatwoot', 'stripe'] } }
}

/** The lesson, if it is unpaid; or if an earlier attempt has paid it from a package, which nobody has been told. */
async function lessonDue(services: Services, { key, payload }: Delivery<Due>, context: HandlerContext) {
  const { order } = payload
  const isTaken = (await resultOf<PackageEntry | null>(takenKey(key), context))?.result != null
  if (!isTaken) return unpaidLesson(services, order, context.signal)
  // It has been read before.
  return (services.calendar as LocalCalendar).lessonOf(order, context.signal)
}

const takenKey = (key: string) => `${key}:package`

/** Takes it from the oldest package with enough left. null: there is none, or the lesson has been paid meanwhile. */
async function payFromPackage(
  booking: Booking,
  lesson: BookedLesson,
  key: string,
  context: HandlerContext,
): Promise<Reply | null> {
  const { services, conversation, kind, signal } = booking
  const { packages, setPayment } = services.calendar
  if (packages === undefined || setPayment === undefined) return null
  const { order } = lesson
  const by = { who: 'student', at: services.now() } as const
  const taken = await context.once(takenKey(key), () =>
    packages.take({ whose: whoseLessons(conversation), order, minutes: kind.minutes, ...by }),
  )
  if (taken === null) return null
  const to = writeLessonPayment({ kind: 'package', order: taken.package })
  if ((await setPayment.call(services.calendar, { order, from: UNPAID, to }, signal)) !== 'set') {
    await packages.giveBack({ order, ...by })
    return null
  }
  const texts = services.tutor.texts[conversation.language]
  const left = leftOf(services.tutor, await packagesOfStudent(booking), conversation.language)
  const when = formatWhen(lesson.start, readerOf(conversation, services))
  return respectingSilence(services, conversation, {
    content: [
      texts.lessonAt(when, kind.minutes),
      ...pupilLines(conversation, services.tutor, lesson.student),
      texts.paidFromPackage,
      left === undefined ? texts.noLessonsLeft : texts.lessonsLeft(left),
    ].join('\n'),
    note: `${nameOf(services, lesson)} is paid from the package of order ${taken.package}.`,
  })
}

/** It has begun unpaid. A package pays that was bought since the last link; without one the tutor hears of it. */
async function begun(booking: Booking, lesson: BookedLesson, key: string, context: HandlerContext): Promise<Reply> {
  const { services } = booking
  // A late student may still pay by the link, which is ended for a package only.
  const mayTake = (await hasPackageFor(booking, lesson.order)) && (await endLinkOf(services, lesson, context))
  const paid = mayTake ? await payFromPackage(booking, lesson, key, context) : null
  if (paid !== null) return paid
  const isUnpaid = (await paymentByNow(services, lesson, context)) === UNPAID
  return {
    note: `${nameOf(services, lesson)} has begun${isUnpaid ? ' and is not paid' : '; its payment is under way'}.`,
  }
}

/** For the tutor. */
function nameOf(services: Services, { start, order }: BookedLesson): string {
  return `The lesson of ${formatWhen(start, tutorReader(services))} (order ${order})`
}

async function linkFor(
  booking: Booking,
  { order, start, student }: BookedLesson,
  delivery: Delivery<Due>,
  context: HandlerContext,
): Promise<Reply> {
  const { services, conversation } = booking
  const { payload } = delivery
  const from = linkFrom(services, delivery)
  const until = from + Math.min(MAX_LINK_MS, Math.max(MIN_PAYMENT_MS, start - from))
  const { id, url, money } = await paymentLink(booking, { id: order, start, delivery }, until)
  await recordLink(payload, id, context)
  const { language } = conversation
  const reader = readerOf(conversation, services)
  const [when, end, amount] = [formatWhen(start, reader), formatWhen(until, reader), moneyIn(language, money)]
  const pay = services.tutor.texts[language].payLesson(when, url, end, amount)
  return respectingSilence(services, conversation, {
    content: [pay, ...pupilLines(conversation, services.tutor, student)].join('\n'),
    about: { text: 'payLesson', values: [when, url, end, amount] },
  })
}
