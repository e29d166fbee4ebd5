/** All statements of the SQLite store: a test asks the planner about each, so that none scans a whole table. */
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { DeliveryFilter } from '../contracts.ts'
import { CAUSE, conditionsOf, IS_GIVEN_UP, tableOf } from '../rows.ts'

/** Finished deliveries that may be deleted, in a range of acceptance numbers. */
const FINISHED = `delivery NOT INDEXED
  WHERE seq > ? AND seq <= ? AND state IN ('done', 'discarded') AND settled_at < ?`

/** Scheduled deliveries with the columns of `delivery`. */
function scheduledRows(more: string): string {
  return `(
    SELECT seq, id, source, event, key, ordering_key, CASE WHEN reason IS NULL THEN 'scheduled' ELSE 'discarded' END AS state,
      0 AS attempts, NULL AS started_at, due_at AS next_attempt_at, received_at, NULL AS settled_at, reason AS error, NULL AS cause${more}
    FROM scheduled)`
}

/** Quarantined requests with the columns of `delivery`. */
function quarantinedRows(more: string): string {
  return `(
    SELECT seq, id, source, 'unverified' AS event, 'quarantined:' || id AS key, 'address:' || address AS ordering_key,
      'quarantined' AS state, attempts, asked_at AS started_at, NULL AS next_attempt_at, received_at,
      checked_at AS settled_at, why AS error, NULL AS cause${more}
    FROM quarantine)`
}

export const STATEMENTS = {
  insertDelivery: `
    INSERT INTO delivery (id, source, event, key, ordering_key, state, attempts, started_at, received_at, settled_at, error, cause)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  insertWaiting: `
    INSERT INTO delivery
      (id, source, event, key, ordering_key, state, attempts, received_at, run, due_at, next_attempt_at)
    VALUES (?, ?, ?, ?, ?, 'pending', 0, ?, '', ?, ?)`,
  insertBody: 'INSERT INTO body VALUES (?, ?)',
  keepTrace: 'UPDATE delivery SET trace = ? WHERE seq = ?',
  isPending: `SELECT 1 FROM delivery WHERE ordering_key = ? AND state = 'pending' LIMIT 1`,
  head: `
    SELECT * FROM delivery LEFT JOIN body USING (seq) WHERE ordering_key = ? AND state = 'pending' ORDER BY seq LIMIT 1`,
  firstParked: `
    SELECT * FROM delivery LEFT JOIN body USING (seq)
    WHERE ordering_key = ? AND state = 'parked' AND next_attempt_at IS NOT NULL ORDER BY next_attempt_at, seq LIMIT 1`,
  peekPending: `
    SELECT id, source, event FROM delivery WHERE ordering_key = ? AND state = 'pending' ORDER BY seq LIMIT 1`,
  peekParked: `
    SELECT id, source, event FROM delivery
    WHERE ordering_key = ? AND state = 'parked' AND next_attempt_at IS NOT NULL ORDER BY next_attempt_at, seq LIMIT 1`,
  quietAt: `
    SELECT min(min(coalesce(next_attempt_at, 0)), max(due_at)) AS at FROM delivery WHERE ordering_key = ? AND state = 'pending'`,
  waiting: `
    SELECT * FROM delivery LEFT JOIN body USING (seq) WHERE ordering_key = ? AND state = 'pending' ORDER BY seq LIMIT ?`,
  runLeft: `
    SELECT * FROM delivery LEFT JOIN body USING (seq) WHERE run = ? AND run > '' AND state = ? ORDER BY seq`,
  beginRun: 'UPDATE delivery SET run = ?, due_at = NULL, next_attempt_at = NULL WHERE seq = ?',
  reopenRun: `UPDATE delivery SET run = '', due_at = ? WHERE seq = ?`,
  startAttempt: 'UPDATE delivery SET attempts = attempts + 1, started_at = ? WHERE seq = ?',
  postpone: 'UPDATE delivery SET next_attempt_at = ?, settled_at = ? WHERE seq = ?',
  settleAttempt: `
    UPDATE delivery SET state = ?, started_at = NULL, next_attempt_at = ?, settled_at = ?, error = ?, cause = ?
    WHERE seq = ? AND attempts = ? AND started_at IS NOT NULL`,

  wakeNow: `
    INSERT INTO wakeup VALUES (?, 0) ON CONFLICT DO UPDATE SET due_at = 0
    WHERE (SELECT CASE run WHEN '' THEN NULL ELSE next_attempt_at END FROM delivery WHERE delivery.ordering_key = excluded.ordering_key AND state = 'pending'
      ORDER BY seq LIMIT 1) IS NULL`,
  wakeAt: 'INSERT INTO wakeup VALUES (?, ?) ON CONFLICT DO UPDATE SET due_at = min(due_at, excluded.due_at)',
  setWakeup: 'INSERT INTO wakeup VALUES (?, ?) ON CONFLICT DO UPDATE SET due_at = excluded.due_at',
  holdMailbox: 'UPDATE wakeup SET due_at = max(due_at, ?) WHERE ordering_key = ?',
  forgetWakeup: 'DELETE FROM wakeup WHERE ordering_key = ?',
  due: 'SELECT ordering_key FROM wakeup WHERE due_at <= ? ORDER BY due_at LIMIT ?',
  mailboxDue: 'SELECT due_at FROM wakeup WHERE ordering_key = ?',
  firstDue: 'SELECT min(due_at) AS at FROM wakeup WHERE due_at > ?',
  wakeupSlice: `
    SELECT max(ordering_key) AS last
    FROM (SELECT ordering_key FROM wakeup WHERE ordering_key >= ? ORDER BY ordering_key LIMIT ?)`,
  wakeLater: 'UPDATE wakeup SET due_at = 0 WHERE ordering_key >= ? AND ordering_key <= ? AND due_at > ?',

  schedule: `
    INSERT INTO scheduled (id, source, event, key, ordering_key, received_at, due_at, payload)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (id) DO UPDATE SET event = excluded.event, ordering_key = excluded.ordering_key,
      received_at = excluded.received_at, due_at = excluded.due_at, payload = excluded.payload WHERE reason IS NULL`,
  unschedule: 'DELETE FROM scheduled WHERE id = ? AND reason IS NULL',
  isScheduled: 'SELECT 1 FROM scheduled WHERE id = ?',
  firstScheduled: 'SELECT min(due_at) AS at FROM scheduled',
  dueScheduled: 'SELECT * FROM scheduled WHERE due_at <= ? ORDER BY due_at, seq LIMIT ?',
  dropScheduled: 'DELETE FROM scheduled WHERE id = ?',
  scheduledBeginning: 'SELECT id FROM scheduled WHERE id >= ? AND id < ? ORDER BY id LIMIT ?',
  getScheduled: `SELECT * FROM ${scheduledRows(', payload')} WHERE id = ?`,
  scheduledBody: 'SELECT payload FROM scheduled WHERE id = ? AND length(payload) <= ?',
  hurryScheduled: 'UPDATE scheduled SET due_at = 0 WHERE id = ? AND reason IS NULL RETURNING ordering_key',
  discardScheduled: 'UPDATE scheduled SET due_at = 0, reason = ? WHERE id = ? AND reason IS NULL',
  scheduledExtent: 'SELECT (SELECT min(seq) FROM scheduled) AS first, (SELECT max(seq) FROM scheduled) AS last',

  quarantineSize: `
    SELECT count(*) AS deliveries, coalesce(sum(bytes), 0) AS bytes,
      (SELECT count(*) FROM quarantine WHERE asked_at IS NOT NULL) AS asked FROM quarantine`,
  isQuarantined: 'SELECT 1 FROM quarantine WHERE id = ?',
  keepQuarantined: `
    INSERT INTO quarantine (id, source, address, received_at, why, headers, bytes, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
  askQuarantined: 'UPDATE quarantine SET asked_at = ? WHERE id = ?',
  askedQuarantined: 'SELECT * FROM quarantine WHERE asked_at IS NOT NULL ORDER BY seq LIMIT ?',
  refuseQuarantined: `
    UPDATE quarantine SET attempts = attempts + 1, asked_at = NULL, why = ?, checked_at = ? WHERE id = ?`,
  dropQuarantined: 'DELETE FROM quarantine WHERE id = ?',
  oldQuarantined: 'SELECT id, bytes FROM quarantine WHERE received_at < ? ORDER BY received_at LIMIT ?',
  quarantinedBeginning: 'SELECT id FROM quarantine WHERE id >= ? AND id < ? ORDER BY id LIMIT ?',
  getQuarantined: `SELECT * FROM ${quarantinedRows(', headers, body AS payload')} WHERE id = ?`,
  quarantineExtent: 'SELECT (SELECT min(seq) FROM quarantine) AS first, (SELECT max(seq) FROM quarantine) AS last',

  findStep: 'SELECT done_at, result FROM step WHERE key = ?',
  claimStep: 'INSERT INTO step (key) VALUES (?) ON CONFLICT (key) DO UPDATE SET result = NULL',
  recordStep: 'UPDATE step SET done_at = ?, result = ? WHERE key = ?',
  releaseStep: 'UPDATE step SET result = ? WHERE key = ? AND done_at IS NULL',
  listSteps: 'SELECT key, done_at, result FROM step WHERE key > ? AND done_at IS NOT NULL ORDER BY key LIMIT ?',
  forgetStep: "UPDATE step SET result = 'null' WHERE key = ? AND done_at IS NOT NULL",

  insertHistory: `
    INSERT INTO history SELECT seq, ?, ?, attempts, started_at, ? FROM delivery WHERE seq = ? AND attempts = ?
      AND started_at IS NOT NULL`,
  noteByHand: 'INSERT INTO history (seq, what, at, detail) VALUES (?, ?, ?, ?)',
  listHistory: 'SELECT * FROM history WHERE seq = ? ORDER BY rowid',

  getDelivery: 'SELECT * FROM delivery LEFT JOIN body USING (seq) WHERE seq = ?',
  getState: 'SELECT state FROM delivery WHERE seq = ?',
  replayDelivery: `
    UPDATE delivery SET state = 'parked', next_attempt_at = 0
    WHERE seq = ? AND state IN ('parked', 'dead') AND started_at IS NULL RETURNING ordering_key`,
  ofRun: `
    SELECT seq FROM delivery WHERE run > '' AND run = (SELECT run FROM delivery WHERE seq = ?)`,
  discardDelivery: `
    UPDATE delivery SET state = 'discarded', next_attempt_at = NULL, settled_at = ?, error = ?
    WHERE seq = ? AND state IN ('parked', 'dead') AND started_at IS NULL`,

  shortBody: 'SELECT payload FROM body WHERE seq = ? AND length(payload) <= ?',
  bodyBytes: 'SELECT length(payload) AS bytes FROM body WHERE seq = ?',
  forgetBody: 'DELETE FROM body WHERE seq = (SELECT seq FROM delivery WHERE seq = ? AND started_at IS NULL)',
  forgetErrors: 'UPDATE history SET detail = NULL WHERE seq = ?',
  discardForgotten: `
    UPDATE delivery SET error = NULL, next_attempt_at = NULL, settled_at = ?,
      state = CASE state WHEN 'done' THEN 'done' ELSE 'discarded' END WHERE seq = ?`,

  pruneSlice: 'SELECT max(seq) AS last FROM (SELECT seq FROM delivery WHERE seq > ? ORDER BY seq LIMIT ?)',
  pruneCandidates: `
    SELECT seq, id, settled_at, (SELECT length(payload) FROM body WHERE body.seq = delivery.seq) AS bytes FROM ${FINISHED}
      AND (settled_at < ? OR EXISTS (SELECT 1 FROM body WHERE body.seq = delivery.seq)) ORDER BY seq LIMIT ?`,
  pruneBody: 'DELETE FROM body WHERE seq = ?',
  pruneHistory: 'DELETE FROM history WHERE seq = ?',
  pruneKey: 'DELETE FROM delivery WHERE seq = ?',
  oldStep: 'SELECT 1 FROM step WHERE done_at < ? LIMIT 1',
  pruneSteps: 'DELETE FROM step WHERE key IN (SELECT key FROM step WHERE done_at < ? LIMIT ?)',

  nextCause: `
    SELECT ${CAUSE} AS cause FROM delivery WHERE ${IS_GIVEN_UP} AND ${CAUSE} > ? ORDER BY ${CAUSE} LIMIT 1`,
  ofCause: `
    SELECT * FROM (
      SELECT count(*) AS count, sum(state = 'dead') AS dead
      FROM (SELECT state FROM delivery WHERE ${IS_GIVEN_UP} AND ${CAUSE} = ? ORDER BY seq LIMIT ?)
    ), (
      SELECT id AS oldest_id, received_at AS oldest_at FROM delivery WHERE ${IS_GIVEN_UP} AND ${CAUSE} = ? ORDER BY seq LIMIT 1
    ), (
      SELECT id AS newest_id, received_at AS newest_at FROM delivery WHERE ${IS_GIVEN_UP} AND ${CAUSE} = ?
      ORDER BY seq DESC LIMIT 1
    )`,

  lastOfCause: `SELECT seq FROM delivery WHERE ${IS_GIVEN_UP} AND ${CAUSE} = ? ORDER BY seq DESC LIMIT 1`,
  nextOfCause: `
    SELECT seq, attempts FROM delivery
    WHERE ${IS_GIVEN_UP} AND ${CAUSE} = ? AND seq > ? AND seq <= ? AND started_at IS NULL AND NOT EXISTS (
      SELECT 1 FROM delivery AS earlier
      WHERE earlier.run > '' AND earlier.run = delivery.run AND earlier.seq < delivery.seq AND earlier.${IS_GIVEN_UP})
    ORDER BY seq LIMIT 1`,
  leftOfCause: `
    SELECT count(*) AS count
    FROM (SELECT 1 FROM delivery WHERE ${IS_GIVEN_UP} AND ${CAUSE} = ? AND seq > ? AND seq <= ? LIMIT ?)`,
  getReplayed: 'SELECT state, attempts, started_at, cause FROM delivery WHERE seq = ?',

  addToTally: 'INSERT INTO tally VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET count = count + excluded.count',
  readTally: 'SELECT state, chunk, count FROM tally',
  oldestInChunk: `
    SELECT (
      SELECT received_at FROM delivery NOT INDEXED WHERE seq >= ? AND seq < ? AND state = 'pending' ORDER BY seq LIMIT 1
    ) AS received_at`,

  extent: 'SELECT (SELECT min(seq) FROM delivery) AS first, (SELECT max(seq) FROM delivery) AS last',
  pages: 'SELECT page_count * page_size AS bytes FROM pragma_page_count, pragma_page_size',

  getAbout: 'SELECT value FROM about WHERE name = ?',
  setAbout: 'INSERT OR REPLACE INTO about VALUES (?, ?)',
  endReplayJob: `
    UPDATE about SET value = json_set(value, '$.state', 'stopped', '$.endedAt', ?, '$.open', json('[]'))
    WHERE name = 'replay_job' AND json_extract(value, '$.state') IN ('running', 'paused')`,
  dropAbout: 'DELETE FROM about WHERE name = ?',
} as const

/** `list`: after an acceptance number, in order. @throws {TypeError} the filter's state is not a known one */
export function listStatement(filter: DeliveryFilter) {
  const { where, values } = conditionsOf(filter, () => '?')
  const rows = {
    scheduled: scheduledRows(', payload'),
    quarantined: quarantinedRows(', headers, body AS payload'),
    accepted: 'delivery LEFT JOIN body USING (seq)',
  }[tableOf(filter)]
  return { sql: `SELECT * FROM ${rows} WHERE seq > ?${where} ORDER BY seq LIMIT ?`, values }
}

/** `browse`: between two acceptance numbers, newest first. @throws {TypeError} the filter's state is not a known one */
export function browseStatement(filter: DeliveryFilter) {
  const { where, values } = conditionsOf(filter, () => '?')
  const rows = { scheduled: scheduledRows(''), quarantined: quarantinedRows(''), accepted: 'delivery' }[tableOf(filter)]
  return { sql: `SELECT * FROM ${rows} WHERE seq < ? AND seq >= ?${where} ORDER BY seq DESC LIMIT ?`, values }
}

/** Prepares one of the statements above. */
export type Prepare = (name: keyof typeof STATEMENTS) => StatementSync

export function preparer(db: DatabaseSync): Prepare {
  return name => db.prepare(STATEMENTS[name])
}
