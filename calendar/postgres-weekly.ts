import type pg from 'pg'
import { SCHEMA } from '../inbox/postgres/schema.ts'
import { ERASED, type LessonsOf } from './contract.ts'
import { inWeek, WEEK_MINUTES, type WeeklyTime, type WeeklyTimes } from './weekly.ts'

/** The weekly times beside the lessons. */

export const WEEKLY_TABLE = `${SCHEMA}.weekly_time`

/** week_start, week_end: minutes since Monday's midnight. One that has ended is kept: its lessons are. */
export const CREATE_WEEKLY = `
  CREATE TABLE IF NOT EXISTS ${WEEKLY_TABLE} (
    id text PRIMARY KEY,
    weekday integer NOT NULL,
    time integer NOT NULL,
    minutes integer NOT NULL,
    week_start integer NOT NULL,
    week_end integer NOT NULL,
    first_at bigint NOT NULL,
    student text NOT NULL,
    service text NOT NULL,
    conversation text NOT NULL,
    contact text,
    ended_at bigint
  );
  CREATE INDEX IF NOT EXISTS weekly_time_now ON ${WEEKLY_TABLE} (week_start) WHERE ended_at IS NULL;
  CREATE INDEX IF NOT EXISTS weekly_time_conversation ON ${WEEKLY_TABLE} (conversation);
  CREATE INDEX IF NOT EXISTS weekly_time_contact ON ${WEEKLY_TABLE} (contact) WHERE contact IS NOT NULL;`

const WEEKLY = 'id, weekday, time, minutes, first_at AS first, student, service, conversation, contact'
/** The same week, and the ends of those that go on into the next one. */
const OVERLAP = `
  SELECT FROM ${WEEKLY_TABLE} WHERE ended_at IS NULL AND (
    (week_start < $2 AND week_end > $1) OR (week_start < $2 - ${WEEK_MINUTES}) OR (week_end - ${WEEK_MINUTES} > $1)
  ) LIMIT 1`
const INSERT = `
  INSERT INTO ${WEEKLY_TABLE} (id, weekday, time, minutes, week_start, week_end, first_at, student, service,
    conversation, contact)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`
export const ERASE_WEEKLY = `
  UPDATE ${WEEKLY_TABLE} SET student = '${ERASED}', contact = NULL, ended_at = coalesce(ended_at, $1)
  WHERE conversation = ANY($2)`

export const RENAME_WEEKLY = `UPDATE ${WEEKLY_TABLE} SET student = $1 WHERE conversation = $2 AND student = $3`

/** How the calendar reads and changes its tables. */
export interface InCalendar {
  now(): number
  attempt<T>(what: string, run: (client: pg.PoolClient) => Promise<T>): Promise<T>
  change<T>(what: string, run: (client: pg.PoolClient) => Promise<T>): Promise<T>
  /** Of a text, what PostgreSQL can hold. */
  clean<T>(value: T): T | string
}

export function weeklyTimesIn({ now, attempt, change, clean }: InCalendar): WeeklyTimes {
  async function read(where: string, values: unknown[]): Promise<WeeklyTime[]> {
    const statement = `SELECT ${WEEKLY} FROM ${WEEKLY_TABLE} WHERE ${where} AND ended_at IS NULL ORDER BY week_start`
    const { rows } = await attempt('be read', client => client.query(statement, values))
    return rows.map(weeklyOf)
  }

  return {
    async add(weekly) {
      const { start, end } = inWeek(weekly)
      const { id, weekday, time, minutes, first, student, service, conversation, contact = null } = weekly
      return change('add a weekly time', async client => {
        const there = await client.query(`SELECT FROM ${WEEKLY_TABLE} WHERE id = $1`, [id])
        if (there.rows.length > 0) return 'added'
        if ((await client.query(OVERLAP, [start, end])).rows.length > 0) return 'taken'
        const values = [id, weekday, time, minutes, start, end, first, student, service, conversation, contact]
        await client.query(INSERT, values.map(clean))
        return 'added'
      })
    },
    get: async id => (await read('id = $1', [clean(id)]))[0] ?? null,
    of: ({ conversation, contact }: LessonsOf) =>
      read('(conversation = $1 OR contact = $2)', [clean(conversation) || null, clean(contact) || null]),
    all: () => read('true', []),
    end: id =>
      change('end a weekly time', async client => {
        const statement = `UPDATE ${WEEKLY_TABLE} SET ended_at = $1 WHERE id = $2 AND ended_at IS NULL`
        return (await client.query(statement, [now(), clean(id)])).rowCount === 1
      }),
  }
}

// biome-ignore lint/suspicious/noExplicitAny: a row of PostgreSQL
function weeklyOf({ contact, first, ...row }: any): WeeklyTime {
  return { ...row, first: Number(first), ...(contact !== null && { contact }) }
}
