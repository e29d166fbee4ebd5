import type { DatabaseSync } from 'node:sqlite'
import { bytesOf, type QuarantinedRequest, type QuarantineSize, type QuarantineStore } from '../quarantine.ts'
import type { StoreParts } from './parts.ts'
import { preparer } from './statements.ts'

/** What is verified again at once: requests, and about how many bytes. */
export const ASKED_AT_ONCE = 20
export const ASKED_BYTES = 4 * 1024 * 1024
/** Deleted in one commit: bytes are overwritten while others wait. */
const DELETED_AT_ONCE = 20
const DELETED_BYTES = 512 * 1024

/** Refused requests: see inbox/quarantine.ts. asked_at: when a person asked for it to be verified again. */
const TABLE = `quarantine (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    source TEXT NOT NULL,
    address TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    why TEXT NOT NULL,
    headers TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    asked_at INTEGER,
    checked_at INTEGER,
    body BLOB NOT NULL
  ) STRICT;`
/** For the server: older programs ignore the table. */
export const QUARANTINE_SCHEMA = `
  CREATE TABLE IF NOT EXISTS ${TABLE}
  CREATE INDEX IF NOT EXISTS quarantine_bytes ON quarantine (bytes);
  CREATE INDEX IF NOT EXISTS quarantine_received ON quarantine (received_at);
  CREATE INDEX IF NOT EXISTS quarantine_asked ON quarantine (seq) WHERE asked_at IS NOT NULL;
`

/** Before a server of this version has added the table, it is empty. For what changes no schema. */
export function withoutQuarantine(db: DatabaseSync): void {
  const found = db.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'quarantine'").get()
  if (found === undefined) db.exec(`CREATE TEMP TABLE ${TABLE}`)
}

interface QuarantineRow {
  id: string
  source: string
  address: string
  received_at: number
  why: string
  headers: string
  bytes: number
  body: Uint8Array
}

export function createQuarantine(db: DatabaseSync, { write }: Pick<StoreParts, 'write'>): QuarantineStore {
  const sql = preparer(db)
  const quarantineSize = sql('quarantineSize')
  const keepQuarantined = sql('keepQuarantined')
  const isQuarantined = sql('isQuarantined')
  const askQuarantined = sql('askQuarantined')
  const askedQuarantined = sql('askedQuarantined')
  const refuseQuarantined = sql('refuseQuarantined')
  const dropQuarantined = sql('dropQuarantined')
  const oldQuarantined = sql('oldQuarantined')

  const readSize = () => quarantineSize.get() as unknown as QuarantineSize
  const changed = (results: { changes: number | bigint }[]) =>
    results.reduce((sum, { changes }) => sum + Number(changes), 0)

  return {
    keep: (requests, maxBytes) =>
      write(() => {
        let { bytes } = readSize()
        return requests.map(request => {
          if (isQuarantined.get(request.id) !== undefined) return 'known'
          const more = bytesOf(request)
          if (bytes + more > maxBytes) return 'full'
          const { id, source, address, receivedAt, why, headers, body } = request
          keepQuarantined.run(id, source, address, receivedAt, why, JSON.stringify(headers), more, body)
          bytes += more
          return 'kept'
        })
      }),

    ask: (ids, now) => write(() => changed(ids.map(id => askQuarantined.run(now, id)))),

    async asked() {
      const rows: QuarantineRow[] = []
      let bytes = 0
      for (const row of askedQuarantined.iterate(ASKED_AT_ONCE) as unknown as Iterable<QuarantineRow>) {
        rows.push(row)
        bytes += row.bytes
        if (bytes > ASKED_BYTES) break
      }
      return rows.map(requestOf)
    },

    async end(released, refused, now) {
      await write(() => {
        for (const id of released) dropQuarantined.run(id)
        for (const [id, why] of refused) refuseQuarantined.run(why, now, id)
      })
    },

    size: async () => readSize(),

    async prune(before) {
      const old = oldQuarantined.all(before, DELETED_AT_ONCE) as unknown as { id: string; bytes: number }[]
      if (old.length === 0) return false
      let bytes = 0
      const some = old.filter((row, index) => {
        bytes += row.bytes
        return index === 0 || bytes <= DELETED_BYTES
      })
      await write(() => void changed(some.map(({ id }) => dropQuarantined.run(id))))
      return true
    },
  }
}

function requestOf(row: QuarantineRow): QuarantinedRequest {
  const { id, source, address, received_at, why, headers, body } = row
  return { id, source, address, receivedAt: received_at, why, headers: JSON.parse(headers), body: Buffer.from(body) }
}
