import { createHmac, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import http from 'node:http'
import https from 'node:https'
import { isIPv6 } from 'node:net'
import { text } from 'node:stream/consumers'
import { parseArgs } from 'node:util'
import Stripe from 'stripe'
import { asObject, asText, type Json } from '../handlers/payload.ts'
import { type Env, EnvError, type EnvOptions, readEnv } from '../plugins/env.ts'
import { signChatwoot } from '../plugins/verification.ts'
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

const HELP = `npm run simulate [-- --url <url>]

Sends a signed sample of every kind of webhook to the running server, and a repeat, 50 copies at once, forged, stale,
malformed and oversized ones; prints what came back, in how many ms, and whether that is what should happen.
Exits with 1 if something is not, or if the server can't be reached.

  --url <url>   where the server is, with its prefix if it has one; default: HOST and PORT of the environment
  --help        this text

It reads the server's own environment (.env too): CW_HMAC_SECRET and STRIPE_WEBHOOK_SECRET, the first of each list
signs; CW_ACC_ID is the account; STRIPE_SECRET_KEY tells test mode from live mode, and nothing else. To check a
deployment, give it that deployment's values.

A run against a live deployment does nothing to a student: every Chatwoot sample is of a conversation with
bot_disabled, every Stripe sample is of a payment without a lesson's metadata, and all ids are new and made up. The
samples are stored like any delivery, and pruned like any. A server with a STRIPE_SECRET_KEY may ask Stripe for these
payments, in vain.`

/** Chatwoot waits this long for an answer, and then the event is lost; ms. */
const TIMEOUT_MS = 5_000
const COPIES = 50
/** One byte more than the server takes. */
const OVERSIZED_BYTES = 4 * 1024 * 1024 + 1
/** Twice as far back as a timestamp may be, s. */
const STALE_SECONDS = 600
/** A proxy that reads the whole body before it passes it on gets it after this time, ms. */
const BODY_HELD_MS = 1_000
const NO_ANSWER = 'no answer'

/** It can't be run: one line that says why and what to do. */
export class SimulateError extends Error {
  override name = 'SimulateError'
}

export interface SimulateOptions extends EnvOptions {
  /** Where the server is; default: HOST and PORT of the environment. */
  url?: string | undefined
  /** Takes the table, a line at a time. */
  print: (line: string) => void
}

interface Request {
  path: string
  headers: Record<string, string>
  body: string
  /**
   * Send the body only if its declared length alone is not answered: a server that refuses it unread closes the
   * connection, and what is still being sent then takes the answer along.
   */
  declareFirst?: boolean
}

/** One row of the table. `request` null: it can't be checked. */
interface Row {
  name: string
  request: Request | null
  /** How many at once; 1 unless told. */
  copies?: number
  /** The answer (or its beginning) as it is printed: status, and what the body says. */
  expected: string
}

/**
 * Sends every sample and prints the table. Whether all came back as it should.
 * @throws {SimulateError} the server can't be reached, or `url` is no URL
 * @throws {EnvError} the environment is wrong
 */
export async function simulate({ env, url, print }: SimulateOptions): Promise<boolean> {
  const config = await readEnv({ env })
  const base = baseUrl(url, config)
  const lines = [['sent', 'answered', 'ms', 'as it should be']]
  const counts = { yes: 0, no: 0, unchecked: 0 }
  for (const { name, request, copies = 1, expected } of [...chatwootRows(config), ...stripeRows(config)]) {
    if (request === null) {
      counts.unchecked++
      lines.push([name, '', '', 'not checked: no secret'])
      continue
    }
    const startedAt = performance.now()
    const answers = await Promise.all(Array.from({ length: copies }, () => send(base, request)))
    const ms = Math.round(performance.now() - startedAt)
    const answer = summary(answers)
    if (counts.yes + counts.no === 0 && answer.startsWith(NO_ANSWER)) {
      throw new SimulateError(
        `${base} can't be reached (${answer}): start the server with npm start, or give its --url`,
      )
    }
    const fits = answer === expected || answer.startsWith(`${expected} `)
    counts[fits ? 'yes' : 'no']++
    lines.push([name, answer, String(ms), fits ? 'yes' : `NO: it should be ${expected}`])
  }
  for (const line of aligned(lines)) print(line)
  const unchecked = counts.unchecked === 0 ? '' : `, ${counts.unchecked} not checked`
  print(`${base}: ${counts.yes} as they should be${unchecked}, ${counts.no} not`)
  return counts.no === 0
}

function baseUrl(url: string | undefined, { HOST, PORT }: Env): string {
  // What listens on every address is reached on loopback.
  const host = { '0.0.0.0': '127.0.0.1', '::': '::1' }[HOST] ?? HOST
  const base = url ?? `http://${isIPv6(host) ? `[${host}]` : host}:${PORT}`
  if (!/^https?:\/\//.test(base) || !URL.canParse(base)) {
    throw new SimulateError(`--url ${base} is not a URL: give one like https://hooks.example.com`)
  }
  return base.replace(/\/+$/, '')
}

/** Ids that no earlier run had: microseconds, as far as the clock goes. */
function freshIds(): () => number {
  let next = Date.now() * 1_000
  return () => next++
}

function chatwootRows(config: Env): Row[] {
  const secret = config.CW_HMAC_SECRET?.split(',')[0]
  const nextId = freshIds()
  const account = Number(config.CW_ACC_ID ?? 1)
  // One conversation for the run; `bot_disabled` keeps the handlers silent.
  const common = { account, conversation: nextId(), attributes: { bot_disabled: true } }
  const options = () => ({ ...common, message: nextId() })

  const request = (body: string, headers: Record<string, string>): Request => ({
    path: '/cw',
    headers: { 'content-type': 'application/json', 'x-chatwoot-delivery': randomUUID(), ...headers },
    body,
  })
  const signed = (body: string, timestamp?: number) =>
    request(body, secret === undefined ? {} : signChatwoot(body, secret, timestamp))
  const sample = (value: object) => signed(railsJson(value))
  const row = (name: string, sent: Request | null, expected: string, copies = 1): Row => ({
    name: `Chatwoot: ${name}`,
    request: sent,
    expected,
    copies,
  })
  /** What only a secret makes wrong (or right). */
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
      withSecret((body, key) => request(body, signChatwoot(body, `not ${key}`))),
      '401 WEBHOOK_SIGNATURE_MISMATCH',
    ),
    row(
      'stale',
      withSecret(body => signed(body, Math.floor(Date.now() / 1_000) - STALE_SECONDS)),
      '401 WEBHOOK_TIMESTAMP_OUTSIDE_TOLERANCE',
    ),
    row('malformed', signed('{"event": "message_created",'), '400 WEBHOOK_MALFORMED'),
    // A proxy may refuse it before the server does, in its own words.
    row('oversized', { ...signed('x'.repeat(OVERSIZED_BYTES)), declareFirst: true }, '413'),
    row('wrong content type', { ...first, headers: { ...first.headers, 'content-type': 'text/plain' } }, '415'),
  ]
}

function bareSignature(body: string, secret: string): string {
  return createHmac('sha256', secret).update(body).digest('hex')
}

function stripeRows(config: Env): Row[] {
  const secret = config.STRIPE_WEBHOOK_SECRET?.split(',')[0]
  const nextId = freshIds()
  const livemode = /^[sr]k_live_/.test(config.STRIPE_SECRET_KEY ?? '')

  const signed = (body: string, key = secret, age = 0): Request => ({
    path: '/webhook/payments',
    headers: {
      'content-type': 'application/json',
      ...(key !== undefined && { 'stripe-signature': stripeSignature(body, key, age) }),
    },
    body,
  })
  /** An event of a payment that is none of ours: its metadata names no conversation. */
  const event = (type: string, object: (options: StripeSampleOptions) => object, more: StripeSampleOptions = {}) => {
    const id = nextId()
    const options = { livemode, session: `cs_simulated_${id}`, paymentIntent: `pi_simulated_${id}`, ...more }
    return JSON.stringify(stripeEvent(type, object(options), { livemode, id: `evt_simulated_${id}` }))
  }
  const row = (name: string, request: Request | null, expected: string): Row => ({
    name: `Stripe: ${name}`,
    request,
    // Without a secret there is nothing to verify with, and everything is refused.
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

/** @param age of the timestamp, s */
function stripeSignature(payload: string, secret: string, age: number): string {
  const timestamp = Math.floor(Date.now() / 1_000) - age
  return Stripe.webhooks.generateTestHeaderString({ payload, secret, timestamp })
}

/** Sends it on a connection of its own, as Chatwoot does; what came back, as it is printed. */
async function send(base: string, { path, headers, body, declareFirst }: Request): Promise<string> {
  try {
    const url = new URL(base + path)
    const request = (url.protocol === 'https:' ? https : http).request(url, {
      method: 'POST',
      agent: false,
      headers: { ...headers, 'content-length': Buffer.byteLength(body) },
      signal: AbortSignal.timeout(TIMEOUT_MS),
    })
    const answered = once(request, 'response')
    // The connection may break after the answer is there; before, `answered` tells.
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

/** `status` of a good answer, `code` of an error. What somebody else's server says is not printed as it is. */
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

/** One answer as it is; of several, how many of each. */
function summary(answers: string[]): string {
  const counts = new Map<string, number>()
  for (const answer of answers) counts.set(answer, (counts.get(answer) ?? 0) + 1)
  if (answers.length === 1) return answers.join()
  return [...counts]
    .sort(([one], [other]) => one.localeCompare(other))
    .map(([answer, count]) => `${count} × ${answer}`)
    .join(', ')
}

/** Columns as wide as their longest cell. */
function aligned(rows: string[][]): string[] {
  const lengths = (column: number) => rows.map(row => (row[column] as string).length)
  const widths = (rows[0] as string[]).map((_, column) => Math.max(...lengths(column)))
  return rows.map(row =>
    row
      .map((cell, column) =>
        column === 2 ? cell.padStart(widths[column] as number) : cell.padEnd(widths[column] as number),
      )
      .join('  ')
      .trimEnd(),
  )
}

/** The command; its exit code. What can be mended is said in one line. */
export async function main(
  args: string[],
  { env, print, fail }: EnvOptions & { print: (line: string) => void; fail: (line: string) => void },
): Promise<number> {
  try {
    const { values } = parseArgs({
      args,
      options: { url: { type: 'string' }, help: { type: 'boolean', short: 'h', default: false } },
    })
    if (values.help) {
      print(HELP)
      return 0
    }
    return (await simulate({ env, url: values.url, print })) ? 0 : 1
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (error instanceof SimulateError || error instanceof EnvError || code?.startsWith('ERR_PARSE_ARGS_')) {
      fail(`simulate: ${message}`)
      return 1
    }
    throw error
  }
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2), { print: console.log, fail: console.error })
