import { LANGUAGE_CODES, LANGUAGES, type LanguageCode, TEXTS, type Texts } from '../handlers/texts/index.ts'
import type { TextSettings } from './settings.ts'

/** Texts that a tutor writes: with names in braces for what the bot puts in. */

/** Parts of other texts: how a language says a day, a span of days or hours, and a number of lessons. */
type Format = 'when' | 'dayRange' | 'onDays' | 'hourRange' | 'lessonsAndMinutes'
export type TextName = Exclude<keyof Texts, Format>
/** Those that are several texts. */
type Group = 'choices' | 'paidPage'

/** What each text can name, in the order of its parameters. */
export const PLACEHOLDERS = {
  greeting: ['tutor'],
  menu: [],
  otherLength: ['minutes'],
  packageChoice: ['lessons', 'minutes'],
  lesson: [],
  sorryForWait: [],
  notUnderstood: [],
  languages: ['names'],
  offerPerson: [],
  handoff: [],
  cannotListen: [],
  awaitsPayment: ['when'],
  didNotWork: [],
  prices: ['lines'],
  price: ['minutes', 'amount'],
  packages: ['lines'],
  package: ['lessons', 'minutes', 'amount'],
  packagePay: ['lessons', 'minutes', 'url', 'until', 'amount'],
  lessonsLeft: ['left'],
  noPackage: [],
  noLessonsLeft: [],
  packageCorrected: [],
  paidFromPackage: [],
  willReturnToPackage: [],
  returnedToPackage: [],
  packageRefunded: [],
  chooseTime: ['minutes'],
  thisTime: ['when', 'minutes'],
  noTimes: [],
  taken: [],
  tooFar: ['until'],
  tooSoon: ['from'],
  notOnThatDay: ['days'],
  notAtThatHour: ['hours'],
  closed: ['days'],
  notThen: [],
  noEarlier: [],
  weekly: [],
  otherRhythm: [],
  weeklyHow: [],
  weeklyOneByOne: [],
  weeklyTooFar: ['until'],
  thisWeekly: ['day', 'time', 'minutes', 'first'],
  weeklyExcept: [],
  weeklyTaken: [],
  weeklyBooked: ['day', 'time', 'first'],
  weeklyPaid: [],
  weeklyFromPackage: [],
  weeklySkipped: ['days'],
  weeklyEnded: ['day', 'time'],
  payLesson: ['when', 'url', 'until', 'amount'],
  otherLengths: ['minutes'],
  lastTimes: [],
  allShown: [],
  inZone: ['zone'],
  payFirst: ['when', 'url', 'until', 'amount'],
  paymentUnderWay: [],
  timeKept: ['when'],
  timeNotKept: ['when'],
  trialBooked: ['when'],
  booked: ['when'],
  online: ['link'],
  atPlace: ['place'],
  paid: ['amount'],
  paidButTaken: [],
  paidButPast: [],
  personBooks: [],
  paymentFailed: [],
  expired: ['when'],
  refunded: ['amount'],
  refundFailed: ['amount'],
  cancelled: ['when'],
  lessonAt: ['when', 'minutes'],
  lessonPaid: ['amount'],
  lessonFree: [],
  lessonUnpaid: [],
  unpaidAfterAll: ['when'],
  lessonHeld: [],
  changeLesson: [],
  whichLesson: [],
  lessonGone: [],
  lessonChanged: [],
  lessonBegun: ['when'],
  lessonKept: ['when'],
  moveTo: ['when'],
  moveToThis: ['from', 'to'],
  moved: ['from', 'to'],
  askCancel: ['when'],
  willRefund: ['amount'],
  willStopPayment: ['amount'],
  personRefunds: [],
  noRefund: [],
  onlyByChoice: [],
  cancelChoice: ['when'],
  cancelChoiceRefund: ['when', 'amount'],
  questionOver: [],
  paymentStopped: [],
  refundAwaited: ['amount'],
  reminder: ['when'],
  remindersOff: [],
  remindersOn: [],
  forWhom: [],
  pupilName: [],
  otherPupilName: [],
  pupilUnknown: ['name'],
  pupilSet: ['name'],
  pupilsSet: ['names'],
  pupilRenamed: ['name'],
  pupilBooked: [],
  tooManyPupils: [],
  pupilIs: ['name'],
  linkExpires: ['when', 'until', 'url'],
} as const satisfies Record<Exclude<TextName, Group>, readonly string[]>

/** Without these a student could not go on. */
export const NEEDED: { [Name in keyof typeof PLACEHOLDERS]?: string } = {
  payFirst: 'url',
  payLesson: 'url',
  prices: 'lines',
  packages: 'lines',
  packagePay: 'url',
  online: 'link',
  atPlace: 'place',
}

const IN_BRACES = /\{(\w+)\}/g

export function placeholdersIn(text: string): string[] {
  return [...text.matchAll(IN_BRACES)].map(([, name]) => name as string)
}

function filled(text: string, values: Readonly<Record<string, string>>): string {
  return text.replace(IN_BRACES, (_, name: string) => values[name] as string)
}

/** What students read, with a tutor's own texts. @param own checked @param name of the tutor */
export function textsOf(own: TextSettings, name = ''): Readonly<Record<LanguageCode, Texts>> {
  const entries = LANGUAGE_CODES.map(code => [code, { ...TEXTS[code], ...ownTexts(code, own[code] ?? {}, name) }])
  return Object.fromEntries(entries)
}

/** Who has no name and no greeting of their own has none. */
export function greetingsOf(own: TextSettings, name: string | undefined): Partial<Record<LanguageCode, string>> {
  const all = textsOf(own, name)
  const greeting = LANGUAGE_CODES.filter(code => name !== undefined || own[code]?.greeting !== undefined)
  return Object.fromEntries(greeting.map(code => [code, all[code].greeting(name ?? '')]))
}

function ownTexts(code: LanguageCode, own: NonNullable<TextSettings[LanguageCode]>, tutor: string): Partial<Texts> {
  const { choices, paidPage, ...others } = own
  const plain = Object.entries(others).map(([name, text]) => {
    const names: readonly string[] = PLACEHOLDERS[name as keyof typeof PLACEHOLDERS]
    if (names.length === 0) return [name, filled(text, { tutor })]
    return [name, (...given: unknown[]) => filled(text, { tutor, ...valuesOf(code, names, given) })]
  })
  return {
    ...Object.fromEntries(plain),
    choices: { ...TEXTS[code].choices, ...choices },
    paidPage: { ...TEXTS[code].paidPage, ...paidPage },
  }
}

function valuesOf(code: LanguageCode, names: readonly string[], given: readonly unknown[]): Record<string, string> {
  return Object.fromEntries(names.map((name, index) => [name, said(given[index], code, name)]))
}

/** The lines of prices are lines; lengths are a choice: `45 of 90`. */
function said(value: unknown, code: LanguageCode, name: string): string {
  if (!Array.isArray(value)) return `${value}`
  const all = value.map(String)
  if (name === 'lines') return all.join('\n')
  return new Intl.ListFormat(LANGUAGES[code].locale, { type: 'disjunction' }).format(all)
}

const TAKES_LIST = new Set(['prices', 'packages', 'otherLengths'])

/** A text of ours as a tutor would write it: `Je les staat vast: {when}. Tot dan!` */
export function writtenText(code: LanguageCode, name: keyof typeof PLACEHOLDERS): string {
  const text: unknown = TEXTS[code][name]
  if (typeof text !== 'function') return text as string
  const tokens = PLACEHOLDERS[name].map(each => `{${each}}`)
  // Those that take a list.
  return text(...(TAKES_LIST.has(name) ? [tokens] : tokens))
}
