import { formatAmount } from '../handlers/money.ts'
import { SEGMENTS } from '../handlers/segment.ts'
import type { PriceIds } from '../handlers/services.ts'
import type { PlanningName, TutorSettings } from './settings.ts'
import { type Tutor, type TutorLesson, type TutorPackage, tutorOf } from './tutor.ts'
import { wholeOf } from './whole.ts'

/** Which settings are in force, and where each comes from: for people. */

export interface SettingInForce {
  /** Where it is set or could be, such as `planning.new.leadMinutes`. */
  name: string
  value: unknown
  /** `default`; or what the settings are called, such as `tutor.json`; or `environment, HANDOFF_HOURS`, `option, stripe.prices`. */
  from: string
}

export interface InForce {
  settings: TutorSettings
  /** What `settings` is called: the file, or the option. */
  from: string
  /** The tutor's, IANA. */
  zone: string
  /** These count before the settings. */
  prices?: PriceIds | undefined
  handoffHours?: number | undefined
  /** What those are called. */
  others: 'environment' | 'option'
}

/** @throws {OptionError} the settings are wrong */
export function settingsInForce({ settings, from, zone, prices, handoffHours, others }: InForce): SettingInForce[] {
  const tutor = tutorOf(settings, zone, prices)
  const whole = wholeOf(settings)
  const {
    planning,
    payment,
    cancellation,
    moving,
    reminders,
    weekly,
    handOver,
    lessons: _,
    texts,
    words,
    ...plain
  } = whole
  const parts = { payment, cancellation, moving, reminders, weekly }
  const fromOf = (isGiven: boolean) => (isGiven ? from : 'default')
  const { hours } = handOver
  return [
    ...rowsOf('', plain, name => fromOf(settings[name as keyof TutorSettings] !== undefined)),
    ...Object.entries(planning).flatMap(([segment, values]) =>
      rowsOf(`planning.${segment}.`, values, name => planningFrom(settings, segment as PlanningName, name, from)),
    ),
    ...lessonRows(tutor, fromOf(settings.lessons !== undefined), from, others),
    ...leavesOf('texts', texts).map(([name, value]) => ({ name, value, from })),
    ...leavesOf('words', words).map(([name, value]) => ({ name, value, from })),
    ...Object.entries(parts).flatMap(([part, values]) =>
      rowsOf(`${part}.`, values, name => fromOf(Object.hasOwn(settings[part as keyof typeof parts] ?? {}, name))),
    ),
    handoffHours === undefined
      ? { name: 'handOver.hours', value: hours, from: fromOf(settings.handOver?.hours !== undefined) }
      : { name: 'handOver.hours', value: handoffHours, from: nameOf(others, 'HANDOFF_HOURS', 'chatwoot.handoffHours') },
  ]
}

function nameOf(others: InForce['others'], variable: string, option: string): string {
  return `${others}, ${others === 'environment' ? variable : option}`
}

/** What is undefined is left out. */
function rowsOf(prefix: string, values: object, from: (name: string) => string): SettingInForce[] {
  const given = Object.entries(values).filter(([, value]) => value !== undefined)
  return given.map(([name, value]) => ({ name: prefix + name, value, from: from(name) }))
}

function planningFrom({ planning = {} }: TutorSettings, segment: PlanningName, name: string, from: string): string {
  if (Object.hasOwn(planning[segment] ?? {}, name)) return from
  return Object.hasOwn(planning.all ?? {}, name) ? `${from}, planning.all` : 'default'
}

function lessonRows(
  { lessons, trial }: Tutor,
  lessonsFrom: string,
  from: string,
  others: InForce['others'],
): SettingInForce[] {
  const row = (name: string, value: unknown) => ({ name, value, from: lessonsFrom })
  const ofLesson = ({ name, minutes, link, place }: TutorLesson, isTrial: boolean) => [
    row(`${name}.minutes`, minutes),
    ...(isTrial ? [row(`${name}.trial`, true)] : []),
    ...(link === undefined ? [] : [row(`${name}.link`, link)]),
    ...(place === undefined ? [] : [row(`${name}.place`, place)]),
  ]
  const ofPrices = (name: string, prices: TutorLesson['prices']) =>
    SEGMENTS.map(segment => {
      const price = prices[segment]
      const path = `${name}.prices.${segment}`
      if (price === undefined) return { name: path, value: null, from: 'default' }
      const sum = price.money && `, ${formatAmount(price.money.amount, price.money.currency)}`
      const own = price.from === path ? from : `${from}, ${price.from}`
      const origin = price.from.startsWith(name) ? own : nameOf(others, price.from, 'stripe.prices')
      return { name: path, value: `${price.id}${sum ?? ''}`, from: origin }
    })
  const ofPackage = (name: string, { lessons, prices }: TutorPackage) => [
    row(`${name}.lessons`, lessons),
    ...ofPrices(name, prices),
  ]
  const all = lessons.flatMap(lesson => [
    ...ofLesson(lesson, false),
    ...ofPrices(lesson.name, lesson.prices),
    ...lesson.packages.flatMap((each, index) => ofPackage(`${lesson.name}.packages[${index}]`, each)),
  ])
  return trial === undefined ? all : [...all, ...ofLesson(trial, true)]
}

/** Each value that is no object, with its path. */
function leavesOf(path: string, value: object): [string, unknown][] {
  return Object.entries(value).flatMap(([name, each]): [string, unknown][] =>
    typeof each === 'object' && !Array.isArray(each) ? leavesOf(`${path}.${name}`, each) : [[`${path}.${name}`, each]],
  )
}
