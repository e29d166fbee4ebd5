import type { LessonPackage } from '../calendar/packages.ts'
import type { ChatwootClient } from '../clients/chatwoot.ts'
import type { HandlerContext } from '../inbox/drain.ts'
import { alertPerson } from './attention.ts'
import { type Money, moneyIn } from './money.ts'
import type { Claim, Claimed } from './ownership.ts'
import { leftOf } from './packages.ts'
import { paidBy } from './paid-by.ts'
import { replyOnce } from './reply.ts'
import type { Services } from './services.ts'
import { whoseLessons } from './whose-lesson.ts'

/**
 * The money of a package is paid back at Stripe: the same part of its minutes is taken, as far as they are left. Lessons
 * that are booked from it stay, and the tutor is told what was used.
 */

/** `part`: of the payment, from 0 to 1, that has been paid back so far. */
export type PackageRefund = Claimed & { sum: string; seen: Money; part: number }

export async function packageRefunded(
  services: Services,
  client: ChatwootClient,
  claim: Claim,
  refund: PackageRefund,
  context: HandlerContext,
): Promise<void> {
  const { id, order, sum, seen } = refund
  const isPayment = (await paidBy(services, order, id, context)) === id
  const note = `Payment refunded: ${sum} so far, order ${order}, a package. ${isPayment ? await take(services, refund) : 'It was the second payment of it, and the package stays.'}`
  const payer = await claim.payer()
  if (payer.conversation === null) {
    return alertPerson(services, refund, `refund_${payer.problem}`, `${payer.why}. ${note}`, context)
  }
  const { conversation } = payer
  const { language } = conversation
  await replyOnce(services, client, conversation, `refund:${id}:${sum}`, context, async () => {
    const texts = services.tutor.texts[language]
    const packages = (await services.calendar.packages?.of(whoseLessons(conversation))) ?? []
    const left = leftOf(services.tutor, packages, language)
    const told = left === undefined ? texts.noLessonsLeft : texts.lessonsLeft(left)
    return {
      content: [texts.refunded(moneyIn(language, seen)), told].join('\n'),
      about: { text: 'refunded' as const, values: [moneyIn(language, seen)] },
      note,
    }
  })
}

/** What has become of its minutes, for the tutor. */
async function take({ calendar, now }: Services, { order, part }: PackageRefund): Promise<string> {
  const { packages } = calendar
  const bought = (await packages?.find(order)) ?? null
  if (packages === undefined || bought === null) return 'It is not in the ledger (yet).'
  const minutes = Math.floor(bought.minutes * part)
  const current = minutes > 0 ? await packages.refund({ package: order, minutes, who: 'stripe', at: now() }) : bought
  return said(current as LessonPackage, await packages.entries(order))
}

function said(
  { minutes, left }: LessonPackage,
  entries: Awaited<ReturnType<NonNullable<Services['calendar']['packages']>['entries']>>,
): string {
  const sumOf = (...whys: string[]) =>
    entries.filter(({ why }) => whys.includes(why)).reduce((sum, entry) => sum - entry.minutes, 0)
  const used = sumOf('lesson', 'returned')
  const stay = used > 0 ? `; its lessons have used ${used}, and those that are booked stay` : ''
  return `Of its ${minutes} minutes ${sumOf('refunded')} are taken and ${left} are left${stay}.`
}
