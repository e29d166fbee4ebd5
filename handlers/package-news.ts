import type { LessonPackage } from '../calendar/packages.ts'
import { describeError } from '../inbox/backoff.ts'
import type { Delivery } from '../inbox/contracts.ts'
import type { HandlerContext, HandlerPair } from '../inbox/drain.ts'
import { OWN_EVENT_PREFIX } from '../inbox/later.ts'
import { type Conversation, fetchIfThere } from './conversation.ts'
import { withoutPayer } from './lesson-payment.ts'
import { moneyIn } from './money.ts'
import { leftOf, packagesOfStudent } from './packages.ts'
import { type Reply, replyOnce, sayOnce } from './reply.ts'
import { paidAttributes } from './segment.ts'
import type { Services } from './services.ts'

/**
 * Tells a student of a package that the tutor has added or corrected. A command has written it into the ledger already,
 * and makes a delivery of our own for this: so it is told in the order of the student's conversation, once.
 */

export const PACKAGE_NEWS_EVENT = `${OWN_EVENT_PREFIX}package_news`

export interface PackageNews {
  package: string
  /** The package's. */
  conversation: string
  /** Added by a correction; negative: taken. Absent: the package is new. */
  corrected?: number
}

export function packageNewsHandlers(services: Services): Record<string, HandlerPair<PackageNews>> {
  const { chatwoot, calendar } = services

  async function onNews({ key, payload }: Delivery<PackageNews>, context: HandlerContext): Promise<void> {
    const silent = (why: string) => context.log.warn({ package: payload.package }, `the student was not told: ${why}`)
    if (chatwoot === null) return silent('CW_TOKEN is not set')
    const found = await calendar.packages?.find(payload.package)
    if (!found) return silent('this calendar has no such package')
    const conversation = await fetchIfThere(chatwoot, payload.conversation, context.signal, services)
    if (conversation === null) return silent('the conversation is gone')
    await replyOnce(services, chatwoot, conversation, key, context, () =>
      newsFor(services, conversation, found, payload),
    )
  }

  async function gaveUp({ key, payload }: Delivery<PackageNews>, context: HandlerContext): Promise<void> {
    if (chatwoot === null) return
    const content = `The student was to be told of the package ${payload.package}, and something failed: ${describeError(context.error)}.`
    await sayOnce(chatwoot, 'sendPrivateNote', payload.conversation, { content }, `${key}:gave-up`, context)
  }

  return { [PACKAGE_NEWS_EVENT]: { handle: onNews, gaveUp, needs: ['chatwoot'] } }
}

async function newsFor(
  services: Services,
  conversation: Conversation,
  { id, minutes, lessonMinutes, amount, currency, payment, boughtAt }: LessonPackage,
  { corrected }: PackageNews,
): Promise<Reply> {
  const { language } = conversation
  const texts = services.tutor.texts[language]
  const left = leftOf(services.tutor, await packagesOfStudent({ services, conversation }), language)
  const told = left === undefined ? texts.noLessonsLeft : texts.lessonsLeft(left)
  if (corrected !== undefined) {
    const sign = corrected > 0 ? '+' : '−'
    return {
      content: [texts.packageCorrected, told].join('\n'),
      note: `Package corrected by the tutor: ${sign}${Math.abs(corrected)} minutes, order ${id}.`,
    }
  }
  const money = moneyIn(language, { amount, currency })
  return {
    content: [texts.paid(money), told].join('\n'),
    about: { text: 'paid', values: [money] },
    note: `Package added by the tutor: ${minutes} minutes, in lessons of ${lessonMinutes}, ${withoutPayer(payment)}, order ${id}.`,
    contact: paidAttributes(conversation.contactAttributes, boughtAt),
  }
}
