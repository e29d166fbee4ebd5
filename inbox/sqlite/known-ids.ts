import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { InMemory } from './commits.ts'

/** Ids that are kept in memory before they go into the index: some 5 MB. */
const MAX_FRESH_IDS = 32_768
/** Pieces that ids are moved in. Each is a narrow range of the index, so that many of its ids fall on one page. */
const PIECES = 256
/** Pieces moved in one commit, at most. */
const MAX_PIECES_PER_COMMIT = 4

/** indexed: for each piece, the acceptance number up to which its ids are in known. */
export const KNOWN_IDS_SCHEMA = `
  CREATE TABLE known (id TEXT PRIMARY KEY, seq INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE indexed (piece INTEGER PRIMARY KEY, seq INTEGER NOT NULL) STRICT;
  WITH RECURSIVE pieces (piece) AS (SELECT 0 UNION ALL SELECT piece + 1 FROM pieces WHERE piece < ${PIECES - 1})
    INSERT INTO indexed SELECT piece, 0 FROM pieces;
`

/** What the transaction under way has changed of an id, to be undone if it fails. */
interface Change {
  id: string
  /** What it had before; undefined: it was not in memory. */
  seq: number | undefined
  lastSeq: number
}

/**
 * Which ids are stored, and under which acceptance number.
 *
 * Ids are random: a plain unique index would write a page of its own for each of them, most of what a commit writes.
 * So the newest ids are in memory, in pieces by their first two digits, and go into the index a piece at a time. The
 * table of deliveries is the log of what is not in the index yet, and read again at start.
 */
export class KnownIds implements InMemory {
  /** Up to here all ids were in the index at the start, so that none of them is in memory. */
  readonly indexedTo: number
  readonly #find: StatementSync
  readonly #index: StatementSync
  readonly #unindex: StatementSync
  readonly #markIndexed: StatementSync
  readonly #later: StatementSync
  /** For each piece, the acceptance number up to which its ids were in the index at the start. */
  readonly #indexedTo: number[]
  #anyIndexed: boolean
  readonly #fresh = Array.from({ length: PIECES }, () => new Map<string, number>())
  /** Ids in memory. */
  #size = 0
  /** The piece that is moved next, round and round, and the last acceptance number. */
  #progress = { next: 0, lastSeq: 0 }
  /** `#progress` when the transaction under way began, its changes, and the pieces that it has moved. */
  #before = this.#progress
  #changes: Change[] = []
  #moved: number[] = []

  constructor(db: DatabaseSync) {
    this.#find = db.prepare('SELECT seq FROM known WHERE id = ?')
    this.#index = db.prepare('INSERT INTO known VALUES (?, ?) ON CONFLICT DO NOTHING')
    this.#unindex = db.prepare('DELETE FROM known WHERE id = ?')
    this.#markIndexed = db.prepare('UPDATE indexed SET seq = ? WHERE piece = ?')
    this.#later = db.prepare('SELECT id, seq FROM delivery WHERE seq > ? ORDER BY seq')
    this.#anyIndexed = db.prepare('SELECT 1 FROM known LIMIT 1').get() !== undefined
    const pieces = db.prepare('SELECT seq FROM indexed ORDER BY piece').all()
    this.#indexedTo = pieces.map(row => row.seq as number)
    this.indexedTo = Math.min(...this.#indexedTo)
    this.#progress.next = this.#indexedTo.indexOf(this.indexedTo)
    this.#readAfter(this.indexedTo)
  }

  /** The acceptance number of an id; undefined: it is not known. */
  find(id: string): number | undefined {
    return this.#pieceOf(id).get(id) ?? (this.#anyIndexed ? (this.#find.get(id)?.seq as number | undefined) : undefined)
  }

  /** Reads the ids that another process has added since. */
  readOn(): void {
    this.#readAfter(this.#progress.lastSeq)
  }

  /** Adds an id, within a transaction. */
  add(id: string, seq: number): void {
    this.#changes.push({ id, seq: undefined, lastSeq: this.#progress.lastSeq })
    this.#remember(id, seq)
    this.#progress.lastSeq = seq
  }

  /** Forgets an id whose delivery is deleted, within a transaction. */
  remove(id: string): void {
    this.#changes.push({ id, seq: this.#pieceOf(id).get(id), lastSeq: this.#progress.lastSeq })
    this.#forget(id)
    this.#unindex.run(id)
  }

  /** Moves ids into the index when there are many in memory, within a transaction. */
  move(): void {
    let left = this.#size
    while (left > MAX_FRESH_IDS && this.#moved.length < MAX_PIECES_PER_COMMIT) {
      const { next, lastSeq } = this.#progress
      const piece = this.#fresh[next] as Map<string, number>
      for (const [id, seq] of [...piece].sort(byId)) this.#index.run(id, seq)
      left -= piece.size
      this.#markIndexed.run(lastSeq, next)
      this.#moved.push(next)
      this.#anyIndexed = true
      this.#progress.next = (next + 1) % PIECES
    }
  }

  begin(): void {
    this.#before = { ...this.#progress }
    this.#changes = []
    this.#moved = []
  }

  mark(): number {
    return this.#changes.length
  }

  undoTo(mark: number): void {
    for (const { id, seq, lastSeq } of this.#changes.splice(mark).reverse()) {
      if (seq === undefined) this.#forget(id)
      else this.#remember(id, seq)
      this.#progress.lastSeq = lastSeq
    }
    if (mark === 0) this.#progress = this.#before
  }

  committed(): void {
    for (const number of this.#moved) {
      const piece = this.#fresh[number] as Map<string, number>
      this.#size -= piece.size
      piece.clear()
    }
  }

  #readAfter(after: number): void {
    for (const row of this.#later.iterate(after)) {
      const { id, seq } = row as { id: string; seq: number }
      if (seq > (this.#indexedTo[numberOf(id)] as number)) this.#remember(id, seq)
      this.#progress.lastSeq = seq
    }
  }

  #pieceOf(id: string): Map<string, number> {
    return this.#fresh[numberOf(id)] as Map<string, number>
  }

  #remember(id: string, seq: number): void {
    this.#pieceOf(id).set(id, seq)
    this.#size++
  }

  #forget(id: string): void {
    if (this.#pieceOf(id).delete(id)) this.#size--
  }
}

/** The number of an id's piece. What is no UUID (a person may ask for anything) has one too. */
function numberOf(id: string): number {
  return Number.parseInt(id.slice(0, 2), 16) & (PIECES - 1)
}

function byId([a]: [string, number], [b]: [string, number]): number {
  return a < b ? -1 : 1
}
