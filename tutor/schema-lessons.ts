import type { Segment } from '../handlers/segment.ts'
import { DEFAULTS } from './defaults.ts'
import type { LessonSettings, PackageSettings, PriceSettings } from './settings.ts'

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

const prices = (description: string) => ({
  type: 'object',
  additionalProperties: false,
  description,
  properties: {
    all: price('For every segment without one of its own'),
    new: price('For contacts who have not had a lesson'),
    existing: price('For contacts who have'),
    returning_broadcast: price('For contacts whom a broadcast has brought back'),
    weekend: price('For contacts who may have lessons at the weekend'),
  } satisfies Record<Segment | 'all', object>,
})

const lesson = {
  type: 'object',
  additionalProperties: false,
  required: ['minutes'],
  description: 'a lesson',
  properties: {
    minutes: { type: 'integer', minimum: 10, maximum: 600, description: 'How long it lasts, in minutes' },
    trial: { type: 'boolean', default: false, description: 'A trial lesson, which is free; there is one at most' },
    prices: prices(
      'Stripe price ids by segment. The variables STANDARD_PRICE_ID_60 and the others (in an app of your own stripe.prices) count before them; without a price the lesson is not sold to that segment',
    ),
    packages: {
      type: 'array',
      maxItems: 3,
      description:
        'Several of it at once, at a price of their own: so many lessons, and their Stripe prices by segment',
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['lessons', 'prices'],
        description: 'a package, with lessons and prices',
        properties: {
          lessons: { type: 'integer', minimum: 2, maximum: 100, description: 'How many lessons' },
          prices: prices('Stripe price ids of all of them together, by segment'),
        } satisfies Record<keyof PackageSettings, object>,
      },
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

export const LESSONS_SCHEMA = {
  type: 'array',
  minItems: 1,
  maxItems: 6,
  default: DEFAULTS.lessons,
  description:
    'The lessons that there are. Who asks for a lesson gets the first; the others are choices beside the times',
  items: lesson,
}
