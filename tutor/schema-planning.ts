import { SPAN_PATTERN } from './days.ts'
import { DEFAULTS } from './defaults.ts'
import { type PlanningName, type PlanningOptions, WEEKDAYS } from './settings.ts'

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

function ofSegment(name: PlanningName | 'all', description: string) {
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

export const PLANNING_SCHEMA = {
  type: 'object',
  additionalProperties: false,
  description: 'When lessons can be had',
  properties: {
    all: ofSegment('all', 'For every segment and for trial lessons, where they have no value of their own below'),
    new: ofSegment('new', 'Contacts who have not had a lesson'),
    existing: ofSegment('existing', 'Contacts who have'),
    returning_broadcast: ofSegment('returning_broadcast', 'Contacts whom a broadcast has brought back'),
    weekend: ofSegment('weekend', 'Contacts who may have lessons at the weekend'),
    trial: ofSegment('trial', 'Trial lessons, of every segment'),
  } satisfies Record<PlanningName | 'all', object>,
}
