import { join } from 'node:path'
import type { Test } from 'tap'
import { BOSS_SCHEMA, SCHEMA } from '../../inbox/postgres/schema.ts'
import { startChatwootApi } from '../../sandbox/chatwoot-api.ts'
import { standInSettings } from '../../sandbox/environment.ts'
import type { Call } from '../../sandbox/stand-in.ts'
import { startStripeApi } from '../../sandbox/stripe-api.ts'
import type { TutorSettings } from '../../tutor/settings.ts'
import { CHATWOOT_SECRET, STRIPE_SECRET } from '../helpers/app.ts'
import { startGoogleApi } from '../helpers/google-api.ts'
import { captureLog } from '../helpers/log.ts'
import { OPERATOR_TOKEN } from '../helpers/operator.ts'
import type { PostgresServer } from '../helpers/postgres-server.ts'
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

export interface FatalOptions {
  /** Number of runs that share the calls. Default RUNS. */
  runs?: number
  /** Which calls are fatal. Default: those that change something. */
  isStep?: (call: Call) => boolean
  /** Its program. Default: the server. */
  file?: string
  /** Default: lessons are in Google Calendar. */
  calendar?: 'google' | 'local'
  /** The tutor's settings. */
  tutor?: TutorSettings
  /** Where its store is. Default: in SQLite. */
  postgres?: PostgresServer | undefined
  /** More of its environment. */
  env?: Record<string, string>
}

/** How a story is told: `where` its lessons are, in words. */
type Telling = FatalOptions & Required<Pick<FatalOptions, 'calendar' | 'runs'>> & { where: string }

/**
 * The runs in which a story with lessons in the store is told, each with its number: in SQLite every call kills once, as
 * reading is a step too, between two changes of the store; in PostgreSQL, if it is given, every other change.
 */
export function storeRunsOf(options: FatalOptions, postgres?: PostgresServer): [Telling, run: number][] {
  const eachCall = { where: 'SQLite', runs: 3, isStep: () => true, ...options, calendar: 'local' } as const
  const inPostgres = { where: 'PostgreSQL', runs: 2, ...options, calendar: 'local', postgres } as const
  return [...(postgres ? [[inPostgres, 0] as [Telling, number]] : []), [eachCall, 0], [eachCall, 1], [eachCall, 2]]
}

/** The same, and two with lessons in Google Calendar, where every change kills once. */
export function runsOf(options: FatalOptions, postgres?: PostgresServer): [Telling, run: number][] {
  const inGoogle = { where: 'Google Calendar', runs: 2, ...options, calendar: 'google' } as const
  return [...storeRunsOf(options, postgres), [inGoogle, 0], [inGoogle, 1]]
}

/** As if the seconds had passed after which another process has what a dead one was at. */
export const LAPSE = `
  UPDATE ${BOSS_SCHEMA}.job SET heartbeat_on = heartbeat_on - interval '1 minute' WHERE state = 'active';
  UPDATE ${SCHEMA}.step SET until = until - interval '1 minute' WHERE done_at IS NULL`

export async function setUp(t: Test, run: number, options: FatalOptions = {}) {
  const { runs = RUNS, isStep = isEffect, file, calendar = 'google', tutor = {}, env: more = {}, postgres } = options
  const [chatwoot, stripe, google] = [await startChatwootApi(), await startStripeApi(), await startGoogleApi()]
  t.teardown(() => Promise.all([chatwoot.close(), stripe.close(), google.close()]))
  stripe.addPrice('price_1', 6000)
  const folder = t.testdir({ 'tutor.json': JSON.stringify(tutor) })
  const store = (await postgres?.database()) ?? join(folder, 'webhooks.db')
  const env = {
    DATABASE_URL: store,
    TUTOR_FILE: join(folder, 'tutor.json'),
    MESSAGE_QUIET_MS: '0',
    ...standInSettings({ chatwoot, stripe }, { chatwoot: CHATWOOT_SECRET, stripe: STRIPE_SECRET }),
    STANDARD_PRICE_ID_60: 'price_1',
    // Another program has an API of its own.
    ...(file === undefined && { ADMIN_TOKEN: OPERATOR_TOKEN }),
    ...more,
    ...(calendar === 'google' && {
      GCAL_SERVICE_ACCOUNT_JSON: google.serviceAccount,
      GCAL_CALENDAR_ID: google.calendarId,
      GCAL_API_BASE: google.url,
    }),
  }
  const log = captureLog()
  const onLine = (line: string) => log.stream.write(line)
  let server: Promise<ServerProcess> = startServer(env, 'exec', onLine, file)
  // If it has not started, the rest is closed all the same.
  t.teardown(() => server.then(({ end }) => end('SIGKILL')).catch(() => {}))

  /** Each effect, by its request, in the order first seen. */
  const effects: string[] = []
  const killed = new Set<string>()
  let armed = true

  /** Whether this call is the first of an effect whose turn it is in this run; if so the process is killed after it. */
  function isFatal(call: Call): boolean {
    if (!armed || !isStep(call)) return false
    // The same again, whenever it is.
    const body = JSON.stringify(call.body)?.replace(/("tutorbot(?:CancelledAt|Until)":)"\d+"/, '$1')
    const effect = `${call.method} ${call.path} ${body}`
    if (!effects.includes(effect)) effects.push(effect)
    if (effects.indexOf(effect) % runs !== run || killed.has(effect)) return false
    killed.add(effect)
    server = server.then(async process => {
      await process.end('SIGKILL')
      await postgres?.query(store, LAPSE)
      return startServer(env, 'exec', onLine, file)
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
  /** The operator's API. @param body of a POST. @param url of another instance */
  async function ask<Answer = Record<string, string>>(path: string, body?: object, url?: string): Promise<Answer> {
    const headers = { authorization: `Bearer ${OPERATOR_TOKEN}`, 'content-type': 'application/json' }
    const request = body && { method: 'POST', body: JSON.stringify(body) }
    const response = await fetch(`${url ?? (await receiver.url())}${path}`, { headers, ...request })
    return (await response.json()) as Answer
  }
  return { chatwoot, stripe, google, receiver, effects, killed, inPeace, deliver, ask, env }
}
