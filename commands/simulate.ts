import { createHmac, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import http from 'node:http'
import https from 'node:https'
import { text } from 'node:stream/consumers'
import type { Command } from 'commander'
import { type Env, readEnv, readGivenEnv } from '../environment.ts'
import { SIMULATED } from '../operator/simulated.ts'
import { signChatwoot, signStripe } from '../plugins/verification.ts'
import { asObject, asText, type Json } from '../sources/json.ts'
import { CommandError, type Context, report, table, withExamples, withJson } from './output.ts'
import {
  chatwoot,
  railsJson,
  type StripeSampleOptions,
  stripeCharge,
  stripeEvent,
  stripePaymentIntent,
  stripeSession,
  stripeThinEvent,
} from './samples.ts'
import { serverUrl } from './server-url.ts'
import { type SourceSampleOptions, sourceRows } from './simulate-source.ts'
import { configured } from './wanted.ts'

const HELP = `
Sends a signed sample of every kind of webhook to the running server, then a repeat, 50 copies at once, and forged, stale,
malformed and oversized ones. Prints each answer, its time in ms, and whether it is the expected one. Exits with 1 if an
answer is not, or if the server can't be reached.

Requests are signed with the first secret in CW_HMAC_SECRET and STRIPE_WEBHOOK_SECRET; CW_ACC_ID is the account;
STRIPE_SECRET_KEY only tells test mode from live mode. To check a deployment, use that deployment's values.
With nothing configured it is the sandbox that is meant, if one is running.

A run against a live deployment affects no student: every Chatwoot sample belongs to a conversation with bot_disabled,
every Stripe sample is a payment without a lesson's metadata, and all ids are new and made up. The samples are stored and
pruned like any delivery. A server with a STRIPE_SECRET_KEY may look these payments up at Stripe, and finds none.`

/** Chatwoot's timeout, after which it drops the event, ms. */
const TIMEOUT_MS = 5_000
const COPIES = 50
/** One byte over the server's limit. */
const OVERSIZED_BYTES = 4 * 1024 * 1024 + 1
/** Twice the largest age of a timestamp, s. */
const STALE_SECONDS = 600
/** After this time the body is sent even without an answer, for proxies that read it before forwarding, ms. */
const BODY_HELD_MS = 1_000
const NO_ANSWER = 'no answer'

interface SimulateOptions extends SourceSampleOptions {
  /** The server's base URL; default: HOST and PORT. */
  url?: string | undefined
  json?: boolean
}

interface Request {
  path: string
  headers: Record<string, string>
  body: string
  /**
   * Send the body only if the declared length alone gets no answer: a server that refuses it unread closes the
   * connection, and a body still being sent would lose the answer.
   */
  declareFirst?: boolean
}

/** One row of the table. @property request null: can't be checked */
export interface Row {
  name: string
  request: Request | null
  /** How many at once; default: 1. */
  copies?: number
  /** The expected answer, or its beginning, as printed. */
  expected: string
}

export function simulateCommand(program: Command, context: Context): void {
  const command = program
    .command('simulate')
    .description('sends the server a sample of every kind of webhook, and checks the answers')
  withJson(command)
    .option('--url <url>', 'base URL of the server, including its prefix if it has one (default: HOST and PORT)')
    .option('--path <path>', 'only send samples for the source at this path')
    .option('--preset <name>', 'how the source signs')
    .option('--secret-env <name>', 'the environment variable with its secret')
    .option('--body <file>', 'the body to send (default: {})')
    .option('--header <headers...>', 'headers to send, such as "X-GitHub-Event: push"')
    .option('--public-url <url>', 'its public URL, if the sender signs it')
    .action((options: SimulateOptions) => simulate(options, context))
    .addHelpText('after', HELP)
  withExamples(command, [
    'simulate',
    'simulate --url https://hooks.example.com',
    'simulate --path /github --preset github --secret-env GITHUB_SECRET --header "X-GitHub-Event: ping"',
  ])
}

interface Checked {
  sent: string
  answered: string
  ms: number | null
  expected: string
  /** null: not checked, since there is no secret. */
  good: boolean | null
}

/**
 * Sends every sample and prints the table.
 * @throws {CommandError} if the server can't be reached or an answer is wrong
 */
async function simulate(options: SimulateOptions, context: Context): Promise<void> {
  const { url, json, path } = options
  const { config, base, now } = await findServer(url, context)
  const checked: Checked[] = []
  const rows =
    path === undefined ? [...chatwootRows(config, now), ...stripeRows(config, now)] : sourceRows(options, context)
  for (const { name: sent, request, copies = 1, expected } of rows) {
    if (request === null) {
      checked.push({ sent, answered: '', ms: null, expected, good: null })
      continue
    }
    const startedAt = performance.now()
    const answers = await Promise.all(Array.from({ length: copies }, () => sendRequest(base, request)))
    const ms = Math.round(performance.now() - startedAt)
    const answered = summary(answers)
    if (checked.length === 0 && answered.startsWith(NO_ANSWER)) {
      throw new CommandError(`${base} can't be reached (${answered}): start the server with npm start, or pass --url`)
    }
    checked.push({ sent, answered, ms, expected, good: answered === expected || answered.startsWith(`${expected} `) })
  }
  const count = (good: boolean | null) => checked.filter(row => row.good === good).length
  report(context, json, { url: base, checked }, () => [
    ...table([['sent', 'answered', 'ms', 'as expected'], ...checked.map(cellsOf)], [2]),
    `${base}: ${count(true)} as expected${count(null) === 0 ? '' : `, ${count(null)} not checked`}, ${count(false)} not`,
  ])
  if (count(false) > 0) throw new CommandError(`${count(false)} answers are not as expected`)
}

interface Server {
  config: Env
  /** Where it is. */
  base: string
  /** Its clock, Unix ms. */
  now(): number
}

/** The server that is meant, with its secrets: a sandbox, if one runs and nothing is configured. */
async function findServer(url: string | undefined, context: Context): Promise<Server> {
  const { config, given } = await readGivenEnv(context)
  const base = serverUrl(url, config)
  if (configured(given).length > 0) return { config, base, now: Date.now }
  const { findRun } = await import('../sandbox/run-file.ts')
  const run = findRun(config.DATABASE_URL)
  if (run === undefined || (url !== undefined && base !== run.url)) return { config, base, now: Date.now }
  return { config: await readEnv({ env: run.env }), base: run.url, now: () => Date.now() + run.offsetMs }
}

function cellsOf({ sent, answered, ms, expected, good }: Checked): string[] {
  const verdict = good === null ? 'not checked: no secret' : good ? 'yes' : `NO: expected ${expected}`
  return [sent, answered, `${ms ?? ''}`, verdict]
}

/** Unused ids, and none of Chatwoot's: the time in microseconds, as precise as the clock is. */
function freshIds(): () => number {
  let next = Date.now() * 1_000
  return () => next++
}

/** @param now Unix ms */
function chatwootRows(config: Env, now: () => number): Row[] {
  const unixTime = () => Math.floor(now() / 1_000)
  const secret = config.CW_HMAC_SECRET?.split(',')[0]
  const nextId = freshIds()
  const account = Number(config.CW_ACC_ID ?? 1)
  // One conversation per run; `bot_disabled` silences the handlers.
  const common = { account, conversation: nextId(), attributes: { bot_disabled: true } }
  const options = () => ({ ...common, message: nextId() })

  const request = (body: string, headers: Record<string, string>): Request => ({
    path: '/cw',
    headers: { 'content-type': 'application/json', 'x-chatwoot-delivery': randomUUID(), ...headers },
    body,
  })
  const signed = (body: string, timestamp = unixTime()) =>
    request(body, secret === undefined ? {} : signChatwoot(body, secret, timestamp))
  const sample = (value: object) => signed(railsJson(value))
  const row = (name: string, sent: Request | null, expected: string, copies = 1): Row => ({
    name: `Chatwoot: ${name}`,
    request: sent,
    expected,
    copies,
  })
  /** Only if there is a secret. */
  const withSecret = (make: (body: string, secret: string) => Request) =>
    secret === undefined ? null : make(railsJson(chatwoot.incoming(options())), secret)

  const first = sample(chatwoot.incoming(options()))
  return [
    row('incoming message', first, '200 accepted'),
    row('attachment without text', sample(chatwoot.attachment(options())), '200 accepted'),
    row('choice in the web widget', sample(chatwoot.submitted(options())), '200 accepted'),
    row('conversation created', sample(chatwoot.conversationCreated(common)), '200 accepted'),
    row('outgoing message', sample(chatwoot.outgoing(options())), '200 accepted'),
    row('private note', sample(chatwoot.privateNote(options())), '200 accepted'),
    row('template', sample(chatwoot.template(options())), '200 accepted'),
    row('delivery status of a message', sample(chatwoot.statusOnly(options())), '200 accepted'),
    row('conversation updated', sample(chatwoot.conversationUpdated(common)), '200 ignored'),
    row('typing', sample(chatwoot.typing(common)), '200 ignored'),
    row('contact created', sample(chatwoot.contactCreated(common)), '200 ignored'),
    row('the first again', first, '200 duplicate'),
    row(
      `${COPIES} copies at once`,
      sample(chatwoot.incoming(options())),
      `1 × 200 accepted, ${COPIES - 1} × 200 duplicate`,
      COPIES,
    ),
    row(
      "the original TutorBot's signature",
      withSecret((body, key) => request(body, { 'x-chatwoot-signature': bareSignature(body, key) })),
      config.CW_LEGACY_SIGNATURE ? '200 accepted' : '401 WEBHOOK_SIGNATURE_MALFORMED',
    ),
    row(
      'unsigned',
      withSecret(body => request(body, {})),
      '401 WEBHOOK_SIGNATURE_MISSING',
    ),
    row(
      'forged',
      withSecret((body, key) => request(body, signChatwoot(body, `not ${key}`, unixTime()))),
      '401 WEBHOOK_SIGNATURE_MISMATCH',
    ),
    row(
      'stale',
      withSecret(body => signed(body, unixTime() - STALE_SECONDS)),
      '401 WEBHOOK_TIMESTAMP_OUTSIDE_TOLERANCE',
    ),
    row('malformed', signed('{"event": "message_created",'), '400 WEBHOOK_MALFORMED'),
    // A proxy may refuse it first, in its own words.
    row('oversized', { ...signed('x'.repeat(OVERSIZED_BYTES)), declareFirst: true }, '413'),
    row('wrong content type', { ...first, headers: { ...first.headers, 'content-type': 'text/plain' } }, '415'),
  ]
}

function bareSignature(body: string, secret: string): string {
  return createHmac('sha256', secret).update(body).digest('hex')
}

/** @param now Unix ms */
function stripeRows(config: Env, now: () => number): Row[] {
  const secret = config.STRIPE_WEBHOOK_SECRET?.split(',')[0]
  const nextId = freshIds()
  const livemode = /^[sr]k_live_/.test(config.STRIPE_SECRET_KEY ?? '')

  const signed = (body: string, key = secret, age = 0): Request => ({
    path: '/webhook/payments',
    headers: {
      'content-type': 'application/json',
      ...(key !== undefined && signStripe(body, key, Math.floor(now() / 1_000) - age)),
    },
    body,
  })
  /** A payment that isn't ours: its metadata names no conversation. */
  const event = (type: string, object: (options: StripeSampleOptions) => object, more: StripeSampleOptions = {}) => {
    const id = nextId()
    const options = { livemode, session: `cs_${SIMULATED}${id}`, paymentIntent: `pi_${SIMULATED}${id}`, ...more }
    return JSON.stringify(stripeEvent(type, object(options), { livemode, id: `evt_${SIMULATED}${id}` }))
  }
  const row = (name: string, request: Request | null, expected: string): Row => ({
    name: `Stripe: ${name}`,
    request,
    // Without a secret everything is refused.
    expected: secret === undefined ? '401 WEBHOOK_SECRET_MISSING' : expected,
  })
  const completed = (paymentStatus: 'paid' | 'unpaid') =>
    signed(event('checkout.session.completed', stripeSession, { paymentStatus }))
  const succeeded = event('payment_intent.succeeded', stripePaymentIntent)
  const withSecret = (make: (key: string) => Request) => (secret === undefined ? null : make(secret))

  const first = completed('paid')
  return [
    row('session completed', first, '200 accepted'),
    row('session completed, unpaid', completed('unpaid'), '200 accepted'),
    row(
      'late payment succeeded',
      signed(event('checkout.session.async_payment_succeeded', stripeSession)),
      '200 accepted',
    ),
    row(
      'late payment failed',
      signed(event('checkout.session.async_payment_failed', stripeSession, { paymentStatus: 'unpaid' })),
      '200 accepted',
    ),
    row('payment intent succeeded', signed(succeeded), '200 accepted'),
    row('session expired', signed(event('checkout.session.expired', stripeSession)), '200 accepted'),
    row('charge refunded', signed(event('charge.refunded', stripeCharge)), '200 accepted'),
    row('thin event', signed(JSON.stringify({ ...stripeThinEvent, livemode })), '200 ignored'),
    row(
      'charge updated',
      signed(event('charge.updated', ({ paymentIntent: id }) => ({ id, object: 'charge' }))),
      '200 ignored',
    ),
    row('the first again', first, '200 duplicate'),
    row(
      'forged',
      withSecret(key => signed(succeeded, `not ${key}`)),
      '401 WEBHOOK_SIGNATURE_MISMATCH',
    ),
    row(
      'stale',
      withSecret(key => signed(succeeded, key, STALE_SECONDS)),
      '401 WEBHOOK_TIMESTAMP_OUTSIDE_TOLERANCE',
    ),
    row('malformed', signed('{"type": "charge.updated",'), '400 WEBHOOK_MALFORMED'),
  ]
}

/** Sends it on a new connection, as Chatwoot does. Returns the answer as printed. */
async function sendRequest(base: string, { path, headers, body, declareFirst }: Request): Promise<string> {
  try {
    const url = new URL(base + path)
    const request = (url.protocol === 'https:' ? https : http).request(url, {
      method: 'POST',
      agent: false,
      headers: { ...headers, 'content-length': Buffer.byteLength(body) },
      signal: AbortSignal.timeout(TIMEOUT_MS),
    })
    const answered = once(request, 'response')
    // The connection may break after the answer; before it, `answered` rejects.
    request.on('error', () => {})
    if (declareFirst) {
      request.flushHeaders()
      const timer = setTimeout(() => request.end(body), BODY_HELD_MS)
      request.once('close', () => clearTimeout(timer))
    } else request.end(body)
    const [response] = (await answered) as [http.IncomingMessage]
    const answer = `${response.statusCode} ${said(await text(response))}`
    request.destroy()
    return answer
  } catch (error) {
    const { name, code, message } = error as NodeJS.ErrnoException
    return name === 'AbortError'
      ? `${NO_ANSWER} within ${TIMEOUT_MS / 1_000} s`
      : `${NO_ANSWER}: ${[code, message].find(Boolean)}`
  }
}

/** `status` of a good answer, `code` of an error. Other text from a foreign server is not printed. */
function said(body: string): string {
  let answer: Json
  try {
    answer = asObject(JSON.parse(body))
  } catch {
    return '(not JSON)'
  }
  const word = asText(answer.code) ?? asText(answer.status) ?? ''
  return /^\w{1,60}$/.test(word) ? word : '(neither status nor code)'
}

/** One answer, or the count of each. */
function summary(answers: string[]): string {
  const counts = new Map<string, number>()
  for (const answer of answers) counts.set(answer, (counts.get(answer) ?? 0) + 1)
  if (answers.length === 1) return answers.join()
  return [...counts]
    .sort(([one], [other]) => one.localeCompare(other))
    .map(([answer, count]) => `${count} × ${answer}`)
    .join(', ')
}
