import type pg from 'pg'
import type { Clock } from '../contracts.ts'
import { bytesOf, type QuarantinedRequest, type QuarantineSize, type QuarantineStore } from '../quarantine.ts'
import { ASKED_AT_ONCE, ASKED_BYTES } from '../sqlite/quarantine.ts'
import { ifThere } from './scheduled.ts'
import { SCHEMA } from './schema.ts'
import { clean } from './strings.ts'
import { NOW_MS } from './time.ts'
import { transaction, write } from './transaction.ts'

const TABLE = `${SCHEMA}.quarantine`
/** Advisory lock of who keeps requests: two at once would exceed the limit. "tbqu" in ASCII. */
const LOCK = 0x74627175
/** Deleted in one transaction. */
const DELETED_AT_ONCE = 200

const SIZE = `
  SELECT count(*) AS deliveries, coalesce(sum(bytes), 0) AS bytes, count(asked_at) AS asked FROM ${TABLE}`
const KEEP = `
  INSERT INTO ${TABLE} (id, source, address, received_at, why, headers, bytes, body)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`
const KNOWN = `SELECT id FROM ${TABLE} WHERE id = ANY($1::text[])`
const ASK = `UPDATE ${TABLE} SET asked_at = $2 WHERE id = ANY($1::text[])`
const ASKED = `
  SELECT * FROM (
    SELECT *, sum(bytes) OVER (ORDER BY seq) - bytes AS before
    FROM (SELECT * FROM ${TABLE} WHERE asked_at IS NOT NULL ORDER BY seq LIMIT ${ASKED_AT_ONCE}) AS oldest
  ) AS counted WHERE before <= ${ASKED_BYTES} ORDER BY seq`
const END = `
  WITH released AS (DELETE FROM ${TABLE} WHERE id = ANY($1::text[]))
  UPDATE ${TABLE} SET attempts = attempts + 1, asked_at = NULL, checked_at = $4, why = refused.why
  FROM unnest($2::text[], $3::text[]) AS refused (id, why) WHERE quarantine.id = refused.id`
const PRUNE = `
  DELETE FROM ${TABLE} WHERE seq IN (
    SELECT seq FROM ${TABLE} WHERE received_at < ${NOW_MS} - $1::bigint ORDER BY received_at LIMIT ${DELETED_AT_ONCE})`
const DROP = `DELETE FROM ${TABLE} WHERE id = ANY($1::text[])`

interface QuarantineRow {
  id: string
  source: string
  address: string
  received_at: string
  why: string
  headers: string
  body: Buffer
}

export function createQuarantine(pool: pg.Pool, clock: Pick<Clock, 'now'>): QuarantineStore {
  return {
    keep: (requests, maxBytes) => transaction(pool, client => keep(client, requests, maxBytes)),
    async ask(ids, now) {
      return ifThere(
        write(pool, ASK, [ids.map(clean), now]).then(({ rowCount }) => Number(rowCount)),
        0,
      )
    },
    async asked() {
      const { rows } = await pool.query<QuarantineRow>(ASKED)
      return rows.map(({ id, source, address, received_at, why, headers, body }) => ({
        id,
        source,
        address,
        receivedAt: Number(received_at),
        why,
        headers: JSON.parse(headers),
        body,
      }))
    },
    async end(released, refused, now) {
      const why = [...refused.values()].map(clean)
      await write(pool, END, [released.map(clean), [...refused.keys()].map(clean), why, now])
    },
    size: () => ifThere(readSize(pool), { deliveries: 0, bytes: 0, asked: 0 }),
    async prune(before) {
      const pruned = write(pool, PRUNE, [Math.round(clock.now() - before)]).then(
        ({ rowCount }) => rowCount === DELETED_AT_ONCE,
      )
      return ifThere(pruned, false)
    },
  }
}

/** Deletes kept requests. Returns how many there were. @param ids as stored */
export function dropQuarantined(pool: pg.Pool, ids: string[]): Promise<number> {
  return ifThere(
    write(pool, DROP, [ids]).then(({ rowCount }) => Number(rowCount)),
    0,
  )
}

async function readSize(client: Pick<pg.ClientBase, 'query'> | pg.Pool): Promise<QuarantineSize> {
  const { rows } = await client.query<Record<keyof QuarantineSize, string>>(SIZE)
  const { deliveries, bytes, asked } = rows[0] as Record<keyof QuarantineSize, string>
  return { deliveries: Number(deliveries), bytes: Number(bytes), asked: Number(asked) }
}

async function keep(client: pg.ClientBase, requests: readonly QuarantinedRequest[], maxBytes: number) {
  await client.query('SELECT pg_advisory_xact_lock($1)', [LOCK])
  let { bytes } = await readSize(client)
  const found = await client.query<{ id: string }>(KNOWN, [requests.map(({ id }) => id)])
  const known = new Set(found.rows.map(({ id }) => id))
  const outcomes: ('kept' | 'known' | 'full')[] = []
  for (const request of requests) {
    const more = bytesOf(request)
    const outcome = known.has(request.id) ? 'known' : bytes + more > maxBytes ? 'full' : 'kept'
    outcomes.push(outcome)
    if (outcome !== 'kept') continue
    const { id, source, address, receivedAt, why, headers, body } = request
    await client.query(KEEP, [id, source, clean(address), receivedAt, why, JSON.stringify(headers), more, body])
    known.add(id)
    bytes += more
  }
  return outcomes
}

/** Kept requests with the columns of `delivery`. */
export function quarantinedRows(more = ''): string {
  return `(
    SELECT seq, id, source, 'unverified' AS event, 'quarantined:' || id AS key, 'address:' || address AS ordering_key,
      'quarantined' AS state, attempts, asked_at AS started_at, NULL::bigint AS next_attempt_at, received_at,
      checked_at AS settled_at, why AS error, NULL::text AS cause${more}
    FROM ${TABLE}) AS delivery`
}
