import type { BookedLesson, Interval } from '../../calendar/contract.ts'
import type { SharedClock } from '../offset-clock.ts'
import type { ServiceControl } from '../service-process.ts'
import type { World } from '../world.ts'

/** What the calendar shows of 7 days. */
export interface Week {
  lessons: BookedLesson[]
  holds: (Interval & { until?: number })[]
}

export interface SandboxPageOptions {
  world: World
  service: ServiceControl
  clock: SharedClock
  /** Reads the service's calendar, whether the service is up or not. */
  calendar: { week(from: number): Promise<Week> }
  /** Signs in to the dashboard with the token of this run: the Set-Cookie headers of the service's answer. */
  admin: { signIn(): Promise<string[]> }
  /** The tutor's time zone (IANA). */
  zone: string
}
