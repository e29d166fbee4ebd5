import createError from '@fastify/error'
import type { LocalCalendar } from '../../calendar/contract.ts'
import type { EntryWho, EntryWhy, LessonPackage, PackageEntry, Packages } from '../../calendar/packages.ts'
import { utcTime } from '../../inbox/utc-time.ts'
import { MAX_CANDIDATES, someOf } from '../candidates.ts'
import { BadFilterError } from '../filter.ts'
import type { LessonDesk } from '../lessons/desk.ts'
import { NotHereError, shown } from '../lessons/find.ts'
import type { LessonLinks } from '../lessons/view.ts'

/** The ledger of packages, as the API and the page show it. */

const AmbiguousError = createError<[string, string]>(
  'OPERATOR_AMBIGUOUS_ID',
  '%s fits several packages: %s. Give more of the id',
  409,
)
const UnknownPackageError = createError<[string]>('OPERATOR_UNKNOWN_PACKAGE', 'There is no package %s', 404)

export interface PackageView {
  /** The order that bought it. */
  id: string
  student: string
  /** The length of the lessons that were sold. */
  lessonMinutes: number
  /** Bought. */
  minutes: number
  left: number
  /** How it was paid, such as `500.00 EUR, pi_…`. */
  payment: string
  /** The payment in Stripe's dashboard; null: it was not paid there. */
  paymentUrl: string | null
  /** In the currency's minor unit. */
  amount: number
  currency: string
  /** ISO 8601. */
  boughtAt: string
  /** Chatwoot's display id; null: not known. */
  conversation: string | null
  /** The conversation in Chatwoot; null: there is none, or CW_URL is not set. */
  conversationUrl: string | null
}

export interface EntryView {
  /** From 1, in order. */
  number: number
  /** ISO 8601. */
  at: string
  /** Added; negative: taken. */
  minutes: number
  /** The minutes left after it. */
  left: number
  why: EntryWhy
  who: EntryWho
  /** The lesson's id; null: it is about none. */
  lesson: string | null
  note: string | null
}

/** `next`: where the following page begins; null at the end. */
export interface PackagePage {
  packages: LessonPackage[]
  next: string | null
}

/**
 * The newest first.
 * @param cursor `next` of the page before
 * @throws {BadFilterError} there is no such cursor
 * @throws 409 this calendar has no packages
 */
export async function pageOfPackages(desk: Desk, limit: number, cursor?: string): Promise<PackagePage> {
  const ledger = packagesOf(desk)
  const after = cursor === undefined ? undefined : await ledger.find(cursor)
  if (after === null) throw new BadFilterError('cursor', 'must be that of another page of this list')
  const found = await ledger.list(limit + 1, after)
  const packages = found.slice(0, limit)
  return { packages, next: found.length > limit ? (packages.at(-1) as LessonPackage).id : null }
}

/**
 * A package and its entries, in order.
 * @param id its own, or its first characters
 * @throws 404, 409 several fit, or this calendar has no packages
 */
export async function findPackage(desk: Desk, id: string): Promise<{ found: LessonPackage; entries: PackageEntry[] }> {
  const ledger = packagesOf(desk)
  const found = (await ledger.find(id)) ?? (await findByBeginning(ledger, id))
  return { found, entries: await ledger.entries(found.id) }
}

async function findByBeginning(ledger: Packages, id: string): Promise<LessonPackage> {
  const fitting = id === '' ? [] : await ledger.idsBeginningWith(id, MAX_CANDIDATES)
  if (fitting.length > 1) throw new AmbiguousError(shown(id), someOf(fitting))
  const found = await ledger.find(fitting[0] ?? id)
  if (found === null) throw new UnknownPackageError(shown(id))
  return found
}

/**
 * The lessons of these entries that are not in the calendar: minutes were taken for them, and they were never booked.
 * None in another calendar than ours, which would be asked for each over the network.
 */
export async function goneLessons(
  { calendar }: Desk,
  entries: readonly PackageEntry[],
  signal: AbortSignal,
): Promise<Set<string>> {
  if (calendar.lessons === undefined) return new Set()
  const ours = calendar as LocalCalendar
  const orders = [...new Set(entries.flatMap(({ order }) => order ?? []))]
  const found = await Promise.all(orders.map(order => ours.lessonOf(order, signal)))
  return new Set(orders.filter((_, index) => found[index] === null))
}

type Desk = { calendar: Pick<LessonDesk['calendar'], 'packages' | 'lessons'> }

function packagesOf({ calendar }: Desk): Packages {
  if (calendar.packages === undefined) throw new NotHereError('A calendar of your own has no packages')
  return calendar.packages
}

export function packageView(
  { id, student, lessonMinutes, minutes, left, payment, amount, currency, boughtAt, conversation }: LessonPackage,
  links: LessonLinks,
): PackageView {
  return {
    ...{ id, student, lessonMinutes, minutes, left, payment },
    paymentUrl: links.payment(payment),
    ...{ amount, currency },
    boughtAt: utcTime(boughtAt),
    conversation: conversation || null,
    conversationUrl: links.conversation(conversation),
  }
}

export function entryView({ number, at, minutes, left, why, who, order, note }: PackageEntry): EntryView {
  return { number, at: utcTime(at), minutes, left, why, who, lesson: order, note }
}
