import type { Test } from 'tap'
import type { Call } from '../../sandbox/stand-in.ts'
import { startStandIn } from '../../sandbox/stand-in.ts'
import { startWorld, type WorldOptions } from '../../sandbox/world.ts'
import { CHATWOOT_SECRET, STRIPE_SECRET } from './app.ts'
import { testClock } from './clock.ts'

/** The sandbox's world, and a receiver in the service's place that records what it gets and answers 200. */
export async function startWithReceiver(t: Test, options: Partial<WorldOptions> = {}) {
  const clock = testClock()
  const receiver = await startStandIn(() => ({ status: 200, body: { status: 'accepted', id: 'delivery-1' } }))
  const world = await startWorld({
    clock,
    payUrl: 'http://127.0.0.1:3000/sandbox/pay',
    secrets: { chatwoot: CHATWOOT_SECRET, stripe: STRIPE_SECRET },
    serviceUrl: () => receiver.url,
    ...options,
  })
  t.teardown(() => Promise.all([world.close(), receiver.close()]))
  world.stripe.addPrice('price_1', 6000)

  return {
    world,
    receiver,
    clock,
    /** Creates a checkout session, as the service does. */
    async checkout(minutes = 40): Promise<string> {
      const response = await fetch(`${world.stripe.url}/v1/checkout/sessions`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${world.stripe.secretKey}`,
          'content-type': 'application/x-www-form-urlencoded',
          'idempotency-key': `${world.stripe.sessions.size}`,
        },
        body: new URLSearchParams({
          'line_items[0][price]': 'price_1',
          success_url: 'http://127.0.0.1/',
          expires_at: String(clock.now() / 1_000 + minutes * 60),
          'metadata[conversation_id]': '1',
          'payment_intent_data[metadata][conversation_id]': '1',
        }),
      })
      return ((await response.json()) as { id: string }).id
    },
    /** What has arrived since the last call, by event. */
    async arrived(): Promise<string[]> {
      await world.settled()
      return receiver.calls.splice(0).map(eventIn)
    },
  }
}

export const eventIn = ({ body }: Call): string => String(body.event ?? body.type)
