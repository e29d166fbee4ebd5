import { type Clock, systemClock } from '../inbox/contracts.ts'

/** The machine's clock plus an offset, which is 0 until it is moved on. */
export interface MovableClock extends Clock {
  /** How far it is ahead of the machine's clock, ms. */
  offsetMs(): number
  /** Moves it on by `ms`; what has become due by that fires at once, in order. @throws {RangeError} for the past */
  move(ms: number): void
}

/** One that others go by too: moved when they all are. */
export interface SharedClock extends Omit<MovableClock, 'move'> {
  /** @throws {RangeError} for the past */
  move(ms: number): Promise<void>
}

interface Timer {
  /** Unix ms of this clock. */
  dueAt: number
  fire: () => void
  /** Ends the machine's timer. */
  disarm: () => void
}

export function offsetClock(machine: Clock = systemClock): MovableClock {
  const timers = new Set<Timer>()
  let offset = 0
  const now = () => machine.now() + offset

  return {
    now,
    after(ms, callback) {
      const fire = () => {
        timers.delete(timer)
        callback()
      }
      const timer: Timer = { dueAt: now() + ms, fire, disarm: machine.after(ms, fire) }
      timers.add(timer)
      return () => {
        timers.delete(timer)
        timer.disarm()
      }
    },
    offsetMs: () => offset,
    move(ms) {
      if (!Number.isSafeInteger(ms) || ms < 0) throw new RangeError(`a clock moves on by whole ms, not by ${ms}`)
      offset += ms
      for (const timer of [...timers].sort((one, other) => one.dueAt - other.dueAt)) {
        timer.disarm()
        timer.disarm = machine.after(Math.max(0, timer.dueAt - now()), timer.fire)
      }
    },
  }
}
