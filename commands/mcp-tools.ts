import { FILTER_SCHEMA } from '../operator/filter.ts'
import { LESSON_FILTER_SCHEMA } from '../operator/lessons/filter.ts'
import { WISH_SCHEMA } from '../operator/replay-jobs.ts'

/** What an assistant can ask for: each tool is one request of the operator's API, which checks what is given. */

/** Of the operator's API. */
export interface ApiRequest {
  method: 'GET' | 'POST'
  path: string
  body?: object
}

/** A tool's arguments, which fit its schema. */
export type Given = Record<string, string | number>

export interface Tool {
  name: string
  description: string
  /** true: off unless set. */
  changes: boolean
  /** JSON Schema. */
  input: {
    type: 'object'
    properties: Record<string, object>
    required?: string[]
    minProperties?: number
  }
  request(given: Given): ApiRequest
}

/** How many are on a page unless said otherwise: what is read takes the place of what the assistant knows. */
const PAGE = 20

const ID = {
  id: { type: 'string', minLength: 1, description: 'The id, or at least its first eight characters' },
}
const PAGES = {
  limit: { type: 'integer', minimum: 1, maximum: 200, description: `How many on a page (default ${PAGE})` },
  cursor: { type: 'string', description: '`next` of the page before' },
}
/** Times as the API takes them, not only with an offset. */
const FILTER = { ...FILTER_SCHEMA, from: withoutFormat(FILTER_SCHEMA.from), to: withoutFormat(FILTER_SCHEMA.to) }
const CAUSE = {
  cause: { ...WISH_SCHEMA.cause, description: 'As list_causes shows it' },
  pace: { ...WISH_SCHEMA.pace, type: 'integer' },
  pauseAfter: { ...WISH_SCHEMA.pauseAfter, type: 'integer' },
}
const NUMBER = { number: { type: 'integer', minimum: 1, description: "The job's number" } }

export const TOOLS: readonly Tool[] = [
  {
    name: 'list_deliveries',
    description:
      'Webhooks that were accepted, newest first: state, student, first words, error. States: pending (waits for its turn), done, parked (failed, will be retried), dead (failed, waits for a person), discarded, scheduled, quarantined (refused for its signature).',
    changes: false,
    input: input({ ...FILTER, ...PAGES }),
    request: given => get('/deliveries', { limit: PAGE, ...given }),
  },
  {
    name: 'show_delivery',
    description: 'One delivery with its history, why it failed, and its content.',
    changes: false,
    input: input(ID, ['id']),
    request: ({ id }) => get(`/deliveries/${segment(id)}`),
  },
  {
    name: 'list_causes',
    description: 'Parked and dead deliveries, grouped by what they failed for: error, system, code.',
    changes: false,
    input: input({}),
    request: () => get('/causes'),
  },
  {
    name: 'count_replay',
    description: 'How many parked and dead (or quarantined) deliveries a replay with this filter would handle again.',
    changes: false,
    input: input(FILTER),
    request: filter => post('/deliveries/replay', { filter, dryRun: true }),
  },
  {
    name: 'show_replay_job',
    description: 'The replay job that is running, or the last one: how far it is, and why it is paused.',
    changes: false,
    input: input({}),
    request: () => get('/replay-jobs'),
  },
  {
    name: 'list_lessons',
    description: 'Lessons, in order of their start: when, which student, how paid.',
    changes: false,
    input: input({ ...LESSON_FILTER_SCHEMA, ...PAGES }),
    request: given => get('/lessons', { limit: PAGE, ...given }),
  },
  {
    name: 'show_lesson',
    description: 'One lesson.',
    changes: false,
    input: input(ID, ['id']),
    request: ({ id }) => get(`/lessons/${segment(id)}`),
  },
  {
    name: 'replay_delivery',
    description:
      'Handles a parked or dead delivery again (a scheduled one now; a quarantined one is verified again). Students may get messages, and payments be booked.',
    changes: true,
    input: input(ID, ['id']),
    request: ({ id }) => post(`/deliveries/${segment(id)}/replay`),
  },
  {
    name: 'replay_deliveries',
    description: 'The same for all that match a filter. Ask count_replay first how many these are.',
    changes: true,
    // Nobody means all of them by saying nothing.
    input: { ...input(FILTER), minProperties: 1 },
    request: filter => post('/deliveries/replay', { filter }),
  },
  {
    name: 'replay_cause',
    description: 'Starts a job that replays what failed for a cause, at a pace, and pauses when it fails again.',
    changes: true,
    input: input(CAUSE, ['cause']),
    request: wish => post('/replay-jobs', wish),
  },
  {
    name: 'stop_replay_job',
    description: 'Stops a replay job; what is under way goes on.',
    changes: true,
    input: input(NUMBER, ['number']),
    request: ({ number }) => post(`/replay-jobs/${number}/stop`),
  },
  {
    name: 'resume_replay_job',
    description: 'Resumes a replay job that is paused.',
    changes: true,
    input: input(NUMBER, ['number']),
    request: ({ number }) => post(`/replay-jobs/${number}/resume`),
  },
  {
    name: 'discard_delivery',
    description:
      'Discards a parked, dead or scheduled delivery for good: it will never be handled. Deletes a quarantined one.',
    changes: true,
    input: input({ ...ID, reason: { type: 'string', description: 'Why it need not be handled, for the record' } }, [
      'id',
      'reason',
    ]),
    request: ({ id, reason }) => post(`/deliveries/${segment(id)}/discard`, { reason }),
  },
]

function input(properties: Record<string, object>, required?: string[]): Tool['input'] {
  return { type: 'object', properties, ...(required && { required }) }
}

function withoutFormat({ format: _, ...schema }: { format: string }) {
  return schema
}

function get(path: string, query: Given = {}): ApiRequest {
  const asked = new URLSearchParams(Object.entries(query).map(([name, value]): [string, string] => [name, `${value}`]))
  return { method: 'GET', path: asked.size === 0 ? path : `${path}?${asked}` }
}

function post(path: string, body?: object): ApiRequest {
  return { method: 'POST', path, ...(body && { body }) }
}

function segment(id: string | number | undefined): string {
  return encodeURIComponent(`${id}`)
}
