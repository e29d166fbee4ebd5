import type Stripe from 'stripe'
import type { Lesson } from '../calendar/contract.ts'
import { KeptFailureError, type StripeClient, StripeRefusedError } from '../clients/stripe.ts'
import type { HandlerContext } from '../inbox/drain.ts'
import { TransientError } from '../inbox/errors.ts'
import { paymentIdOf, readLessonPayment, UNPAID } from './lesson-payment.ts'
import { formatAmount, type Money } from './money.ts'
import type { Services } from './services.ts'
import { idOf, ORIGIN, presentedOf } from './stripe-event.ts'
import { isoTime } from './times.ts'

/** Pays a lesson back at Stripe: all that is left of its payment, once, whatever is interrupted where. */

/** What a lesson's payment has left to pay back. */
export type Owed =
  /** Nothing was paid, or all of it is paid back. */
  | { kind: 'nothing' }
  /** We have paid it back. */
  | { kind: 'made'; money: Money }
  | { kind: 'money'; intent: string; money: Money }
  /** A delayed payment method: the money has not arrived. */
  | { kind: 'under way'; intent: string; money: Money }
  /** A person must see to it: what is wrong, and how to fix it. */
  | { kind: 'person'; why: string }

/** What became of the money of a cancelled lesson. */
export interface PaidBack {
  /** What has been paid back; null: nothing. */
  refunded: Money | null
  /**
   * Its payment had not arrived. `stopped`: it never will. `awaited`: it is paid back when it arrives, and then the
   * student is told.
   */
  underWay?: 'stopped' | 'awaited'
  /** Minutes that are back in the package from which it was paid; 0: its money has been paid back. */
  returned?: number
  /** Nothing could be paid back, and a person must see to it: what is wrong, and how to fix it. */
  person?: string
}

/** Who cancels a lesson. */
export type CancelledBy = 'student' | 'tutor'

/** What is paid back, and why. */
export interface PayBack {
  lesson: Pick<Lesson, 'order' | 'payment' | 'student' | 'conversation'>
  by: CancelledBy
  /** When it was decided, Unix ms: it counts among that day's refunds. */
  at: number
}

const NOTHING: Owed = { kind: 'nothing' }
const person = (why: string): Owed => ({ kind: 'person', why })

/** Asks Stripe. @throws {TransientError} if it does not answer */
export async function owedFor(
  services: Services,
  { order, payment }: Pick<Lesson, 'order' | 'payment'>,
  signal: AbortSignal,
): Promise<Owed> {
  if (payment === null || payment === UNPAID) return NOTHING
  const id = paymentIdOf(payment)
  if (id === undefined) return person(`It was not paid by Stripe ("${payment}"): pay it back the way it was paid.`)
  const { stripe } = services
  if (stripe === null) return person(`STRIPE_SECRET_KEY is not set: refund ${id} in Stripe.`)
  try {
    const intent = id.startsWith('cs_') ? await intentOf(stripe, id, signal) : id
    return intent === undefined ? NOTHING : await owedOf(services, stripe, { order, intent }, signal)
  } catch (error) {
    if (!(error instanceof StripeRefusedError)) throw error
    return person(whyRefused(error, id))
  }
}

/** The payment intent of a session; undefined: nothing had to be paid. */
async function intentOf(stripe: StripeClient, session: string, signal: AbortSignal): Promise<string | undefined> {
  return idOf((await stripe.getSession(session, signal)).payment_intent)
}

async function owedOf(
  services: Services,
  stripe: StripeClient,
  { order, intent: id }: { order: string; intent: string },
  signal: AbortSignal,
): Promise<Owed> {
  const [intent, refunds, origin] = await Promise.all([
    stripe.findIntent(id, signal),
    stripe.listRefunds(id, signal),
    services.installationId(),
  ])
  if (intent === undefined) {
    return person(
      `Stripe does not know ${id}: STRIPE_SECRET_KEY is of another account or mode, or the payment was entered wrongly. Look for it in Stripe.`,
    )
  }
  const { status, metadata, amount, currency } = intent
  if (metadata.order_id !== undefined && metadata.order_id !== order) {
    return person(`${id} is the payment of another order (${metadata.order_id}): look at it in Stripe.`)
  }
  const ours = refunds.find(refund => isOurs(refund, order, origin))
  if (ours !== undefined) {
    if (FAILED.has(ours.status)) return person(whyFailed(id, ours))
    return { kind: 'made', money: { amount: ours.amount, currency: ours.currency } }
  }
  if (NEVER_PAID.has(status)) return NOTHING
  if (status !== 'succeeded') return { kind: 'under way', intent: id, money: { amount, currency } }
  return leftOf(intent, refunds)
}

const FAILED = new Set<string | null>(['failed', 'canceled'])
const NEVER_PAID = new Set(['canceled', 'requires_payment_method'])

/** Whether a refund was made here, for this order. */
export function isOurs({ metadata }: Stripe.Refund, order: string, origin: string): boolean {
  return metadata?.[ORIGIN] === origin && metadata.order_id === order
}

/** Of a payment that has arrived. */
function leftOf(intent: Stripe.PaymentIntent, refunds: readonly Stripe.Refund[]): Owed {
  // It was asked for, and a payment that has arrived has one.
  const charge = intent.latest_charge as Stripe.Charge
  const { disputed, amount_captured, amount_refunded, currency } = charge
  const left = amount_captured - amount_refunded
  if (left <= 0) return NOTHING
  const failed = refunds.find(({ status }) => FAILED.has(status))
  if (failed !== undefined) return person(whyFailed(intent.id, failed))
  if (disputed) return person(whyDisputed(intent.id))
  const seen = presentedOf(charge) ?? presentedOf(intent)
  if (seen !== undefined && seen.currency !== currency) {
    const sums = `${formatAmount(seen.amount, seen.currency)} for ${formatAmount(amount_captured, currency)}`
    return person(
      `The student paid ${intent.id} in another currency (${sums}): refund it in Stripe, which shows both sums.`,
    )
  }
  return { kind: 'money', intent: intent.id, money: { amount: left, currency } }
}

function whyFailed(intent: string, { id, status, failure_reason }: Stripe.Refund): string {
  return `A refund of ${intent} failed (${id}: ${failure_reason ?? status}): pay it back another way.`
}

function whyDisputed(intent: string): string {
  return `${intent} is disputed: answer that in Stripe. A refund besides could pay it back twice.`
}

/** What Stripe refuses, for a person. */
function whyRefused(error: StripeRefusedError, id: string): string {
  if (error.code === 'charge_disputed' || error.code === 'refund_disputed_payment') return whyDisputed(id)
  if (error.isOfKey) {
    return `STRIPE_SECRET_KEY may not do it (${error.message}): let it write charges and refunds, and refund ${id} in Stripe.`
  }
  if (error.code === 'balance_insufficient' || error.code === 'insufficient_funds') {
    return `Your Stripe balance is too low: add money to it, and refund ${id} in Stripe.`
  }
  return `Stripe refuses (${error.message}): look at ${id} in Stripe, and pay it back there or another way.`
}

/** How often Stripe's state may change, or its failure be kept, before this attempt ends. */
const MAX_ROUNDS = 5

/** Pays back what is left. Can be repeated. @throws {TransientError} if Stripe does not answer */
export async function payBack(services: Services, what: PayBack, context: HandlerContext): Promise<PaidBack> {
  const { signal } = context
  if (isFromPackage(what.lesson)) return giveBack(services, what)
  for (let round = 0, attempt = 0; round < MAX_ROUNDS; round++) {
    const owed = await owedFor(services, what.lesson, signal)
    if (owed.kind === 'nothing') return { refunded: null }
    if (owed.kind === 'made') return { refunded: owed.money }
    if (owed.kind === 'person') return { refunded: null, person: owed.why }
    if (!(await mayRefund(services, what, context))) return { refunded: null, person: whyCapped(services, owed.intent) }
    // There is a client, or nothing would be owed.
    const stripe = services.stripe as StripeClient
    if (owed.kind === 'under way') {
      if (await stripe.cancelIntent(owed.intent, signal)) return { refunded: null, underWay: 'stopped' }
      // Refused also if it has just arrived, or failed.
      const now = await owedFor(services, what.lesson, signal)
      if (now.kind === 'under way') return { refunded: null, underWay: 'awaited' }
      continue
    }
    try {
      const metadata = await metadataOf(services, what)
      const { intent, money } = owed
      const request = {
        paymentIntent: intent,
        amount: money.amount,
        metadata,
        isRequested: what.by === 'student',
        attempt,
      }
      const refund = await stripe.createRefund(request, signal)
      // Looked at again: it says what has failed.
      if (!FAILED.has(refund.status)) return { refunded: money }
    } catch (error) {
      if (error instanceof KeptFailureError) attempt++
      else if (!(error instanceof StripeRefusedError)) throw error
      // Somebody else was faster; if not, the next round ends.
      else if (error.code !== 'charge_already_refunded')
        return { refunded: null, person: whyRefused(error, owed.intent) }
    }
  }
  throw new TransientError(`Stripe has not made the refund of order ${what.lesson.order} in ${MAX_ROUNDS} rounds`)
}

/** Back into its package, whatever a lesson costs by itself. */
async function giveBack({ calendar, now }: Services, { lesson, by }: PayBack): Promise<PaidBack> {
  const { packages } = calendar
  const returned = await packages?.giveBack({ order: lesson.order, who: by, at: now() })
  if (packages === undefined || !returned) return { refunded: null, person: NOT_IN_LEDGER }
  // What a refund of the package still had to take is taken with it.
  const next = (await packages.entries(returned.package)).find(({ number }) => number === returned.number + 1)
  const taken = next?.why === 'refunded' && next.who !== 'stripe' ? -next.minutes : 0
  return { refunded: null, returned: Math.max(0, returned.minutes - taken) }
}

/** For the tutor. */
export const NOT_IN_LEDGER =
  'The ledger has no entry of this lesson: look at the package, and correct it if it is right.'

export function isFromPackage({ payment }: Pick<Lesson, 'payment'>): boolean {
  return readLessonPayment(payment).kind === 'package'
}

/** What tells a refund of ours from any other, and its events whose it is. */
async function metadataOf(services: Services, { lesson, by }: PayBack): Promise<Record<string, string>> {
  const { order, conversation, student } = lesson
  const all = {
    [ORIGIN]: await services.installationId(),
    order_id: order,
    conversation_id: conversation,
    student_name: student,
    why: `lesson cancelled by the ${by}`,
  }
  const given = Object.entries(all).filter(([, value]) => value !== '')
  return Object.fromEntries(given.map(([name, value]) => [name, value.slice(0, 200).toWellFormed()]))
}

/** Refunds that students set off are numbered, up to the most of a day: no two instances have the same number. */
async function mayRefund(services: Services, { lesson, by, at }: PayBack, { once }: HandlerContext): Promise<boolean> {
  if (by === 'tutor') return true
  for (let number = 1; number <= services.tutor.cancellation.maxRefundsPerDay; number++) {
    if ((await once(numberKey(services, at, number), () => lesson.order)) === lesson.order) return true
  }
  return false
}

/** The key of a day's refund. @param at Unix ms */
export function numberKey({ zone }: Services, at: number, number: number): string {
  return `refund-number:${isoTime(at, zone).slice(0, 10)}:${number}`
}

export function whyCapped({ tutor }: Services, intent: string): string {
  const { maxRefundsPerDay: max } = tutor.cancellation
  return `The day's automatic refunds are used up (cancellation.maxRefundsPerDay: ${max}): refund ${intent} in Stripe if it is right.`
}
