import type pg from 'pg'
import { MOVED } from '../inbox/postgres/import.ts'
import { SCHEMA } from '../inbox/postgres/schema.ts'
import { ERASED, type LessonsOf } from './contract.ts'
import {
  type By,
  type Correction,
  type CorrectResult,
  checkCorrection,
  checkMinutes,
  checkPackage,
  type EntryWho,
  keyOfLesson,
  keyOfRefund,
  keyOfReturn,
  type LessonPackage,
  type NewPackage,
  type PackageEntry,
  type Packages,
  type Taking,
  withoutName,
} from './packages.ts'
import type { InCalendar } from './postgres-weekly.ts'
import type { EntryRow, PackageRow } from './sqlite-packages.ts'

/** The packages in the inbox's database, beside the lessons. */

const TABLE = `${SCHEMA}.package`
const ENTRIES = `${SCHEMA}.package_entry`

/** refund_due: minutes whose money has been paid back. */
export const CREATE_PACKAGES = `
  CREATE TABLE IF NOT EXISTS ${TABLE} (
    id text PRIMARY KEY,
    conversation text NOT NULL,
    contact text,
    student text NOT NULL,
    lesson_minutes integer NOT NULL,
    minutes integer NOT NULL,
    left_minutes integer NOT NULL CHECK (left_minutes >= 0),
    refund_due integer NOT NULL,
    payment text NOT NULL,
    amount bigint NOT NULL,
    currency text NOT NULL,
    bought_at bigint NOT NULL
  );
  CREATE INDEX IF NOT EXISTS package_conversation ON ${TABLE} (conversation);
  CREATE INDEX IF NOT EXISTS package_contact ON ${TABLE} (contact) WHERE contact IS NOT NULL;
  CREATE INDEX IF NOT EXISTS package_bought ON ${TABLE} (bought_at, id);
  CREATE TABLE IF NOT EXISTS ${ENTRIES} (
    key text PRIMARY KEY,
    package text NOT NULL,
    number integer NOT NULL,
    minutes integer NOT NULL,
    why text NOT NULL,
    who text NOT NULL,
    at bigint NOT NULL,
    order_id text,
    note text,
    left_minutes integer NOT NULL CHECK (left_minutes >= 0)
  );
  CREATE UNIQUE INDEX IF NOT EXISTS package_entry_number ON ${ENTRIES} (package, number);`

/** What is created last. */
export const LAST_PACKAGE_TABLE = ENTRIES

const TAKEN = `
  (SELECT coalesce(-sum(entry.minutes), 0)::integer FROM ${ENTRIES} AS entry
   WHERE entry.package = ${TABLE}.id AND entry.why = 'refunded')`
/** Entries are read only of a package whose money was paid back: the others are read at each booking. */
const PACKAGE = `
  id, conversation, contact, student, lesson_minutes AS "lessonMinutes", minutes, left_minutes AS "left",
  CASE WHEN refund_due > 0 THEN refund_due - ${TAKEN} ELSE 0 END AS "refundDue", payment, amount, currency,
  bought_at AS "boughtAt"`
const ENTRY = 'key, package, number, minutes, why, who, at, order_id AS "order", note, left_minutes AS "left"'
const IS_WHOSE = "((conversation = $1 AND conversation <> '') OR contact = $2)"

const INSERT = `
  INSERT INTO ${TABLE} (id, conversation, contact, student, lesson_minutes, minutes, left_minutes, refund_due, payment,
    amount, currency, bought_at) VALUES ($1, $2, $3, $4, $5, $6, 0, 0, $7, $8, $9, $10) ON CONFLICT DO NOTHING`
const FIND = `SELECT ${PACKAGE} FROM ${TABLE} WHERE id = $1`
const OF = `SELECT ${PACKAGE} FROM ${TABLE} WHERE ${IS_WHOSE} ORDER BY bought_at, id`
const WITH_ENOUGH = `SELECT id FROM ${TABLE} WHERE ${IS_WHOSE} AND left_minutes >= $3 ORDER BY bought_at, id LIMIT 1`
const IDS_BEGINNING_WITH = `SELECT id FROM ${TABLE} WHERE starts_with(id, $1) ORDER BY id LIMIT $2`
const LIST = `
  SELECT ${PACKAGE} FROM ${TABLE} WHERE (bought_at, id) < ($1, $2) ORDER BY bought_at DESC, id DESC LIMIT $3`
const SET_LEFT = `UPDATE ${TABLE} SET left_minutes = left_minutes + $1 WHERE id = $2`
const SET_REFUND_DUE = `UPDATE ${TABLE} SET refund_due = greatest(refund_due, $1) WHERE id = $2`
const REFUNDED = `
  SELECT refund_due AS due, left_minutes AS "left", ${TAKEN} AS taken FROM ${TABLE} WHERE id = $1`
const ENTRY_OF = `SELECT ${ENTRY} FROM ${ENTRIES} WHERE key = $1`
const ENTRIES_OF = `SELECT ${ENTRY} FROM ${ENTRIES} WHERE package = $1 ORDER BY number`
const APPEND = `
  INSERT INTO ${ENTRIES} (key, package, number, minutes, why, who, at, order_id, note, left_minutes)
  SELECT $1, id, (SELECT count(*) + 1 FROM ${ENTRIES} WHERE package = id), $3, $4, $5, $6, $7, $8, left_minutes
  FROM ${TABLE} WHERE id = $2
  RETURNING ${ENTRY}`
const NAMED = `SELECT id, payment FROM ${TABLE} WHERE conversation = ANY($1::text[]) AND student <> $2`
const ERASE = `UPDATE ${TABLE} SET student = $1, payment = $2 WHERE id = $3`
const ERASE_NOTES = `UPDATE ${ENTRIES} SET note = NULL WHERE package = $1`
/** Each package once, with its entries; not again if it is gone by then. */
const IMPORT = `
  WITH given AS MATERIALIZED (SELECT * FROM jsonb_populate_recordset(NULL::${TABLE}, $1)),
  moved AS (INSERT INTO ${MOVED} SELECT 'package ' || id FROM given ON CONFLICT DO NOTHING RETURNING what),
  fresh AS (
    INSERT INTO ${TABLE} SELECT * FROM given WHERE 'package ' || id IN (SELECT what FROM moved)
    ON CONFLICT DO NOTHING RETURNING id
  ), entries AS (
    INSERT INTO ${ENTRIES} SELECT * FROM jsonb_populate_recordset(NULL::${ENTRIES}, $2)
    WHERE package IN (SELECT id FROM fresh) ON CONFLICT DO NOTHING
  )
  SELECT count(*)::integer AS imported FROM fresh`

/** An entry that is to be added. */
type Addition = Omit<PackageEntry, 'number' | 'left'>

/** Made by the calendar, whose connections it uses. */
export class PostgresPackages implements Packages {
  readonly #access: InCalendar

  constructor(access: InCalendar) {
    this.#access = access
  }

  async buy(bought: NewPackage, who: EntryWho): Promise<LessonPackage> {
    checkPackage(bought)
    const { id, conversation, contact = null, student, lessonMinutes, minutes } = bought
    const { payment, amount, currency, boughtAt: at } = bought
    return this.#access.change(`record the package of order ${id}`, async client => {
      const values = [id, conversation, contact, student, lessonMinutes, minutes, payment, amount, currency, at]
      if ((await client.query(INSERT, values.map(clean))).rowCount === 1) {
        const first = { key: `bought:${id}`, package: id, minutes, why: 'bought', order: null, note: null } as const
        await append(client, { ...first, who, at })
      }
      return (await find(client, id)) as LessonPackage
    })
  }

  async take({ whose, order, minutes, who, at }: Taking): Promise<PackageEntry | null> {
    checkMinutes(minutes)
    const { conversation, contact = '' } = whose
    return this.#access.change(`take a lesson of order ${order} from a package`, async client => {
      if ((await entryOf(client, keyOfReturn(order))) !== null) return null
      const key = keyOfLesson(order)
      const taken = await entryOf(client, key)
      if (taken !== null) return taken
      const [enough] = (await client.query(WITH_ENOUGH, [conversation, contact || null, minutes])).rows
      if (enough === undefined) return null
      const why = 'lesson'
      return append(client, { key, package: enough.id, minutes: -minutes, why, who, at, order, note: null })
    })
  }

  async giveBack({ order, who, at }: By & { order: string }): Promise<PackageEntry | null> {
    return this.#access.change(`give back the minutes of order ${order}`, async client => {
      const key = keyOfReturn(order)
      const taken = await entryOf(client, keyOfLesson(order))
      const returned = await entryOf(client, key)
      if (taken === null || returned !== null) return returned
      const { package: id, minutes } = taken
      const addition = { key, package: id, minutes: -minutes, why: 'returned', who, at, order, note: null } as const
      const entry = await append(client, addition)
      await takeRefunded(client, id, { who, at })
      return entry
    })
  }

  async refund({ package: id, minutes, ...by }: By & { package: string; minutes: number }) {
    checkMinutes(minutes)
    return this.#access.change(`take what is left of package ${id}`, async client => {
      if ((await client.query(SET_REFUND_DUE, [minutes, id])).rowCount === 1) await takeRefunded(client, id, by)
      return find(client, id)
    })
  }

  async correct(correction: Correction): Promise<CorrectResult> {
    checkCorrection(correction)
    const { key, package: id, minutes, who, at, note } = correction
    return this.#access.change(`correct package ${id}`, async (client): Promise<CorrectResult> => {
      const known = await entryOf(client, key)
      if (known !== null) return { kind: 'corrected', entry: known }
      const found = await find(client, id)
      if (found === null) return { kind: 'unknown' }
      if (found.left + minutes < 0) return { kind: 'short', left: found.left }
      const addition = { key, package: id, minutes, who, at, note, order: null, why: 'corrected' } as const
      return { kind: 'corrected', entry: await append(client, addition) }
    })
  }

  find(id: string): Promise<LessonPackage | null> {
    return this.#access.attempt('read a package', client => find(client, id))
  }

  idsBeginningWith(beginning: string, limit: number): Promise<string[]> {
    return this.#access.attempt('list packages', async client =>
      (await client.query(IDS_BEGINNING_WITH, [clean(beginning), limit])).rows.map(({ id }) => id),
    )
  }

  of({ conversation, contact = '' }: LessonsOf): Promise<LessonPackage[]> {
    return this.#list(OF, [conversation, contact || null])
  }

  list(limit: number, after?: LessonPackage): Promise<LessonPackage[]> {
    return this.#list(LIST, [after?.boughtAt ?? Number.MAX_SAFE_INTEGER, after?.id ?? '', limit])
  }

  entries(id: string): Promise<PackageEntry[]> {
    return this.#access.attempt('read a package', async client =>
      (await client.query(ENTRIES_OF, [id])).rows.map(toEntry),
    )
  }

  takenFor(order: string): Promise<PackageEntry | null> {
    return this.#access.attempt('read a package', client => entryOf(client, keyOfLesson(order)))
  }

  erase(conversations: readonly string[]): Promise<number> {
    return this.#access.change('erase a name', async client => {
      const { rows } = await client.query(NAMED, [conversations, ERASED])
      for (const { id, payment } of rows) {
        await client.query(ERASE, [ERASED, withoutName(payment), id])
        await client.query(ERASE_NOTES, [id])
      }
      return rows.length
    })
  }

  /** Imports packages of a local calendar, each once, with its entries. Returns how many are new. */
  import(given: readonly { package: PackageRow; entries: EntryRow[] }[]): Promise<number> {
    const [packages, entries] = [given.map(each => each.package), given.flatMap(each => each.entries)].map(cleaned)
    return this.#access.change('import packages', async client => {
      return (await client.query(IMPORT, [packages, entries])).rows[0].imported
    })
  }

  #list(statement: string, values: unknown[]): Promise<LessonPackage[]> {
    return this.#access.attempt('list packages', async client =>
      (await client.query(statement, values)).rows.map(toPackage),
    )
  }
}

async function find(client: pg.PoolClient, id: string): Promise<LessonPackage | null> {
  return (await client.query(FIND, [id])).rows.map(toPackage)[0] ?? null
}

async function entryOf(client: pg.PoolClient, key: string): Promise<PackageEntry | null> {
  return (await client.query(ENTRY_OF, [key])).rows.map(toEntry)[0] ?? null
}

/** The caller knows that there is such a package, with enough left. */
async function append(client: pg.PoolClient, addition: Addition): Promise<PackageEntry> {
  const { key, package: id, minutes, why, who, at, order, note } = addition
  await client.query(SET_LEFT, [minutes, id])
  const { rows } = await client.query(APPEND, [key, id, minutes, why, who, at, order, note].map(clean))
  return rows.map(toEntry)[0] as PackageEntry
}

/** What refunds have not taken yet, as far as it is left. */
async function takeRefunded(client: pg.PoolClient, id: string, by: By): Promise<void> {
  const { due, left, taken } = (await client.query(REFUNDED, [id])).rows[0]
  const minutes = Math.min(left, due - taken)
  if (minutes <= 0) return
  const key = keyOfRefund(id, taken + minutes)
  await append(client, { key, package: id, minutes: -minutes, why: 'refunded', ...by, order: null, note: null })
}

// biome-ignore lint/suspicious/noExplicitAny: a row of PostgreSQL
function toPackage({ contact, amount, boughtAt, ...row }: any): LessonPackage {
  // bigint is returned as a string.
  return { ...row, amount: Number(amount), boughtAt: Number(boughtAt), ...(contact !== null && { contact }) }
}

// biome-ignore lint/suspicious/noExplicitAny: a row of PostgreSQL
function toEntry({ at, ...row }: any): PackageEntry {
  return { ...row, at: Number(at) }
}

/** PostgreSQL's text can't hold NUL. */
function clean<T>(value: T): T | string {
  return typeof value === 'string' ? value.replaceAll('\u0000', '') : value
}

function cleaned(rows: readonly object[]): string {
  return JSON.stringify(rows, (_name, value) => clean(value))
}
