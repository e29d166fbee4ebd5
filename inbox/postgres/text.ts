import { hash } from 'node:crypto'

/** Longest text in an index, characters: PostgreSQL refuses index rows beyond 2,704 bytes. */
const INDEXED = 500

/**
 * A text as PostgreSQL keeps it, so that it is the same when it comes back: without \u0000, and without halves of
 * surrogate pairs, which have no form in UTF-8.
 */
export function clean(text: string): string {
  return text.toWellFormed().replaceAll('\u0000', '\uFFFD')
}

/** A text that also fits into an index: of a long one its beginning and its hash. */
export function indexable(text: string): string {
  const cleaned = clean(text)
  return cleaned.length <= INDEXED ? cleaned : `${cleaned.slice(0, 100).toWellFormed()} ${hash('sha256', cleaned)}`
}
