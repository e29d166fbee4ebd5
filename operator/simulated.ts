/*
 * What `simulate` sends is known by its made-up ids, and by nothing else: no real id is like these, and only who has the
 * secret can send one.
 */

import { conversationOfKey } from '../sources/keys.ts'

/** Before the ids of Stripe's samples: `evt_simulated_…`. */
export const SIMULATED = 'simulated_'
/** Ids of Chatwoot's samples are larger; Chatwoot's own are integers of 32 bits. */
const MAX_CHATWOOT_ID = 2 ** 31 - 1

/** Whether `simulate` has made a delivery of Chatwoot's or Stripe's. */
export function isSimulated({
  source,
  key,
  orderingKey,
}: {
  source: string
  key: string
  orderingKey: string
}): boolean {
  if (source === 'stripe') return key.startsWith(`evt_${SIMULATED}`)
  return source === 'chatwoot' && Number(conversationOfKey(orderingKey).id ?? 0) > MAX_CHATWOOT_ID
}
