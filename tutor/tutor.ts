import type { Interval } from '../calendar/contract.ts'
import type { OwnStep } from '../handlers/dialogue.ts'
import type { Money } from '../handlers/money.ts'
import { Phrases } from '../handlers/phrases.ts'
import { SEGMENTS, type Segment } from '../handlers/segment.ts'
import type { PriceIds } from '../handlers/services.ts'
import { type LanguageCode, type OfferedLanguages, TEXTS, type Texts } from '../handlers/texts/index.ts'
import { OUR_WORDS, type WishWords, wishWords } from '../handlers/wishes.ts'
import { type HourSpan, parseClosed, parseSpan } from './days.ts'
import { DEFAULTS, type WholePlanning } from './defaults.ts'
import { checkTutor } from './problems.ts'
import {
  type ByLanguage,
  type CancellationSettings,
  type LessonSettings,
  type MenuStep,
  type MovingSettings,
  type OwnItemSettings,
  type PaymentSettings,
  type PlanningName,
  type PriceSettings,
  type PricesSettings,
  type ReminderSettings,
  type SubjectSettings,
  type TutorSettings,
  WEEKDAYS,
  type Weekday,
  type WeeklySettings,
} from './settings.ts'
import { greetingsOf, textsOf } from './texts.ts'
import { mapValues, wholeOf } from './whole.ts'

/** The tutor's settings as the handlers use them: everything is there, and parsed. */
export interface Tutor extends OfferedLanguages {
  /** What students read, in every language that there is. */
  texts: Readonly<Record<LanguageCode, Texts>>
  /** Said before the first answer in a conversation. */
  greetings: Readonly<Partial<Record<LanguageCode, string>>>
  menu: readonly (MenuStep | OwnItem)[]
  /** What students' words are compared with. */
  words: WishWords
  planning: Readonly<Record<PlanningName, Planning>>
  /** Those that are sold, in the tutor's order. */
  lessons: readonly [TutorLesson, ...TutorLesson[]]
  trial: TutorLesson | undefined
  subjects: readonly { name: string; phrases: Phrases }[]
  payment: Required<PaymentSettings>
  /** Of lessons that are booked, by students. */
  cancellation: Required<CancellationSettings>
  moving: Required<MovingSettings>
  reminders: Required<ReminderSettings>
  weekly: Required<WeeklySettings>
  /** So long after a person's last message the bot has a conversation again, h. */
  handOverHours: number
}

/** An item that the tutor has put into the menu. */
export interface OwnItem {
  step: OwnStep
  titles: Readonly<Record<LanguageCode, string>>
  /** undefined: a person answers. */
  answers: Readonly<Record<LanguageCode, string>> | undefined
}

export interface TutorLesson {
  /** `lessons[0]` */
  name: string
  minutes: number
  /** A trial lesson has none. */
  prices: Readonly<Partial<Record<Segment, Price>>>
  /** Several of it, sold at once; of a segment without a price none are. */
  packages: readonly TutorPackage[]
  /** Where each price is set, or could be. */
  priceNames: Readonly<Record<Segment, string>>
  /** Online; at most one of these. */
  link?: string
  place?: string
}

/** Several lessons that are sold at once. */
export interface TutorPackage {
  lessons: number
  prices: Readonly<Partial<Record<Segment, Price>>>
}

/** A price at Stripe. */
export interface Price {
  id: string
  /** Where it is set: a variable's name, or `lessons[0].prices.all`. */
  from: string
  /** What it is expected to be. */
  money?: Money
}

/**
 * The prices of all lessons and packages, by where they are set; undefined: that one is not, so the lesson is not sold.
 */
export function pricesByName({ lessons }: Tutor): Map<string, Price | undefined> {
  const all = SEGMENTS.flatMap(segment =>
    lessons.map(({ prices, priceNames }) => {
      const price = prices[segment]
      return [price?.from ?? priceNames[segment], price] as const
    }),
  )
  const ofPackages = lessons.flatMap(({ packages }) => packages.flatMap(({ prices }) => Object.values(prices)))
  return new Map<string, Price | undefined>([...all, ...ofPackages.map(price => [price.from, price] as const)])
}

/** When lessons can be had, in the tutor's time zone. */
export interface Planning {
  /** By ISO weekday (1 is Monday), in order, without overlaps. A slot fits into one of them. */
  hours: Readonly<Record<number, readonly HourSpan[]>>
  /** When there are none. */
  closed: readonly Interval[]
  /** Minimum from now to the first slot. */
  leadMinutes: number
  /** 0: today only. */
  daysAhead: number
  /** Minutes between the starts of two slots, from the beginning of the span; above 0. */
  stepMinutes: number
  /** Minutes that must also be free before a lesson. */
  bufferBefore: number
  /** Minutes that must also be free after a lesson. */
  bufferAfter: number
  /** Lessons and holds of a day; Infinity: no limit. */
  maxPerDay: number
}

/**
 * @param zone the tutor's, IANA
 * @param prices of the environment: they count before those of the settings
 * @throws {OptionError} with a line for each problem
 */
export function tutorOf(options: TutorSettings, zone: string, prices: PriceIds = {}): Tutor {
  if (Object.keys(options).length > 0) checkTutor(options, 'tutor.')
  const {
    planning,
    closed,
    lessons,
    subjects,
    name,
    languages,
    defaultLanguage,
    texts,
    menu,
    words,
    payment,
    cancellation,
    moving,
    reminders,
    weekly,
    handOver,
  } = wholeOf(options)
  const closedSpans = closed.map(span => parseClosed(span, zone))
  const all = lessons.map((lesson, index) => ({
    isTrial: lesson.trial === true,
    lesson: toLesson(lesson, `lessons[${index}]`, prices),
  }))
  return {
    languages,
    defaultLanguage,
    texts: textsOf(texts, name),
    greetings: greetingsOf(texts, name),
    menu: menu.map(item => (typeof item === 'string' ? item : toOwnItem(item, defaultLanguage))),
    words: words === DEFAULTS.words ? OUR_WORDS : wishWords(words),
    planning: mapValues(planning, each => toPlanning(each, closedSpans)),
    // Checked: there is one.
    lessons: all.filter(({ isTrial }) => !isTrial).map(({ lesson }) => lesson) as unknown as Tutor['lessons'],
    trial: all.find(({ isTrial }) => isTrial)?.lesson,
    subjects: subjects.map(toSubject),
    payment,
    cancellation,
    moving,
    reminders,
    weekly,
    handOverHours: handOver.hours,
  }
}

function toSubject(subject: string | SubjectSettings): Tutor['subjects'][number] {
  const { name, words } = typeof subject === 'string' ? { name: subject, words: [subject] } : subject
  return { name, phrases: new Phrases(words) }
}

function toOwnItem({ id, title, answer }: OwnItemSettings, fallback: LanguageCode): OwnItem {
  const inAll = (texts: ByLanguage) => mapValues(TEXTS, (_, code) => texts[code] ?? (texts[fallback] as string))
  return { step: `own_${id}`, titles: inAll(title), answers: answer && inAll(answer) }
}

/** @param name `lessons[0]` */
function toLesson(
  { minutes, prices = {}, packages = [], trial, link, place }: LessonSettings,
  name: string,
  ids: PriceIds,
): TutorLesson {
  const variables = mapSegments(segment => VARIABLES[minutes]?.[segment === 'weekend' ? 'weekend' : 'standard'])
  const hasOwn = Object.keys(prices).length > 0
  const found = SEGMENTS.map(segment => {
    const { option, variable } = variables[segment] ?? {}
    const id = option && ids[option]
    if (id !== undefined) return [segment, { id, from: `${variable}` }] as const
    return [segment, ownPrice(segment, prices, `${name}.prices`)] as const
  })
  return {
    name,
    minutes,
    prices: trial ? {} : soldOf(found),
    packages: packages.map(({ lessons, prices }, index) => {
      const path = `${name}.packages[${index}].prices`
      return { lessons, prices: soldOf(SEGMENTS.map(segment => [segment, ownPrice(segment, prices, path)] as const)) }
    }),
    priceNames: mapSegments(segment =>
      hasOwn ? `${name}.prices.${segment}` : (variables[segment]?.variable ?? `${name}.prices`),
    ),
    ...(link !== undefined && { link }),
    ...(place !== undefined && { place }),
  }
}

function soldOf(found: readonly (readonly [Segment, Price | undefined])[]): Partial<Record<Segment, Price>> {
  return Object.fromEntries(found.filter(([, price]) => price !== undefined))
}

/** @param path of the prices */
function ownPrice(segment: Segment, prices: PricesSettings, path: string): Price | undefined {
  const own = prices[segment] === undefined ? 'all' : segment
  return toPrice(prices[own], `${path}.${own}`)
}

function toPrice(price: PriceSettings | string | undefined, from: string): Price | undefined {
  if (price === undefined) return undefined
  const { id, amount, currency }: PriceSettings = typeof price === 'string' ? { id: price } : price
  return { id, from, ...(amount !== undefined && currency !== undefined && { money: { amount, currency } }) }
}

/** The environment's price ids by a lesson's minutes, and their names as options. */
const VARIABLES: Record<number, Record<'standard' | 'weekend', { option: keyof PriceIds; variable: string }>> = {
  60: {
    standard: { option: 'standard60', variable: 'STANDARD_PRICE_ID_60' },
    weekend: { option: 'weekend60', variable: 'WEEKEND_PRICE_ID_60' },
  },
  90: {
    standard: { option: 'standard90', variable: 'STANDARD_PRICE_ID_90' },
    weekend: { option: 'weekend90', variable: 'WEEKEND_PRICE_ID_90' },
  },
}

function mapSegments<To>(map: (segment: Segment) => To): Record<Segment, To> {
  return Object.fromEntries(SEGMENTS.map(segment => [segment, map(segment)])) as Record<Segment, To>
}

function toPlanning(whole: WholePlanning, closed: readonly Interval[]): Planning {
  const { hours, leadMinutes, daysAhead, stepMinutes, bufferBeforeMinutes, bufferAfterMinutes } = whole
  return {
    hours: Object.fromEntries(
      Object.entries(hours).map(([day, spans]) => [isoWeekday(day), spans.map(parseSpan).sort(byStart)]),
    ),
    closed,
    leadMinutes,
    daysAhead,
    stepMinutes,
    bufferBefore: bufferBeforeMinutes,
    bufferAfter: bufferAfterMinutes,
    maxPerDay: whole.maxLessonsPerDay ?? Infinity,
  }
}

function isoWeekday(day: string): number {
  return WEEKDAYS.indexOf(day as Weekday) + 1
}

const byStart = ([one]: HourSpan, [other]: HourSpan) => one - other
