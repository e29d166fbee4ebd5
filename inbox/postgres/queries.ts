import type pg from 'pg'
import type { DeliveryFilter, HistoryEntry, Store } from '../contracts.ts'
import { StoreOpenError } from '../errors.ts'
import {
  conditionsOf,
  type DeliveryRow,
  listedDelivery,
  numberOrNull,
  type RowWithPayload,
  type StepRow,
  stepOf,
  storedDelivery,
  tableOf,
} from '../rows.ts'
import { readCauses } from './causes.ts'
import { readBacklog, readExtent, readSize } from './counts.ts'
import { quarantinedRows } from './quarantine.ts'
import { ifThere, scheduledRows } from './scheduled.ts'
import { SCHEMA } from './schema.ts'
import { clean, indexable } from './strings.ts'

/** Acceptance numbers that one call of `browse` scans. */
const SEQS_PER_BROWSE = 10_000

interface HistoryRow {
  what: HistoryEntry['what']
  at: string
  attempt: number | null
  started_at: string | null
  detail: string | null
}

const SELECT_DELIVERY = `SELECT delivery.*, payload FROM ${SCHEMA}.delivery LEFT JOIN ${SCHEMA}.body USING (seq)`
const SELECT_SCHEDULED = `SELECT * FROM ${scheduledRows(', payload')}`
const SELECT_QUARANTINED = `SELECT * FROM ${quarantinedRows(', headers, body AS payload')}`
const SELECT = { accepted: SELECT_DELIVERY, scheduled: SELECT_SCHEDULED, quarantined: SELECT_QUARANTINED }
/** Without payloads. */
const LISTED = { accepted: `${SCHEMA}.delivery`, scheduled: scheduledRows(), quarantined: quarantinedRows() }
const TABLES = { accepted: 'delivery', scheduled: 'scheduled', quarantined: 'quarantine' } as const
const KINDS = ['accepted', 'scheduled', 'quarantined'] as const
/** In the order of any collation, an id that begins so is between these two: what follows is a hexadecimal digit or a hyphen. */
const BEGINNING = `id >= $1::text AND id < $1::text || 'g' AND starts_with(id, $1::text) ORDER BY id LIMIT $2`
const BODIES = `
  SELECT id, payload FROM ${SCHEMA}.delivery JOIN ${SCHEMA}.body USING (seq)
  WHERE id = ANY($1::text[]) AND octet_length(payload) <= $2`
const SCHEDULED_BODIES = `
  SELECT id, payload FROM ${SCHEMA}.scheduled WHERE id = ANY($1::text[]) AND octet_length(payload) <= $2`
const HISTORY = `
  SELECT history.* FROM ${SCHEMA}.history JOIN ${SCHEMA}.delivery USING (seq) WHERE id = $1 ORDER BY number`

const STEPS = `
  SELECT key, done_at, result FROM ${SCHEMA}.step WHERE key > $1 AND done_at IS NOT NULL ORDER BY key LIMIT $2`

/** The read-only part of the store. */
export function createQueries(
  pool: pg.Pool,
): Pick<
  Store,
  'get' | 'idsBeginningWith' | 'list' | 'browse' | 'bodies' | 'history' | 'steps' | 'causes' | 'backlog' | 'size'
> {
  const rows = async <Row extends pg.QueryResultRow>(text: string, values: unknown[]) =>
    (await explained(pool.query<Row>(text, values))).rows
  const getFrom = async (table: keyof typeof SELECT, id: string) =>
    (await inTable(table, rows<RowWithPayload>(`${SELECT[table]} WHERE id = $1`, [id]), []))[0]

  return {
    async get(id) {
      const stored = clean(id)
      const row =
        (await getFrom('accepted', stored)) ??
        (await getFrom('scheduled', stored)) ??
        (await getFrom('quarantined', stored))
      return row === undefined ? null : storedDelivery(row)
    },
    async idsBeginningWith(beginning, limit) {
      const of = (table: string) =>
        rows<{ id: string }>(`SELECT id FROM ${SCHEMA}.${table} WHERE ${BEGINNING}`, [clean(beginning), limit])
      const found = await Promise.all(KINDS.map(kind => inTable(kind, of(TABLES[kind]), [])))
      // One that is accepted meanwhile is in both.
      const ids = new Set(found.flat().map(({ id }) => id))
      return [...ids].sort().slice(0, limit)
    },
    async list(filter, limit, after = 0) {
      const { where, values } = conditionsOf(storable(filter), n => `$${n + 3}`)
      const table = tableOf(filter)
      const select = `${SELECT[table]} WHERE seq > $1${where} ORDER BY seq LIMIT $2`
      const found = await inTable(table, rows<RowWithPayload>(select, [after, limit, ...values]), [])
      return found.map(storedDelivery)
    },
    async browse(filter, limit, before) {
      const table = tableOf(filter)
      const extent = await inTable(table, readExtent(pool, TABLES[table]), null)
      if (extent === null) return { deliveries: [], next: null }
      const { first, last } = extent
      const top = Math.min(before ?? Number.POSITIVE_INFINITY, last + 1)
      const bottom = top - SEQS_PER_BROWSE
      const { where, values } = conditionsOf(storable(filter), n => `$${n + 4}`)
      const found = await rows<DeliveryRow>(
        `SELECT * FROM ${LISTED[table]} WHERE seq < $1 AND seq >= $2${where} ORDER BY seq DESC LIMIT $3`,
        [top, bottom, limit, ...values],
      )
      const reached = found.length === limit ? Number(found.at(-1)?.seq) : bottom
      return { deliveries: found.map(listedDelivery), next: reached > first ? reached : null }
    },
    async bodies(ids, maxBytes) {
      const of = (text: string) => rows<{ id: string; payload: Uint8Array }>(text, [ids.map(clean), maxBytes])
      const found = await Promise.all([of(BODIES), ifThere(of(SCHEDULED_BODIES), [])])
      return new Map(found.flat().map(({ id, payload }) => [id, payload]))
    },
    async history(id) {
      const found = await rows<HistoryRow>(HISTORY, [clean(id)])
      return found.map(row => ({
        what: row.what,
        at: Number(row.at),
        attempt: row.attempt,
        startedAt: numberOrNull(row.started_at),
        detail: row.detail,
      }))
    },
    async steps(limit, after = '') {
      return (await rows<StepRow>(STEPS, [after, limit])).map(stepOf)
    },
    causes: () => explained(readCauses(pool)),
    backlog: () => readBacklog(pool),
    size: () => readSize(pool),
  }
}

const UNDEFINED_COLUMN = '42703'

/** A command may find the schema of an older server. */
async function explained<T>(asked: Promise<T>): Promise<T> {
  try {
    return await asked
  } catch (error) {
    if ((error as { code?: string }).code !== UNDEFINED_COLUMN) throw error
    throw new StoreOpenError(
      `the schema ${SCHEMA} has no causes yet: start a server of this version, which adds them`,
      {
        cause: error,
      },
    )
  }
}

/** A command may find the schema of an older server, which lacks the other two tables. */
function inTable<T>(table: keyof typeof TABLES, asked: Promise<T>, otherwise: T): Promise<T> {
  return table === 'accepted' ? asked : ifThere(asked, otherwise)
}

/** A filter, its strings as stored. */
function storable(filter: DeliveryFilter): DeliveryFilter {
  const { source, event, orderingKey, text, cause } = filter
  return {
    ...filter,
    ...(source !== undefined && { source: clean(source) }),
    ...(event !== undefined && { event: clean(event) }),
    ...(orderingKey !== undefined && { orderingKey: indexable(orderingKey) }),
    ...(text !== undefined && { text: clean(text) }),
    ...(cause !== undefined && { cause: clean(cause) }),
  }
}
