import type { StripeClient } from '../clients/stripe.ts'
import { PermanentError } from '../inbox/errors.ts'
import { asText } from '../sources/json.ts'
import { linkFrom, newOrder, pageOf, readerOf, sell } from './booking.ts'
import { metadataFor } from './lesson-of.ts'
import { moneyIn, moneyOf, whyUnsellable } from './money.ts'
import { type PackageForSale, soldPackages } from './packages.ts'
import type { Reply } from './reply.ts'
import { LANGUAGES } from './texts/index.ts'
import { formatWhen } from './times.ts'
import type { Turn } from './turn.ts'
import { endSession } from './unsold.ts'

/** A package is sold: its payment link. Nothing else of the dialogue changes with it. */

/** How long it can be paid, ms: Stripe's limit of 24 h, less time for retries. */
const PAY_MS = 23 * 60 * 60_000

/** The link, in place of one that was not used. @throws {PermanentError} if Stripe refuses to sell it */
export async function offerPackage(turn: Turn, sold: PackageForSale): Promise<Reply & { content: string }> {
  const { services, conversation, delivery, signal } = turn
  const { language, attributes } = conversation
  const texts = services.tutor.texts[language]
  // It is for sale, so there is one.
  const client = services.stripe as StripeClient
  const before = asText(attributes.package_session)
  // Two links of which each could be paid would be two packages.
  if (before !== undefined && !(await endSession(client, before, turn))) return { content: texts.paymentUnderWay }
  const order = await newOrder(services, conversation.id, delivery)
  const { lessons, minutes, price } = sold
  const until = linkFrom(services, delivery) + PAY_MS
  const about = { minutes: String(minutes), package_lessons: String(lessons) }
  const checkout = {
    order,
    attempt: delivery.id,
    price: price.id,
    expiresAt: until,
    returnUrl: services.returnUrl(language),
    locale: LANGUAGES[language].stripeLocale,
    metadata: metadataFor(turn, order, await services.installationId(), about),
    page: pageOf(turn, Infinity),
  }
  const session = await sell(client, price, checkout, signal)
  const when = formatWhen(until, readerOf(conversation, services))
  const content = texts.packagePay(lessons, minutes, session.url, when, moneyIn(language, session.money))
  return { content, attributes: { package_session: session.id } }
}

/** The package that is meant: the only one, or the one whose number of lessons is named. */
export function packageMeant(
  { text }: Pick<Turn, 'text'>,
  sold: readonly PackageForSale[],
): PackageForSale | undefined {
  if (sold.length === 1) return sold[0]
  const numbers = new Set((text.match(/\d+/g) ?? []).map(Number))
  const named = sold.filter(({ lessons }) => numbers.has(lessons))
  return named.length === 1 ? named[0] : undefined
}

/** What each costs, a line for each. @throws {PermanentError} why not */
export async function packagePrices(turn: Turn): Promise<{ lines: string[]; problems: string[] }> {
  const { services, conversation, signal } = turn
  const { language } = conversation
  const lines: string[] = []
  const problems: string[] = []
  for (const { lessons, minutes, price } of soldPackages(services, conversation)) {
    const found = await (services.stripe as StripeClient).getPrice(price.id, signal)
    const problem = whyUnsellable(found, price)
    if (problem !== null) problems.push(problem)
    else lines.push(services.tutor.texts[language].package(lessons, minutes, moneyIn(language, moneyOf(found))))
  }
  return { lines, problems }
}

/** The lines of those that can be sold. @throws {PermanentError} none can */
export async function packageLines(turn: Turn): Promise<string[]> {
  const { lines, problems } = await packagePrices(turn)
  if (lines.length > 0) return lines
  const why = problems.join('; ') || 'no lesson has packages with a price for this contact'
  throw new PermanentError(`no package can be sold: ${why}`)
}
