import type { LessonPackage, Packages } from '../calendar/packages.ts'
import type { ChatwootClient } from '../clients/chatwoot.ts'
import type { Delivery } from '../inbox/contracts.ts'
import type { HandlerContext } from '../inbox/drain.ts'
import { PermanentError } from '../inbox/errors.ts'
import { alertPerson } from './attention.ts'
import { situationOf } from './booking.ts'
import type { Conversation } from './conversation.ts'
import { choicesOf, intentOf } from './dialogue.ts'
import { isLessonAhead } from './lesson-ahead.ts'
import { kindOf } from './lesson-kind.ts'
import { paidAtStripe } from './lesson-payment.ts'
import { moneyIn } from './money.ts'
import type { Claim } from './ownership.ts'
import { packageRefunded } from './package-refund.ts'
import { leftOf } from './packages.ts'
import { paidBy } from './paid-by.ts'
import { type Reply, replyOnce } from './reply.ts'
import { paidAttributes } from './segment.ts'
import type { Services } from './services.ts'
import type { Payment, SoldPackage } from './stripe-event.ts'
import { isSilent } from './who-has-it.ts'
import { whoseLessons } from './whose-lesson.ts'

/** A package is paid: it is written into the ledger first, once, and then told. */

export type PackagePayment = Payment & { package: SoldPackage }

export function isOfPackage(payment: Payment): payment is PackagePayment {
  return payment.package !== undefined
}

/** Every step can be repeated. */
export async function packagePaid(
  services: Services,
  client: ChatwootClient,
  claim: Claim,
  payment: PackagePayment,
  { receivedAt }: Delivery<unknown>,
  context: HandlerContext,
): Promise<void> {
  const { id, order, sum } = payment
  const bought = await recordPackage(services, payment, context)
  if (bought !== null && payment.refunded) {
    const refund = { ...payment, part: 1 }
    return packageRefunded(services, client, claim, refund, context)
  }
  const payer = await claim.payer()
  const note =
    bought === null
      ? `Order ${order}, a package, was paid a second time: ${sum} by ${id}. It is in the ledger once: please refund ${id} in Stripe.`
      : `Package bought: ${payment.package.lessons} lessons of ${payment.package.minutes} minutes, ${sum}, order ${order}.`
  if (payer.conversation === null) {
    return alertPerson(services, payment, payer.problem, `${payer.why}. ${note}`, context)
  }
  const { conversation } = payer
  await replyOnce(services, client, conversation, `payment:${id}`, context, async (): Promise<Reply> => {
    const texts = services.tutor.texts[conversation.language]
    const paid = texts.paid(moneyIn(conversation.language, payment.seen))
    const answers = { at: receivedAt, language: conversation.language }
    if (bought === null) return { content: paid, note, answers }
    const contact = paidAttributes(conversation.contactAttributes, receivedAt)
    const packages = await ledgerOf(services).of(whoseLessons(conversation))
    const left = leftOf(services.tutor, packages, conversation.language)
    return {
      content: [paid, left && texts.lessonsLeft(left)].filter(Boolean).join('\n'),
      about: { text: 'paid', values: [moneyIn(conversation.language, payment.seen)] },
      note,
      answers,
      ...(await menuOf(
        services,
        { ...conversation, contactAttributes: { ...conversation.contactAttributes, ...contact } },
        context,
      )),
      attributes: { package_session: null },
      contact,
    }
  })
}

/** A time can be chosen right away, where nothing else is open and the bot may ask. */
async function menuOf(
  services: Services,
  conversation: Conversation,
  { signal }: HandlerContext,
): Promise<Pick<Reply, 'items'>> {
  if (intentOf(conversation.attributes) !== 'menu' || isSilent(conversation, services)) return {}
  const booking = { services, conversation, kind: kindOf(conversation, services), signal }
  const known = { ...conversation, isLessonAhead: await isLessonAhead(booking) }
  return { items: choicesOf(situationOf({ ...booking, conversation: known }, 'menu', [])) }
}

/** Needs no Chatwoot. null: it is in the ledger by another payment of its order. */
export async function recordPackage(
  services: Services,
  payment: PackagePayment,
  context: HandlerContext,
): Promise<LessonPackage | null> {
  const { id, order, conversation, contact, student, amount, currency, package: sold } = payment
  if ((await paidBy(services, order, id, context)) !== id) return null
  const bought = {
    id: order,
    conversation,
    contact,
    student,
    lessonMinutes: sold.minutes,
    minutes: sold.lessons * sold.minutes,
    payment: paidAtStripe(payment),
    amount,
    currency: currency.toUpperCase(),
    boughtAt: services.now(),
  }
  return ledgerOf(services).buy(bought, 'student')
}

/** @throws {PermanentError} */
export function ledgerOf({ calendar }: Pick<Services, 'calendar'>): Packages {
  if (calendar.packages !== undefined) return calendar.packages
  throw new PermanentError('this calendar has no ledger of packages (calendar.packages): see to this package by hand')
}
