import type pg from 'pg'
import { type CauseGroup, MAX_CAUSE_GROUPS, MAX_COUNTED_OF_CAUSE } from '../contracts.ts'
import { CAUSE, type CauseRow, causeGroup, IS_GIVEN_UP } from '../rows.ts'
import { BEGIN_IN_ORDER } from './counts.ts'
import { SCHEMA } from './schema.ts'
import { transaction } from './transaction.ts'

const firstOver = (cause: string) => `
  SELECT ${CAUSE} AS cause FROM ${SCHEMA}.delivery WHERE ${IS_GIVEN_UP} AND ${CAUSE} > ${cause} ORDER BY ${CAUSE} LIMIT 1`
const endOf = (name: string, order: string) => `
  CROSS JOIN LATERAL (
    SELECT id AS ${name}_id, received_at AS ${name}_at FROM ${SCHEMA}.delivery
    WHERE ${IS_GIVEN_UP} AND ${CAUSE} = each.cause ORDER BY ${CAUSE} ${order}, seq ${order} LIMIT 1
  ) AS ${name}`

/** From one cause to the next by the index. */
const CAUSES = `
  WITH RECURSIVE each (cause) AS (
    (${firstOver("''")})
    UNION ALL
    SELECT next.cause FROM each CROSS JOIN LATERAL (${firstOver('each.cause')}) AS next
  )
  SELECT each.cause, counted.*, oldest.*, newest.* FROM (SELECT cause FROM each LIMIT ${MAX_CAUSE_GROUPS}) AS each
  CROSS JOIN LATERAL (
    SELECT count(*) AS count, count(*) FILTER (WHERE state = 'dead') AS dead
    FROM (
      SELECT state FROM ${SCHEMA}.delivery WHERE ${IS_GIVEN_UP} AND ${CAUSE} = each.cause
      ORDER BY ${CAUSE}, seq LIMIT ${MAX_COUNTED_OF_CAUSE + 1}
    ) AS first
  ) AS counted
  ${endOf('oldest', 'ASC')}
  ${endOf('newest', 'DESC')}`

/** See Store.causes. */
export async function readCauses(pool: pg.Pool): Promise<CauseGroup[]> {
  const { rows } = await transaction(pool, client => client.query<CauseRow>(CAUSES), BEGIN_IN_ORDER)
  return rows.map(causeGroup)
}
