import { hash } from 'node:crypto'

/** Longest text in an index, characters: PostgreSQL refuses index rows beyond 2,704 bytes. */
const INDEXED = 500

/** A text that PostgreSQL takes: it has no \u0000. */
export function clean(text: string): string {
  return text.replaceAll('\u0000', '\uFFFD')
}

/** A text that also fits into an index: of a long one its beginning and its hash. */
export function indexable(text: string): string {
  const cleaned = clean(text)
  return cleaned.length <= INDEXED ? cleaned : `${cleaned.slice(0, 100)} ${hash('sha256', cleaned)}`
}
