import type { StripeClient } from '../clients/stripe.ts'
import type { Delivery } from '../inbox/contracts.ts'
import type { HandlerContext } from '../inbox/drain.ts'
import { asText } from '../sources/json.ts'
import { NO_ORDER, newOrder } from './booking.ts'
import type { Conversation } from './conversation.ts'
import type { Reply } from './reply.ts'
import type { Services } from './services.ts'

/** Sales that end without one: what they held is free again, and nothing waits for their payment. */

/** What a reply takes with it that ends a sale. */
export const WITHOUT_ORDER = {
  attributes: { ...NO_ORDER, pending_intent: 'menu', offered_slots: null },
  labels: { remove: ['status:awaiting_pay'] },
} satisfies Reply

/** Ends a checkout session, and keeps in mind that it can't be paid any more. false: it is being paid. */
export async function endSession(
  client: StripeClient,
  session: string,
  { signal, once }: Pick<HandlerContext, 'signal' | 'once'>,
): Promise<boolean> {
  if (!(await client.expireSession(session, signal))) return false
  return once(endOf(session), () => true)
}

function endOf(session: string): string {
  return `session:${session}:ended`
}

/**
 * Releases what a message has reserved that comes to no end of its own, and the conversation's order if the message has
 * ended its session. A calendar that fails is no reason not to tell anybody: a hold lapses by itself.
 * @returns what the reply about it takes with it
 */
export async function releaseUnsold(
  services: Services,
  { id, attributes }: Conversation,
  delivery: Delivery<unknown>,
  context: HandlerContext,
): Promise<Pick<Reply, 'attributes' | 'labels'>> {
  const session = asText(attributes.checkout_session)
  const isEnded = session !== undefined && (await resultOf(endOf(session), context)) !== null
  const orders = [await newOrder(services, id, delivery), isEnded ? asText(attributes.order_id) : undefined]
  try {
    for (const order of orders.filter(order => order !== undefined)) {
      await services.calendar.release(order, Number.MAX_SAFE_INTEGER, context.signal)
    }
  } catch (error) {
    context.log.warn({ err: error, orders }, 'what is held for an order can not be released, and lapses by itself')
  }
  return isEnded ? WITHOUT_ORDER : {}
}

/** The result of a `once` step; null: it has not been done, and is not done for asking. */
export async function resultOf<T>(key: string, { once }: HandlerContext): Promise<{ result: T } | null> {
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
