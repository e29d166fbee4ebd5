import type { DatabaseSync } from 'node:sqlite'
import type { HistoryEntry, Store } from '../contracts.ts'
import { type DeliveryRow, listedDelivery, type RowWithPayload, storedDelivery } from '../rows.ts'
import type { KnownIds } from './known-ids.ts'
import { browseStatement, listStatement, STATEMENTS } from './statements.ts'

/** Acceptance numbers that one call of `browse` scans: some 5 ms. */
const SEQS_PER_BROWSE = 10_000

/** The read-only part of a store. It works with files of the previous version too. */
export type Queries = Pick<Store, 'get' | 'list' | 'browse' | 'history' | 'size'>

/** @param seqOf the acceptance number of an id; null: it is not known */
export function createQueries(db: DatabaseSync, seqOf: (id: string) => number | null): Queries {
  const getDelivery = db.prepare(STATEMENTS.getDelivery)
  const getScheduled = db.prepare(STATEMENTS.getScheduled)
  const scheduledExtent = db.prepare(STATEMENTS.scheduledExtent)
  const listHistory = db.prepare(STATEMENTS.listHistory)
  const extent = db.prepare(STATEMENTS.extent)
  const pages = db.prepare(STATEMENTS.pages)

  return {
    async get(id) {
      const row = (getDelivery.get(seqOf(id)) ?? getScheduled.get(id)) as RowWithPayload | undefined
      return row === undefined ? null : storedDelivery(row)
    },

    async list(filter, limit, after = 0) {
      const { sql, values } = listStatement(filter)
      const rows = db.prepare(sql).all(after, ...values, limit)
      return (rows as unknown as RowWithPayload[]).map(storedDelivery)
    },

    async browse(filter, limit, before) {
      const { first, last } = (filter.state === 'scheduled' ? scheduledExtent : extent).get() as {
        first: number | null
        last: number | null
      }
      if (first === null || last === null) return { deliveries: [], next: null }
      const top = Math.min(before ?? Infinity, last + 1)
      const bottom = top - SEQS_PER_BROWSE
      const { sql, values } = browseStatement(filter)
      const rows = db.prepare(sql).all(top, bottom, ...values, limit) as unknown as DeliveryRow[]
      const reached = rows.length === limit ? Number(rows.at(-1)?.seq) : bottom
      return { deliveries: rows.map(listedDelivery), next: reached > first ? reached : null }
    },

    async history(id) {
      const rows = listHistory.all(seqOf(id)) as Record<string, unknown>[]
      return rows.map(row => ({
        what: row.what as HistoryEntry['what'],
        at: row.at as number,
        attempt: row.attempt as number | null,
        startedAt: row.started_at as number | null,
        detail: row.detail as string | null,
      }))
    },

    async size() {
      const { first, last } = extent.get() as { first: number | null; last: number | null }
      const { bytes } = pages.get() as { bytes: number }
      return { deliveries: first === null || last === null ? 0 : last - first + 1, bytes }
    },
  }
}

/** For a command, while the server adds ids. */
export function findSeqForCommand(known: KnownIds): (id: string) => number | null {
  return id => {
    const seq = known.find(id)
    if (seq !== undefined) return seq
    // The server may have accepted it since.
    known.readOn()
    return known.find(id) ?? null
  }
}
