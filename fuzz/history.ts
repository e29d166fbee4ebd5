import { closeSync, openSync, readFileSync, writeSync } from 'node:fs'

/** How a handler treats a delivery. */
export type Kind = 'plain' | 'slow' | 'failing' | 'dying' | 'listening' | 'deaf'

/** What happens, in the order in which it happens: every process appends to one file, which outlives its kill. */
export type FuzzEvent =
  /** By the one who tests. `n`: the number of a delivery. */
  | { what: 'sent'; n: number; conversation: number; kind: Kind }
  | { what: 'answered'; n: number; status: string; id?: string }
  | { what: 'broken'; n: number }
  | { what: 'started' | 'frozen' | 'thawed'; pid: number }
  | { what: 'killing'; pid: number; signal: string }
  | { what: 'ended'; pid: number; code: number | null; asked: boolean }
  | { what: 'clock'; offsetMs: number }
  | { what: 'database'; is: 'stopped' | 'started' }
  | { what: 'command'; words: string; code: number | null; error?: string }
  | { what: 'missing in the backup'; n: number }
  | { what: 'not drained'; left: number }
  /** By the handlers. */
  | { what: 'begun'; pid: number; n: number; conversation: number; attempt: number }
  | { what: 'finished'; pid: number; n: number; conversation: number; ok: boolean }
  | { what: 'lapsed'; pid: number; n: number; conversation: number }
  /** The effect of a step in `once` has happened; its `once` has resolved, so that it is recorded. */
  | { what: 'effect'; pid: number; step: string }
  | { what: 'recorded'; pid: number; step: string }

export interface Journal {
  add(event: FuzzEvent): void
  close(): void
}

export function openJournal(file: string): Journal {
  const fd = openSync(file, 'a')
  return {
    // Appended at once, and whole: the order of the lines is the order of the events, across processes.
    add: event => void writeSync(fd, `${JSON.stringify(event)}\n`),
    close: () => closeSync(fd),
  }
}

export function readJournal(file: string): FuzzEvent[] {
  const lines = readFileSync(file, 'utf8').trim().split('\n')
  return lines.filter(line => line !== '').map(line => JSON.parse(line) as FuzzEvent)
}
