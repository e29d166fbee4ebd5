import { CLOSED_PATTERN } from './days.ts'
import { DEFAULTS } from './defaults.ts'
import { CANCELLATION_SCHEMA, MOVING_SCHEMA, REMINDERS_SCHEMA, WEEKLY_SCHEMA } from './schema-booked.ts'
import { LESSONS_SCHEMA } from './schema-lessons.ts'
import { HAND_OVER_SCHEMA, PAYMENT_SCHEMA } from './schema-payment.ts'
import { PLANNING_SCHEMA } from './schema-planning.ts'
import {
  DEFAULT_LANGUAGE_SCHEMA,
  LANGUAGES_SCHEMA,
  MENU_SCHEMA,
  SUBJECTS_SCHEMA,
  TEXTS_SCHEMA,
  WORDS_SCHEMA,
} from './schema-texts.ts'
import type { TutorSettings } from './settings.ts'

/** The tutor's settings: the single source for what is allowed, for docs/tutor-settings.md, and for editors. */
export const TUTOR_SCHEMA = {
  $schema: 'http://json-schema.org/draft-07/schema#',
  title: 'The tutor’s settings',
  type: 'object',
  additionalProperties: false,
  properties: {
    $schema: { type: 'string', description: 'For editors: where this schema is' },
    name: {
      type: 'string',
      pattern: '\\S',
      maxLength: 60,
      description:
        'The tutor’s name, for {tutor} in texts. With it the first answer in a conversation says with whom the student chats',
    },
    languages: LANGUAGES_SCHEMA,
    defaultLanguage: DEFAULT_LANGUAGE_SCHEMA,
    planning: PLANNING_SCHEMA,
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
    lessons: LESSONS_SCHEMA,
    subjects: SUBJECTS_SCHEMA,
    menu: MENU_SCHEMA,
    texts: TEXTS_SCHEMA,
    words: WORDS_SCHEMA,
    payment: PAYMENT_SCHEMA,
    cancellation: CANCELLATION_SCHEMA,
    moving: MOVING_SCHEMA,
    reminders: REMINDERS_SCHEMA,
    weekly: WEEKLY_SCHEMA,
    handOver: HAND_OVER_SCHEMA,
  } satisfies Record<keyof TutorSettings | '$schema', object>,
}
