import { hash } from 'node:crypto'

/**
 * A delivery's id: UUIDv8 (RFC 9562, the layout of one's own) from the SHA-256 of its source and key. The same
 * delivery gets the same id in every process, so that one id finds it in the store, in the logs and at the sender.
 */
export function deliveryId(source: string, key: string): string {
  const hex = hash('sha256', `${source}\n${key}`)
  const variant = '89ab'[Number.parseInt(hex[16] as string, 16) & 3]
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}
