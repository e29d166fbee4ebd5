import type { Command } from 'commander'
import { createChatwootClient } from '../clients/chatwoot.ts'
import { retryAfterMs } from '../clients/http.ts'
import { createStripeClient } from '../clients/stripe-client.ts'
import { type Env, readEnv } from '../environment.ts'
import { PermanentError, TransientError } from '../inbox/errors.ts'
import { utcTime } from '../inbox/utc-time.ts'
import { signChatwoot, signStripe } from '../plugins/verification.ts'
import { webhooksOptions } from '../server.ts'
import { asObject, asText } from '../sources/json.ts'
import { wholeOf } from '../tutor/whole.ts'
import { type Missed, missedEvents, missedMessages, withRateLimitRetries } from './missed.ts'
import { CommandError, type Context, parseTimeOption, report, table, withExamples, withJson } from './output.ts'
import { serverUrl, unreachable } from './server-url.ts'

interface CatchUpOptions {
  since: string
  url?: string
  dryRun?: boolean
  json?: boolean
}

/** Chatwoot's own timeout for a webhook, ms. */
const ANSWER_MS = 5_000
const HOUR_MS = 3_600_000

const OUTCOMES = ['accepted', 'duplicate', 'ignored'] as const
type Counts = Record<'sent' | (typeof OUTCOMES)[number] | 'failed', number>

interface Failure {
  what: string
  error: string
}

export function catchUpCommand(program: Command, context: Context): void {
  const command = program.command('catch-up')
  withJson(command)
    .description('sends the running server the events it missed while it was down; known ones are duplicates')
    .requiredOption('--since <time>', 'when it went down: a time (ISO 8601), or 30m, 2h or 3d ago')
    .option('--url <url>', 'base URL of the server, including its prefix if it has one (default: HOST and PORT)')
    .option('--dry-run', 'only list what would be sent')
    .action((options: CatchUpOptions) => catchUp(options, context))
    .addHelpText(
      'after',
      `
From Stripe: every event that has a handler. From Chatwoot: the last message of each open or pending conversation that
is waiting for the bot; this needs an agent's or administrator's token, a bot's may not list conversations. Each is
signed and sent to the server as Stripe or Chatwoot would, so that nothing is handled twice. Exits with 1 if one could
not be delivered.`,
    )
  withExamples(command, ['catch-up --since 2h --dry-run', 'catch-up --since 2026-11-23T08:00:00+01:00'])
}

async function catchUp(options: CatchUpOptions, context: Context): Promise<void> {
  const since = parseTimeOption('--since', options.since)
  const config = await readEnv(context)
  const base = serverUrl(options.url, config)
  const failures: Failure[] = []
  const missed: Missed[] = []
  for (const [what, find] of [
    ['Stripe', fromStripe],
    ['Chatwoot', fromChatwoot],
  ] as const) {
    try {
      missed.push(...(await find(config, since, context)))
    } catch (error) {
      if (!(error instanceof PermanentError || error instanceof TransientError)) throw error
      failures.push({ what, error: error.message })
    }
  }
  if (options.dryRun) showMissed(missed, options, context)
  else await sendAll(base, missed, failures, config, options, context)
  for (const { what, error } of failures) context.say(`${what}: ${error}`)
  if (failures.length > 0) throw new CommandError('some events could not be fetched or delivered: run it again')
}

async function sendAll(
  base: string,
  missed: readonly Missed[],
  failures: Failure[],
  config: Env,
  { json }: CatchUpOptions,
  context: Context,
): Promise<void> {
  const counts: Record<Missed['source'], Counts> = { stripe: noCounts(), chatwoot: noCounts() }
  // One at a time: in their order, and no burst on the server.
  for (const each of missed) await sendMissed(base, each, config, counts[each.source], failures)
  report(context, json, { ...counts, failures }, () => [
    ...table(
      [
        ['', 'sent', ...OUTCOMES, 'failed'],
        ...Object.entries(counts).map(([source, { sent, accepted, duplicate, ignored, failed }]) => [
          source,
          ...[sent, accepted, duplicate, ignored, failed].map(String),
        ]),
      ],
      [1, 2, 3, 4, 5],
    ),
  ])
}

async function fromStripe(config: Env, since: number, context: Context): Promise<Missed[]> {
  const skipped = ['STRIPE_SECRET_KEY', 'STRIPE_WEBHOOK_SECRET'].find(name => config[name as keyof Env] === undefined)
  const client = createStripeClient({ secretKey: config.STRIPE_SECRET_KEY, apiBase: config.STRIPE_API_BASE })
  if (skipped === undefined && client !== null) return missedEvents(client, since)
  context.say(`Stripe: skipped, ${skipped} is not set`)
  return []
}

async function fromChatwoot(config: Env, since: number, context: Context): Promise<Missed[]> {
  const { CW_URL: url, CW_ACC_ID: accountId, CW_TOKEN: token, CW_ADMIN_TOKEN: adminToken } = config
  const client = createChatwootClient({ url, accountId, token, adminToken })
  if (client !== null) return missedMessages(client, since, handOverHours(config) * HOUR_MS)
  context.say('Chatwoot: skipped, CW_TOKEN is not set')
  return []
}

/** As the server has it: the environment's, else the tutor's. */
function handOverHours(config: Env): number {
  const { chatwoot, tutor = {} } = webhooksOptions(config)
  return chatwoot?.handoffHours ?? wholeOf(tutor).handOver.hours
}

function showMissed(missed: readonly Missed[], { json }: CatchUpOptions, context: Context): void {
  const rows = missed.map(({ source, event, what, at }) => ({ source, event, what, at: utcTime(at) }))
  report(context, json, rows, () => [
    ...(rows.length === 0 ? [] : table(rows.map(({ at, source, event, what }) => [at, source, event, what]))),
    `${rows.length} would be sent; the ones the server already has would be duplicates`,
  ])
}

function noCounts(): Counts {
  return { sent: 0, accepted: 0, duplicate: 0, ignored: 0, failed: 0 }
}

async function sendMissed(
  base: string,
  missed: Missed,
  config: Env,
  counts: Counts,
  failures: Failure[],
): Promise<void> {
  counts.sent++
  try {
    counts[await withRateLimitRetries(() => post(base, missed, config))]++
  } catch (error) {
    if (!(error instanceof TransientError)) throw error
    counts.failed++
    failures.push({ what: missed.what, error: error.message })
  }
}

/** @throws {CommandError} the server can't be reached @throws {Error} it did not accept the event */
async function post(base: string, { source, body }: Missed, config: Env): Promise<(typeof OUTCOMES)[number]> {
  const text = JSON.stringify(body)
  const [path, headers] =
    source === 'stripe' ? ['/webhook/payments', stripeHeaders(text, config)] : ['/cw', chatwootHeaders(text, config)]
  const signal = AbortSignal.timeout(ANSWER_MS)
  let response: Response
  try {
    response = await fetch(base + path, { method: 'POST', headers, body: text, redirect: 'error', signal })
  } catch (error) {
    throw new CommandError(unreachable(base, error as Error))
  }
  const answer = asObject(await response.json().catch(() => null))
  const outcome = OUTCOMES.find(each => response.ok && each === answer.status)
  if (outcome !== undefined) return outcome
  throw new TransientError(`the server answered ${response.status} ${asText(answer.code) ?? ''}`.trim(), {
    retryAfterMs: response.status === 429 ? retryAfterMs(response.headers.get('retry-after')) : 0,
  })
}

function stripeHeaders(payload: string, { STRIPE_WEBHOOK_SECRET = '' }: Env): Record<string, string> {
  return signStripe(payload, firstOf(STRIPE_WEBHOOK_SECRET))
}

/** Without a secret the server accepts unsigned requests from this machine. */
function chatwootHeaders(body: string, { CW_HMAC_SECRET }: Env): Record<string, string> {
  return CW_HMAC_SECRET === undefined
    ? { 'content-type': 'application/json' }
    : signChatwoot(body, firstOf(CW_HMAC_SECRET))
}

function firstOf(secrets: string): string {
  return (secrets.split(',')[0] as string).trim()
}
