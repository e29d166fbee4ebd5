import type { DatabaseSync } from 'node:sqlite'
import type { DeliveryState, NewDelivery, ScheduleResult, Store } from '../contracts.ts'
import { StoreOpenError } from '../errors.ts'
import { redactedJson } from '../rows.ts'
import type { StoreParts } from './parts.ts'
import { preparer } from './statements.ts'

/** Where nothing is scheduled, another process, a command, may do that, ms. */
const POLL_MS = 500

/**
 * What waits for a later time, in a table of its own: nothing that reads deliveries passes it. reason: why a person has
 * discarded it; only the server adds deliveries, so a discarded one stays here until its next look.
 */
const TABLE = `scheduled (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    source TEXT NOT NULL,
    event TEXT NOT NULL,
    key TEXT NOT NULL,
    ordering_key TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    reason TEXT,
    payload BLOB NOT NULL
  ) STRICT;`
/** For the server: older programs ignore the table. */
export const SCHEDULED_SCHEMA = `
  CREATE TABLE IF NOT EXISTS ${TABLE}
  CREATE INDEX IF NOT EXISTS scheduled_due ON scheduled (due_at, seq);
`

/** Before a server of this version has added the table, it is empty. For what changes no schema. */
export function withoutScheduled(db: DatabaseSync): void {
  if (!hasTable(db)) db.exec(`CREATE TEMP TABLE ${TABLE}`)
}

/** Not the temporary one, which is lost with its connection. */
function hasTable(db: DatabaseSync): boolean {
  return db.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'scheduled'").get() !== undefined
}

interface ScheduledRow {
  seq: number
  id: string
  source: string
  event: string
  key: string
  ordering_key: string
  reason: string | null
  payload: Uint8Array
}

/** What is made for later. */
export function createScheduled(
  db: DatabaseSync,
  { write, known, counts }: StoreParts,
): Pick<Store, 'schedule' | 'unschedule' | 'promote'> {
  const sql = preparer(db)
  const schedule = sql('schedule')
  const unschedule = sql('unschedule')
  const firstScheduled = sql('firstScheduled')
  const dueScheduled = sql('dueScheduled')
  const dropScheduled = sql('dropScheduled')
  const isScheduled = sql('isScheduled')
  const insertDelivery = sql('insertDelivery')
  const insertBody = sql('insertBody')
  const wakeNow = sql('wakeNow')
  const noteByHand = sql('noteByHand')
  let isKept = false

  return {
    async schedule(delivery, at) {
      const body = delivery.body ?? redactedJson(delivery.payload)
      isKept ||= hasTable(db)
      if (!isKept) throw new StoreOpenError("nothing can be scheduled yet: start this version's server with it once")
      return write(() => keep(delivery, body, at))
    },
    unschedule: id => write(() => unschedule.run(id).changes > 0),
    async promote(now, limit) {
      const { at } = firstScheduled.get() as { at: number | null }
      if (at === null || at > now) return { orderingKeys: [], nextMs: at === null ? POLL_MS : at - now }
      return { orderingKeys: await write(() => promoteDue(now, limit)), nextMs: 0 }
    },
  }

  function keep(delivery: NewDelivery, body: Buffer, at: number): ScheduleResult {
    const { id, source, event, key, orderingKey, receivedAt } = delivery
    if (known.find(id) !== undefined) return 'duplicate'
    const isMoved = isScheduled.get(id) !== undefined
    const { changes } = schedule.run(id, source, event, key, orderingKey, receivedAt, at, body)
    if (changes === 0) return 'duplicate'
    return isMoved ? 'moved' : 'scheduled'
  }

  function promoteDue(now: number, limit: number): string[] {
    const woken = new Set<string>()
    for (const row of dueScheduled.all(now, limit) as unknown as ScheduledRow[]) {
      dropScheduled.run(row.id)
      // Accepted in another way meanwhile.
      if (known.find(row.id) !== undefined) continue
      promote(row, now)
      if (row.reason === null) woken.add(row.ordering_key)
    }
    return [...woken]
  }

  function promote({ id, source, event, key, ordering_key, reason, payload }: ScheduledRow, now: number): void {
    const state: DeliveryState = reason === null ? 'pending' : 'discarded'
    const settledAt = reason === null ? null : now
    const { lastInsertRowid } = insertDelivery.run(
      id,
      source,
      event,
      key,
      ordering_key,
      state,
      0,
      null,
      now,
      settledAt,
      reason,
      null,
    )
    const seq = Number(lastInsertRowid)
    insertBody.run(seq, payload)
    known.add(id, seq)
    counts.add(state, seq, 1)
    if (reason === null) wakeNow.run(ordering_key)
    else noteByHand.run(seq, 'discarded', now, reason)
  }
}
