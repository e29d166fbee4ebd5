import { mock } from 'node:test'
import type { Test } from 'tap'
import type { WebhooksOptions } from '../../app.ts'
import type { PriceIds, Services } from '../../handlers/services.ts'
import type { MessageTemplates } from '../../handlers/templates.ts'
import { startChatwootApi } from '../../sandbox/chatwoot-api.ts'
import type { Behaviour, Matcher } from '../../sandbox/stand-in.ts'
import { startStripeApi } from '../../sandbox/stripe-api.ts'
import type { TutorSettings } from '../../tutor/settings.ts'
import { tutorOf } from '../../tutor/tutor.ts'
import { chatwootRequest, closedIfItFails, stripeRequest, webhookApp } from './app.ts'
import { type TestClock, testClock } from './clock.ts'
import { type CapturedLog, LEVELS, type LogLine } from './log.ts'

export interface TutorOptions {
  /** The kind of CW_TOKEN; `none`: not set. Default `bot`. */
  token?: 'bot' | 'admin' | 'agent' | 'none'
  /** With CW_ADMIN_TOKEN. Default true. */
  admin?: boolean
  /** With STRIPE_SECRET_KEY. Default true. */
  stripeKey?: boolean
  prices?: PriceIds
  /** The tutor's settings. */
  tutor?: TutorSettings
  handoffAgentId?: number
  mode?: 'bot' | 'account'
  /** A Chatwoot before PR 14655. */
  isOlder?: boolean
  templates?: MessageTemplates
  calendar?: WebhooksOptions['calendar']
  /** More options of Stripe. */
  stripe?: WebhooksOptions['stripe']
  understand?: WebhooksOptions['understand']
  handlers?: WebhooksOptions['handlers']
  /** The current time, for deliveries too. Default: a second after the samples were written. */
  at?: string
}

/** The whole service with stand-ins for Chatwoot and Stripe, and a clock that stands still. */
export async function startTutor(t: Test, options: TutorOptions = {}) {
  const clock = clockAt(t, options.at ?? '2026-11-20T15:04:06Z')
  const { isOlder = false } = options
  const chatwoot = await startChatwootApi({ now: clock.now, isBefore14655: isOlder })
  const stripe = await startStripeApi({ now: clock.now })
  const close = () => Promise.all([chatwoot.close(), stripe.close()])
  const { app, log } = await closedIfItFails(webhookApp(t, webhooksOptions(), 'debug'), close)
  t.teardown(close)

  function webhooksOptions(): WebhooksOptions {
    const { token = 'bot', admin = true, stripeKey = true, prices, handoffAgentId, mode, templates, calendar } = options
    const chatwootOptions = {
      url: chatwoot.url,
      accountId: chatwoot.accountId,
      ...(token !== 'none' && { token: chatwoot.tokens[token] }),
      ...(admin && { adminToken: chatwoot.tokens.admin }),
      ...(handoffAgentId !== undefined && { handoffAgentId }),
      ...(mode && { mode }),
      ...(templates && { templates }),
      timeoutMs: 25_000,
    }
    const stripeOptions = {
      apiBase: stripe.url,
      ...(stripeKey && { secretKey: stripe.secretKey }),
      ...(prices && { prices }),
      ...options.stripe,
      timeoutMs: 25_000,
    }
    return {
      chatwoot: chatwootOptions,
      stripe: stripeOptions,
      ...(calendar && { calendar }),
      ...(options.tutor && { tutor: options.tutor }),
      ...(options.understand && { understand: options.understand }),
      ...(options.handlers && { handlers: options.handlers }),
      inbox: { clock },
    }
  }

  const deliver = async (request: ReturnType<typeof chatwootRequest>) => {
    const response = await app.inject(request)
    const { status, id } = response.json()
    if (status !== 'accepted') throw new Error(`The delivery was not accepted: ${response.body}`)
    return id as string
  }

  /** The log line with the outcome of an attempt. */
  const ended = (delivery: string, attempt = 1): Promise<LogLine> =>
    log.line(line => line.delivery === delivery && line.attempt === attempt && line.event !== undefined)

  const services: Services = {
    chatwoot: app.webhooks.chatwoot,
    stripe: app.webhooks.stripe,
    calendar: app.webhooks.calendar,
    tutor: tutorOf(options.tutor ?? {}, 'Europe/Amsterdam', options.prices),
    zone: 'Europe/Amsterdam',
    returnUrl: () => chatwoot.url,
    installationId: () => app.webhooks.inbox.installationId(),
    events: app.webhooks.events,
    now: clock.now,
    handoffMs: 24 * 60 * 60_000,
    startedAt: clock.now(),
  }

  return {
    app,
    log,
    clock,
    /** For handlers that a test creates itself. */
    services,
    chatwoot,
    stripe,
    ended,
    /** Delivers a Chatwoot event; returns its delivery id. */
    send: (payload: object) => deliver(chatwootRequest(payload)),
    /** Delivers a Stripe event; returns its delivery id. */
    pay: (payload: object) => deliver(stripeRequest(payload)),
    /** Delivers a Chatwoot event, and waits until it is handled. */
    async handle(payload: object): Promise<LogLine> {
      return ended(await deliver(chatwootRequest(payload)))
    },
    /** Delivers a Stripe event, and waits until it is handled. */
    async handlePayment(payload: object): Promise<LogLine> {
      return ended(await deliver(stripeRequest(payload)))
    },
    /** Makes the next matching call to Chatwoot fail. One that hangs times out as soon as it has arrived. */
    breaks(step: Matcher, behaviour: Behaviour): void {
      chatwoot.fail(step, behaviour)
      if (behaviour !== 'hang') return
      const pass = holdTimeouts(t)
      void chatwoot.arrived(step, chatwoot.called(step).length + 1).then(pass)
    },
    /** Advances the time to the next attempt, and waits until it has ended. */
    async nextAttempt(delivery: string, attempt: number): Promise<LogLine> {
      const { nextAttemptAt } = await ended(delivery, attempt)
      clock.advance(Math.max(0, Number(nextAttemptAt) - clock.now()))
      return ended(delivery, attempt + 1)
    },
  }
}

/** From now on, calls have no timeout of their own: `pass` makes all of them time out. */
function holdTimeouts(t: Test): () => void {
  const held = new AbortController()
  const { mock: replaced } = mock.method(AbortSignal, 'timeout', () => held.signal)
  t.teardown(() => replaced.restore())
  return () => {
    replaced.restore()
    held.abort(new DOMException('The operation was aborted due to timeout', 'TimeoutError'))
  }
}

/** A clock that Date follows. */
export function clockAt(t: Test, at: string): TestClock {
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

/** Messages logged at warn level and above, except those about the start and about attempts. */
export function warnings(log: CapturedLog): string[] {
  return log.lines.filter(line => line.level >= LEVELS.warn && line.delivery && !line.event).map(({ msg }) => msg)
}
