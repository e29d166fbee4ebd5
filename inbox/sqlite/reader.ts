import { statSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { StoreOpenError } from '../errors.ts'
import type { RowWithPayload } from '../rows.ts'
import { lockFile, olderVersion, SCHEMA_VERSION, versionOf } from './file.ts'
import { withoutQuarantine } from './quarantine.ts'
import { withoutScheduled } from './scheduled.ts'

/** A finished step of `once`. */
export interface StepRow {
  key: string
  /** Unix ms. */
  done_at: number
  /** JSON. */
  result: string
}

/** A scheduled delivery. */
export interface ScheduledInFile {
  id: string
  source: string
  event: string
  key: string
  ordering_key: string
  /** Unix ms. */
  received_at: number
  due_at: number
  /** Why a person has discarded it. */
  reason: string | null
  payload: Uint8Array
}

/** What happened to a delivery: see HistoryEntry. */
export interface HistoryInFile {
  /** The delivery's id. */
  id: string
  what: string
  at: number
  attempt: number | null
  started_at: number | null
  detail: string | null
}

/** A read-only store file. Rows are read lazily. */
export interface SqliteReader {
  /** The file, for its other tables. */
  db: DatabaseSync
  /** See Store.installationId. */
  installationId(): string
  /** Number of deliveries. */
  count(): number
  /** In order of acceptance. */
  deliveries(): Iterable<RowWithPayload>
  /** History of the deliveries between two acceptance numbers, in order. */
  history(first: number, last: number): HistoryInFile[]
  /** In order of their scheduling. */
  scheduled(): Iterable<ScheduledInFile>
  /** Number of quarantined requests. */
  quarantined(): number
  /** Finished steps: a claim means nothing once its process has ended. */
  steps(): Iterable<StepRow>
  close(): void
}

/** Opens a store for reading, while no other process has it open. */
export function openSqliteReader(file: string): SqliteReader {
  let lock: DatabaseSync | undefined
  let db: DatabaseSync | undefined
  try {
    if (!statSync(file).isFile()) throw new StoreOpenError(`${file} is not a file; give a store's file`)
    lock = lockFile(file)
    db = new DatabaseSync(file, { readOnly: true })
    const version = versionOf(db, file)
    if (version === null) throw new StoreOpenError(`${file} is empty; give a store's file`)
    if (version < SCHEMA_VERSION) throw new StoreOpenError(`${olderVersion(file, version)}, and stop it`)
    withoutScheduled(db)
    withoutQuarantine(db)
    return createReader(db, lock)
  } catch (error) {
    db?.close()
    lock?.close()
    if (error instanceof StoreOpenError) throw error
    throw new StoreOpenError(`${file} can't be read (${(error as Error).message}); give a store's file`, {
      cause: error,
    })
  }
}

function createReader(db: DatabaseSync, lock: DatabaseSync): SqliteReader {
  const rows = <Row>(text: string) => db.prepare(text).iterate() as unknown as Iterable<Row>
  const history = db.prepare(`
    SELECT id, what, at, attempt, history.started_at, detail FROM history JOIN delivery USING (seq)
    WHERE seq BETWEEN ? AND ? ORDER BY history.rowid`)
  return {
    db,
    installationId: () => db.prepare("SELECT value FROM about WHERE name = 'installation_id'").get()?.value as string,
    count: () => db.prepare('SELECT count(*) AS count FROM delivery').get()?.count as number,
    deliveries: () => rows('SELECT * FROM delivery LEFT JOIN body USING (seq) ORDER BY seq'),
    scheduled: () => rows('SELECT * FROM scheduled ORDER BY seq'),
    quarantined: () => db.prepare('SELECT count(*) AS count FROM quarantine').get()?.count as number,
    history: (first, last) => history.all(first, last) as unknown as HistoryInFile[],
    steps: () => rows('SELECT key, done_at, result FROM step WHERE done_at IS NOT NULL ORDER BY key'),
    close() {
      db.close()
      lock.close()
    },
  }
}
