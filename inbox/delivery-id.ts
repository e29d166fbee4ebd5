import { hash } from 'node:crypto'

/**
 * A delivery's id: a UUIDv8 (RFC 9562, custom layout) from the SHA-256 of source and key. The same delivery has the
 * same id in every process, store and log, and can be computed from what the sender shows.
 */
export function deliveryId(source: string, key: string): string {
  const hex = hash('sha256', `${source}\n${key}`)
  const variant = '89ab'[Number.parseInt(hex[16] as string, 16) & 3]
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}
