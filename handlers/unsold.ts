import type { LocalCalendar } from '../calendar/contract.ts'
import type { StripeClient } from '../clients/stripe.ts'
import type { Delivery } from '../inbox/contracts.ts'
import type { HandlerContext } from '../inbox/drain.ts'
import { asText } from '../sources/json.ts'
import { NO_ORDER, newOrder } from './booking.ts'
import type { Conversation } from './conversation.ts'
import { UNPAID } from './lesson-payment.ts'
import type { Reply } from './reply.ts'
import type { Services } from './services.ts'
import { bookedOfWeekly } from './weekly-times.ts'

/**
 * Cleans up after orders that can't be paid any more, or of which nobody was told: releases their time, clears their
 * attributes.
 */

/** The part of a reply that removes an order from the conversation. */
export const WITHOUT_ORDER = {
  attributes: { ...NO_ORDER, pending_intent: 'menu', offered_slots: null },
  labels: { remove: ['status:awaiting_pay'] },
} satisfies Reply

/** Expires a checkout session and records that. false: it is being paid. */
export async function endSession(
  client: StripeClient,
  session: string,
  { signal, once }: Pick<HandlerContext, 'signal' | 'once'>,
): Promise<boolean> {
  if (await isEnded(session, { once })) return true
  if (!(await client.expireSession(session, signal))) return false
  return once(endOf(session), () => true)
}

/** Its payment has failed: it is complete for Stripe, and can't be paid any more. */
export function sessionFailed(session: string, { once }: Pick<HandlerContext, 'once'>): Promise<boolean> {
  return once(endOf(session), () => true)
}

/** Whether we have ended it, or its payment has failed. */
export async function isEnded(session: string, context: Pick<HandlerContext, 'once'>): Promise<boolean> {
  return (await resultOf(endOf(session), context)) !== null
}

function endOf(session: string): string {
  return `session:${session}:ended`
}

/**
 * Ends the weekly time of a failed message, and releases its hold, and that of the conversation's order if the message
 * expired its session. Only logs if the calendar fails: a hold expires by itself, and the reply matters more.
 * @returns parts for the reply
 */
export async function releaseUnsold(
  services: Services,
  { id, attributes }: Conversation,
  delivery: Delivery<unknown>,
  context: HandlerContext,
): Promise<Pick<Reply, 'attributes' | 'labels'>> {
  const session = asText(attributes.checkout_session)
  const isOver = session !== undefined && (await isEnded(session, context))
  const own = await newOrder(services, id, delivery)
  const orders = [own, isOver ? asText(attributes.order_id) : undefined]
  try {
    // First: it would be held for ever.
    await endUntold(services, { id: own, conversation: id }, context)
    await giveBackUnbooked(services, own, context)
    for (const order of orders.filter(order => order !== undefined)) {
      await services.calendar.release(order, Number.MAX_SAFE_INTEGER, context.signal)
    }
  } catch (error) {
    context.log.warn({ err: error, orders }, 'hold not released, it will expire by itself')
  }
  return isOver ? WITHOUT_ORDER : {}
}

/** A weekly time of which the student was never told, and its lessons. */
async function endUntold(
  { calendar, now }: Services,
  weekly: { id: string; conversation: string },
  { signal }: HandlerContext,
): Promise<void> {
  if (calendar.weekly === undefined) return
  await calendar.weekly.end(weekly.id)
  for (const { order, payment } of await bookedOfWeekly(calendar as LocalCalendar, weekly, now(), signal)) {
    if (payment === UNPAID) await calendar.cancel(order, signal)
  }
}

/** The minutes that were taken from a package for a lesson that is not booked. */
async function giveBackUnbooked({ calendar, now }: Services, order: string, { signal }: HandlerContext): Promise<void> {
  const { packages } = calendar
  if (packages === undefined || (await packages.takenFor(order)) === null) return
  if ((await calendar.find(order, signal)) === null) await packages.giveBack({ order, who: 'student', at: now() })
}

/** The recorded result of a `once` step, without running it; null if there is none. */
export async function resultOf<T>(key: string, { once }: Pick<HandlerContext, 'once'>): Promise<{ result: T } | null> {
  const notDone = new Error('not done')
  try {
    const result = await once<T>(key, () => {
      throw notDone
    })
    return { result }
  } catch (error) {
    if (error === notDone) return null
    throw error
  }
}
