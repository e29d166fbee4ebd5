import type { DatabaseSync } from 'node:sqlite'

/** Ids that are kept in memory before they go into the index: some 5 MB. */
const FRESH = 32_768
/** Pieces that ids are moved in. Each is a narrow range of the index, so that many of its ids fall on one page. */
const PIECES = 256
/** Pieces moved in one commit, at most. */
const PIECES_AT_ONCE = 4

/** indexed: for each piece, the acceptance number up to which its ids are in known. */
export const KNOWN_IDS_SCHEMA = `
  CREATE TABLE known (id TEXT PRIMARY KEY, seq INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE indexed (piece INTEGER PRIMARY KEY, seq INTEGER NOT NULL) STRICT;
  WITH RECURSIVE pieces (piece) AS (SELECT 0 UNION ALL SELECT piece + 1 FROM pieces WHERE piece < ${PIECES - 1})
    INSERT INTO indexed SELECT piece, 0 FROM pieces;
`

export type KnownIds = ReturnType<typeof openKnownIds>

/**
 * Which ids are stored, and under which acceptance number.
 *
 * Ids are random: a plain unique index would write a page of its own for each of them, most of what a commit writes.
 * So the newest ids are in memory, in pieces by their first two digits, and go into the index a piece at a time. The
 * table of deliveries is the log of what is not in the index yet, and read again at start.
 */
export function openKnownIds(db: DatabaseSync) {
  const find = db.prepare('SELECT seq FROM known WHERE id = ?')
  const index = db.prepare('INSERT INTO known VALUES (?, ?) ON CONFLICT DO NOTHING')
  const unindex = db.prepare('DELETE FROM known WHERE id = ?')
  const markIndexed = db.prepare('UPDATE indexed SET seq = ? WHERE piece = ?')

  const fresh = Array.from({ length: PIECES }, () => new Map<string, number>())
  let size = 0
  /** The piece that is moved next, round and round, and the last acceptance number. */
  let progress = { next: 0, lastSeq: 0 }
  /** What the transaction under way has changed, to be made good if it fails. */
  let before = progress
  let changed: { id: string; seq: number | undefined; lastSeq: number }[] = []
  let moved: number[] = []

  /** What is no UUID (a person may ask for anything) has a place too. */
  const numberOf = (id: string) => Number.parseInt(id.slice(0, 2), 16) & (PIECES - 1)
  const pieceOf = (id: string) => fresh[numberOf(id)] as Map<string, number>

  function remember(id: string, seq: number): void {
    pieceOf(id).set(id, seq)
    size++
  }

  function forgetFresh(id: string): void {
    if (pieceOf(id).delete(id)) size--
  }

  let anyIndexed = db.prepare('SELECT 1 FROM known LIMIT 1').get() !== undefined
  const indexedTo = db
    .prepare('SELECT seq FROM indexed ORDER BY piece')
    .all()
    .map(row => row.seq as number)
  const leastIndexed = Math.min(...indexedTo)
  progress.next = indexedTo.indexOf(leastIndexed)
  const later = db.prepare('SELECT id, seq FROM delivery WHERE seq > ? ORDER BY seq')
  function readOn(after: number): void {
    for (const row of later.iterate(after)) {
      const { id, seq } = row as { id: string; seq: number }
      if (seq > (indexedTo[numberOf(id)] as number)) remember(id, seq)
      progress.lastSeq = seq
    }
  }
  readOn(leastIndexed)

  return {
    /** Up to here all ids were in the index at the start, so that none of them is in memory. */
    indexedTo: leastIndexed,
    /** The acceptance number of an id; undefined: it is not known. */
    find(id: string): number | undefined {
      return pieceOf(id).get(id) ?? (anyIndexed ? (find.get(id)?.seq as number | undefined) : undefined)
    },
    /** Reads the ids that another process has added since. */
    readOn: () => readOn(progress.lastSeq),
    /** A transaction begins. */
    begin(): void {
      before = { ...progress }
      changed = []
      moved = []
    },
    /** Adds an id, within a transaction. */
    add(id: string, seq: number): void {
      changed.push({ id, seq: undefined, lastSeq: progress.lastSeq })
      remember(id, seq)
      progress.lastSeq = seq
    },
    /** Forgets an id whose delivery is deleted, within a transaction. */
    remove(id: string): void {
      changed.push({ id, seq: pieceOf(id).get(id), lastSeq: progress.lastSeq })
      forgetFresh(id)
      unindex.run(id)
    },
    /** Moves ids into the index when there are many in memory, within a transaction. */
    move(): void {
      let left = size
      while (left > FRESH && moved.length < PIECES_AT_ONCE) {
        const piece = fresh[progress.next] as Map<string, number>
        for (const [id, seq] of [...piece].sort(byId)) index.run(id, seq)
        left -= piece.size
        markIndexed.run(progress.lastSeq, progress.next)
        moved.push(progress.next)
        anyIndexed = true
        progress.next = (progress.next + 1) % PIECES
      }
    },
    /** The transaction is committed. */
    committed(): void {
      for (const number of moved) {
        const piece = fresh[number] as Map<string, number>
        size -= piece.size
        piece.clear()
      }
    },
    /** How much has changed since the transaction began. */
    mark: () => changed.length,
    /** Undoes what has changed after a mark; 0: the transaction is rolled back. */
    undoTo(mark: number): void {
      for (const { id, seq, lastSeq } of changed.splice(mark).reverse()) {
        if (seq === undefined) forgetFresh(id)
        else remember(id, seq)
        progress.lastSeq = lastSeq
      }
      if (mark === 0) progress = before
    },
  }
}

function byId([a]: [string, number], [b]: [string, number]): number {
  return a < b ? -1 : 1
}
