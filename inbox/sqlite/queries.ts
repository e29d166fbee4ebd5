import type { DatabaseSync } from 'node:sqlite'
import type { HistoryEntry, Store } from '../contracts.ts'
import {
  type DeliveryRow,
  listedDelivery,
  type RowWithPayload,
  type StepRow,
  stepOf,
  storedDelivery,
  tableOf,
} from '../rows.ts'
import { afterAll, type KnownIds } from './known-ids.ts'
import { browseStatement, listStatement, STATEMENTS } from './statements.ts'

/** Acceptance numbers that one call of `browse` scans: some 5 ms. */
const SEQS_PER_BROWSE = 10_000

/** The read-only part of a store. It works with files of the previous version too. */
export type Queries = Pick<
  Store,
  'get' | 'idsBeginningWith' | 'list' | 'browse' | 'bodies' | 'history' | 'steps' | 'size'
>

/** @param seqOf the acceptance number of an id; null: it is not known */
export function createQueries(db: DatabaseSync, known: KnownIds, seqOf: (id: string) => number | null): Queries {
  const getDelivery = db.prepare(STATEMENTS.getDelivery)
  const getScheduled = db.prepare(STATEMENTS.getScheduled)
  const getQuarantined = db.prepare(STATEMENTS.getQuarantined)
  const quarantinedBeginning = db.prepare(STATEMENTS.quarantinedBeginning)
  const scheduledBeginning = db.prepare(STATEMENTS.scheduledBeginning)
  const shortBody = db.prepare(STATEMENTS.shortBody)
  const scheduledBody = db.prepare(STATEMENTS.scheduledBody)
  const listHistory = db.prepare(STATEMENTS.listHistory)
  const listSteps = db.prepare(STATEMENTS.listSteps)
  const extent = db.prepare(STATEMENTS.extent)
  const extents = {
    accepted: extent,
    scheduled: db.prepare(STATEMENTS.scheduledExtent),
    quarantined: db.prepare(STATEMENTS.quarantineExtent),
  }
  const pages = db.prepare(STATEMENTS.pages)

  return {
    async get(id) {
      const row = (getDelivery.get(seqOf(id)) ?? getScheduled.get(id) ?? getQuarantined.get(id)) as
        | RowWithPayload
        | undefined
      return row === undefined ? null : storedDelivery(row)
    },

    async idsBeginningWith(beginning, limit) {
      // In a command: the server may have accepted more since.
      known.readOn()
      const others = [scheduledBeginning, quarantinedBeginning].flatMap(statement =>
        statement.all(beginning, afterAll(beginning), limit).map(row => row.id as string),
      )
      return [...known.beginningWith(beginning, limit), ...others].sort().slice(0, limit)
    },

    async list(filter, limit, after = 0) {
      const { sql, values } = listStatement(filter)
      const rows = db.prepare(sql).all(after, ...values, limit)
      return (rows as unknown as RowWithPayload[]).map(storedDelivery)
    },

    async browse(filter, limit, before) {
      const { first, last } = extents[tableOf(filter)].get() as {
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

    async bodies(ids, maxBytes) {
      const found = ids.map((id): [string, unknown] => {
        const row = shortBody.get(seqOf(id), maxBytes) ?? scheduledBody.get(id, maxBytes)
        return [id, row?.payload]
      })
      return new Map(found.filter((entry): entry is [string, Uint8Array] => entry[1] !== undefined))
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

    async steps(limit, after = '') {
      return (listSteps.all(after, limit) as unknown as StepRow[]).map(stepOf)
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
