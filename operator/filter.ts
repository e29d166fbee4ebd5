import createError from '@fastify/error'
import { DELIVERY_STATES, type DeliveryState } from '../inbox/contracts.ts'
import type { OperatorFilter } from './listing.ts'
import { localZone, readTime } from './local-time.ts'

/** The filters of the API, the page and the commands, and their validation. */

export const BadFilterError = createError<[string, string]>('OPERATOR_BAD_FILTER', '%s %s', 400)

/** A filter's fields as JSON Schema, for the API's documentation. */
export const FILTER_SCHEMA = {
  name: {
    type: 'string',
    description: 'Words of the student’s name, in any case, with or without accents; a page searches 5,000 deliveries',
  },
  state: { type: 'string', enum: DELIVERY_STATES, description: 'Deliveries in this state' },
  source: { type: 'string', description: 'Sender: chatwoot, stripe, or a source of your own' },
  event: { type: 'string', description: 'The event, such as message_created' },
  conversation: { type: 'string', pattern: '^\\d+$', description: "A conversation's display id in Chatwoot" },
  from: {
    type: 'string',
    format: 'date-time',
    description: 'Accepted at or after this time (ISO 8601; the server’s time zone if there is no offset)',
  },
  to: {
    type: 'string',
    format: 'date-time',
    description: 'Accepted before this time (ISO 8601; the server’s time zone if there is no offset)',
  },
  text: { type: 'string', description: 'Part of the id or the key' },
  cause: { type: 'string', description: 'Parked or dead for this cause, as GET /causes shows it' },
} as const

/** A range that begins or ends in a repeated hour includes all of that hour. */
export const OCCURRENCES = { from: 'first', to: 'second' } as const

const MAX_PER_PAGE = 200
const MAX_CHARACTERS = 200

/**
 * Parses a filter from untrusted strings; empty ones are omitted.
 * @param zone the IANA time zone of times without an offset
 * @throws {BadFilterError} that names the field
 */
export function readFilter(given: Record<string, unknown>, zone = localZone()): OperatorFilter {
  const filter: OperatorFilter = {}
  for (const field of Object.keys(FILTER_SCHEMA) as (keyof typeof FILTER_SCHEMA)[]) {
    const value = textOf(given, field)
    if (value === undefined) continue
    if (field === 'from' || field === 'to') filter[field] = parseTime(field, value, zone)
    else if (field === 'state') filter.state = stateOf(value)
    else filter[field] = value
  }
  if (filter.conversation !== undefined && !/^\d+$/.test(filter.conversation)) {
    throw new BadFilterError('conversation', 'must be a number, as shown in Chatwoot')
  }
  return filter
}

/** Parses cursor and limit. @throws {BadFilterError} that names the field */
export function readPage(given: Record<string, unknown>): { limit: number; before: number | undefined } {
  const limit = numberOf(given, 'limit', MAX_PER_PAGE) ?? 50
  return { limit, before: numberOf(given, 'cursor', Number.MAX_SAFE_INTEGER) }
}

/** undefined: not given, or empty. @throws {BadFilterError} */
export function textOf(given: Record<string, unknown>, field: string): string | undefined {
  const value = given[field]
  if (value === undefined || value === '') return undefined
  if (typeof value !== 'string') throw new BadFilterError(field, 'must be a string, given once')
  if (value.length > MAX_CHARACTERS)
    throw new BadFilterError(field, `must not be longer than ${MAX_CHARACTERS} characters`)
  return value
}

function numberOf(given: Record<string, unknown>, field: string, most: number): number | undefined {
  const value = textOf(given, field)
  if (value === undefined) return undefined
  const number = Number(value)
  if (!/^\d+$/.test(value) || number < 1 || number > most) {
    throw new BadFilterError(field, `must be a whole number from 1 to ${most}`)
  }
  return number
}

function parseTime(field: 'from' | 'to', value: string, zone: string): number {
  const time = readTime(value, zone, OCCURRENCES[field])
  if (time === undefined) throw new BadFilterError(field, 'must be a time such as 2026-11-23T10:00:00Z')
  return time
}

function stateOf(value: string): DeliveryState {
  const state = DELIVERY_STATES.find(each => each === value)
  if (state === undefined) throw new BadFilterError('state', `must be one of ${DELIVERY_STATES.join(', ')}`)
  return state
}
