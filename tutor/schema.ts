import type { Segment } from '../handlers/segment.ts'
import { CLOSED_PATTERN, SPAN_PATTERN } from './days.ts'
import { DEFAULTS } from './defaults.ts'
import {
  type LessonSettings,
  type PlanningName,
  type PlanningOptions,
  type PriceSettings,
  type TutorSettings,
  WEEKDAYS,
} from './settings.ts'

/** The tutor's settings: the single source for what is allowed, for docs/tutor-settings.md, and for editors. */

const hours = {
  type: 'object',
  additionalProperties: false,
  description:
    'When lessons can be had, by weekday: spans of the tutor’s time, such as "09:00-12:00". A lesson fits into one of them; a weekday that is not named has none',
  properties: Object.fromEntries(
    WEEKDAYS.map(day => [
      day,
      {
        type: 'array',
        items: {
          type: 'string',
          pattern: SPAN_PATTERN,
          description: 'from and to, such as "09:00-12:30"; midnight at its end is "24:00"',
        },
      },
    ]),
  ),
}

const planningProperties = {
  hours,
  leadMinutes: {
    type: 'integer',
    minimum: 0,
    maximum: 129_600,
    description: 'Minutes from now until the first lesson that can be had',
  },
  daysAhead: {
    type: 'integer',
    minimum: 0,
    maximum: 90,
    description: 'Days after today on which lessons can be had; 0: today only',
  },
  stepMinutes: {
    type: 'integer',
    minimum: 15,
    maximum: 1_440,
    description: 'Minutes between two times at which a lesson can begin, counted from the beginning of each span',
  },
  bufferBeforeMinutes: {
    type: 'integer',
    minimum: 0,
    maximum: 720,
    description: 'Minutes that must also be free before a lesson',
  },
  bufferAfterMinutes: {
    type: 'integer',
    minimum: 0,
    maximum: 720,
    description: 'Minutes that must also be free after a lesson',
  },
  maxLessonsPerDay: {
    type: 'integer',
    minimum: 1,
    maximum: 100,
    description:
      'No time is offered on a day that has so many lessons, held ones too (default: no limit). Of two students who choose at the same moment both may get one',
  },
} satisfies Record<keyof PlanningOptions, object>

function planningOf(name: PlanningName | 'all', description: string) {
  const defaults: PlanningOptions = name === 'all' ? {} : DEFAULTS.planning[name]
  const withDefault = ([key, property]: [string, object]) => {
    const preset = defaults[key as keyof PlanningOptions]
    return [key, preset === undefined ? property : { ...property, default: preset }]
  }
  return {
    type: 'object',
    additionalProperties: false,
    description,
    properties: Object.fromEntries(Object.entries(planningProperties).map(withDefault)),
  }
}

const price = (description: string) => ({
  // Either one: pattern is for texts, the rest for objects.
  type: ['string', 'object'],
  pattern: '^\\S+$',
  additionalProperties: false,
  required: ['id'],
  description,
  properties: {
    id: { type: 'string', pattern: '^\\S+$', description: 'A Stripe price id: price_…' },
    amount: {
      type: 'integer',
      minimum: 1,
      description:
        'What it is expected to be, in the currency’s smallest unit (4500 for 45.00 EUR); with another one nothing is sold',
    },
    currency: { type: 'string', pattern: '^[A-Za-z]{3}$', description: 'Its three letters, such as "eur"' },
  } satisfies Record<keyof PriceSettings, object>,
})

const lesson = {
  type: 'object',
  additionalProperties: false,
  required: ['minutes'],
  description: 'a lesson',
  properties: {
    minutes: { type: 'integer', minimum: 10, maximum: 600, description: 'How long it lasts, in minutes' },
    trial: { type: 'boolean', default: false, description: 'A trial lesson, which is free; there is one at most' },
    prices: {
      type: 'object',
      additionalProperties: false,
      description:
        'Stripe price ids by segment. The variables STANDARD_PRICE_ID_60 and the others (in an app of your own stripe.prices) count before them; without a price the lesson is not sold to that segment',
      properties: {
        all: price('For every segment without one of its own'),
        new: price('For contacts who have not had a lesson'),
        existing: price('For contacts who have'),
        returning_broadcast: price('For contacts whom a broadcast has brought back'),
        weekend: price('For contacts who may have lessons at the weekend'),
      } satisfies Record<Segment | 'all', object>,
    },
    link: {
      type: 'string',
      pattern: '^https?://\\S+$',
      description: 'Where it is online: students are told when it is booked',
    },
    place: {
      type: 'string',
      pattern: '\\S',
      maxLength: 200,
      description: 'Where it is, such as a street: students are told when it is booked',
    },
  } satisfies Record<keyof LessonSettings, object>,
}

export const TUTOR_SCHEMA = {
  $schema: 'http://json-schema.org/draft-07/schema#',
  title: 'The tutor’s settings',
  type: 'object',
  additionalProperties: false,
  properties: {
    planning: {
      type: 'object',
      additionalProperties: false,
      description: 'When lessons can be had',
      properties: {
        all: planningOf('all', 'For every segment and for trial lessons, where they have no value of their own below'),
        new: planningOf('new', 'Contacts who have not had a lesson'),
        existing: planningOf('existing', 'Contacts who have'),
        returning_broadcast: planningOf('returning_broadcast', 'Contacts whom a broadcast has brought back'),
        weekend: planningOf('weekend', 'Contacts who may have lessons at the weekend'),
        trial: planningOf('trial', 'Trial lessons, of every segment'),
      } satisfies Record<PlanningName | 'all', object>,
    },
    closed: {
      type: 'array',
      default: DEFAULTS.closed,
      description: 'Days and spans without lessons, for every segment',
      items: {
        type: 'string',
        pattern: CLOSED_PATTERN,
        description:
          'a day ("2026-12-25"), its first and last day ("2026-07-01/2026-07-31"), or with times ("2026-12-24T12:00/2026-12-26T09:00")',
      },
    },
    lessons: {
      type: 'array',
      minItems: 1,
      maxItems: 6,
      default: DEFAULTS.lessons,
      description:
        'The lessons that there are. Who asks for a lesson gets the first; the others are choices beside the times',
      items: lesson,
    },
  } satisfies Record<keyof TutorSettings, object>,
}
