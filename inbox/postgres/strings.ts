import { hash } from 'node:crypto'

/** Longest string in an index, characters: PostgreSQL refuses index rows above 2,704 bytes. */
const INDEXED = 500

/** A string that PostgreSQL can store: without \u0000, and without lone surrogates, which UTF-8 can't represent. */
export function clean(text: string): string {
  return text.toWellFormed().replaceAll('\u0000', '\uFFFD')
}

/** A string that also fits into an index: a long one is cut, and its hash appended. */
export function indexable(text: string): string {
  const cleaned = clean(text)
  return cleaned.length <= INDEXED ? cleaned : `${cleaned.slice(0, 100).toWellFormed()} ${hash('sha256', cleaned)}`
}
