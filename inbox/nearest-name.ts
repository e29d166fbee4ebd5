/** Suggestions for misspelt names in errors. */

/** How many letters may be wrong, missing, extra or swapped with a neighbour. */
const MAX_DISTANCE = 2

/**
 * ` (did you mean …?)` if a known name differs by a letter or two, else ''.
 * @param prefix printed before the suggested name
 */
export function didYouMean(name: string, known: Iterable<string>, prefix = ''): string {
  let nearest: string | undefined
  // Two wrong letters of four make another name.
  let shortest = Math.min(MAX_DISTANCE, Math.floor(name.length / 3)) + 1
  for (const candidate of known) {
    const distance = distanceOf(name.toLowerCase(), candidate.toLowerCase())
    if (distance >= shortest) continue
    nearest = candidate
    shortest = distance
  }
  return nearest === undefined ? '' : ` (did you mean ${prefix}${nearest}?)`
}

/** Optimal string alignment distance: letters to insert, delete, replace or swap with the next. */
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
