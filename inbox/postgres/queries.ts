import type pg from 'pg'
import type { DeliveryFilter, HistoryEntry, Store } from '../contracts.ts'
import {
  conditionsOf,
  type DeliveryRow,
  listedDelivery,
  numberOrNull,
  type RowWithPayload,
  storedDelivery,
} from '../rows.ts'
import { readBacklog, readExtent, readSize } from './counts.ts'
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
const HISTORY = `
  SELECT history.* FROM ${SCHEMA}.history JOIN ${SCHEMA}.delivery USING (seq) WHERE id = $1 ORDER BY number`

/** The read-only part of the store. */
export function createQueries(pool: pg.Pool): Pick<Store, 'get' | 'list' | 'browse' | 'history' | 'backlog' | 'size'> {
  const rows = async <Row extends pg.QueryResultRow>(text: string, values: unknown[]) =>
    (await pool.query<Row>(text, values)).rows
  const getScheduled = async (id: string) =>
    (await ifThere(rows<RowWithPayload>(`${SELECT_SCHEDULED} WHERE id = $1`, [id]), []))[0]

  return {
    async get(id) {
      const [row = await getScheduled(clean(id))] = await rows<RowWithPayload>(`${SELECT_DELIVERY} WHERE id = $1`, [
        clean(id),
      ])
      return row === undefined ? null : storedDelivery(row)
    },
    async list(filter, limit, after = 0) {
      const { where, values } = conditionsOf(storable(filter), n => `$${n + 3}`)
      const isScheduled = filter.state === 'scheduled'
      const select = isScheduled ? SELECT_SCHEDULED : SELECT_DELIVERY
      const listed = rows<RowWithPayload>(`${select} WHERE seq > $1${where} ORDER BY seq LIMIT $2`, [
        after,
        limit,
        ...values,
      ])
      const found = await (isScheduled ? ifThere(listed, []) : listed)
      return found.map(storedDelivery)
    },
    async browse(filter, limit, before) {
      const isScheduled = filter.state === 'scheduled'
      const extent = await (isScheduled ? ifThere(readExtent(pool, 'scheduled'), null) : readExtent(pool))
      if (extent === null) return { deliveries: [], next: null }
      const { first, last } = extent
      const top = Math.min(before ?? Number.POSITIVE_INFINITY, last + 1)
      const bottom = top - SEQS_PER_BROWSE
      const { where, values } = conditionsOf(storable(filter), n => `$${n + 4}`)
      const found = await rows<DeliveryRow>(
        `SELECT * FROM ${isScheduled ? scheduledRows() : `${SCHEMA}.delivery`} WHERE seq < $1 AND seq >= $2${where} ORDER BY seq DESC LIMIT $3`,
        [top, bottom, limit, ...values],
      )
      const reached = found.length === limit ? Number(found.at(-1)?.seq) : bottom
      return { deliveries: found.map(listedDelivery), next: reached > first ? reached : null }
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
    backlog: () => readBacklog(pool),
    size: () => readSize(pool),
  }
}

/** A filter, its strings as stored. */
function storable(filter: DeliveryFilter): DeliveryFilter {
  const { source, event, orderingKey, text } = filter
  return {
    ...filter,
    ...(source !== undefined && { source: clean(source) }),
    ...(event !== undefined && { event: clean(event) }),
    ...(orderingKey !== undefined && { orderingKey: indexable(orderingKey) }),
    ...(text !== undefined && { text: clean(text) }),
  }
}
