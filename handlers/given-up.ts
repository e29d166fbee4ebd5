import type { ChatwootClient } from '../clients/chatwoot.ts'
import type { Delivery } from '../inbox/contracts.ts'
import type { HandlerContext } from '../inbox/drain.ts'
import { PermanentError } from '../inbox/errors.ts'
import { alertPerson } from './attention.ts'
import { formatAmount } from './money.ts'
import { type Claimed, claimOf } from './ownership.ts'
import { sayOnce } from './reply.ts'
import type { Services } from './services.ts'
import { idOf, isOfSession, lessonOfMetadata, type PaymentEvent, readPayment } from './stripe-event.ts'

/** What happens when a Stripe event is given up. */

/** Leaves the tutor a note, or alerts if there is no conversation for one. */
export function paymentGivenUp(services: Services) {
  return async (delivery: Delivery<PaymentEvent>, context: HandlerContext): Promise<void> => {
    const { chatwoot } = services
    if (chatwoot === null) return
    const claimed = await claimedBy(services, delivery, context)
    if (claimed === null) return
    const claim = await claimOf(services, chatwoot, claimed, context).catch(unlessReported)
    const payer = await claim?.payer()
    if (payer === undefined) return
    const content = `A payment could not be processed (${delivery.event}, delivery ${delivery.id}). Please look at it in Stripe; the delivery can be replayed.`
    if (payer.conversation === null) {
      const why = `${payer.why}. ${content}`
      return alertPerson(services, { ...claimed, sum: claimed.sum }, `given_up_${payer.problem}`, why, context)
    }
    await sayOnce(chatwoot, 'sendPrivateNote', payer.conversation.id, { content }, `${delivery.id}:gave-up`, context)
  }
}

/** From the event alone if possible: fetching more may be what failed. */
async function claimedBy(services: Services, delivery: Delivery<PaymentEvent>, { signal }: HandlerContext) {
  const { payload } = delivery
  const { object } = payload.data
  const id = ('payment_intent' in object && idOf(object.payment_intent)) || object.id || delivery.id
  const lesson = lessonOfMetadata(object.metadata, id)
  if (lesson === null) return readPayment(delivery, services.stripe, signal)
  const session = isOfSession(payload) ? object.id : undefined
  return { ...lesson, id, session, sum: sumOf(object) } satisfies Claimed
}

function sumOf(object: PaymentEvent['data']['object']): string {
  const { currency } = object
  const amount =
    'amount_total' in object
      ? object.amount_total
      : 'amount_received' in object
        ? object.amount_received
        : object.amount
  return Number.isFinite(amount) && currency ? formatAmount(amount as number, currency) : 'an unknown amount'
}

/** claimOf has already reported it. */
function unlessReported(error: unknown): null {
  if (error instanceof PermanentError) return null
  throw error
}

/** Makes the payment dead, not ignored, so that it can be replayed once there is a token. */
export function requireChatwoot(chatwoot: ChatwootClient | null): ChatwootClient {
  if (chatwoot === null) throw new PermanentError('CW_TOKEN is not set: set it, and replay this payment')
  return chatwoot
}
