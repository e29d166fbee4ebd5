import type Stripe from 'stripe'
import type { PersonReason } from '../wishes.ts'
import type { LanguageCode } from './index.ts'

/**
 * Everything that depends on a language. To add one, export a `Language` under its code from a file here and add a
 * line to languages.ts; the compiler names what is missing.
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
  /** Calling off or moving a lesson. */
  cancel: string
  /** The same in words that mean something else while a time is being chosen. */
  absent: string
  /** Money back, or a payment that went wrong. */
  money: string
  complaint: string
  invoice: string
  /** About a lesson that is booked: its time, its place. */
  lesson: string
  book: string
  /** A lesson that there is not yet: `een les`, not `de les`. */
  newLesson: string
  /** What is looked for, without a choice of what to do: `ik zoek bijles wiskunde`. */
  seeking: string
  trial: string
  prices: string
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
  /** Any time will do. */
  | 'any'
  | 'earlier'
  /** The morning after a weekday, else a day: `Dienstag Morgen`. */
  | 'morning'
  /** Changes nothing about the time beside it. Never a word that excludes or limits. */
  | 'filler'

/** What students read. The parameters are complete: amounts have their currency, times are in the student's zone. */
export interface Texts {
  /** Before the first answer in a conversation. @param tutor the tutor's name */
  greeting(tutor: string): string
  menu: string
  /** What can be chosen, by its step in handlers/dialogue.ts. WhatsApp shows 24 characters at most. */
  choices: {
    menu: string
    book: string
    trial: string
    prices: string
    human: string
    other_times: string
    pay_link: string
    other_time: string
  }
  /** A choice too: the lesson shall last so long instead. */
  otherLength(minutes: number): string
  /** A date and a time of day. @param zone IANA; null: it is the tutor's, and not named */
  when(date: string, time: string, zone: string | null): string
  /** What is taught, where the conversation does not say. */
  lesson: string
  /** Before the answer to what was written long ago. */
  sorryForWait: string
  notUnderstood: string
  /** After something in a language without texts. @param names of the languages that there are, as a list */
  languages(names: string): string
  offerPerson: string
  handoff: string
  /** After a voice message, a picture, a location. */
  cannotListen: string
  /** A lesson is reserved: what now? */
  awaitsPayment(when: string): string
  didNotWork: string
  prices(lines: string[]): string
  price(minutes: number, amount: string): string
  chooseTime(minutes: number): string
  /** One time that is free: shall it be this one? */
  thisTime(when: string, minutes: number): string
  noTimes: string
  taken: string
  /** Why a time can't be had; the nearest ones follow. @param until the last day */
  tooFar(until: string): string
  /** @param from the first time */
  tooSoon(from: string): string
  /** @param days of the week on which there are lessons: `dayRange` or `onDays` */
  notOnThatDay(days: string): string
  /** @param hours of that day, as `hourRange` says them */
  notAtThatHour(hours: string): string
  /** @param days of a holiday: `dayRange` or `onDays` */
  closed(days: string): string
  /** Parts of these. @param from the first day, until the last one */
  dayRange(from: string, until: string): string
  /** @param days one or a list */
  onDays(days: string): string
  /** @param from a time of day */
  hourRange(from: string, until: string): string
  notThen: string
  noEarlier: string
  /** Lessons every week go through a person. */
  weekly: string
  /** Lessons of the length that was asked for are not sold. @param minutes those that are */
  otherLengths(minutes: readonly number[]): string
  /** After these there are no other times. */
  lastTimes: string
  /** All were offered: they are offered again from the beginning. */
  allShown: string
  /** The zone of all times in the offer. */
  inZone(zone: string): string
  /** @param until a time of day */
  payFirst(when: string, url: string, until: string, amount: string): string
  paymentUnderWay: string
  /** After `paymentUnderWay`: until the payment has arrived. */
  timeKept(when: string): string
  timeNotKept(when: string): string
  trialBooked(when: string): string
  booked(when: string): string
  /** Where a booked lesson is. */
  online(link: string): string
  atPlace(place: string): string
  paid(amount: string): string
  paidButTaken: string
  /** The page that Stripe sends students to after paying. */
  paidPage: { title: string; text: string }
  paidButPast: string
  personBooks: string
  paymentFailed: string
  expired(when: string): string
  refunded(amount: string): string
  refundFailed(amount: string): string
  cancelled(when: string): string
}
