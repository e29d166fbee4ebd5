import type { Clock } from '../inbox/contracts.ts'
import type { Answer, Behaviour, StandIn } from './stand-in.ts'
import { stripeError } from './stripe-api.ts'

/** How the systems around the service fail. */

/**
 * down: Chatwoot's proxy answers 502, Stripe closes each connection. slow: each answer takes 3 s. 429: too many requests,
 * with Retry-After.
 */
export type Fault = 'none' | 'down' | 'slow' | '429'

export interface Faults {
  chatwoot: Fault
  stripe: Fault
  /** Every webhook is sent twice. */
  twice: boolean
}

const SLOW_MS = 3_000
const RETRY_AFTER = { 'retry-after': '5' }

const CHATWOOT_DOWN: Answer = {
  status: 502,
  body: '<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad Gateway</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n',
}
const CHATWOOT_BUSY: Answer = {
  status: 429,
  headers: { 'content-type': 'text/plain', ...RETRY_AFTER },
  body: 'Retry later\n',
}
const STRIPE_BUSY = stripeError(429, 'rate_limit_error', 'Too many requests hit the API too quickly.', RETRY_AFTER)

export function applyFaults(faults: Faults, systems: { chatwoot: StandIn; stripe: StandIn }, clock: Clock): void {
  const slow: Behaviour = { wait: () => new Promise<void>(resolve => clock.after(SLOW_MS, resolve)) }
  apply(systems.chatwoot, faults.chatwoot, { down: CHATWOOT_DOWN, slow, '429': CHATWOOT_BUSY })
  apply(systems.stripe, faults.stripe, { down: 'drop', slow, '429': STRIPE_BUSY })
}

function apply(standIn: StandIn, fault: Fault, behaviours: Record<Exclude<Fault, 'none'>, Behaviour>): void {
  standIn.recover()
  if (fault !== 'none') standIn.fail(() => true, behaviours[fault], Number.POSITIVE_INFINITY)
}
