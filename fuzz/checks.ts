import type { FuzzEvent } from './history.ts'

/** A delivery as stored at the end. */
export interface StoredRow {
  id: string
  seq: number
  orderingKey: string
  state: string
  /** Parked, dead, replayed, discarded or forgotten: no longer in order. */
  leftTheOrder: boolean
}

export interface Violation {
  check: keyof typeof CHECKS
  message: string
  /** Index of the event that shows it. */
  at: number
}

type Found = Omit<Violation, 'check'>
type Numbered<What extends FuzzEvent['what']> = Extract<FuzzEvent, { what: What }> & { at: number }

/** All events of some kinds, with their indexes. */
function all<What extends FuzzEvent['what']>(events: FuzzEvent[], ...whats: What[]): Numbered<What>[] {
  return events.flatMap((event, at) =>
    (whats as string[]).includes(event.what) ? [{ ...event, at } as Numbered<What>] : [],
  )
}

/** Every delivery that got a 200 is in the store. */
function found(events: FuzzEvent[], rows: StoredRow[]): Found[] {
  const ids = new Set(rows.map(({ id }) => id))
  const lost = all(events, 'answered').filter(({ status, id }) => isAcknowledged(status) && !ids.has(id as string))
  const missing = all(events, 'missing in the backup')
  return [
    ...lost.map(({ n, at }) => ({ at, message: `delivery ${n} was acknowledged and is not in the store` })),
    ...missing.map(({ n, at }) => ({ at, message: `delivery ${n} was acknowledged before a backup without it` })),
  ]
}

const isAcknowledged = (status: string) => status === 'accepted' || status === 'duplicate'

/** At most one copy of a delivery is accepted, and every duplicate has an original. */
function acceptedOnce(events: FuzzEvent[]): Found[] {
  const accepted = new Set<number>()
  const sent = new Map<number, number>()
  const violations: Found[] = []
  for (const event of all(events, 'sent', 'answered')) {
    const { n, at } = event
    if (event.what === 'sent') sent.set(n, (sent.get(n) ?? 0) + 1)
    else if (event.status === 'accepted') {
      if (accepted.has(n)) violations.push({ at, message: `delivery ${n} was accepted twice` })
      accepted.add(n)
    } else if (event.status === 'duplicate' && sent.get(n) === 1)
      violations.push({ at, message: `delivery ${n} is called a duplicate, and was sent once` })
  }
  return violations
}

/** Until when a process is reliable: killed, frozen, or its claim expired. */
function weakenedBetween(events: FuzzEvent[], pid: number, from: number, to: number, n?: number): boolean {
  return events.slice(from, to).some(event => {
    if (!('pid' in event) || event.pid !== pid) return false
    if (event.what === 'lapsed') return n === undefined || event.n === n
    return event.what === 'killing' || event.what === 'ended' || event.what === 'frozen'
  })
}

/** Whether the database was stopped. */
function stoppedBetween(events: FuzzEvent[], from: number, to: number): boolean {
  return events.slice(from, to).some(event => event.what === 'database' && event.is === 'stopped')
}

/** One delivery of a conversation at a time. */
function noOverlap(events: FuzzEvent[]): Found[] {
  const running = new Map<number, Numbered<'begun'>[]>()
  const violations: Found[] = []
  for (const event of all(events, 'begun', 'finished', 'ended')) {
    if (event.what === 'ended') {
      for (const [conversation, open] of running)
        running.set(
          conversation,
          open.filter(({ pid }) => pid !== event.pid),
        )
      continue
    }
    const open = running.get(event.conversation) ?? []
    if (event.what === 'finished') {
      const isIt = ({ pid, n }: Numbered<'begun'>) => pid === event.pid && n === event.n
      running.set(
        event.conversation,
        open.filter(one => !isIt(one)),
      )
      continue
    }
    const beside = open.find(one => !weakenedBetween(events, one.pid, one.at, event.at, one.n))
    if (beside !== undefined)
      violations.push({ at: event.at, message: `delivery ${event.n} was begun while ${beside.n} was being handled` })
    running.set(event.conversation, [...open, event])
  }
  return violations
}

/**
 * What is done is not handled again, unless its process could not record that in time: it ended, or the database was
 * away (docs/guarantees.md).
 */
function handledOnce(events: FuzzEvent[]): Found[] {
  const finished = new Map<number, Numbered<'finished'>>()
  const violations: Found[] = []
  for (const event of all(events, 'begun', 'finished')) {
    if (event.what === 'finished') {
      if (event.ok) finished.set(event.n, event)
      continue
    }
    const before = finished.get(event.n)
    if (before === undefined) continue
    const begun = beginningOf(events, before)
    if (weakenedBetween(events, before.pid, begun, event.at) || stoppedBetween(events, begun, event.at)) continue
    violations.push({ at: event.at, message: `delivery ${event.n} is handled again, and was done` })
  }
  return violations
}

/** Where the attempt that finished here began. */
function beginningOf(events: FuzzEvent[], finished: Numbered<'finished'>): number {
  return events.findLastIndex(
    (event, at) => at < finished.at && event.what === 'begun' && event.pid === finished.pid && event.n === finished.n,
  )
}

/** In order of acceptance (that of the answers) within a conversation, except what left the order. */
function inOrder(events: FuzzEvent[], rows: StoredRow[]): Found[] {
  const numbers = new Map(all(events, 'answered').map(({ id, n }) => [id, n]))
  const first = new Map<number, number>()
  const last = new Map<number, number>()
  for (const { n, at } of all(events, 'begun')) {
    if (!first.has(n)) first.set(n, at)
    last.set(n, at)
  }
  const violations: Found[] = []
  const before = new Map<string, { n: number; at: number }>()
  const kept = rows.filter(row => !row.leftTheOrder && row.state === 'done').toSorted((a, b) => a.seq - b.seq)
  for (const { id, orderingKey } of kept) {
    const n = numbers.get(id)
    // One of simulate's samples.
    if (n === undefined) continue
    const begun = first.get(n) as number
    const earlier = before.get(orderingKey)
    if (earlier !== undefined && begun < earlier.at && !cameTogether(events, earlier.n, n, begun))
      violations.push({
        at: begun,
        message: `delivery ${n} was begun before ${earlier.n}, which was accepted before it`,
      })
    before.set(orderingKey, { n, at: last.get(n) as number })
  }
  return [...violations, ...acceptedInOrder(events, rows)]
}

/**
 * Whether two processes may have accepted them concurrently: then either order is allowed (docs/guarantees.md).
 */
function cameTogether(events: FuzzEvent[], earlier: number, later: number, begun: number): boolean {
  const before = events.slice(0, begun)
  const processes = all(before, 'started').length - all(before, 'ended').length
  const answeredAt = events.findIndex(
    event => event.what === 'answered' && event.n === earlier && isAcknowledged(event.status),
  )
  const sentAt = events.findIndex(event => event.what === 'sent' && event.n === later)
  return processes > 1 && sentAt < answeredAt
}

/** A delivery answered before another was sent was accepted before it. */
function acceptedInOrder(events: FuzzEvent[], rows: StoredRow[]): Found[] {
  const seqOf = new Map(rows.map(({ id, seq }) => [id, seq]))
  /** By conversation: the highest acceptance number answered. */
  const highest = new Map<number, number>()
  /** By delivery: its conversation, and the highest number there when it was first sent. */
  const due = new Map<number, { conversation: number; after: number }>()
  const violations: Found[] = []
  for (const event of all(events, 'sent', 'answered')) {
    const { n } = event
    if (event.what === 'sent') {
      const { conversation } = event
      if (!due.has(n)) due.set(n, { conversation, after: highest.get(conversation) ?? 0 })
      continue
    }
    const seq = seqOf.get(event.id as string)
    // Refused or lost.
    if (seq === undefined) continue
    const { conversation, after } = due.get(n) as { conversation: number; after: number }
    highest.set(conversation, Math.max(seq, highest.get(conversation) ?? 0))
    if (seq < after)
      violations.push({ at: event.at, message: `delivery ${n} comes before one that was answered before it was sent` })
  }
  return violations
}

/** A step has its effect once, or again only if its process ended between effect and record. */
function effectsOnce(events: FuzzEvent[]): Found[] {
  const last = new Map<string, Numbered<'effect'>>()
  const recorded = new Set<string>()
  const violations: Found[] = []
  for (const event of all(events, 'effect', 'recorded')) {
    const { step, at } = event
    if (event.what === 'recorded') {
      recorded.add(step)
      continue
    }
    const before = last.get(step)
    const isExcused = before !== undefined && !recorded.has(step) && weakenedBetween(events, before.pid, before.at, at)
    if (before !== undefined && !isExcused) violations.push({ at, message: `the step ${step} had its effect again` })
    last.set(step, event)
  }
  return violations
}

/** No process ends unasked, and no command fails unexpectedly. */
function noCrash(events: FuzzEvent[]): Found[] {
  const crashed = all(events, 'ended').filter(({ asked, code }) => !asked || (code !== null && code !== 0))
  const failed = all(events, 'command').filter(({ code, error }) => (code !== 0 && code !== 1) || hasStack(error))
  return [
    ...crashed.map(({ pid, code, at }) => ({ at, message: `process ${pid} ended with ${code}` })),
    ...failed.map(({ words, code, error, at }) => ({ at, message: `${words} ended with ${code}: ${error}` })),
  ]
}

const hasStack = (text = '') => /\n\s+at .+:\d+/.test(text)

/** Everything is handled in the end. */
function drained(events: FuzzEvent[]): Found[] {
  return all(events, 'not drained').map(({ left, at }) => ({ at, message: `${left} deliveries are not handled` }))
}

export const CHECKS = {
  'acknowledged is found': found,
  'accepted once': acceptedOnce,
  'no overlap': noOverlap,
  'handled once': handledOnce,
  'in order': inOrder,
  'effects once': effectsOnce,
  'no crash': noCrash,
  'handled in the end': drained,
} satisfies Record<string, (events: FuzzEvent[], rows: StoredRow[]) => Found[]>

export function check(events: FuzzEvent[], rows: StoredRow[]): Violation[] {
  return Object.entries(CHECKS)
    .flatMap(([name, look]) => look(events, rows).map(found => ({ ...found, check: name as keyof typeof CHECKS })))
    .toSorted((a, b) => a.at - b.at)
}
