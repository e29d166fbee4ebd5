import type { ChatwootClient } from '../clients/chatwoot.ts'
import type { Delivery } from '../inbox/contracts.ts'
import type { HandlerContext } from '../inbox/drain.ts'
import { PermanentError } from '../inbox/errors.ts'
import { needsPerson } from './attention.ts'
import { type Booking, isPlanned, NO_ORDER, offerTimes, reserve } from './booking.ts'
import { type Conversation, isUndisturbed } from './conversation.ts'
import { claimOf } from './ownership.ts'
import { forSilence, type Reply, replyOnce, stateOf } from './reply.ts'
import type { Services } from './services.ts'
import type { Payment } from './stripe-event.ts'
import { TEXTS } from './texts/index.ts'

/** What `payment_status` is while no money has come in. */
const BEFORE_MONEY = new Set<unknown>([undefined, null, 'pending', 'failed'])

/** An asynchronous payment that failed; unless it was paid meanwhile, which an event's snapshot can't tell. */
export async function paymentFailed(
  services: Services,
  client: ChatwootClient,
  payment: Payment,
  delivery: Delivery<unknown>,
  context: HandlerContext,
): Promise<void> {
  const claim = await claimOf(services, client, payment, context)
  if (claim === null) return
  const payer = await claim.payer()
  if (payer.conversation === null) {
    await services.calendar.release(payment.order, Number.MAX_SAFE_INTEGER, context.signal)
    const why = `${payer.why}. The payment failed: nothing was charged, and its lesson is not reserved any more.`
    return needsPerson(services, payment, `failed_${payer.problem}`, why, context)
  }
  const { conversation } = payer
  const { attributes } = conversation
  const isOfThis = attributes.payment_intent_id === payment.id || attributes.order_id === payment.order
  if (isOfThis && !BEFORE_MONEY.has(attributes.payment_status)) return
  await replyOnce(services, client, conversation, `payment:${payment.id}:failed`, context, async () =>
    forSilence(conversation, await offerAgain(services, conversation, payment, delivery, context)),
  )
}

/** A new link for the same lesson, other times if that one is taken, or just the news where nothing can be sold. */
async function offerAgain(
  services: Services,
  conversation: Conversation,
  { id, order, time }: Payment,
  delivery: Delivery<unknown>,
  { signal, log, once }: HandlerContext,
): Promise<Reply> {
  const { paymentFailed } = TEXTS[conversation.language]
  if (!isUndisturbed(conversation, order)) return { content: paymentFailed }
  // It was held until its lesson begins, which is longer than a new link lasts. Once: what is held below stays.
  await once(`payment:${id}:released`, () => services.calendar.release(order, Number.MAX_SAFE_INTEGER, signal))
  const failed: Reply = {
    since: stateOf(conversation),
    content: paymentFailed,
    attributes: { ...NO_ORDER, pending_intent: 'menu', payment_status: 'failed', payment_intent_id: id },
    labels: { add: ['payment:failed'], remove: ['status:awaiting_pay'] },
  }
  if (time === null) return failed
  const kind = { type: 'regular' as const, minutes: (time.end - time.start) / 60_000 }
  const booking: Booking = { services, conversation, kind, signal }
  try {
    const isInTime = isPlanned(booking, time.start)
    const reserved = isInTime ? await reserve(booking, { id: order, start: time.start, delivery }) : null
    const next = reserved ?? (await offerTimes(booking, 'slot'))
    return {
      ...failed,
      ...next,
      content: [paymentFailed, next.content].join('\n'),
      attributes: { ...failed.attributes, ...next.attributes },
      // The label says what happened last: it goes when the new link is paid.
      labels: reserved === null ? failed.labels : { add: ['payment:failed', 'status:awaiting_pay'] },
    }
  } catch (error) {
    if (!(error instanceof PermanentError)) throw error
    log.warn({ err: error }, 'no payment link is offered again')
    return failed
  }
}
