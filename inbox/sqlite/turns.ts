import type { DatabaseSync } from 'node:sqlite'
import { MAX_RETRY_MS } from '../backoff.ts'
import type { Outcome, Peeked, Store, TakenDelivery } from '../contracts.ts'
import { parsePayload, type RowWithPayload } from '../rows.ts'
import type { StoreParts } from './parts.ts'
import { preparer } from './statements.ts'
import { CLOCK_SLACK_MS } from './wakeups.ts'

/** SQLite returns 64-bit integers as numbers. */
type InFile = RowWithPayload & {
  seq: number
  started_at: number | null
  next_attempt_at: number | null
  received_at: number
  settled_at: number | null
}

/** Attempts: taking a delivery and settling it. */
export function createTurns(
  db: DatabaseSync,
  { write, counts, inFlight, seqOf }: StoreParts,
): Pick<Store, 'take' | 'peek' | 'settle'> {
  const sql = preparer(db)
  const head = sql('head')
  const firstParked = sql('firstParked')
  const peekPending = sql('peekPending')
  const peekParked = sql('peekParked')
  const startAttempt = sql('startAttempt')
  const postpone = sql('postpone')
  const settleAttempt = sql('settleAttempt')
  const wakeAt = sql('wakeAt')
  const setWakeup = sql('setWakeup')
  const forgetWakeup = sql('forgetWakeup')
  const insertHistory = sql('insertHistory')

  return {
    take: (orderingKey, now) => write(() => take(orderingKey, now)),
    async peek(orderingKey) {
      const found = [peekPending.get(orderingKey), peekParked.get(orderingKey)]
      return found.filter(row => row !== undefined) as unknown as Peeked[]
    },
    settle: (delivery, outcome, now) => write(() => settle(delivery, outcome, now)),
  }

  function settle(delivery: TakenDelivery, outcome: Outcome, now: number): boolean {
    const seq = seqOf(delivery.id)
    if (seq === null) return false
    inFlight.remove(seq)
    const next = 'nextAttemptAt' in outcome ? outcome.nextAttemptAt : null
    const error = 'error' in outcome ? outcome.error : null
    if (outcome.state !== 'done') {
      const what = outcome.state === 'pending' ? 'failed' : outcome.state
      insertHistory.run(what, now, error, seq, delivery.attempts)
    }
    if (settleAttempt.run(outcome.state, next, now, error, seq, delivery.attempts).changes === 0) return false
    counts.add(delivery.state, seq, -1)
    counts.add(outcome.state, seq, 1)
    if (next !== null) wakeAt.run(delivery.orderingKey, next)
    return true
  }

  function take(orderingKey: string, now: number): TakenDelivery | null {
    const pending = head.get(orderingKey) as InFile | undefined
    const parked = firstParked.get(orderingKey) as InFile | undefined
    const waiting = [pending, parked].filter(row => row !== undefined)
    // The drain that handles it takes the next one when it is settled.
    if (waiting.some(row => inFlight.has(row.seq))) {
      forgetWakeup.run(orderingKey)
      return null
    }
    const dueAt = waiting.map(row => dueAtOf(row, now))
    const next = waiting.find((_row, index) => (dueAt[index] as number) <= now)
    if (next === undefined) {
      if (waiting.length === 0) forgetWakeup.run(orderingKey)
      else setWakeup.run(orderingKey, Math.min(...dueAt))
      return null
    }
    forgetWakeup.run(orderingKey)
    if (next.started_at !== null) insertHistory.run('crashed', now, null, next.seq, next.attempts)
    startAttempt.run(now, next.seq)
    inFlight.add(next.seq)
    return {
      id: next.id,
      source: next.source,
      event: next.event,
      key: next.key,
      orderingKey: next.ordering_key,
      payload: parsePayload(next.payload as Uint8Array),
      receivedAt: next.received_at,
      attempts: next.attempts + 1,
      state: next.state as 'pending' | 'parked',
      crashed: next.started_at !== null,
    }
  }

  /** When its next attempt is due. If the clock was set back since it failed, its delay starts again from now. */
  function dueAtOf({ seq, next_attempt_at, settled_at }: InFile, now: number): number {
    const dueAt = next_attempt_at ?? 0
    if (dueAt <= now) return dueAt
    const failedAt = settled_at as number
    if (failedAt <= now + CLOCK_SLACK_MS && dueAt <= now + MAX_RETRY_MS) return dueAt
    const restarted = now + Math.min(dueAt - failedAt, MAX_RETRY_MS)
    postpone.run(restarted, now, seq)
    return restarted
  }
}
