import { asObject } from '../sources/json.ts'

/** When what an event tells of happened, Unix ms. undefined: it does not say. */
export function occurredAt(payload: unknown): number | undefined {
  // Chatwoot's, in s or as ISO 8601; Stripe's, in s (thin events: as ISO 8601).
  const { created_at, created = created_at } = asObject(payload)
  const at = typeof created === 'number' ? created * 1_000 : Date.parse(String(created))
  return Number.isNaN(at) ? undefined : at
}
