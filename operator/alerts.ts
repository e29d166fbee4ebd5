import type { EventEmitter } from 'node:events'
import { httpUrl } from '../clients/http.ts'
import type { Clock, Logger } from '../inbox/contracts.ts'
import { OptionError } from '../inbox/errors.ts'
import type { AttentionEvent, WebhookEvents } from '../inbox/events.ts'
import type { Inbox } from '../inbox/inbox.ts'
import { delay } from '../inbox/store-trouble.ts'
import { utcTime } from '../inbox/utc-time.ts'

export interface AlertsOptions {
  /** Gets a POST with an AlertMessage. It may hold a secret: it is in no log and no error. */
  url: string
}

interface AlertsParts extends AlertsOptions {
  inbox: Pick<Inbox, 'backlog' | 'checkWritable'>
  events: EventEmitter<WebhookEvents>
  clock: Clock
  log: Logger
}

export interface AlertMessage extends Finding {
  status: 'firing' | 'resolved'
  /** When it was noticed, ISO 8601. */
  since: string
  /** All of it in a line, for receivers that show a `text` (Slack, Mattermost). */
  text: string
}

/** What needs a person. */
interface Finding {
  alert: 'deliveries_given_up' | 'backlog_old' | 'verification_failures' | 'store_failing' | 'payment_needs_person'
  summary: string
  /** Numbers and codes, and of a payment who paid what; nothing else that a webhook holds. */
  details: Record<string, string | number | undefined>
}

/** Between two looks at the store and the counts, ms. */
const INTERVAL = 60_000
/** A pending delivery is late after this, ms: its retries in order take a minute or so. */
const LATE = 5 * 60_000
/** Webhooks refused within an interval that are more than somebody's mistake. */
const MANY_REFUSED = 20
/** The receiver's time for a POST, ms. */
const POST_MS = 10_000
/** Before the attempts after the first, ms. */
const BACKOFF = [1_000, 5_000, 30_000, 120_000]

/**
 * Tells a person what needs one, by a POST: once per incident, and again when it is over. What goes on at a start is told
 * anew: the process before may have died before it could. Several processes on one store tell it each.
 */
export function createAlerts({ url, inbox, events, clock, log }: AlertsParts): { start(): void; close(): void } {
  const closing = new AbortController()
  const post = createPost({ url: validUrl(url), clock, log, closed: closing.signal })
  /** What is going on; each with what ends it. */
  const incidents = new Map<Finding['alert'], () => void>()
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
  // No incident: each is told for itself, and has no end that could be seen.
  events.on('attention', event => void post(messageOf(paymentFinding(event), 'firing', utcTime(clock.now()))))
  return { start: schedule, close }

  function close(): void {
    closing.abort()
    cancelTick?.()
  }

  function schedule(): void {
    cancelTick = clock.after(INTERVAL, () => void tick())
  }

  async function tick(): Promise<void> {
    await look()
    if (storeFailures === 0) incidents.get('store_failing')?.()
    if (refused < MANY_REFUSED) incidents.get('verification_failures')?.()
    storeFailures = 0
    refused = 0
    if (!closing.signal.aborted) schedule()
  }

  /** Many deliveries may be given up at once; one look is enough for them. */
  async function look(): Promise<void> {
    if (looking) return
    looking = true
    try {
      await inbox.checkWritable()
      const { pending, parked, dead, oldestPendingAt } = await inbox.backlog()
      set(parked + dead > 0, {
        alert: 'deliveries_given_up',
        summary: `${dead} dead and ${parked} parked deliveries: find out why, then replay or discard them`,
        details: { dead, parked },
      })
      set(oldestPendingAt !== null && clock.now() - oldestPendingAt > LATE, {
        alert: 'backlog_old',
        summary: `The oldest of ${pending} pending deliveries was accepted more than ${LATE / 60_000} minutes ago`,
        details: { pending },
      })
    } catch {
      storeFailed()
    }
    looking = false
  }

  function storeFailed(): void {
    storeFailures++
    begin(STORE_FAILING)
  }

  function set(isSo: boolean, finding: Finding): void {
    if (isSo) begin(finding)
    else incidents.get(finding.alert)?.()
  }

  function begin(finding: Finding): void {
    if (incidents.has(finding.alert)) return
    const over = Promise.withResolvers<void>()
    incidents.set(finding.alert, over.resolve)
    void report(finding, utcTime(clock.now()), over.promise)
  }

  /** From an incident's beginning to its end. Until both are told it is the same one, so that none waits behind it. */
  async function report(finding: Finding, since: string, over: Promise<void>): Promise<void> {
    await post(messageOf(finding, 'firing', since))
    await over
    await post(messageOf(finding, 'resolved', since))
    incidents.delete(finding.alert)
  }
}

const STORE_FAILING: Finding = {
  alert: 'store_failing',
  summary: 'The store is failing: webhooks are answered 500, and lost unless their senders retry',
  details: {},
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

function messageOf(finding: Finding, status: AlertMessage['status'], since: string): AlertMessage {
  return { ...finding, status, since, text: `tutorbot-webhooks, ${status} (since ${since}): ${finding.summary}` }
}

interface PostOptions {
  url: string
  clock: Clock
  log: Logger
  closed: AbortSignal
}

/** Posts a message, and does so again if that fails. Resolved when it is done, or given up. */
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

  /** What went wrong, in words that do not hold the URL, as errors of fetch may. */
  async function attempt(body: string): Promise<string | undefined> {
    const late = new AbortController()
    const cancel = clock.after(POST_MS, () => late.abort())
    const problem = await send(body, AbortSignal.any([late.signal, closed])).catch((error: Error) =>
      late.signal.aborted
        ? `no answer within ${POST_MS} ms`
        : `no connection (${(error.cause as { code?: string } | undefined)?.code})`,
    )
    cancel()
    return problem
  }

  async function send(body: string, signal: AbortSignal): Promise<string | undefined> {
    const headers = { 'content-type': 'application/json' }
    // A redirected POST would go on as a GET, and that may well be answered 200.
    const response = await fetch(url, { method: 'POST', headers, body, redirect: 'manual', signal })
    await response.body?.cancel()
    return response.ok ? undefined : `HTTP status ${response.status}`
  }
}

/** @throws {OptionError} that does not hold the URL */
function validUrl(given: unknown): string {
  const url = httpUrl(given)
  if (url !== undefined) return url.href
  throw new OptionError('alerts.url (ALERT_WEBHOOK_URL) must be an http(s):// URL without a user name')
}
