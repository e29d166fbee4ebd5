import { DatabaseSync } from 'node:sqlite'

/** Undoes what each version added; the newest last. */
const STEPS_BACK: Record<number, string> = {
  1: 'DROP TABLE history; DROP INDEX delivery_parked_seq;',
  2: 'DROP TABLE about; DROP TABLE tally;',
  3: `DROP INDEX delivery_run; ALTER TABLE delivery DROP COLUMN run; ALTER TABLE delivery DROP COLUMN due_at;`,
  4: 'DROP INDEX delivery_cause; ALTER TABLE delivery DROP COLUMN cause; ALTER TABLE delivery DROP COLUMN trace;',
}

/** Turns the closed store in a file into one of a newer version, which older programs can't use. */
export function makeNewer(file: string): void {
  const db = new DatabaseSync(file)
  db.exec(`UPDATE about SET value = '99' WHERE name = 'readable_since'; PRAGMA user_version = 99`)
  db.close()
}

/** Turns the closed store in a file into one of an older version, with its contents. */
export function makeOlder(file: string, version: number): void {
  const db = new DatabaseSync(file)
  try {
    for (let older = 4; older >= version; older--) db.exec(STEPS_BACK[older] as string)
    db.exec(`PRAGMA user_version = ${version}; PRAGMA journal_mode = DELETE`)
  } finally {
    db.close()
  }
}
