import { closeSync, openSync, readFileSync, writeSync } from 'node:fs'

/** How a handler treats a delivery. */
export type Kind = 'plain' | 'slow' | 'failing' | 'dying' | 'listening' | 'deaf'

/** Everything that happens, in order: all processes append to one file, which survives kills. */
export type FuzzEvent =
  /** From the tester. `n`: number of a delivery. */
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
  /** From the handlers. */
  | { what: 'begun'; pid: number; n: number; conversation: number; attempt: number }
  | { what: 'finished'; pid: number; n: number; conversation: number; ok: boolean }
  | { what: 'lapsed'; pid: number; n: number; conversation: number }
  /** `effect`: a step in `once` has run; `recorded`: its `once` has resolved. */
  | { what: 'effect'; pid: number; step: string }
  | { what: 'recorded'; pid: number; step: string }

export interface Journal {
  add(event: FuzzEvent): void
  close(): void
}

export function openJournal(file: string): Journal {
  const fd = openSync(file, 'a')
  return {
    // Synchronous and whole lines, so that their order is that of the events across processes.
    add: event => void writeSync(fd, `${JSON.stringify(event)}\n`),
    close: () => closeSync(fd),
  }
}

export function readJournal(file: string): FuzzEvent[] {
  const lines = readFileSync(file, 'utf8').trim().split('\n')
  return lines.filter(line => line !== '').map(line => JSON.parse(line) as FuzzEvent)
}
