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
  prices?: { [Name in Segment | 'all']?: PriceSettings | string }
  link?: string
  place?: string
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
export const MENU_STEPS = ['book', 'trial', 'prices', 'human'] as const

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
  settleDays?: { [Method in SlowMethod]?: number }
  promotionCodes?: boolean
  invoice?: boolean
  customerEmail?: boolean
}
