import { DEFAULTS } from './defaults.ts'
import {
  type CancellationSettings,
  MAX_REMINDER_HOURS,
  MAX_REMINDERS,
  type MovingSettings,
  REFUNDS,
  type ReminderSettings,
  type WeeklySettings,
} from './settings.ts'

/** What the tutor's settings say about lessons that are booked. */

/** A year: above it, a cutoff is a slip. */
const MAX_UNTIL_HOURS = 8_760

const hoursBefore = (preset: number, description: string) => ({
  type: 'number',
  minimum: 0,
  maximum: MAX_UNTIL_HOURS,
  default: preset,
  description,
})

const count = (maximum: number, preset: number, description: string) => ({
  type: 'integer',
  minimum: 0,
  maximum,
  default: preset,
  description,
})

export const CANCELLATION_SCHEMA = {
  type: 'object',
  additionalProperties: false,
  description: 'When students can cancel a lesson that is booked, and what they get back',
  properties: {
    untilHours: hoursBefore(
      DEFAULTS.cancellation.untilHours,
      'Hours before a lesson until which the student can cancel it; after that a person decides. 0: until it begins',
    ),
    refund: {
      enum: REFUNDS,
      default: DEFAULTS.cancellation.refund,
      description:
        'What happens with the money of a paid lesson that is cancelled in time. ask: a person decides; automatic: the student gets it back at once; none: it is not paid back',
    },
    maxRefundsPerDay: count(
      1_000,
      DEFAULTS.cancellation.maxRefundsPerDay,
      'Automatic refunds of a day; beyond them a person decides. 0: a person decides each',
    ),
  } satisfies Record<keyof CancellationSettings, object>,
}

export const MOVING_SCHEMA = {
  type: 'object',
  additionalProperties: false,
  description: 'When students can move a lesson that is booked',
  properties: {
    untilHours: hoursBefore(
      DEFAULTS.moving.untilHours,
      'Hours before a lesson until which the student can move it; after that a person decides. 0: until it begins',
    ),
    maxTimes: count(
      100,
      DEFAULTS.moving.maxTimes,
      'How often a student can move the same lesson; beyond that a person decides. 0: a person decides each',
    ),
  } satisfies Record<keyof MovingSettings, object>,
}

export const REMINDERS_SCHEMA = {
  type: 'object',
  additionalProperties: false,
  description: 'What students are told before a lesson',
  properties: {
    hours: {
      type: 'array',
      maxItems: MAX_REMINDERS,
      uniqueItems: true,
      default: DEFAULTS.reminders.hours,
      description:
        'Hours before a lesson at which the student is reminded of it, but not between 22:00 and 8:00 where the student is. Empty: no reminders',
      items: {
        type: 'number',
        exclusiveMinimum: 0,
        maximum: MAX_REMINDER_HOURS,
        description: 'hours before the lesson',
      },
    },
  } satisfies Record<keyof ReminderSettings, object>,
}

export const WEEKLY_SCHEMA = {
  type: 'object',
  additionalProperties: false,
  description: 'Lessons each week at one time, until that is ended',
  properties: {
    offered: {
      type: 'boolean',
      default: DEFAULTS.weekly.offered,
      description: 'Students can have them by themselves ("elke dinsdag 17:00"); else a person sees to it',
    },
    weeksAhead: {
      type: 'integer',
      minimum: 1,
      maximum: 26,
      default: DEFAULTS.weekly.weeksAhead,
      description: 'Weeks of them that are in the calendar; more where students can book further ahead',
    },
  } satisfies Record<keyof WeeklySettings, object>,
}
