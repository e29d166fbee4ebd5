import type { Commits } from './commits.ts'
import type { Counting } from './counts.ts'
import type { InFlight } from './in-flight.ts'
import type { KnownIds } from './known-ids.ts'

/** What the verbs of a store share. */
export interface StoreParts {
  write: Commits['write']
  known: KnownIds
  counts: Counting
  inFlight: InFlight
  /** The acceptance number of an id; null: it is not known. */
  seqOf: (id: string) => number | null
  /** Another process is the server, perhaps: what that one has in memory is its own to forget. */
  isBeside: boolean
}
