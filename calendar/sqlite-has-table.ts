import type { DatabaseSync } from 'node:sqlite'

/** Whether an inbox's file has a table of the calendar: one of an earlier version may lack it. */
export function hasTable(db: DatabaseSync, name: string): boolean {
  return db.prepare("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?").get(name) !== undefined
}
