/**
 * A text as both stores keep it: a lone surrogate, which UTF-8 has no bytes for, would come back as another text.
 * @param name what it is, for the error
 * @throws {TypeError} it is not a string
 */
export function wellFormed(text: unknown, name: string): string {
  if (typeof text !== 'string') throw new TypeError(`${name} must be a string, not ${typeOf(text)}`)
  return text.toWellFormed()
}

/** Ids that a store is asked about. @throws {TypeError} one is not a string */
export function wellFormedIds(ids: readonly string[]): string[] {
  return Array.from(ids, (id, index) => wellFormed(id, `ids[${index}]`))
}

function typeOf(value: unknown): string {
  return value === null ? 'null' : typeof value
}
