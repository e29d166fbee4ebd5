import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { UNREADABLE_CAUSE } from '../cause.ts'
import type { DeliveryState, InsertResult, NewDelivery, Store, WaitForQuiet } from '../contracts.ts'
import { redactedJson } from '../rows.ts'
import type { StoreParts } from './parts.ts'
import { preparer } from './statements.ts'

export function createInsert(db: DatabaseSync, { write, known, counts, inFlight }: StoreParts): Pick<Store, 'insert'> {
  const sql = preparer(db)
  const insertDelivery = sql('insertDelivery')
  const insertWaiting = sql('insertWaiting')
  const insertBody = sql('insertBody')
  const isPending = sql('isPending')
  const wakeNow = sql('wakeNow')
  const wakeAt = sql('wakeAt')
  /** Prepared when it is used first: in a store that no server of this version has had, there is nowhere to put it. */
  let keepTrace: StatementSync | undefined

  return {
    insert(delivery, claim) {
      const body = delivery.body ?? redactedJson(delivery.payload)
      return write(() => insert(delivery, body, claim))
    },
  }

  function insert(delivery: NewDelivery, body: Buffer, claim: boolean): InsertResult {
    const { id, source, event, key, orderingKey, receivedAt, unreadable, quiet, trace } = delivery
    if (known.find(id) !== undefined) return 'duplicate'
    if (quiet !== undefined) return insertQuiet(delivery, body, quiet)
    const dead = unreadable !== undefined
    const claimed = claim && !dead && isPending.get(orderingKey) === undefined
    const state: DeliveryState = dead ? 'dead' : 'pending'
    const inserted = insertDelivery.run(
      id,
      source,
      event,
      key,
      orderingKey,
      state,
      claimed ? 1 : 0,
      claimed ? receivedAt : null,
      receivedAt,
      dead ? receivedAt : null,
      unreadable ?? null,
      dead ? UNREADABLE_CAUSE : null,
    )
    const seq = Number(inserted.lastInsertRowid)
    insertMore(seq, body, trace)
    known.add(id, seq)
    counts.add(state, seq, 1)
    if (claimed) {
      inFlight.add(seq)
      return 'claimed'
    }
    if (dead) return 'dead'
    // Keeps a later time that is already set if the mailbox waits for a retry.
    wakeNow.run(orderingKey)
    return 'queued'
  }

  function insertMore(seq: number, body: Buffer, trace: string | undefined): void {
    insertBody.run(seq, body)
    if (trace === undefined) return
    keepTrace ??= sql('keepTrace')
    keepTrace.run(trace, seq)
  }

  function insertQuiet(delivery: NewDelivery, body: Buffer, { ends, quietMs, maxMs }: WaitForQuiet): InsertResult {
    const { id, source, event, key, orderingKey, receivedAt, trace } = delivery
    const dueAt = receivedAt + (ends ? 0 : quietMs)
    const inserted = insertWaiting.run(
      id,
      source,
      event,
      key,
      orderingKey,
      receivedAt,
      dueAt,
      ends ? 0 : receivedAt + maxMs,
    )
    const seq = Number(inserted.lastInsertRowid)
    insertMore(seq, body, trace)
    known.add(id, seq)
    counts.add('pending', seq, 1)
    // Perhaps too early, if another one waits already: take finds out.
    if (ends) wakeNow.run(orderingKey)
    else wakeAt.run(orderingKey, dueAt)
    return 'queued'
  }
}
