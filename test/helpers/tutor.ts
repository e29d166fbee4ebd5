import { mock } from 'node:test'
import type { Test } from 'tap'
import type { WebhooksOptions } from '../../app.ts'
import type { PriceIds, Services } from '../../handlers/services.ts'
import { startChatwootApi } from '../../sandbox/chatwoot-api.ts'
import type { Behaviour } from '../../sandbox/stand-in.ts'
import { startStripeApi } from '../../sandbox/stripe-api.ts'
import { chatwootRequest, stripeRequest, webhookApp } from './app.ts'
import { type TestClock, testClock } from './clock.ts'
import { type CapturedLog, LEVELS, type LogLine } from './log.ts'

export interface TutorOptions {
  /** Whose token the bot has; `none`: CW_TOKEN is not set. Default `bot`. */
  token?: 'bot' | 'admin' | 'agent' | 'none'
  /** With CW_ADMIN_TOKEN. Default true. */
  admin?: boolean
  /** With STRIPE_SECRET_KEY. Default true. */
  stripeKey?: boolean
  prices?: PriceIds
  handoffAgentId?: number
  calendar?: WebhooksOptions['calendar']
  /** How long a call may take, ms. Default: so long that only a call that hangs reaches it. */
  timeoutMs?: number
  /** The time that it is, for deliveries too. Default: the real one, in which they are accepted anyway. */
  at?: string
}

/** The whole service with a Chatwoot and a Stripe that stand in, and a clock that stands still. */
export async function startTutor(t: Test, options: TutorOptions = {}) {
  const clock = options.at === undefined ? testClock(Date.now()) : clockAt(t, options.at)
  const [chatwoot, stripe] = [await startChatwootApi(), await startStripeApi(clock.now)]
  const { app, log } = await webhookApp(t, webhooksOptions(), 'debug')
  // After the app, which ends its calls first.
  t.teardown(() => Promise.all([chatwoot.close(), stripe.close()]))

  function webhooksOptions(): WebhooksOptions {
    const {
      token = 'bot',
      admin = true,
      stripeKey = true,
      timeoutMs = 25_000,
      prices,
      handoffAgentId,
      calendar,
    } = options
    const chatwootOptions = {
      url: chatwoot.url,
      accountId: chatwoot.accountId,
      ...(token !== 'none' && { token: chatwoot.tokens[token] }),
      ...(admin && { adminToken: chatwoot.tokens.admin }),
      ...(handoffAgentId !== undefined && { handoffAgentId }),
      timeoutMs,
    }
    const stripeOptions = {
      apiBase: stripe.url,
      ...(stripeKey && { secretKey: stripe.secretKey }),
      ...(prices && { prices }),
      timeoutMs,
    }
    return {
      chatwoot: chatwootOptions,
      stripe: stripeOptions,
      ...(calendar && { calendar }),
      inbox: { clock },
    }
  }

  const deliver = async (request: ReturnType<typeof chatwootRequest>) => {
    const response = await app.inject(request)
    const { status, id } = response.json()
    if (status !== 'accepted') throw new Error(`The delivery was not accepted: ${response.body}`)
    return id as string
  }

  /** The line about how an attempt at a delivery ended. */
  const ended = (delivery: string, attempt = 1): Promise<LogLine> =>
    log.line(line => line.delivery === delivery && line.attempt === attempt && line.event !== undefined)

  const services: Services = {
    chatwoot: app.webhooks.chatwoot,
    stripe: app.webhooks.stripe,
    calendar: app.webhooks.calendar,
    prices: options.prices ?? {},
    zone: 'Europe/Amsterdam',
    returnUrl: chatwoot.url,
    installationId: () => app.webhooks.inbox.installationId(),
    events: app.webhooks.events,
    now: clock.now,
  }

  return {
    app,
    log,
    clock,
    /** For handlers that a test makes itself. */
    services,
    chatwoot,
    stripe,
    ended,
    /** Delivers an event of Chatwoot's; its delivery id. */
    send: (payload: object) => deliver(chatwootRequest(payload)),
    /** Delivers an event of Stripe's; its delivery id. */
    pay: (payload: object) => deliver(stripeRequest(payload)),
    /** Delivers an event of Chatwoot's, and waits until it is handled. */
    async handle(payload: object): Promise<LogLine> {
      return ended(await deliver(chatwootRequest(payload)))
    },
    /** Delivers an event of Stripe's, and waits until it is handled. */
    async handlePayment(payload: object): Promise<LogLine> {
      return ended(await deliver(stripeRequest(payload)))
    },
    /** Moves the time on to the attempt after this one, and waits for its end. */
    async nextAttempt(delivery: string, attempt: number): Promise<LogLine> {
      const { nextAttemptAt } = await ended(delivery, attempt)
      clock.advance(Math.max(0, Number(nextAttemptAt) - clock.now()))
      return ended(delivery, attempt + 1)
    },
  }
}

/** A clock that Date follows. */
function clockAt(t: Test, at: string): TestClock {
  mock.timers.enable({ apis: ['Date'], now: Date.parse(at) })
  t.teardown(() => mock.timers.reset())
  const clock = testClock(Date.parse(at))
  return {
    ...clock,
    advance(ms) {
      clock.advance(ms)
      mock.timers.setTime(clock.now())
    },
  }
}

export type Tutor = Awaited<ReturnType<typeof startTutor>>

/** The messages of the lines at warn level and above, without those about the start and about attempts. */
export function warnings(log: CapturedLog): string[] {
  return log.lines.filter(line => line.level >= LEVELS.warn && line.delivery && !line.event).map(({ msg }) => msg)
}

/** Calls end soon where one of them hangs: the others need less. */
export function limit(behaviour: Behaviour): { timeoutMs?: number } {
  return behaviour === 'hang' ? { timeoutMs: 1_500 } : {}
}
