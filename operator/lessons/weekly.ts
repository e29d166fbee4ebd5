import createError from '@fastify/error'
import { Info } from 'luxon'
import type { WeeklyTimes } from '../../calendar/weekly.ts'
import { LESSON_EVENTS } from '../../handlers/lesson-requests.ts'
import { utcTime } from '../../inbox/utc-time.ts'
import { type Asked, ask, isKnown, keyOf } from './changes.ts'
import type { LessonDesk } from './desk.ts'
import { conversationIn, NotHereError, oneOf, shown } from './find.ts'

/** The times that students have each week, and how the tutor ends one. */

const UnknownWeeklyError = createError<[string]>('OPERATOR_UNKNOWN_WEEKLY', 'There are no weekly lessons %s', 404)

/** As the API, the page and the commands show it. */
export interface WeeklyView {
  id: string
  /** In English. */
  day: string
  /** By the tutor's clock: `17:00`. */
  time: string
  minutes: number
  student: string
  service: string
  /** When the first lesson began, or begins, in ISO 8601. */
  first: string
  /** Chatwoot's display id. */
  conversation: string
  /** The conversation in Chatwoot; null: CW_URL is not set. */
  conversationUrl: string | null
}

/** Those that have not ended, in order of the week. @throws 409 this calendar has none */
export async function weeklyViews({ calendar, links }: LessonDesk): Promise<WeeklyView[]> {
  return (await timesOf(calendar).all()).map(
    ({ id, weekday, time, minutes, student, service, first, conversation }) => ({
      id,
      day: Info.weekdays('long', { locale: 'en' })[weekday - 1] as string,
      time: [Math.floor(time / 60), time % 60].map(part => `${part}`.padStart(2, '0')).join(':'),
      minutes,
      student,
      service,
      first: utcTime(first),
      conversation,
      conversationUrl: links.conversation(conversation),
    }),
  )
}

/**
 * Asks for one to be ended: lessons of it that are not paid are cancelled, and the student is told.
 * @param id its id, or the first characters of it
 * @param key the same for every attempt at one request
 * @throws 404, 409 several fit, or this calendar has none
 */
export async function askToEndWeekly(desk: LessonDesk, id: string, key: string): Promise<Asked> {
  const fitting = (await timesOf(desk.calendar).all()).filter(each => id !== '' && each.id.startsWith(id))
  const only = oneOf(
    id,
    fitting.map(each => each.id),
  )
  const order = only ?? id
  const conversation = fitting.find(each => each.id === only)?.conversation ?? conversationIn(id)
  const wanted = { order, conversation }
  const request = keyOf('endWeekly', key, wanted)
  // Asked again, it may have ended already.
  if (only === undefined && !(await isKnown(desk, request))) throw new UnknownWeeklyError(shown(id))
  return ask(desk, LESSON_EVENTS.endWeekly, request, conversation, wanted)
}

function timesOf({ weekly }: LessonDesk['calendar']): WeeklyTimes {
  if (weekly === undefined) throw new NotHereError('Only the calendar in the store has weekly lessons')
  return weekly
}
