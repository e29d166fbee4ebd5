import type pg from 'pg'
import type { Store } from '../contracts.ts'
import { StoreOpenError } from '../errors.ts'
import { SCHEMA } from './schema.ts'
import { write } from './transaction.ts'

const UNDEFINED_TABLE = '42P01'

/** A command may find the schema of an older server. */
function explainMissing(error: { code?: string }): never {
  if (error.code !== UNDEFINED_TABLE) throw error
  throw new StoreOpenError(
    `the schema ${SCHEMA} has no installation id yet: start a server of this version, which adds it`,
    { cause: error },
  )
}

export function createInstallation(
  pool: pg.Pool,
): Pick<Store, 'installationId' | 'setInstallationId' | 'checkWritable'> {
  return {
    async installationId() {
      const { rows } = await pool.query<{ id: string }>(`SELECT id FROM ${SCHEMA}.installation`).catch(explainMissing)
      return rows[0]?.id as string
    },
    async setInstallationId(id) {
      await write(pool, `UPDATE ${SCHEMA}.installation SET id = $1`, [id])
    },
    async checkWritable() {
      await write(pool, `UPDATE ${SCHEMA}.version SET version = version`)
    },
  }
}
