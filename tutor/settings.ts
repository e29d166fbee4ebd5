import type { Segment } from '../handlers/segment.ts'

/** What a tutor may set, as it is written in `tutor.json` or in the option `tutor`. tutor/schema.ts describes each. */
export interface TutorSettings {
  planning?: { [Name in PlanningName | 'all']?: PlanningOptions }
  closed?: readonly string[]
  lessons?: readonly LessonSettings[]
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

/** A Stripe price, and what it is expected to be. */
export interface PriceSettings {
  id: string
  /** In the currency's smallest unit. */
  amount?: number
  currency?: string
}
