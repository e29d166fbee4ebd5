import type { BookedLesson, LocalCalendar } from '../calendar/contract.ts'
import type { WeeklyTime } from '../calendar/weekly.ts'
import { describeError } from '../inbox/backoff.ts'
import type { Delivery } from '../inbox/contracts.ts'
import type { HandlerContext, HandlerPair } from '../inbox/drain.ts'
import { NO_ORDER, readerOf } from './booking.ts'
import { type Conversation, fetchIfThere } from './conversation.ts'
import { outcomeOf } from './lesson-changes.ts'
import { endLinkOf } from './lesson-link.ts'
import { UNPAID } from './lesson-payment.ts'
import { LESSON_EVENTS, type WeeklyToEnd } from './lesson-requests.ts'
import { type Reply, replyOnce, sayOnce, stateOf } from './reply.ts'
import type { Services } from './services.ts'
import { formatWhen } from './times.ts'
import { inWords } from './weekly.ts'
import { bookedOfWeekly } from './weekly-times.ts'

/** Ends a weekly time, as the tutor has asked for: lessons of it that are not paid are cancelled, the others stay. */

type Ended = { refused: string } | { done: string; weekly: WeeklyTime; cancelled: string[]; kept: BookedLesson[] }

export function weeklyEndHandlers(services: Services): Record<string, HandlerPair<WeeklyToEnd>> {
  const { chatwoot } = services

  async function endOnce({ id, payload }: Delivery<WeeklyToEnd>, context: HandlerContext): Promise<Ended> {
    // Each step can be repeated: what it was based on is recorded first.
    const before = await context.once(`${id}:before`, () => whatIsThere(services, payload, context.signal))
    const ended = await context.once(`${id}:change`, () => end(services, payload, before, context))
    await context.once(`${id}:outcome`, () => context.note(outcomeOf(ended)))
    return ended
  }

  async function handle(delivery: Delivery<WeeklyToEnd>, context: HandlerContext): Promise<void> {
    const { id, payload } = delivery
    const ended = await endOnce(delivery, context)
    if ('refused' in ended) return context.log.info({ weekly: payload.order, ...ended }, 'weekly lessons not ended')
    context.log.info({ weekly: payload.order }, 'weekly lessons ended by the tutor')
    if (chatwoot === null) return
    const conversation = await fetchIfThere(chatwoot, payload.conversation, context.signal, services)
    if (conversation === null)
      return context.log.warn({ weekly: payload.order }, 'its conversation is gone: nobody was told')
    const left = await (services.calendar as LocalCalendar).lessonsOf(payload, services.now(), context.signal)
    await replyOnce(services, chatwoot, conversation, id, context, () => ({
      ...newsOf(services, conversation, ended),
      ...(left.length === 0 && { labels: { remove: ['status:booked'] } }),
    }))
  }

  async function gaveUp({ id, payload }: Delivery<WeeklyToEnd>, context: HandlerContext): Promise<void> {
    if (chatwoot === null) return
    const content = `Weekly lessons were to be ended on the tutor’s request (${payload.order}), and something failed: ${describeError(context.error)}. Please look at it; the delivery ${id} can be replayed.`
    await sayOnce(chatwoot, 'sendPrivateNote', payload.conversation, { content }, `${id}:gave-up`, context)
  }

  return { [LESSON_EVENTS.endWeekly]: { handle, gaveUp, needs: ['chatwoot'], ahead: { handle: endOnce } } }
}

type Before = { weekly: WeeklyTime; lessons: BookedLesson[] } | null

async function whatIsThere(
  { calendar, now }: Services,
  { order, conversation }: WeeklyToEnd,
  signal: AbortSignal,
): Promise<Before> {
  const local = calendar as LocalCalendar
  const weekly = await local.weekly.get(order)
  if (weekly === null) return null
  return { weekly, lessons: await bookedOfWeekly(local, { id: order, conversation }, now(), signal) }
}

/** Only who has a calendar with weekly times can ask for it. A lesson whose link is just being paid stays as those that are. */
async function end(
  services: Services,
  { order }: WeeklyToEnd,
  before: Before,
  context: HandlerContext,
): Promise<Ended> {
  const { calendar } = services
  if (before === null) return { refused: 'there is no such weekly time, or it has ended' }
  const { weekly, lessons } = before
  await (calendar as LocalCalendar).weekly.end(order)
  const cancelled: string[] = []
  const kept: BookedLesson[] = []
  for (const lesson of lessons) {
    if (lesson.payment === UNPAID && (await endLinkOf(services, lesson, context))) {
      await calendar.cancel(lesson.order, context.signal)
      cancelled.push(lesson.order)
    } else kept.push(lesson)
  }
  return { done: `ended; ${cancelled.length} unpaid cancelled, ${kept.length} paid stay`, weekly, cancelled, kept }
}

function newsOf(
  services: Services,
  conversation: Conversation,
  { done, weekly, cancelled, kept }: Extract<Ended, { done: string }>,
): Reply {
  const texts = services.tutor.texts[conversation.language]
  const reader = readerOf(conversation, services)
  const [day, time] = inWords(services, conversation, weekly.first)
  const isOfIt = cancelled.includes(String(conversation.attributes.order_id))
  return {
    since: stateOf(conversation),
    content: [
      texts.weeklyEnded(day, time),
      ...kept.map(({ start, end }) => texts.lessonAt(formatWhen(start, reader), (end - start) / 60_000)),
    ].join('\n'),
    note: `Weekly lesson of the tutor ${done}: order ${weekly.id}`,
    ...(isOfIt && { attributes: NO_ORDER }),
  }
}
