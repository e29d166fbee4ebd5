import { BOSS_SCHEMA } from './schema.ts'

/*
 * The database's clock decides when something is due and how old it is: those of the processes differ, and jump. A time
 * from a process is converted to an interval from now.
 */

/** No attempt is due later than this, ms: a later time was written by a wrong clock, and is due. */
const MAX_WAIT_MS = 24 * 60 * 60 * 1_000

/** The database's time as pg-boss sees it (tests move it). */
export const BOSS_NOW = `${BOSS_SCHEMA}.job_now()`

/** The database's time, Unix ms; in a transaction, that of its start: no later than pg-boss's. */
export const NOW_MS = `floor(extract(epoch FROM ${BOSS_NOW}) * 1000)::bigint`

/**
 * SQL for how long something still waits, ms; 0: it is due.
 * @param dueAt the database's time at which it is due, Unix ms
 */
export function waitMs(dueAt: string, now = NOW_MS): string {
  return `CASE WHEN ${dueAt} - ${now} BETWEEN 1 AND ${MAX_WAIT_MS} THEN ${dueAt} - ${now} ELSE 0 END`
}

/**
 * What an older instance, which knows no runs, finds as the time of a run's next attempt, ms from now: it leaves it
 * alone. An hour less than a day: what it sees more than a day ahead counts as due.
 */
export const HIDDEN_MS = MAX_WAIT_MS - 60 * 60 * 1_000

/** From now until a time of the same clock, ms; 0 for the past. */
export function msUntil(at: number, now: number): number {
  return Math.min(Math.max(0, Math.round(at - now)), MAX_WAIT_MS)
}
