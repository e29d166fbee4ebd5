import type { Calendar, LocalCalendar } from '../../calendar/contract.ts'
import type { Money } from '../../handlers/money.ts'
import type { Inbox } from '../../inbox/inbox.ts'
import type { Tutor } from '../../tutor/tutor.ts'
import { NotHereError } from './find.ts'
import { type LessonLinks, linksOf } from './view.ts'

/** Ours, which has all of it, or another's. */
export type LessonCalendar = Calendar &
  Partial<Pick<LocalCalendar, 'lessons' | 'unpaid' | 'ordersBeginningWith' | 'block' | 'unblock' | 'blocks'>>

/** What the page, the API and the commands need to show and change lessons. */
export interface LessonDesk {
  calendar: LessonCalendar
  /** The tutor's IANA time zone. */
  zone: string
  /** Unix ms. */
  now(): number
  links: LessonLinks
  /** Chatwoot's account; undefined: none is configured. */
  accountId: string | undefined
  /** What a lesson is that says nothing else: how long, in minutes, and what is taught. */
  usual: { minutes: number; service: string }
  /** What a lesson of so many minutes costs, where the settings say it and it is the same for everybody. */
  prices: ReadonlyMap<number, Money>
  /** The inbox, or a command's store. */
  inbox: Pick<Inbox, 'schedule' | 'get' | 'history'>
}

/** That of the server. @param chatwoot where it is, to link to it */
export function createLessonDesk(
  { calendar, stripe, inbox, tutor }: Parts,
  { zone, now, chatwoot }: Pick<LessonDesk, 'zone' | 'now'> & { chatwoot: ChatwootAt },
): LessonDesk {
  const { url, accountId } = chatwoot
  const links = linksOf({ chatwootUrl: url, accountId, livemode: stripe?.livemode })
  return { calendar, inbox, zone, now, links, accountId, usual: usualLesson(tutor), prices: knownPrices(tutor) }
}

interface Parts extends Pick<LessonDesk, 'calendar' | 'inbox'> {
  stripe: { livemode: boolean } | null
  tutor: Tutor
}

interface ChatwootAt {
  url: string | undefined
  accountId: string | undefined
}

export function usualLesson({ lessons, texts, defaultLanguage }: Tutor): LessonDesk['usual'] {
  return { minutes: lessons[0].minutes, service: texts[defaultLanguage].lesson }
}

export function knownPrices({ lessons }: Pick<Tutor, 'lessons'>): LessonDesk['prices'] {
  const known = lessons.flatMap(({ minutes, prices }) => {
    const sums = Object.values(prices).map(({ money }) => money)
    const [first] = sums
    const isSame = sums.every(sum => sum?.amount === first?.amount && sum?.currency === first?.currency)
    return first !== undefined && isSame ? [[minutes, first] as const] : []
  })
  return new Map(known)
}

/** Why a calendar has no list of lessons, and where it is instead. */
export const NO_LIST =
  'The lessons are not in this service’s own calendar: see them in your calendar program, Google Calendar for example. One lesson can be shown by its id'

/** @throws 409 this calendar can't list its lessons */
export function listOf({ calendar }: Pick<LessonDesk, 'calendar'>): LocalCalendar['lessons'] {
  if (calendar.lessons === undefined) throw new NotHereError(NO_LIST)
  return calendar.lessons.bind(calendar)
}

/** @throws 409 this calendar can't block times */
export function blocksOf({ calendar }: Pick<LessonDesk, 'calendar'>) {
  const { block, unblock, blocks } = calendar
  if (block === undefined || unblock === undefined || blocks === undefined) throw new NotHereError(NO_BLOCKS)
  return {
    block: block.bind(calendar),
    unblock: unblock.bind(calendar),
    blocks: blocks.bind(calendar),
  }
}

export const NO_BLOCKS =
  'Times are not blocked here: make an appointment in your calendar program, Google Calendar for example. No lesson is offered then'

/** Why lessons can't be moved in this calendar; null: they can. */
export function whyNotMoved({ move }: LessonCalendar): string | null {
  return move === undefined ? 'It can’t be moved here, as this calendar can’t do that: move it there' : null
}
