import type { Clock } from '../../inbox/contracts.ts'
import { inTime } from './wait.ts'

export interface TestClock extends Clock {
  /** Advances the time and fires due timers in order. */
  advance(ms: number): void
  /** When the next timer fires, Unix ms. */
  next(): number | undefined
  /** Resolves when the next timer is set. @param ms only one of this delay */
  timerSet(ms?: number): Promise<void>
}

/** A manual clock. */
export function testClock(start = Date.parse('2026-11-23T10:00:00Z')): TestClock {
  let now = start
  let timers: { at: number; callback: () => void }[] = []
  let waiting: { ms: number | undefined; resolve: () => void }[] = []

  const next = () =>
    timers.reduce<number | undefined>((first, { at }) => (first === undefined || at < first ? at : first), undefined)

  return {
    now: () => now,
    after(ms, callback) {
      const timer = { at: now + ms, callback }
      timers.push(timer)
      const isSet = (wanted: number | undefined) => wanted === undefined || wanted === ms
      for (const { resolve } of waiting.filter(each => isSet(each.ms))) resolve()
      waiting = waiting.filter(each => !isSet(each.ms))
      return () => {
        timers = timers.filter(other => other !== timer)
      }
    },
    advance(ms) {
      const end = now + ms
      for (let at = next(); at !== undefined && at <= end; at = next()) {
        now = Math.max(now, at)
        const due = timers.filter(timer => timer.at === at)
        timers = timers.filter(timer => timer.at !== at)
        for (const timer of due) timer.callback()
      }
      now = end
    },
    next,
    timerSet: ms => inTime(new Promise<void>(resolve => waiting.push({ ms, resolve })), { what: 'a timer to be set' }),
  }
}
