import type { HandlerContext } from '../inbox/drain.ts'
import { BOOKED, NO_ORDER, readerOf, tutorReader } from './booking.ts'
import { type Conversation, fetchIfThere, isOrderCurrent } from './conversation.ts'
import { followUp } from './follow-up.ts'
import { hasOthers } from './lesson-ahead.ts'
import { kindOfPaid, whereOf } from './lesson-kind.ts'
import type { News } from './lesson-requests.ts'
import { linkIsPaid } from './link-expiry.ts'
import { formatAmount, majorUnits, moneyIn } from './money.ts'
import { withoutPupil } from './pupils.ts'
import { type Reply, replyOnce, stateOf } from './reply.ts'
import { paidAttributes } from './segment.ts'
import type { Services } from './services.ts'
import { formatWhen, isoTime } from './times.ts'

/** What student and tutor read in the chat when the tutor has changed a lesson, and what the conversation then shows. */

/** Said whoever has the conversation: it is a fact, and the tutor's own doing. @param id of the delivery */
export async function tellOfChange(services: Services, news: News, id: string, context: HandlerContext): Promise<void> {
  const { chatwoot } = services
  const { order, conversation: booked } = news.lesson
  if (chatwoot === null || booked === '') return
  const conversation = await fetchIfThere(chatwoot, booked, context.signal, services)
  if (conversation === null) {
    await context.once(`${id}:untold`, () =>
      context.note(`The student was not told: there is no conversation ${booked}`),
    )
    return context.log.warn({ order, conversation: booked }, 'a changed lesson’s conversation is gone: nobody was told')
  }
  if (news.paid !== undefined && conversation.attributes.order_id === order) await linkIsPaid(conversation, context)
  // One that is cancelled, or is not then any more, says nothing.
  if (news.what !== 'cancelled') await followUp(services, order, context, readerOf(conversation, services).zone)
  const state = await stateAfter(services, conversation, news, context)
  await replyOnce(services, chatwoot, conversation, `${id}:state`, context, () => state)
  await replyOnce(services, chatwoot, conversation, id, context, () => newsFor(services, conversation, news))
}

/** Attributes and labels. What a student is in the middle of is left alone. */
async function stateAfter(
  services: Services,
  conversation: Conversation,
  { what, lesson, paid }: News,
  context: HandlerContext,
): Promise<Reply> {
  const { attributes } = conversation
  const { order, start } = lesson
  const isCurrent = attributes.order_id === order
  const since = stateOf(conversation)
  if (paid !== undefined) return { since, ...stateOfPaid(services, conversation, paid, isCurrent) }
  if (what === 'unpaid') return isCurrent ? { since, ...OPEN_AGAIN } : {}
  const shown = { lesson_start: isoTime(start, services.zone) }
  if (what === 'moved') return isCurrent ? { since, attributes: shown } : {}
  if (what === 'added') {
    const isFirst = attributes.order_id == null && isOrderCurrent(conversation, order)
    return {
      since,
      ...(isFirst && { attributes: { order_id: order, ...shown } }),
      contact: { lesson_booked: true },
      labels: { add: ['status:booked'] },
    }
  }
  const isAwaited = attributes.pending_intent === 'pay' || attributes.pending_intent === 'rebook'
  // What became of its money, Stripe tells.
  const payment_status = attributes.payment_status === 'open' ? null : (attributes.payment_status ?? null)
  return {
    since,
    ...(isCurrent && { attributes: { ...(isAwaited && BOOKED), ...NO_ORDER, payment_status } }),
    labels: { remove: (await hasOthers(services, lesson, context)) ? [] : ['status:booked'] },
  }
}

/** The contact's attributes stay: what they were before is not known. */
const OPEN_AGAIN = {
  attributes: { payment_status: 'open', payment_amount: null, payment_currency: null },
  labels: { remove: ['payment:paid'] },
} satisfies Reply

function stateOfPaid(
  services: Services,
  { attributes, contactAttributes }: Conversation,
  { amount, currency, isBooked }: NonNullable<News['paid']>,
  isCurrent: boolean,
): Reply {
  return {
    ...(isCurrent && {
      attributes: {
        payment_status: 'paid',
        payment_intent_id: null,
        payment_amount: majorUnits(amount, currency),
        payment_currency: currency,
        ...(attributes.checkout_session != null && { ...BOOKED, ...withoutPupil(attributes) }),
      },
    }),
    contact: { ...paidAttributes(contactAttributes, services.now()), ...(isBooked && { lesson_booked: true }) },
    labels: {
      add: ['payment:paid', ...(isBooked ? ['status:booked'] : [])],
      remove: isCurrent ? ['status:awaiting_pay', 'payment:failed'] : [],
    },
  }
}

function newsFor(services: Services, conversation: Conversation, news: News): Reply {
  const { what, lesson, before, refunded, returned, person, paid, was } = news
  const { language } = conversation
  const texts = services.tutor.texts[language]
  const [forStudent, forTutor] = [readerOf(conversation, services), tutorReader(services)]
  const when = formatWhen(lesson.start, forStudent)
  const inNote = formatWhen(lesson.start, forTutor)
  const where = whereOf(services, kindOfPaid(lesson), language)
  if (what === 'added') {
    const content = [texts.booked(when), ...where].join('\n')
    return {
      content,
      about: { text: 'added', values: [when] },
      note: `Lesson added by the tutor: ${inNote}, order ${lesson.order}`,
    }
  }
  if (paid !== undefined) {
    const amount = moneyIn(language, paid)
    const note = `Lesson marked as paid by the tutor: ${formatAmount(paid.amount, paid.currency)}, ${paid.how}, order ${lesson.order}${paid.isBooked ? `; booked: ${inNote}` : ''}`
    if (!paid.isBooked) return { content: texts.paid(amount), about: { text: 'paid', values: [amount] }, note }
    const content = [texts.paid(amount), texts.booked(when), ...where].join('\n')
    return { content, about: { text: 'booked', values: [amount, when] }, note }
  }
  if (what === 'unpaid') {
    return {
      content: texts.unpaidAfterAll(when),
      note: `Lesson marked as not paid by the tutor: ${inNote}, order ${lesson.order} (it was ${was})`,
    }
  }
  if (what === 'moved') {
    const [from, fromInNote] = [forStudent, forTutor].map(reader => formatWhen(before as number, reader))
    return {
      content: [texts.moved(`${from}`, when), ...where].join('\n'),
      about: { text: 'moved', values: [`${from}`, when] },
      note: `Lesson moved by the tutor: ${fromInNote} → ${inNote}, order ${lesson.order}`,
    }
  }
  const paidBack = refunded === undefined ? [] : [texts.refunded(moneyIn(language, refunded))]
  if (returned !== undefined) paidBack.push(returned > 0 ? texts.returnedToPackage : texts.packageRefunded)
  const money = refunded === undefined ? '' : `, ${formatAmount(refunded.amount, refunded.currency)} paid back`
  const sum = returned === undefined ? money : `, ${returned} minutes back in its package`
  return {
    content: [texts.cancelled(when), ...paidBack].join('\n'),
    about: { text: 'cancelled', values: [when] },
    note: `Lesson cancelled by the tutor: ${inNote}, order ${lesson.order}${sum}${person === undefined ? '' : `. Not paid back: ${person}`}`,
  }
}
