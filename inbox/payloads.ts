import { setImmediate } from 'node:timers/promises'
import type { Payload, Store } from './contracts.ts'
import { parsePayload } from './rows.ts'

/** Longest payload that a list reads, bytes: a message has some 3,000. */
const MAX_BYTES = 64 * 1024
/** Payloads in memory at once. */
const READ_AT_ONCE = 25
/** Bytes parsed before other work gets its turn: some milliseconds. */
const PARSED_AT_ONCE = 64 * 1024

export interface ReadPayload {
  /** The delivery's. */
  id: string
  payload: Payload
  bytes: number
}

/** The payloads of deliveries, in no order: without those that are deleted, or longer than 64 KiB. */
export async function* payloadsOf(store: Pick<Store, 'bodies'>, ids: readonly string[]): AsyncGenerator<ReadPayload> {
  for (let from = 0; from < ids.length; from += READ_AT_ONCE) {
    let parsed = 0
    for (const [id, body] of await store.bodies(ids.slice(from, from + READ_AT_ONCE), MAX_BYTES)) {
      const bytes = body.byteLength
      yield { id, payload: parsePayload(body), bytes }
      parsed += bytes
      if (parsed < PARSED_AT_ONCE) continue
      await setImmediate()
      parsed = 0
    }
    await setImmediate()
  }
}
