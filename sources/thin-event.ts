import type { Payload } from '../inbox/contracts.ts'
import { asId, asObject, asText } from './json.ts'

/** Stripe's thin events: they name the object without containing it. */

export interface ThinEvent {
  /** The name of the corresponding snapshot event, if any. */
  event: string | undefined
  /** The id of the corresponding snapshot event, or its own. */
  id: string | undefined
  /** The object that it is about: `{ id, type, url }`. */
  related: Payload
}

/** null: not a thin event. */
export function thinEventOf(payload: Payload): ThinEvent | null {
  if (payload.object !== 'v2.core.event') return null
  return {
    event: /^v1\.(.+)$/s.exec(asText(payload.type) ?? '')?.[1],
    id: asId(payload.snapshot_event) ?? asId(payload.id),
    related: asObject(payload.related_object),
  }
}
