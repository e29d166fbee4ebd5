import type { Commits } from './commits.ts'
import type { Counting } from './counts.ts'
import type { InFlight } from './in-flight.ts'
import type { KnownIds } from './known-ids.ts'

/** What the parts of a store share. */
export interface StoreParts {
  write: Commits['write']
  known: KnownIds
  counts: Counting
  inFlight: InFlight
  /** The acceptance number of an id; null: unknown. */
  seqOf: (id: string) => number | null
  /** Opened by a command: a server may be running, with ids in memory that only it may remove. */
  isCommand: boolean
}
