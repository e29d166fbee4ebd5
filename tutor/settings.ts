import type { Segment } from '../handlers/segment.ts'
import type { LanguageCode, Texts } from '../handlers/texts/index.ts'
import type { AddedWords } from '../handlers/wishes.ts'
import type { PLACEHOLDERS } from './texts.ts'

/** What a tutor may set, as it is written in `tutor.json` or in the option `tutor`. tutor/schema.ts describes each. */
export interface TutorSettings {
  name?: string
  planning?: { [Name in PlanningName | 'all']?: PlanningOptions }
  closed?: readonly string[]
  lessons?: readonly LessonSettings[]
  subjects?: readonly (string | SubjectSettings)[]
  languages?: readonly LanguageCode[]
  defaultLanguage?: LanguageCode
  texts?: TextSettings
  menu?: readonly (MenuStep | OwnItemSettings)[]
  words?: AddedWords
  payment?: PaymentSettings
  cancellation?: CancellationSettings
  moving?: MovingSettings
  reminders?: ReminderSettings
  weekly?: WeeklySettings
  handOver?: { hours?: number }
}

/** A segment of contacts, whose regular lessons it plans; or the trial lessons of all of them. */
export type PlanningName = Segment | 'trial'

export interface PlanningOptions {
  hours?: { [Day in Weekday]?: readonly string[] }
  leadMinutes?: number
  daysAhead?: number
  stepMinutes?: number
  bufferBeforeMinutes?: number
  bufferAfterMinutes?: number
  maxLessonsPerDay?: number
}

export const WEEKDAYS = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'] as const

export type Weekday = (typeof WEEKDAYS)[number]

export interface LessonSettings {
  minutes: number
  trial?: boolean
  prices?: PricesSettings
  packages?: readonly PackageSettings[]
  link?: string
  place?: string
}

export type PricesSettings = { [Name in Segment | 'all']?: PriceSettings | string }

/** Several of the lesson, sold at once. */
export interface PackageSettings {
  /** How many. */
  lessons: number
  /** Of all of them together. */
  prices: PricesSettings
}

/** What is taught, and the words by which students name it. */
export interface SubjectSettings {
  name: string
  words: readonly string[]
}

/** A Stripe price, and what it is expected to be. */
export interface PriceSettings {
  id: string
  /** In the currency's smallest unit. */
  amount?: number
  currency?: string
}

/** By language. */
export type TextSettings = {
  [Code in LanguageCode]?: { [Name in keyof typeof PLACEHOLDERS]?: string } & {
    choices?: Partial<Texts['choices']>
    paidPage?: Partial<Texts['paidPage']>
  }
}

/** What the bot has for the menu. */
export const MENU_STEPS = ['book', 'trial', 'packages', 'prices', 'my_lesson', 'human'] as const

export type MenuStep = (typeof MENU_STEPS)[number]

export type ByLanguage = { [Code in LanguageCode]?: string }

/** An item of the tutor's own, with a fixed answer or a person. */
export interface OwnItemSettings {
  id: string
  title: ByLanguage
  answer?: ByLanguage
  person?: boolean
}

/** Stripe's methods whose money takes days: https://docs.stripe.com/payments/payment-methods/payment-method-support */
export const SLOW_METHODS = [
  'acss_debit',
  'au_becs_debit',
  'bacs_debit',
  'boleto',
  'customer_balance',
  'konbini',
  'multibanco',
  'nz_bank_account',
  'oxxo',
  'sepa_debit',
  'us_bank_account',
] as const

export type SlowMethod = (typeof SLOW_METHODS)[number]

export interface PaymentSettings {
  minutesToPay?: number
  /** Before a lesson that is booked and not paid; empty: no links. */
  linkHours?: readonly number[]
  settleDays?: { [Method in SlowMethod]?: number }
  promotionCodes?: boolean
  invoice?: boolean
  customerEmail?: boolean
}

/** A paid lesson that is cancelled in time: `ask`: a person decides about the money. */
export const REFUNDS = ['ask', 'automatic', 'none'] as const

export interface CancellationSettings {
  /** Hours before the lesson; 0: until it begins. */
  untilHours?: number
  refund?: (typeof REFUNDS)[number]
  /** Automatic ones; beyond them a person decides. */
  maxRefundsPerDay?: number
}

export interface MovingSettings {
  /** Hours before the lesson; 0: until it begins. */
  untilHours?: number
  /** Of one lesson, by the student. */
  maxTimes?: number
}

/** Two weeks: inboxes keep what is to be done later for long, but people forget a reminder that is too early, h. */
export const MAX_REMINDER_HOURS = 336
export const MAX_REMINDERS = 5

export interface ReminderSettings {
  /** Hours before the lesson; empty: none. */
  hours?: readonly number[]
}

/** Lessons each week at one time. */
export interface WeeklySettings {
  /** Students can have them by themselves. */
  offered?: boolean
  /** So many weeks of them are in the calendar; at least as many as students can book ahead. */
  weeksAhead?: number
}
