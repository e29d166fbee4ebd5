import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { InMemory } from './commits.ts'

/** Ids kept in memory before they go into the index: some 5 MB. */
const MAX_FRESH_IDS = 32_768
/** Ids move to the index by pieces. Each is a narrow range of the index, so that many of its ids share a page. */
const PIECES = 256
/** Maximum number of pieces moved in one commit. */
const MAX_PIECES_PER_COMMIT = 4

/** known: the index. indexed: for each piece, the acceptance number up to which its ids are in the index. */
export const KNOWN_IDS_SCHEMA = `
  CREATE TABLE known (id TEXT PRIMARY KEY, seq INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE indexed (piece INTEGER PRIMARY KEY, seq INTEGER NOT NULL) STRICT;
  WITH RECURSIVE pieces (piece) AS (SELECT 0 UNION ALL SELECT piece + 1 FROM pieces WHERE piece < ${PIECES - 1})
    INSERT INTO indexed SELECT piece, 0 FROM pieces;
`

/** A change of the current transaction, to be undone if it fails. */
interface Change {
  id: string
  /** Its acceptance number before; undefined: it was not in memory. */
  seq: number | undefined
  lastSeq: number
}

/**
 * The stored ids and their acceptance numbers.
 * Ids are random, so a plain unique index would write one page for each: most of a commit. The newest ids are therefore
 * kept in memory, in pieces by their first two digits, and move to the index a piece at a time. At start, those not yet
 * in the index are read from the delivery table.
 */
export class KnownIds implements InMemory {
  /** At the start, all ids up to here were in the index, so none of them is in memory. */
  readonly indexedTo: number
  readonly #find: StatementSync
  readonly #range: StatementSync
  readonly #index: StatementSync
  readonly #unindex: StatementSync
  readonly #markIndexed: StatementSync
  readonly #later: StatementSync
  /** The same, for each piece. */
  readonly #indexedTo: number[]
  #anyIndexed: boolean
  readonly #fresh = Array.from({ length: PIECES }, () => new Map<string, number>())
  /** Ids in memory. */
  #size = 0
  /** The piece to move next, round-robin, and the last acceptance number. */
  #progress = { next: 0, lastSeq: 0 }
  /** `#progress` at the start of the current transaction, its changes, and the pieces it moved. */
  #before = this.#progress
  #changes: Change[] = []
  #moved: number[] = []

  constructor(db: DatabaseSync) {
    this.#find = db.prepare('SELECT seq FROM known WHERE id = ?')
    this.#range = db.prepare('SELECT id FROM known WHERE id >= ? AND id < ? ORDER BY id LIMIT ?')
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

  /** The acceptance number of an id; undefined: unknown. */
  find(id: string): number | undefined {
    return this.#pieceOf(id).get(id) ?? (this.#anyIndexed ? (this.#find.get(id)?.seq as number | undefined) : undefined)
  }

  /** At most `limit` ids that begin so, in order. @param beginning at least the first two digits of a UUID */
  beginningWith(beginning: string, limit: number): string[] {
    const end = afterAll(beginning)
    const fresh = [...this.#pieceOf(beginning).keys()].filter(id => id >= beginning && id < end)
    const indexed = this.#range.all(beginning, end, limit).map(row => row.id as string)
    return [...new Set([...fresh, ...indexed])].sort().slice(0, limit)
  }

  /** Reads ids that another process has added. */
  readOn(): void {
    this.#readAfter(this.#progress.lastSeq)
  }

  /** Adds an id, within a transaction. */
  add(id: string, seq: number): void {
    this.#changes.push({ id, seq: undefined, lastSeq: this.#progress.lastSeq })
    this.#remember(id, seq)
    this.#progress.lastSeq = seq
  }

  /** Removes the id of a deleted delivery, within a transaction. */
  remove(id: string): void {
    this.#changes.push({ id, seq: this.#pieceOf(id).get(id), lastSeq: this.#progress.lastSeq })
    this.#forget(id)
    this.#unindex.run(id)
  }

  /** Moves pieces to the index when there are many ids in memory, within a transaction. */
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

/** The number of an id's piece. Strings that are not UUIDs (a person may ask for anything) have one too. */
function numberOf(id: string): number {
  return Number.parseInt(id.slice(0, 2), 16) & (PIECES - 1)
}

/** Above every UUID that begins so: its next character is a hexadecimal digit or a hyphen. */
export function afterAll(beginning: string): string {
  return `${beginning}g`
}

function byId([a]: [string, number], [b]: [string, number]): number {
  return a < b ? -1 : 1
}
