/** What both stores share: their tables have the same columns. */
import { UNKNOWN_CAUSE } from './cause.ts'
import {
  type CauseGroup,
  DELIVERY_STATES,
  type DeliveryFilter,
  type DeliveryState,
  MAX_COUNTED_OF_CAUSE,
  type Payload,
  type Step,
  type StoredDelivery,
} from './contracts.ts'
import { shownRequest } from './quarantine.ts'
import { redactSecrets } from './redact.ts'

/** A row of `delivery`. 64-bit integers are strings if the driver says so. */
export interface DeliveryRow {
  seq: number | string
  id: string
  source: string
  event: string
  key: string
  ordering_key: string
  state: DeliveryState
  attempts: number
  started_at: number | string | null
  next_attempt_at: number | string | null
  received_at: number | string
  settled_at: number | string | null
  error: string | null
  /** Like the columns below, missing in stores of older versions. null there, and if nothing has failed. */
  cause?: string | null
  /**
   * '': waits for quiet. Else the id of the first delivery of its run. null: neither. The columns from here on are
   * missing in stores of older versions.
   */
  run?: string | null
  /**
   * For one that waits (next_attempt_at is when a run that begins with it is due at the latest; 0: it ends the wait): when it has waited for quietMs. In PostgreSQL, for one whose run has begun, when the next
   * attempt is due: instances of older versions, which know no runs, find a later time in next_attempt_at.
   */
  due_at?: number | string | null
  /** In PostgreSQL, for one that waits, in place of next_attempt_at. */
  quiet_max?: number | string | null
  /** Of a quarantined request, as JSON: its payload is the body as it came. */
  headers?: string
  /** Its trace, where traces were on as it was accepted: see Delivery. */
  trace?: string | null
}

export type RowWithPayload = DeliveryRow & { payload: Uint8Array | null }

/** A delivery without its payload. */
export function listedDelivery(row: DeliveryRow): Omit<StoredDelivery, 'payload'> {
  return {
    seq: Number(row.seq),
    id: row.id,
    source: row.source,
    event: row.event,
    key: row.key,
    orderingKey: row.ordering_key,
    state: row.state,
    attempts: row.attempts,
    startedAt: numberOrNull(row.started_at),
    // 0 means due at once, whatever the clock says.
    nextAttemptAt: nextAttemptOf(row) || null,
    receivedAt: Number(row.received_at),
    settledAt: numberOrNull(row.settled_at),
    error: row.error,
    cause: row.cause ?? (row.state === 'parked' || row.state === 'dead' ? UNKNOWN_CAUSE : null),
    ...traceOf(row),
  }
}

/** A delivery's trace, if it has one. */
export function traceOf({ trace }: DeliveryRow): { trace?: string } {
  return trace == null ? {} : { trace }
}

/** A row of `step` that is done. */
export interface StepRow {
  key: string
  done_at: number | string
  /** JSON. */
  result: string
}

export function stepOf({ key, done_at, result }: StepRow): Step {
  return { key, doneAt: Number(done_at), result: JSON.parse(result) }
}

/** A cause, its deliveries counted up to one more than MAX_COUNTED_OF_CAUSE. */
export interface CauseRow {
  cause: string
  count: number | string
  dead: number | string
  oldest_id: string
  oldest_at: number | string
  newest_id: string
  newest_at: number | string
}

export function causeGroup({ cause, ...row }: CauseRow): CauseGroup {
  const [count, dead] = [Number(row.count), Number(row.dead)]
  return {
    cause,
    parked: count - dead,
    dead,
    isMore: count > MAX_COUNTED_OF_CAUSE,
    oldest: { id: row.oldest_id, receivedAt: Number(row.oldest_at) },
    newest: { id: row.newest_id, receivedAt: Number(row.newest_at) },
  }
}

/** SQL, and the partial index's own words: planners compare them with a query's. */
export const IS_GIVEN_UP = `state IN ('parked', 'dead')`
export const CAUSE = `coalesce(cause, '${UNKNOWN_CAUSE}')`

/** When the next attempt is due, Unix ms; null: when its turn comes, or never. */
export function nextAttemptOf({
  state,
  run,
  due_at = null,
  next_attempt_at,
  quiet_max = next_attempt_at,
}: DeliveryRow) {
  if (run == null) return numberOrNull(next_attempt_at)
  if (state !== 'pending' && state !== 'parked') return null
  if (run === '') return Math.min(Number(due_at), Number(quiet_max))
  return numberOrNull(due_at ?? next_attempt_at)
}

export function storedDelivery(row: RowWithPayload): StoredDelivery {
  return { ...listedDelivery(row), payload: payloadOf(row) }
}

function payloadOf({ payload, headers }: RowWithPayload): Payload | null {
  if (payload === null) return null
  return headers === undefined ? parsePayload(payload) : shownRequest(JSON.parse(headers), payload)
}

/** Which table has what a filter asks for: what is scheduled or quarantined is none of the accepted deliveries. */
export function tableOf({ state }: DeliveryFilter): 'scheduled' | 'quarantined' | 'accepted' {
  return state === 'scheduled' || state === 'quarantined' ? state : 'accepted'
}

export function numberOrNull(value: number | string | null): number | null {
  return value === null ? null : Number(value)
}

/** A payload as it is stored: JSON without secrets. */
export function redactedJson(payload: Payload): Buffer {
  const json = Buffer.from(JSON.stringify(payload))
  redactSecrets(json)
  return json
}

export function parsePayload(payload: Uint8Array): Payload {
  return JSON.parse(new TextDecoder().decode(payload)) as Payload
}

/**
 * SQL conditions of a filter, and their values. States are literals, or the planner would not use the partial indexes.
 * @param placeholder of the n-th value, counted from 0
 * @throws {TypeError} the state is not a known one
 */
export function conditionsOf(
  filter: DeliveryFilter,
  placeholder: (n: number) => string,
): { where: string; values: (string | number)[] } {
  const { state, source, event, orderingKey, conversation, from, to, text, cause } = filter
  if (state !== undefined && !DELIVERY_STATES.includes(state)) {
    throw new TypeError(`state must be one of ${DELIVERY_STATES.join(', ')}, not ${state}`)
  }
  const values: (string | number)[] = []
  const add = (value: string | number) => placeholder(values.push(value) - 1)
  /** Escapes `sought`, so that nothing in it is a wildcard. */
  const like = (before: string, sought: string, after: string) =>
    `LIKE ${add(`${before}${sought.replace(/[\\%_]/g, '\\$&')}${after}`)} ESCAPE '\\'`
  const all: string[] = []
  if (state !== undefined) all.push(`state = '${state}'`)
  if (source !== undefined) all.push(`source = ${add(source)}`)
  if (event !== undefined) all.push(`event = ${add(event)}`)
  if (orderingKey !== undefined) all.push(`ordering_key = ${add(orderingKey)}`)
  if (conversation !== undefined) all.push(`ordering_key ${like('conversation:%:', conversation, '')}`)
  if (from !== undefined) all.push(`received_at >= ${add(from)}`)
  if (to !== undefined) all.push(`received_at < ${add(to)}`)
  if (text !== undefined) all.push(`(id ${like('%', text, '%')} OR key ${like('%', text, '%')})`)
  if (cause !== undefined) all.push(IS_GIVEN_UP, `${CAUSE} = ${add(cause)}`)
  return { where: all.map(condition => ` AND ${condition}`).join(''), values }
}
