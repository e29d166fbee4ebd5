import type pg from 'pg'
import type { PgBoss } from 'pg-boss'
import { batched } from '../batches.ts'
import type { Clock, Commit, Store } from '../contracts.ts'
import { redactedJson } from '../rows.ts'
import { BEGIN_BY_INDEX } from './connection.ts'
import { type Insert, insertAll } from './insert.ts'
import type { Claim } from './queue.ts'
import { indexable } from './strings.ts'
import { type Connection, isItemError, transaction } from './transaction.ts'
import { peekAll, type Release, releaseClaims, type Settle, settleAll, type Take, takeAll } from './turns.ts'

/** From this many deliveries in one commit, accepting counts as busy. */
const BUSY_BATCH_SIZE = 16

/** What the scheduler needs beyond the contract. */
export interface ClaimedMailboxes {
  /** Resolves when accepting is not busy: usually at once. */
  whenNotBusy(): Promise<void>
  /** The claim that an insert made on a mailbox; can be read once. */
  claimOf(orderingKey: string): Claim
  /** Sets until when deliveries of a mailbox may be taken (the database refuses later ones); null: no limit. */
  setLeaseExpiry(orderingKey: string, until: Date | null): void
  /**
   * Releases a claim, and queues the mailbox for when it is due again, at least `waitMs` from now. Returns whether it is
   * due already.
   */
  releaseClaim(claim: Claim, waitMs?: number): Promise<boolean>
}

export interface DeliveriesOptions {
  pool: pg.Pool
  boss: PgBoss
  /** Makes a connection use prepared statements, where the server allows it. */
  prepare: (client: pg.ClientBase) => Connection
  onCommit: (commit: Commit) => void
  clock: Pick<Clock, 'now'>
}

/** Inserting, taking and settling deliveries and releasing their mailboxes, all in batches. */
export function createDeliveries({
  pool,
  boss,
  prepare,
  onCommit,
  clock,
}: DeliveriesOptions): Pick<Store, 'insert' | 'take' | 'peek' | 'settle'> &
  ClaimedMailboxes & { ended(): Promise<unknown> } {
  const leaseExpiries = new Map<string, Date>()
  /** Claims made by inserts, by ordering key, until `claimOf` reads them. */
  const insertClaims = new Map<string, Claim>()

  const hotTransaction = <T>(run: (client: Connection, unprepared: Connection) => Promise<T>) =>
    transaction(pool, client => run(prepare(client), client), BEGIN_BY_INDEX)

  const inserts = batched(
    (deliveries: Insert[]) =>
      reported(onCommit, deliveries.length, async () => {
        const { results, claims } = await hotTransaction((client, unprepared) =>
          insertAll(boss, client, unprepared, deliveries),
        )
        for (const claim of claims) insertClaims.set(claim.orderingKey, claim)
        return results
      }),
    { isItemError },
  )
  const takes = batched((asked: Take[]) => hotTransaction(client => takeAll(client, asked)), { isItemError })
  const peeks = batched((keys: string[]) => hotTransaction(client => peekAll(client, keys)), { isItemError })
  const settles = batched(
    (settled: Settle[]) =>
      reported(onCommit, settled.length, () => hotTransaction(client => settleAll(boss, client, settled))),
    { isItemError },
  )
  const releases = batched(
    (released: Release[]) => hotTransaction((client, unprepared) => releaseClaims(boss, client, unprepared, released)),
    { isItemError },
  )

  return {
    async insert(delivery, claim) {
      const body = delivery.body ?? redactedJson(delivery.payload)
      return inserts.add({ delivery, orderingKey: indexable(delivery.orderingKey), body, claim })
    },
    async take(orderingKey) {
      const key = indexable(orderingKey)
      return takes.add({ orderingKey: key, until: leaseExpiries.get(key) ?? null })
    },
    peek: async orderingKey => peeks.add(indexable(orderingKey)),
    settle: (delivery, outcome, now) => settles.add({ delivery, outcome, now, ago: clock.now() - now }),

    async whenNotBusy() {
      if (inserts.size() >= BUSY_BATCH_SIZE) await inserts.ended()
    },
    claimOf(orderingKey) {
      const key = indexable(orderingKey)
      const claim = insertClaims.get(key) as Claim
      insertClaims.delete(key)
      return claim
    },
    setLeaseExpiry(orderingKey, until) {
      if (until === null) leaseExpiries.delete(orderingKey)
      else leaseExpiries.set(orderingKey, until)
    },
    releaseClaim: (claim, waitMs = 0) => releases.add({ claim, waitMs }),
    /** Resolves when no batch is running. */
    ended: () => Promise.all([inserts, takes, peeks, settles, releases].map(batches => batches.ended())),
  }
}

async function reported<T>(
  onCommit: (commit: Commit) => void,
  operations: number,
  commit: () => Promise<T>,
): Promise<T> {
  const begunAt = performance.now()
  try {
    const result = await commit()
    onCommit({ operations, ms: performance.now() - begunAt, ok: true })
    return result
  } catch (error) {
    // The store works: it rejected one item.
    if (!isItemError(error)) onCommit({ operations, ms: performance.now() - begunAt, ok: false })
    throw error
  }
}
