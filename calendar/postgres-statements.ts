import { MOVED } from '../inbox/postgres/import.ts'
import { SCHEMA } from '../inbox/postgres/schema.ts'
import { PAID_HOW, UNPAID } from './contract.ts'
import { CREATE_PACKAGES, LAST_PACKAGE_TABLE } from './postgres-packages.ts'
import { CREATE_WEEKLY, WEEKLY_TABLE } from './postgres-weekly.ts'

/** The tables of the calendar beside the inbox's, and all that is asked of them. */

/** An order's hold, or its lesson once hold_until is NULL. A hold with a conversation is kept: its payment is being processed. */
export const SLOT = `${SCHEMA}.slot`
/** Of earlier versions unknown. */
const CANCELLED = `${SCHEMA}.cancelled_lesson`
const BLOCKED = `${SCHEMA}.blocked_time`

/** What databases of earlier versions lack. Asked for first: even ADD COLUMN IF NOT EXISTS waits for all who use the table. */
const addColumn = (name: string, type: string) => `
  IF NOT EXISTS (
    SELECT FROM pg_attribute WHERE attrelid = '${SLOT}'::regclass AND attname = '${name}' AND NOT attisdropped
  ) THEN ALTER TABLE ${SLOT} ADD COLUMN ${name} ${type}; END IF;`

export const CREATE = `
  CREATE TABLE IF NOT EXISTS ${SLOT} (
    order_id text PRIMARY KEY,
    start_at bigint NOT NULL,
    end_at bigint NOT NULL,
    hold_until bigint,
    student text,
    service text,
    payment text,
    conversation text,
    changed_at bigint,
    contact text,
    sequence integer
  );
  CREATE INDEX IF NOT EXISTS slot_end ON ${SLOT} (end_at);
  CREATE INDEX IF NOT EXISTS slot_length ON ${SLOT} ((end_at - start_at));
  CREATE INDEX IF NOT EXISTS slot_unpaid ON ${SLOT} (start_at) WHERE payment = '${UNPAID}';
  CREATE INDEX IF NOT EXISTS slot_hold ON ${SLOT} (hold_until) WHERE hold_until IS NOT NULL;
  DO $$ BEGIN
    ${addColumn('changed_at', 'bigint')} ${addColumn('contact', 'text')} ${addColumn('sequence', 'integer')}
  END $$;
  CREATE INDEX IF NOT EXISTS slot_conversation ON ${SLOT} (conversation) WHERE conversation IS NOT NULL;
  CREATE INDEX IF NOT EXISTS slot_contact ON ${SLOT} (contact) WHERE contact IS NOT NULL;
  CREATE TABLE IF NOT EXISTS ${CANCELLED} (
    order_id text PRIMARY KEY,
    start_at bigint NOT NULL,
    end_at bigint NOT NULL,
    student text NOT NULL,
    service text NOT NULL,
    payment text,
    conversation text NOT NULL,
    changed_at bigint NOT NULL,
    contact text,
    sequence integer NOT NULL,
    cancelled_at bigint NOT NULL
  );
  CREATE INDEX IF NOT EXISTS cancelled_lesson_end ON ${CANCELLED} (end_at);
  CREATE TABLE IF NOT EXISTS ${BLOCKED} (
    id text PRIMARY KEY,
    start_at bigint NOT NULL,
    end_at bigint NOT NULL,
    reason text NOT NULL
  );
  CREATE INDEX IF NOT EXISTS blocked_time_end ON ${BLOCKED} (end_at);
  ${CREATE_WEEKLY}
  ${CREATE_PACKAGES}`

/** Whether there are tables: of this version, whose last one that is; of any. */
export const IS_THERE = `
  SELECT to_regclass('${LAST_PACKAGE_TABLE}') IS NOT NULL AS there, to_regclass('${SLOT}') IS NOT NULL AS "any"`

const OVERLAPPING = 'start_at < $1 AND end_at > $2'
/** The same of slots. What begins before $1 ends at most the longest one's length after it: the rest is not read. */
const SLOT_OVERLAPPING = `${OVERLAPPING} AND end_at < $1 + (SELECT max(end_at - start_at) FROM ${SLOT})`
/** Lessons, and kept times until they lapse. */
const isLesson = (now: string) => `(hold_until IS NULL OR (hold_until > ${now} AND conversation IS NOT NULL))`
const LESSON = `
  order_id AS "order", start_at AS start, end_at AS "end", student, service, payment, conversation, contact,
  changed_at, coalesce(sequence, (hold_until IS NULL)::integer) AS sequence, hold_until IS NOT NULL AS is_held,
  NULL::bigint AS cancelled_at`
const OF_CANCELLED = `
  order_id AS "order", start_at AS start, end_at AS "end", student, service, payment, conversation, contact,
  changed_at, sequence, false AS is_held, cancelled_at`

export const BUSY = `
  SELECT start_at AS start, end_at AS "end", false AS is_other FROM ${SLOT}
  WHERE ${SLOT_OVERLAPPING} AND (hold_until IS NULL OR hold_until > $3)
  UNION ALL SELECT start_at, end_at, true FROM ${BLOCKED} WHERE ${OVERLAPPING} ORDER BY start`
export const LESSONS = `SELECT ${LESSON} FROM ${SLOT} WHERE ${SLOT_OVERLAPPING} AND ${isLesson('$3')} ORDER BY start_at`
export const LESSONS_AND_CANCELLED = `
  SELECT ${LESSON} FROM ${SLOT} WHERE ${SLOT_OVERLAPPING} AND ${isLesson('$3')}
  UNION ALL SELECT ${OF_CANCELLED} FROM ${CANCELLED} WHERE ${OVERLAPPING} ORDER BY start`
export const ORDERS_BEGINNING_WITH = `
  SELECT order_id AS "order" FROM ${SLOT} WHERE starts_with(order_id, $1) AND ${isLesson('$2')}
  UNION SELECT order_id FROM ${CANCELLED} WHERE starts_with(order_id, $1) ORDER BY 1 LIMIT $3`
export const LESSON_OF = `
  SELECT ${LESSON} FROM ${SLOT} WHERE order_id = $1 AND ${isLesson('$2')}
  UNION ALL SELECT ${OF_CANCELLED} FROM ${CANCELLED} WHERE order_id = $1 ORDER BY cancelled_at NULLS FIRST LIMIT 1`
export const LESSONS_OF = `
  SELECT ${LESSON} FROM ${SLOT}
  WHERE (conversation = $1 OR contact = $2) AND end_at > $3 AND ${isLesson('$4')} ORDER BY start_at`
export const UNPAID_LESSONS = `
  SELECT ${LESSON} FROM ${SLOT} WHERE payment = '${UNPAID}' AND hold_until IS NULL ORDER BY start_at, order_id LIMIT $1`
export const OVERLAP = `SELECT 1 FROM ${SLOT} WHERE ${SLOT_OVERLAPPING} AND order_id <> $3 LIMIT 1`
export const OVERLAP_BLOCK = `SELECT 1 FROM ${BLOCKED} WHERE ${OVERLAPPING} LIMIT 1`
export const FIND = `
  SELECT start_at AS start, end_at AS "end", hold_until IS NULL AS is_lesson, conversation, payment,
    coalesce(sequence, (hold_until IS NULL)::integer) AS sequence FROM ${SLOT} WHERE order_id = $1`
export const FIND_KEPT = `
  SELECT 1 FROM ${SLOT} WHERE conversation = $1 AND order_id <> $2 AND hold_until IS NOT NULL LIMIT 1`
export const DROP_LAPSED = `DELETE FROM ${SLOT} WHERE hold_until <= $1`
export const EXTEND_HOLD = `UPDATE ${SLOT} SET hold_until = greatest(hold_until, $1) WHERE order_id = $2`
export const INSERT_HOLD = `
  INSERT INTO ${SLOT} (order_id, start_at, end_at, hold_until, changed_at) VALUES ($1, $2, $3, $4, $5)`
export const INSERT_LESSON = `
  INSERT INTO ${SLOT} (order_id, start_at, end_at, student, service, payment, conversation, contact, changed_at,
    hold_until, sequence)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`
export const MOVE = `
  UPDATE ${SLOT} SET start_at = $2, end_at = $3, changed_at = $4, sequence = coalesce(sequence, 1) + 1
  WHERE order_id = $1`
export const SET_PAYMENT = `UPDATE ${SLOT} SET payment = $2, changed_at = $3 WHERE order_id = $1`
export const RENAME = `
  UPDATE ${SLOT} SET student = $1, changed_at = $4 WHERE conversation = $2 AND student = $3 AND end_at > $5`
export const REMOVE_HOLD = `DELETE FROM ${SLOT} WHERE order_id = $1 AND hold_until <= $2`
export const REMOVE = `DELETE FROM ${SLOT} WHERE order_id = $1`
/** Kept, if it is a lesson or was shown as one. */
export const CANCEL = `
  WITH gone AS (DELETE FROM ${SLOT} WHERE order_id = $1 RETURNING *)
  INSERT INTO ${CANCELLED} (order_id, start_at, end_at, student, service, payment, conversation, contact, changed_at,
    cancelled_at, sequence)
  SELECT order_id, start_at, end_at, student, service, payment, conversation, contact, $2, $2,
    coalesce(sequence, (hold_until IS NULL)::integer) + 1
  FROM gone WHERE conversation IS NOT NULL
  ON CONFLICT (order_id) DO UPDATE SET start_at = excluded.start_at, end_at = excluded.end_at,
    student = excluded.student, service = excluded.service, payment = excluded.payment,
    conversation = excluded.conversation, contact = excluded.contact, changed_at = excluded.changed_at,
    cancelled_at = excluded.cancelled_at, sequence = excluded.sequence`
/** It is a lesson again. */
export const REMOVE_CANCELLED = `DELETE FROM ${CANCELLED} WHERE order_id = $1 RETURNING sequence`
export const BLOCK = `
  INSERT INTO ${BLOCKED} (id, start_at, end_at, reason) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`
export const UNBLOCK = `DELETE FROM ${BLOCKED} WHERE id = $1`
export const BLOCKS = `
  SELECT id, start_at AS start, end_at AS "end", reason FROM ${BLOCKED} WHERE ${OVERLAPPING} ORDER BY start_at, id`
const WITHOUT_PAYER = `
  regexp_replace(payment, '^(\\d+(?:\\.\\d+)? [A-Z]{3}, (?:${PAID_HOW.join('|')})), .*$', '\\1')`
const erase = (table: string) => `
  UPDATE ${table} SET student = $1, payment = ${WITHOUT_PAYER}, changed_at = $3
  WHERE conversation = ANY($2::text[]) AND (student <> $1 OR payment <> ${WITHOUT_PAYER}) RETURNING 1`
export const ERASE = `
  WITH lessons AS (${erase(SLOT)}), cancelled AS (${erase(CANCELLED)})
  SELECT ((SELECT count(*) FROM lessons) + (SELECT count(*) FROM cancelled))::integer AS erased`

/** What is imported once, and not again if it is gone by then. */
const fresh = (what: string) =>
  `moved AS (INSERT INTO ${MOVED} SELECT ${what} FROM given ON CONFLICT DO NOTHING RETURNING what)`

/** A lesson replaces its order's hold here, and holds that overlap it. */
export const IMPORT_SLOTS = `
  WITH given AS MATERIALIZED (
    SELECT *, CASE WHEN hold_until IS NULL THEN 'lesson ' ELSE 'hold ' END || order_id AS what
    FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[], $5::text[], $6::text[], $7::text[], $8::text[],
        $9::bigint[], $10::text[], $11::integer[])
      AS rows (order_id, start_at, end_at, hold_until, student, service, payment, conversation, changed_at, contact,
        sequence)
  ), ${fresh('what')}, overlapping AS (
    SELECT what FROM given WHERE EXISTS (
      SELECT 1 FROM ${SLOT} WHERE start_at < given.end_at AND end_at > given.start_at AND order_id <> given.order_id
        AND (hold_until IS NULL OR given.hold_until IS NOT NULL))
  ), fresh AS (
    INSERT INTO ${SLOT} (order_id, start_at, end_at, hold_until, student, service, payment, conversation, changed_at,
      contact, sequence)
    SELECT order_id, start_at, end_at, hold_until, student, service, payment, conversation, changed_at, contact,
      sequence FROM given
    WHERE what IN (SELECT what FROM moved) AND (hold_until IS NULL OR what NOT IN (SELECT what FROM overlapping))
    ON CONFLICT (order_id) DO UPDATE SET start_at = excluded.start_at, end_at = excluded.end_at, hold_until = NULL,
      student = excluded.student, service = excluded.service, payment = excluded.payment,
      conversation = excluded.conversation, changed_at = excluded.changed_at, contact = excluded.contact,
      sequence = excluded.sequence
    WHERE slot.hold_until IS NOT NULL AND excluded.hold_until IS NULL
    RETURNING order_id
  )
  SELECT order_id, what IN (SELECT what FROM overlapping) AS overlaps FROM fresh JOIN given USING (order_id)`
export const IMPORT_CANCELLED = `
  WITH given AS MATERIALIZED (
    SELECT * FROM jsonb_to_recordset($1) AS rows (order_id text, start_at bigint, end_at bigint, student text,
      service text, payment text, conversation text, contact text, changed_at bigint, cancelled_at bigint,
      sequence integer)
  ), ${fresh("'cancelled ' || order_id AS what")}
  INSERT INTO ${CANCELLED} (order_id, start_at, end_at, student, service, payment, conversation, contact, changed_at,
    cancelled_at, sequence)
  SELECT order_id, start_at, end_at, student, service, payment, conversation, contact, changed_at, cancelled_at,
    sequence FROM given
  WHERE 'cancelled ' || order_id IN (SELECT what FROM moved) AND order_id NOT IN (SELECT order_id FROM ${SLOT})
  ON CONFLICT DO NOTHING`
export const IMPORT_BLOCKS = `
  WITH given AS MATERIALIZED (
    SELECT * FROM jsonb_to_recordset($1) AS rows (id text, start_at bigint, end_at bigint, reason text)
  ), ${fresh("'block ' || id AS what")}
  INSERT INTO ${BLOCKED} (id, start_at, end_at, reason) SELECT id, start_at, end_at, reason FROM given
  WHERE 'block ' || id IN (SELECT what FROM moved) ON CONFLICT DO NOTHING`

export const IMPORT_WEEKLY = `
  WITH given AS MATERIALIZED (SELECT * FROM jsonb_populate_recordset(NULL::${WEEKLY_TABLE}, $1)),
  ${fresh("'weekly ' || id AS what")}
  INSERT INTO ${WEEKLY_TABLE} SELECT * FROM given WHERE 'weekly ' || id IN (SELECT what FROM moved) ON CONFLICT DO NOTHING`
