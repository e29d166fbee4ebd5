import type { EventEmitter } from 'node:events'
import { httpUrl } from '../clients/http.ts'
import type { Backlog, Clock, Logger } from '../inbox/contracts.ts'
import { OptionError, type System } from '../inbox/errors.ts'
import type { AttentionEvent, UnansweredEvent, WebhookEvents } from '../inbox/events.ts'
import type { Inbox } from '../inbox/inbox.ts'
import type { ReplayJob } from '../inbox/replay-job.ts'
import { delay } from '../inbox/store-retry.ts'
import { utcTime } from '../inbox/utc-time.ts'

export interface AlertsOptions {
  /** Receives a POST with an AlertMessage. May contain a secret: never in a log or error. */
  url: string
}

interface AlertsParts extends AlertsOptions {
  inbox: Pick<Inbox, 'backlog' | 'replayJob' | 'checkWritable'>
  events: EventEmitter<WebhookEvents>
  clock: Clock
  log: Logger
}

export interface AlertMessage extends Finding {
  status: 'firing' | 'resolved'
  /** When it was detected, ISO 8601. */
  since: string
  /** One-line summary, for receivers that show `text` (Slack, Mattermost). */
  text: string
}

interface Finding {
  alert:
    | `${System}_unavailable`
    | 'deliveries_given_up'
    | 'backlog_old'
    | 'replay_paused'
    | 'verification_failures'
    | 'store_failing'
    | 'payment_needs_person'
    | 'handoff_unanswered'
  summary: string
  /** Counts and codes, for a payment also who paid what; nothing else of a webhook's content. */
  details: Record<string, string | number | undefined>
}

/** Interval of checks, ms. */
const CHECK_INTERVAL_MS = 60_000
/** Age at which a pending delivery is late, ms: its retries in order take about a minute. */
const OLD_PENDING_MS = 5 * 60_000
/** Refused webhooks per interval that raise an alert. */
const MANY_REFUSED = 20
/** Timeout of a POST, ms. */
const POST_MS = 10_000
/** Delays before retries, ms. */
const BACKOFF = [1_000, 5_000, 30_000, 120_000]

/**
 * Posts an alert once per incident, and again when it resolves. Incidents present at the start are posted again, since
 * the previous process may have died before it could. Each process on a store posts its own.
 */
export function createAlerts({ url, inbox, events, clock, log }: AlertsParts): { start(): void; close(): void } {
  const closing = new AbortController()
  const post = createPost({ url: validUrl(url), clock, log, closed: closing.signal })
  /** Firing alerts, each with the function that resolves it. */
  const incidents = new Map<Finding['alert'], (details?: Finding['details']) => void>()
  let refused = 0
  let storeFailures = 0
  let looking = false
  let cancelTick: (() => void) | undefined

  events.on('answered', ({ outcome, source, reason }) => {
    if (outcome !== 'refused') return
    refused++
    if (refused < MANY_REFUSED) return
    begin({
      alert: 'verification_failures',
      summary: `${MANY_REFUSED} webhooks were refused within a minute: a wrong secret, or a sender without one`,
      details: { refused, source, reason },
    })
  })
  events.on('handled', ({ result }) => {
    if ((result === 'parked' || result === 'dead') && !incidents.has('deliveries_given_up')) void look()
  })
  events.on('committed', ({ ok }) => {
    if (!ok) storeFailed()
  })
  events.on('held', ({ system, isHeld, ms, why }) => {
    const alert = `${system}_unavailable` as const
    if (!isHeld) return incidents.get(alert)?.({ seconds: Math.round(ms / 1_000) })
    begin({ alert, summary: `${system} is unavailable, and what needs it waits: ${why}`, details: { system } })
  })
  // No incidents: each is posted on its own and never resolves.
  events.on('attention', event => reportOnce(paymentFinding(event)))
  events.on('unanswered', event => reportOnce(unansweredFinding(event)))
  return { start: schedule, close }

  function reportOnce(finding: Finding): void {
    void post(messageOf(finding, 'firing', utcTime(clock.now())))
  }

  function close(): void {
    closing.abort()
    cancelTick?.()
  }

  function schedule(): void {
    cancelTick = clock.after(CHECK_INTERVAL_MS, () => void tick())
  }

  async function tick(): Promise<void> {
    await look()
    if (storeFailures === 0) incidents.get('store_failing')?.()
    if (refused < MANY_REFUSED) incidents.get('verification_failures')?.()
    storeFailures = 0
    refused = 0
    if (!closing.signal.aborted) schedule()
  }

  /** One check is enough for many deliveries given up at once. */
  async function look(): Promise<void> {
    if (looking) return
    looking = true
    try {
      await inbox.checkWritable()
      const backlog = await inbox.backlog()
      set('deliveries_given_up', backlog.parked + backlog.dead > 0 && givenUpFinding(backlog))
      set('backlog_old', isOld(backlog, clock.now()) && oldFinding(backlog))
      const job = await inbox.replayJob()
      set('replay_paused', job?.state === 'paused' && pausedFinding(job))
    } catch {
      storeFailed()
    }
    looking = false
  }

  function storeFailed(): void {
    storeFailures++
    begin(STORE_FAILING)
  }

  function set(alert: Finding['alert'], finding: Finding | false): void {
    if (finding) begin(finding)
    else incidents.get(alert)?.()
  }

  function begin(finding: Finding): void {
    if (incidents.has(finding.alert)) return
    const over = Promise.withResolvers<Finding['details'] | undefined>()
    incidents.set(finding.alert, details => over.resolve(details))
    void report(finding, utcTime(clock.now()), over.promise)
  }

  /** From when an incident fires until it resolves. It stays the same one until both are posted, so that none queues. */
  async function report(finding: Finding, since: string, over: Promise<Finding['details'] | undefined>) {
    await post(messageOf(finding, 'firing', since))
    const details = { ...finding.details, ...(await over) }
    await post(messageOf({ ...finding, details }, 'resolved', since))
    incidents.delete(finding.alert)
  }
}

const STORE_FAILING: Finding = {
  alert: 'store_failing',
  summary: 'The store is failing: webhooks are answered 500, and lost unless their senders retry',
  details: {},
}

function givenUpFinding({ dead, parked }: Backlog): Finding {
  return {
    alert: 'deliveries_given_up',
    summary: `${dead} dead and ${parked} parked deliveries: find out why, then replay or discard them`,
    details: { dead, parked },
  }
}

function isOld({ oldestPendingAt }: Backlog, now: number): boolean {
  return oldestPendingAt !== null && now - oldestPendingAt > OLD_PENDING_MS
}

function oldFinding({ pending }: Backlog): Finding {
  return {
    alert: 'backlog_old',
    summary: `The oldest of ${pending} pending deliveries was accepted more than ${OLD_PENDING_MS / 60_000} minutes ago`,
    details: { pending },
  }
}

function pausedFinding({ number, cause, why, replayed, succeeded, failed, left }: ReplayJob): Finding {
  return {
    alert: 'replay_paused',
    summary: `Replay job ${number} of ${cause} is paused, and waits to be resumed or stopped: ${why}`,
    details: { job: number, cause, replayed, succeeded, failed, left },
  }
}

function paymentFinding(event: AttentionEvent): Finding {
  const { amount, student, order, payment, conversation, problem, why } = event
  const who = student === '' ? 'a student' : student
  return {
    alert: 'payment_needs_person',
    summary: `A payment of ${amount} by ${who} (${order && `order ${order}, `}${payment}) needs a person: ${why}`,
    details: { amount, student, order, payment, conversation, problem },
  }
}

function unansweredFinding({ conversation, since, minutes }: UnansweredEvent): Finding {
  return {
    alert: 'handoff_unanswered',
    summary: `Conversation ${conversation} was handed over to a person at ${since}, and nobody has answered it for ${minutes} minutes`,
    details: { conversation, since, minutes },
  }
}

function messageOf(finding: Finding, status: AlertMessage['status'], since: string): AlertMessage {
  return { ...finding, status, since, text: `tutorbot-webhooks, ${status} (since ${since}): ${finding.summary}` }
}

interface PostOptions {
  url: string
  clock: Clock
  log: Logger
  closed: AbortSignal
}

/** Posts a message, with retries. Settles when it is delivered or given up. */
function createPost({ url, clock, log, closed }: PostOptions): (message: AlertMessage) => Promise<void> {
  return async message => {
    const { alert, status } = message
    for (const wait of [undefined, ...BACKOFF]) {
      if (wait !== undefined) await delay(clock, wait, closed)
      if (closed.aborted) return
      const problem = await attempt(JSON.stringify(message))
      if (closed.aborted) return
      if (problem === undefined) return log.info({ alert, status }, 'alert sent')
      log.warn({ alert, status, problem }, 'alert not delivered')
    }
    log.error({ alert, status }, 'alert could not be sent, giving up')
  }

  /** The problem; without the URL, which fetch's errors may contain. */
  async function attempt(body: string): Promise<string | undefined> {
    const late = new AbortController()
    const cancel = clock.after(POST_MS, () => late.abort())
    const problem = await postOnce(body, AbortSignal.any([late.signal, closed])).catch((error: Error) =>
      late.signal.aborted
        ? `no answer within ${POST_MS} ms`
        : `no connection (${(error.cause as { code?: string } | undefined)?.code})`,
    )
    cancel()
    return problem
  }

  async function postOnce(body: string, signal: AbortSignal): Promise<string | undefined> {
    const headers = { 'content-type': 'application/json' }
    // A redirected POST becomes a GET, which may well be answered 200.
    const response = await fetch(url, { method: 'POST', headers, body, redirect: 'manual', signal })
    await response.body?.cancel()
    return response.ok ? undefined : `HTTP status ${response.status}`
  }
}

/** @throws {OptionError} without the URL, which is secret */
function validUrl(given: unknown): string {
  const url = httpUrl(given)
  if (url !== undefined) return url.href
  throw new OptionError('alerts.url (ALERT_WEBHOOK_URL) must be an http(s):// URL without a user name')
}
