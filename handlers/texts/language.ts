import type Stripe from 'stripe'
import type { PersonReason } from '../wishes.ts'
import type { LanguageCode } from './index.ts'
import type { PupilWords } from './pupils.ts'
import type { Texts } from './texts.ts'

/**
 * Everything that depends on a language. To add one, export a `Language` under its code from a file here and add a
 * line to languages.ts; the compiler names what is missing. Long parts can have a file of their own, as `times` has.
 */
export interface Language {
  /**
   * Values of the contact's attribute `language` that mean this one. Browsers' languages are compared with them too,
   * without their region (`de` of `de-AT`), in lower case.
   */
  codes: readonly string[]
  /** BCP 47, such as `de` or `pt-BR`: for the names of months and weekdays. */
  locale: string
  /** Of Stripe's payment page: https://docs.stripe.com/js/appendix/supported_locales */
  stripeLocale: Stripe.Checkout.SessionCreateParams.Locale
  /** What students read. */
  texts: Texts
  /** For the tutor: why a conversation was handed over. What the student wrote follows. */
  handedOver: Record<PersonReason | 'misunderstood' | 'repeated' | 'endless' | 'language' | 'file', string>
  /** For the tutor: which lesson it is about. */
  aboutLesson(when: string, order: string): string
  /** The same of a weekly one. @param day of the week @param time of day */
  aboutWeekly(day: string, time: string, order: string): string
  /** For the tutor: how a conversation that was handed over goes back to the bot. */
  wayBack: {
    /** With an agent bot. */
    bot: string
    /** With an account's webhook alone. */
    account: string
    /** @param path of the operator's page */
    onPage(path: string): string
    byItself(hours: number): string
  }
  /** luxon's tokens: https://moment.github.io/luxon/#/formatting?id=table-of-tokens */
  formats: {
    /** Of a time to choose. WhatsApp shows 24 characters at most; dots after names are left out. */
    choice: string
    /** The same beside another word. At most 15 characters. */
    shortChoice: string
    date: string
    time: string
  }
  /** What asks for a person, wherever the dialogue is. It is looked for in every language. */
  personWords: RegExp
  wishes: Wishes
  /** Words by which it is recognised in what is written, without accents, with spaces between. */
  recognisedBy: {
    /** Of no other language and rarely borrowed: one is enough. */
    surely: string
    /** Two are needed. What is in another language's list too does not count. */
    perhaps: string
  }
  asking: AskingForLanguage
  /** How a choice is named by its number: `optie 2`, `de eerste`. */
  numbers: {
    /** Before a number: `optie`, `nummer`. */
    markers: readonly string[]
    ordinals: Readonly<Record<string, number>>
    /** Beside a number, with spaces between. Never a word that makes it a time. */
    fillers: string
  }
  times: TimeWords
  pupils: PupilWords
  mail: MailMarks
}

/** What mail programs and their users write around what is new in an e-mail, in lower case and without accents. */
export interface MailMarks {
  /** Where the line before a quotation begins: the `on` of `On 23 Nov 2026 at 11:00 Sam wrote:`. */
  on: string
  /** What makes it one, with commas between: `wrote`. */
  wrote: string
  /** Names of a quoted message's header lines, with commas between: `from`, `sent`. */
  headers: string
  /** Where a signature begins, if at most two words follow. With commas between; never what else a sentence begins with. */
  signature: string
}

/**
 * What students want, in the words they use: phrases with commas between, as handlers/phrases.ts reads them. They are looked for in every language.
 * What is urgent goes to a person wherever the dialogue is; a word there that also means something else hands a student
 * over who only wanted a lesson.
 */
export interface Wishes {
  /** Beside a wish that is the whole message, with spaces between. Never a word that denies. */
  fillers: string
  person: string
  ill: string
  /** Calling off a lesson. */
  cancel: string
  /** Moving one. */
  move: string
  /** No lessons any more. */
  quit: string
  /** Those of each week, beside words of `cancel` and `move`: all of them are meant. */
  weeklyLesson: string
  /** One's own, beside words of `change` and `weeklyMoved`. Never of somebody who asks for new ones. */
  myWeekly: string
  /** Moving those of each week, in words that mean something else elsewhere. */
  weeklyMoved: string
  /** Not coming, in words that mean something else while a time is being chosen. */
  absent: string
  /** Moving a lesson, in such words. */
  change: string
  /** Being late, in such words. */
  late: string
  /** Money back, or a payment that went wrong. */
  money: string
  complaint: string
  invoice: string
  /** About a lesson that is booked: what only a person knows. */
  lesson: string
  /** When it is, and whether it is booked. */
  seeLesson: string
  /** Where it is, and its link. */
  whereLesson: string
  /** One's own lesson, as opposed to any. */
  myLesson: string
  book: string
  /** A lesson that there is not yet: `een les`, not `de les`. */
  newLesson: string
  /** What is looked for, without a choice of what to do: `ik zoek bijles wiskunde`. */
  seeking: string
  trial: string
  prices: string
  /** Several lessons at once. */
  packages: string
  /** How many of them are left. */
  lessonsLeft: string
  menu: string
  otherTimes: string
  payLink: string
  /** These only as the whole message. */
  greeting: string
  /** Nothing has to be answered. */
  thanks: string
  yes: string
  no: string
  /** Stops what is under way. */
  back: string
  /** The same where nothing is under way: no more reminders. Not what is rather said to an offer. */
  stop: string
  /** These wherever they stand: no reminders of lessons, and reminders again. */
  noReminders: string
  reminders: string
}

/** How students ask for a language, as phrases like those of `Wishes`; `@`: its name. */
export interface AskingForLanguage {
  /** Wherever they stand. */
  inside: string
  /** As a sentence or a part between commas, with `fillers` beside it: `in @`, but not `I am bad in @`. */
  alone: string
  /** The language is not understood: the one of this message is wanted. */
  lacks: string
  fillers: string
  /** What makes a language a subject: `les in het Engels`. With spaces between. */
  subjects: string
}

/** How students write times. Phrases are read as handlers/phrases.ts reads them: without case and accents. */
export interface TimeWords {
  /** Languages whose words of time these students use too. Where two differ, the student's own language counts. */
  alsoReads: readonly LanguageCode[]
  /** Beside the names that luxon knows; 1: Monday. */
  weekdays: Readonly<Record<string, readonly number[]>>
  /** Often other words too: taken as weekdays only beside something else that says when, or alone. */
  shortWeekdays: Readonly<Record<string, number>>
  months: Readonly<Record<string, number>>
  /** `Tuesdays`: with one time of day a lesson each week is meant. */
  eachWeekday: Readonly<Record<string, readonly number[]>>
  /** Days from today. */
  inDays: Readonly<Record<string, number>>
  /** Weeks from this one. */
  inWeeks: Readonly<Record<string, number>>
  /** Weeks from this one, and the weekdays of it. */
  inWeekParts: Readonly<Record<string, readonly [weeks: number, ...weekdays: number[]]>>
  /** Of the day, from and to in hours. Joined to a day they are one word: `dinsdagmiddag`. */
  parts: Readonly<Record<string, readonly [from: number, to: number]>>
  /** `vanavond`: days from today, and the part of the day. */
  dayParts: Readonly<Record<string, readonly [days: number, from: number, to: number]>>
  /** `{ drei: 3 }` */
  hours: Readonly<Record<string, number>>
  /** Hours that are an article too: hours only after a word of `beforeHour`. `half een`, but not `een uur`. */
  articles: readonly string[]
  /** Minutes to add to the hour that follows; several add up: `um halb drei`, `fünf vor halb drei`. */
  beforeHour: Readonly<Record<string, number>>
  /** Words of `beforeHour` after which the time is never certain, since others mean another by them. */
  unsure: readonly string[]
  /** How long a lesson lasts, in minutes. */
  durations: Readonly<Record<string, number>>
  /** Phrases of `from` and `until` that limit days too, with commas between: whether the day itself is meant. */
  dayLimits: { included: string; excluded: string }
  /** A date in digits may have its month first, as in America: `11/25`. */
  isMonthFirst: boolean
  /** Phrases with commas between. */
  words: Readonly<Record<TimeWord, string>>
}

export type TimeWord =
  /** After an hour: `uur`. */
  | 'clock'
  /** Between hour and minutes, beside `:` and `.`: the `u` of `17u30`. */
  | 'separator'
  | 'am'
  | 'pm'
  /** 12:00. */
  | 'noon'
  /** After a number: the day of a month. */
  | 'ordinal'
  /** After a number: how long. */
  | 'hours'
  | 'minutes'
  /** Beside a number and `clock`: how long. */
  | 'lesson'
  | 'lessonOf'
  /** Between two numbers: `in 3 Tagen`. */
  | 'inAWhile'
  | 'dayUnit'
  | 'weekUnit'
  /** Before an hour, or a part of the day. */
  | 'from'
  | 'until'
  | 'around'
  | 'between'
  /** Before an hour, and before much else. */
  | 'ago'
  | 'or'
  /** Ends what a denial denies. */
  | 'but'
  | 'not'
  /** Denies the days and parts of the day that follow. */
  | 'except'
  /** What the student does at that time, if something unknown follows: `dinsdag 17:00 heb ik voetbal`. */
  | 'busy'
  /** After `busy`: that nothing is done then. Often also stands without it. */
  | 'free'
  /** Before the day of a month: `am 3.` */
  | 'onDate'
  /** Before a weekday: the coming one, or one week later. */
  | 'next'
  | 'weekly'
  /** One lesson is meant, not one each week. */
  | 'once'
  /** The same before a day. */
  | 'only'
  /** The same before a weekday. */
  | 'coming'
  /** Before a day, a week or a month, beside words of `from`: when lessons each week begin. */
  | 'begins'
  /** Its first day, when lessons each week begin. */
  | 'nextMonth'
  | 'nextYear'
  /** Again and again, but not every week: `om de week`. */
  | 'otherRhythm'
  /** Any time will do. */
  | 'any'
  | 'earlier'
  /** The morning after a weekday, else a day: `Dienstag Morgen`. */
  | 'morning'
  /** Changes nothing about the time beside it. Never a word that excludes or limits. */
  | 'filler'
