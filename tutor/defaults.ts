import { ALL_LANGUAGES } from '../handlers/texts/index.ts'
import { MENU_STEPS, type PlanningName, type PlanningOptions, type TutorSettings } from './settings.ts'

/** What is in force where a tutor sets nothing. */

const onWorkdays = (span: string) => ({
  monday: [span],
  tuesday: [span],
  wednesday: [span],
  thursday: [span],
  friday: [span],
})

const NEW = {
  hours: onWorkdays('10:00-20:00'),
  leadMinutes: 720,
  daysAhead: 10,
  stepMinutes: 60,
  bufferBeforeMinutes: 15,
  bufferAfterMinutes: 15,
} satisfies PlanningOptions

const EXISTING = {
  hours: onWorkdays('09:00-21:00'),
  leadMinutes: 360,
  daysAhead: 14,
  stepMinutes: 60,
  bufferBeforeMinutes: 10,
  bufferAfterMinutes: 10,
} satisfies PlanningOptions

/** There is no most lessons per day. */
export type WholePlanning = Required<Omit<PlanningOptions, 'maxLessonsPerDay'>> & PlanningOptions

export const DEFAULTS = {
  planning: {
    new: NEW,
    existing: EXISTING,
    returning_broadcast: EXISTING,
    weekend: {
      ...EXISTING,
      hours: { saturday: ['10:00-18:00'], sunday: ['10:00-18:00'] },
      leadMinutes: 180,
      daysAhead: 7,
    },
    trial: { ...NEW, hours: onWorkdays('17:00-19:00'), stepMinutes: 30 },
  } satisfies Record<PlanningName, WholePlanning> as Record<PlanningName, WholePlanning>,
  closed: [],
  lessons: [{ minutes: 60 }, { minutes: 90 }, { minutes: 30, trial: true }],
  subjects: [],
  ...ALL_LANGUAGES,
  texts: {},
  menu: MENU_STEPS,
  words: {},
  payment: {
    minutesToPay: 40,
    linkHours: [48, 24],
    settleDays: {},
    promotionCodes: false,
    invoice: false,
    customerEmail: false,
  },
  cancellation: { untilHours: 24, refund: 'ask', maxRefundsPerDay: 5 },
  moving: { untilHours: 24, maxTimes: 2 },
  reminders: { hours: [24] },
  weekly: { offered: true, weeksAhead: 4 },
  handOver: { hours: 24 },
} satisfies TutorSettings
