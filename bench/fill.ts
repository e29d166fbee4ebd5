import { DatabaseSync } from 'node:sqlite'
import { openSqliteStore } from '../inbox/sqlite/store.ts'

/**
 * Writes handled rows, as they are after their payload's retention, straight into the file.
 * @param age how long ago they were received, ms
 * @param bodies with payloads of 2.7 KB
 */
export async function fill(store: string, rows: number, { age = 0, bodies = false } = {}): Promise<void> {
  await openSqliteStore(store).close()
  const db = new DatabaseSync(store)
  db.exec('PRAGMA synchronous = OFF; PRAGMA cache_size = -262144')
  for (let from = 0; from < rows; from += 100_000) {
    db.exec(`
      WITH RECURSIVE n(i) AS (SELECT ${from + 1} UNION ALL SELECT i + 1 FROM n WHERE i < ${Math.min(rows, from + 100_000)})
      INSERT INTO delivery (id, source, event, key, ordering_key, state, attempts, received_at, settled_at)
      SELECT lower(printf('%s-%s-8%s-a%s-%s', hex(randomblob(4)), hex(randomblob(2)), substr(hex(randomblob(2)), 2),
        substr(hex(randomblob(2)), 2), hex(randomblob(6)))),
        'chatwoot', 'message_created', '1:' || i || '_' || i || '_message_created', 'conversation:1:' || i % 5000,
        'done', 1, ${Date.now() - age}, ${Date.now() - age} FROM n`)
  }
  if (bodies) db.exec('INSERT INTO body SELECT seq, zeroblob(2700) FROM delivery')
  db.exec(
    'INSERT INTO known SELECT id, seq FROM delivery ORDER BY id; UPDATE indexed SET seq = (SELECT max(seq) FROM delivery)',
  )
  db.exec('PRAGMA wal_checkpoint(TRUNCATE)')
  db.close()
}
