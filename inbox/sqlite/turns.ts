import type { DatabaseSync } from 'node:sqlite'
import { MAX_RETRY_MS } from '../backoff.ts'
import { MAX_TOGETHER, type Outcome, type Peeked, type Store, type TakenDelivery } from '../contracts.ts'
import { parsePayload, type RowWithPayload, traceOf } from '../rows.ts'
import type { StoreParts } from './parts.ts'
import { preparer } from './statements.ts'
import { CLOCK_SLACK_MS } from './wakeups.ts'

/** SQLite returns 64-bit integers as numbers. */
type InFile = RowWithPayload & {
  seq: number
  run: string | null
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
  const quietAt = sql('quietAt')
  const waitingRows = sql('waiting')
  const runLeft = sql('runLeft')
  const beginRun = sql('beginRun')
  const reopenRun = sql('reopenRun')
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
    const next = 'nextAttemptAt' in outcome ? outcome.nextAttemptAt : null
    const { error = null, cause = null } = 'error' in outcome ? outcome : {}
    let isOurs = false
    for (const { id, attempts } of delivery.together ?? [delivery]) {
      // null, if it is gone, is nobody's.
      const seq = seqOf(id) as number
      inFlight.remove(seq)
      if (outcome.state !== 'done') {
        const what = outcome.state === 'pending' ? 'failed' : outcome.state
        insertHistory.run(what, now, error, seq, attempts)
      }
      if (settleAttempt.run(outcome.state, next, now, error, cause, seq, attempts).changes === 0) continue
      isOurs = true
      if ('reopens' in outcome) reopenRun.run(next, seq)
      counts.add(delivery.state, seq, -1)
      counts.add(outcome.state, seq, 1)
    }
    if (isOurs && next !== null) wakeAt.run(delivery.orderingKey, next)
    return isOurs
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
    if (next.run === null) return begin(next, now)
    const together = runOf(next).map(row => begin(row, now))
    return { ...(together[0] as TakenDelivery), together, run: next.run || next.id, isNewRun: next.run === '' }
  }

  /** The deliveries of a run that is to be taken, in order: fixed when it is taken first. */
  function runOf(next: InFile): InFile[] {
    if (next.run !== '') return runLeft.all(next.run, next.state) as unknown as InFile[]
    const rows = waitingRows.all(next.ordering_key, MAX_TOGETHER) as unknown as InFile[]
    const end = rows.findIndex(({ run, source }) => run !== '' || source !== next.source)
    const members = end === -1 ? rows : rows.slice(0, end)
    for (const { seq } of members) beginRun.run(next.id, seq)
    return members
  }

  function begin(row: InFile, now: number): TakenDelivery {
    const crashed = row.started_at !== null
    if (crashed) insertHistory.run('crashed', now, null, row.seq, row.attempts)
    startAttempt.run(now, row.seq)
    inFlight.add(row.seq)
    return {
      id: row.id,
      source: row.source,
      event: row.event,
      key: row.key,
      orderingKey: row.ordering_key,
      payload: parsePayload(row.payload as Uint8Array),
      receivedAt: row.received_at,
      attempts: row.attempts + 1,
      state: row.state as 'pending' | 'parked',
      crashed,
      ...traceOf(row),
    }
  }

  /** When its next attempt is due. If the clock was set back since it failed, its delay starts again from now. */
  function dueAtOf(row: InFile, now: number): number {
    const { seq, run, attempts, ordering_key, received_at, next_attempt_at, settled_at } = row
    if (run === '' && attempts === 0)
      return received_at > now + CLOCK_SLACK_MS ? 0 : (quietAt.get(ordering_key)?.at as number)
    const dueAt = next_attempt_at ?? 0
    if (dueAt <= now) return dueAt
    const failedAt = settled_at as number
    if (failedAt <= now + CLOCK_SLACK_MS && dueAt <= now + MAX_RETRY_MS) return dueAt
    const restarted = now + Math.min(dueAt - failedAt, MAX_RETRY_MS)
    postpone.run(restarted, now, seq)
    return restarted
  }
}
