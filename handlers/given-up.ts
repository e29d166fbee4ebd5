import type { ChatwootClient } from '../clients/chatwoot.ts'
import type { Delivery } from '../inbox/contracts.ts'
import type { HandlerContext } from '../inbox/drain.ts'
import { PermanentError } from '../inbox/errors.ts'
import { needsPerson } from './attention.ts'
import { formatAmount } from './money.ts'
import { type Claimed, claimOf } from './ownership.ts'
import { asId } from './payload.ts'
import { sayOnce } from './reply.ts'
import type { Services } from './services.ts'
import { lessonOfMetadata, objectOf, readPayment } from './stripe-event.ts'

/** What is done about an event of Stripe's that could not be handled. */

/** Leaves the tutor a note; an alert where there is no conversation for it. */
export function paymentGivenUp(services: Services) {
  return async (delivery: Delivery, context: HandlerContext): Promise<void> => {
    const { chatwoot } = services
    if (chatwoot === null) return
    const claimed = await claimedBy(services, delivery, context)
    if (claimed === null) return
    const claim = await claimOf(services, chatwoot, claimed, context).catch(unlessSaid)
    const payer = await claim?.payer()
    if (payer === undefined) return
    const content = `A payment could not be processed (${delivery.event}, delivery ${delivery.id}). Please look at it in Stripe; the delivery can be replayed.`
    if (payer.conversation === null) {
      const why = `${payer.why}. ${content}`
      return needsPerson(services, { ...claimed, sum: claimed.sum }, `given_up_${payer.problem}`, why, context)
    }
    await sayOnce(chatwoot, 'sendPrivateNote', payer.conversation.id, { content }, `${delivery.id}:gave-up`, context)
  }
}

/** From the event alone, as far as that goes: what could not be handled may be what can't be read. */
async function claimedBy(services: Services, delivery: Delivery, { signal }: HandlerContext) {
  const object = objectOf(delivery)
  const id = asId(object.payment_intent) ?? asId(object.id) ?? delivery.id
  const lesson = lessonOfMetadata(object.metadata, id)
  if (lesson === null) return readPayment(delivery, services.stripe, signal)
  const amount = object.amount_total ?? object.amount_received ?? object.amount
  const { currency } = object
  const sum =
    typeof amount === 'number' && typeof currency === 'string' ? formatAmount(amount, currency) : 'an unknown amount'
  const session = object.object === 'checkout.session' ? asId(object.id) : undefined
  return { ...lesson, id, session, sum } satisfies Claimed
}

/** Whose payment can't be told of in any conversation: claimOf has said so. */
function unlessSaid(error: unknown): null {
  if (error instanceof PermanentError) return null
  throw error
}

/** A payment must not be passed over in silence: it waits, dead, to be replayed when there is a token. */
export function needed(chatwoot: ChatwootClient | null): ChatwootClient {
  if (chatwoot === null) throw new PermanentError('CW_TOKEN is not set: set it, and replay this payment')
  return chatwoot
}
