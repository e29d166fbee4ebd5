/** What an ambiguous id may mean. */

/** So many are named. */
const MAX_NAMED = 5
/** One more than are named: enough to say whether there are others. */
export const MAX_CANDIDATES = MAX_NAMED + 1

/** For a message: some of these ids, and whether there are more. */
export function someOf(ids: readonly string[]): string {
  const named = ids.slice(0, MAX_NAMED).join(', ')
  return ids.length > MAX_NAMED ? `${named}, …` : named
}
