import { join } from 'node:path'
import type { Test } from 'tap'
import { startChatwootApi } from '../../sandbox/chatwoot-api.ts'
import { standInSettings } from '../../sandbox/environment.ts'
import type { Call } from '../../sandbox/stand-in.ts'
import { startStripeApi } from '../../sandbox/stripe-api.ts'
import { CHATWOOT_SECRET, STRIPE_SECRET } from '../helpers/app.ts'
import { startGoogleApi } from '../helpers/google-api.ts'
import { captureLog } from '../helpers/log.ts'
import { type ServerProcess, startServer } from '../helpers/server-process.ts'
import { deliverStripe, type Receiver } from '../helpers/story.ts'

/**
 * A lesson is requested, paid and booked while the real process is killed after each of its outside effects in turn,
 * before it can know that the effect happened: everything still happens once.
 */

/** Number of runs that share the effects: a delivery is parked if it kills the process every time. */
export const RUNS = 2

/** Calls that change something at Chatwoot, Stripe or Google. */
function isEffect({ method, path }: Call): boolean {
  return method !== 'GET' && !path.includes('/freeBusy') && !path.includes('/token')
}

export async function setUp(t: Test, run: number) {
  const [chatwoot, stripe, google] = [await startChatwootApi(), await startStripeApi(), await startGoogleApi()]
  t.teardown(() => Promise.all([chatwoot.close(), stripe.close(), google.close()]))
  stripe.addPrice('price_1', 6000)
  const env = {
    DATABASE_URL: join(t.testdir(), 'webhooks.db'),
    MESSAGE_QUIET_MS: '0',
    ...standInSettings({ chatwoot, stripe }, { chatwoot: CHATWOOT_SECRET, stripe: STRIPE_SECRET }),
    STANDARD_PRICE_ID_60: 'price_1',
    GCAL_SERVICE_ACCOUNT_JSON: google.serviceAccount,
    GCAL_CALENDAR_ID: google.calendarId,
    GCAL_API_BASE: google.url,
  }
  const log = captureLog()
  const onLine = (line: string) => log.stream.write(line)
  let server: Promise<ServerProcess> = startServer(env, 'exec', onLine)
  t.teardown(async () => (await server).end('SIGKILL'))

  /** Each effect, by its request, in the order first seen. */
  const effects: string[] = []
  const killed = new Set<string>()
  let armed = true

  /** Whether this call is the first of an effect whose turn it is in this run; if so the process is killed after it. */
  function isFatal(call: Call): boolean {
    if (!armed || !isEffect(call)) return false
    const effect = `${call.method} ${call.path} ${JSON.stringify(call.body)}`
    if (!effects.includes(effect)) effects.push(effect)
    if (effects.indexOf(effect) % RUNS !== run || killed.has(effect)) return false
    killed.add(effect)
    server = server.then(async process => {
      await process.end('SIGKILL')
      return startServer(env, 'exec', onLine)
    })
    return true
  }
  for (const api of [chatwoot, stripe, google]) api.fail(isFatal, 'hang', Number.POSITIVE_INFINITY)

  const receiver: Receiver = {
    url: async () => (await server).url,
    handled: async delivery => {
      const { msg } = await log.line(
        line => line.delivery === delivery && /^webhook (handled|dead|parked)/.test(line.msg),
      )
      await server
      return msg
    },
  }
  /** Does something without being killed. */
  async function inPeace(story: () => Promise<unknown>): Promise<void> {
    armed = false
    await story()
    armed = true
  }
  const deliver = async (event: object) => receiver.handled(await deliverStripe(receiver, event))
  return { chatwoot, stripe, google, receiver, effects, killed, inPeace, deliver }
}
