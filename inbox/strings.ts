/**
 * A string as both stores keep it: without lone surrogates, which UTF-8 can't represent.
 * @param name for the error
 * @throws {TypeError} it is not a string
 */
export function wellFormed(text: unknown, name: string): string {
  if (typeof text !== 'string') throw new TypeError(`${name} must be a string, not ${typeOf(text)}`)
  return text.toWellFormed()
}

/** Checks ids for a store. @throws {TypeError} one is not a string */
export function wellFormedIds(ids: readonly string[]): string[] {
  return Array.from(ids, (id, index) => wellFormed(id, `ids[${index}]`))
}

function typeOf(value: unknown): string {
  return value === null ? 'null' : typeof value
}
