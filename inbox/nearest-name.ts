/** Names that were most likely meant, for errors about names that nothing has. */

/** How many letters may be wrong, missing, extra or swapped with their neighbour. */
const MAX_DISTANCE = 2

/**
 * ` (did you mean …?)` after an unknown name that differs from a known one by a letter or two; else nothing.
 * @param prefix before the name that is said
 */
export function didYouMean(name: string, known: Iterable<string>, prefix = ''): string {
  let nearest: string | undefined
  // A name of four letters with two of them wrong is another name.
  let shortest = Math.min(MAX_DISTANCE, Math.floor(name.length / 3)) + 1
  for (const candidate of known) {
    const distance = distanceOf(name.toLowerCase(), candidate.toLowerCase())
    if (distance >= shortest) continue
    nearest = candidate
    shortest = distance
  }
  return nearest === undefined ? '' : ` (did you mean ${prefix}${nearest}?)`
}

/** Optimal string alignment: how many letters to insert, delete, replace or swap with the next. */
function distanceOf(from: string, to: string): number {
  const rows = [Array.from({ length: to.length + 1 }, (_, column) => column)]
  const at = (row: number, column: number) => (rows[row] as number[])[column] as number
  for (let row = 1; row <= from.length; row++) {
    const distances = [row]
    rows.push(distances)
    for (let column = 1; column <= to.length; column++) {
      const isSame = from[row - 1] === to[column - 1]
      const isSwapped = row > 1 && column > 1 && from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1]
      distances.push(
        Math.min(
          at(row - 1, column) + 1,
          at(row, column - 1) + 1,
          at(row - 1, column - 1) + (isSame ? 0 : 1),
          isSwapped ? at(row - 2, column - 2) + 1 : Number.POSITIVE_INFINITY,
        ),
      )
    }
  }
  return at(from.length, to.length)
}
