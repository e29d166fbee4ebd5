import { BOSS_SCHEMA } from './schema.ts'

/*
 * The database's clock decides when something is due, and how old it is: those of the processes differ, and jump. What a
 * process asks for at a time of its own is kept as that time from now.
 */

/** Nothing waits longer for its next attempt, ms: what does was written by a clock that was wrong, and is due. */
const MAX_WAIT_MS = 24 * 60 * 60 * 1_000

/** The database's time, as pg-boss sees it (and tests move it). */
export const BOSS_NOW = `${BOSS_SCHEMA}.job_now()`

/** The database's time, Unix ms. Its beginning, in a transaction: no later than what pg-boss reads as its own. */
export const NOW_MS = `floor(extract(epoch FROM ${BOSS_NOW}) * 1000)::bigint`

/**
 * How long something waits still, in SQL, ms; 0: it is due.
 * @param dueAt the database's time at which it is due, Unix ms
 */
export function waitMs(dueAt: string, now = NOW_MS): string {
  return `CASE WHEN ${dueAt} - ${now} BETWEEN 1 AND ${MAX_WAIT_MS} THEN ${dueAt} - ${now} ELSE 0 END`
}

/** From now until a time by the clock that says what time it is now, ms; 0 for what has passed. */
export function msUntil(at: number, now: number): number {
  return Math.min(Math.max(0, Math.round(at - now)), MAX_WAIT_MS)
}
