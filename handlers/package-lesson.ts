import type { LessonPackage } from '../calendar/packages.ts'
import { BOOKED, book, holdTime, readerOf, situationOf, tutorReader } from './booking.ts'
import { choicesOf } from './dialogue.ts'
import { whereOf } from './lesson-kind.ts'
import { writeLessonPayment } from './lesson-payment.ts'
import { hasPackageFor, leftOf, minutesLeft, packagesOfStudent } from './packages.ts'
import { pupilLines, withoutPupil } from './pupils.ts'
import { remind } from './reminders.ts'
import type { Reply } from './reply.ts'
import { formatWhen, isoTime } from './times.ts'
import type { Turn } from './turn.ts'
import { whoseLessons } from './whose-lesson.ts'

/**
 * A lesson that is paid from a package: its minutes are taken first, by the order's key, then it is booked. Each step can
 * be repeated; if the time is taken after all, the minutes go back.
 */

/** `none`: there is no package with enough left: the lesson has to be paid. `taken`: the time is not free. */
export async function bookFromPackage(turn: Turn, order: string, start: number): Promise<Reply | 'none' | 'taken'> {
  const { services, conversation, kind } = turn
  const { packages } = services.calendar
  if (packages === undefined) return 'none'
  const { minutes } = kind
  if (!(await hasPackageFor(turn, order))) return 'none'
  // Not in the calendar: there is nothing to take for it.
  if (!(await holdTime(turn, order, start))) return 'taken'
  const by = { who: 'student', at: services.now() } as const
  const taken = await packages.take({ whose: whoseLessons(conversation), order, minutes, ...by })
  // The last ones have been taken by another lesson of the student's.
  if (taken === null) return 'none'
  const payment = writeLessonPayment({ kind: 'package', order: taken.package })
  if (!(await book(turn, order, start, payment))) {
    await packages.giveBack({ order, ...by })
    return 'taken'
  }
  await remind(services, order, turn.context, readerOf(conversation, services).zone)
  return reply(turn, { order, start, id: taken.package }, await packagesOfStudent(turn))
}

interface Taken {
  order: string
  /** Unix ms. */
  start: number
  /** The package's. */
  id: string
}

function reply(turn: Turn, { order, start, id }: Taken, packages: readonly LessonPackage[]): Reply {
  const { services, conversation, kind } = turn
  const { language } = conversation
  const texts = services.tutor.texts[language]
  const left = minutesLeft(packages)
  const isLow = left < 2 * kind.minutes
  const said = leftOf(services.tutor, packages, language)
  return {
    content: [
      texts.booked(formatWhen(start, readerOf(conversation, services))),
      ...pupilLines(conversation, services.tutor),
      ...whereOf(services, kind, language),
      texts.paidFromPackage,
      said === undefined ? texts.noLessonsLeft : texts.lessonsLeft(said),
    ].join('\n'),
    // The next package is among the choices of the menu.
    ...(isLow && { items: choicesOf(situationOf(turn, 'menu', [])) }),
    note: `Lesson booked: ${formatWhen(start, tutorReader(services))}, from the package of order ${id}. The student has ${left} minutes left.`,
    attributes: {
      ...BOOKED,
      order_id: order,
      lesson_start: isoTime(start, services.zone),
      payment_status: 'paid',
      // Another payment's news is not about this lesson.
      payment_intent_id: id,
      ...withoutPupil(conversation.attributes),
    },
    contact: { lesson_booked: true },
    labels: { add: ['status:booked'], remove: ['status:awaiting_pay', 'payment:failed'] },
  }
}
