import { once } from 'node:events'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import tap, { type Test } from 'tap'
import { chatwoot as samples, stripeEvent, stripeSession } from '../../commands/samples.ts'
import { startChatwootApi } from '../../sandbox/chatwoot-api.ts'
import type { ConversationState, MessageState } from '../../sandbox/chatwoot-state.ts'
import { standInSettings } from '../../sandbox/environment.ts'
import { startStripeApi, stripeError } from '../../sandbox/stripe-api.ts'
import { buildServer } from '../../server.ts'
import type { TutorSettings } from '../../tutor/settings.ts'
import { CHATWOOT_SECRET, chatwootRequest, STRIPE_SECRET, stripeRequest } from '../helpers/app.ts'
import { cli, type Environment, run, runJson } from '../helpers/cli.ts'

const NOW = Math.floor(Date.now() / 1_000)
const HOUR = 60 * 60

interface Counts {
  sent: number
  accepted: number
  duplicate: number
  ignored: number
  failed: number
}
type Result = { stripe: Counts; chatwoot: Counts; failures: { what: string; error: string }[] }

/** The real server, and stand-ins for Chatwoot and Stripe that know what it has missed. */
async function world(t: Test, more: Environment = {}, tutor: TutorSettings = {}) {
  const [chatwoot, stripe] = [await startChatwootApi(), await startStripeApi()]
  t.teardown(() => Promise.all([chatwoot.close(), stripe.close()]))
  const folder = t.testdir({ 'tutor.json': JSON.stringify(tutor) })
  const env: Environment = {
    LOG_LEVEL: 'silent',
    DATABASE_URL: join(folder, 'webhooks.db'),
    TUTOR_FILE: join(folder, 'tutor.json'),
    MESSAGE_QUIET_MS: '0',
    ...standInSettings({ chatwoot, stripe }, { chatwoot: `${CHATWOOT_SECRET}, another`, stripe: STRIPE_SECRET }),
    ...more,
  }
  const app = await buildServer({ env })
  t.teardown(() => app.close())
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  return {
    app,
    env,
    url,
    chatwoot,
    stripe,
    catchUp: (...args: string[]) => runJson<Result>(env, 'catch-up', '--url', url, ...args),
  }
}

/** A message at a time, Unix s. */
function message(id: number, parts: Partial<MessageState> & { created_at: number }): MessageState {
  const text = { content: `message ${id}`, message_type: 0, private: false, content_type: 'text' }
  return { id, ...text, content_attributes: {}, ...parts }
}

const event = (number: number, created: number, type = 'checkout.session.completed') => ({
  ...stripeEvent(type, stripeSession({ session: `cs_${number}`, paymentIntent: `pi_${number}` }), {
    id: `evt_${number}`,
  }),
  created,
})

tap.test('missed events are delivered by their own routes, once', async t => {
  const { app, env, url, chatwoot, stripe, catchUp } = await world(t)
  // More than a page of each, one too old, and one that nothing handles.
  stripe.events.push(event(0, NOW - 3 * HOUR))
  for (let number = 1; number <= 130; number++) stripe.events.push(event(number, NOW - HOUR + number))
  stripe.events.push(event(999, NOW - 10, 'charge.updated'))
  for (let id = 1; id <= 30; id++) {
    const messages = [message(1_000 + id, { created_at: NOW - 600 + id })]
    chatwoot.addConversation({ id, messages, last_activity_at: NOW - 600 + id, contact: 9_000 + id })
  }
  // One that arrived before the outage, by the webhook itself; the bot does not answer, or it would not be the last.
  const real = samples.incoming({ conversation: 7, message: 1_007, attributes: { bot_disabled: true } })
  t.match((await app.inject(chatwootRequest(real))).json(), { status: 'accepted' })
  t.match((await app.inject(stripeRequest(stripe.events[5] as object))).json(), { status: 'accepted' })

  const dry = await run(env, 'catch-up', '--url', url, '--since', '2h', '--dry-run')
  t.match(dry, { code: 0, err: '', out: /stripe +checkout.session.completed +evt_1\n.*160 would be sent; the ones/s })
  t.equal((await app.webhooks.inbox.list({}, 500)).length, 2, 'nothing was sent')

  const { code, result } = await catchUp('--since', '2h')
  t.same(
    [code, result],
    [
      0,
      {
        stripe: { sent: 130, accepted: 129, duplicate: 1, ignored: 0, failed: 0 },
        chatwoot: { sent: 30, accepted: 29, duplicate: 1, ignored: 0, failed: 0 },
        failures: [],
      },
    ],
  )
  const kept = await app.webhooks.inbox.list({ source: 'stripe' }, 500)
  t.same(
    kept.slice(1, 4).map(({ key }) => key),
    ['evt_1', 'evt_2', 'evt_3'],
    'in the order in which they happened',
  )
  t.match(await app.webhooks.inbox.list({ conversation: '8' }), [
    { key: '1:8_1008_message_created', payload: { content: 'message 1008' } },
  ])

  const again = await cli(env, ['catch-up', '--url', url, '--since', new Date((NOW - 2 * HOUR) * 1_000).toISOString()])
  t.match(again, {
    code: 0,
    err: '',
    out: /^ +sent +accepted.*\nstripe +130 +0 +130 +0 +0\nchatwoot +\d+ +0 +\d+ +0 +0\n$/,
  })
})

tap.test('only conversations that wait for the bot', async t => {
  const { app, chatwoot, catchUp } = await world(t)
  let id = 0
  const add = (messages: MessageState[], parts: Partial<ConversationState> = {}) =>
    chatwoot.addConversation({ id: ++id, messages, ...parts })
  const incoming = message(11, { created_at: NOW - 60 })
  const answer = message(12, { message_type: 1, created_at: NOW - 50 })
  const note = message(13, { message_type: 1, private: true, created_at: NOW - 40 })
  const choice = { submitted_values: [{ title: 'Prijzen', value: 'prices' }] }
  const question = message(14, {
    message_type: 1,
    content_type: 'input_select',
    content_attributes: choice,
    created_at: undefined as never,
  })
  const photo = Object.assign(
    message(15, {
      content: null as never,
      content_attributes: null as never,
      content_type: undefined as never,
      created_at: NOW - 30,
    }),
    {
      attachments: [{ file_type: 'image' }],
    },
  )

  add([incoming, note], { status: 'open' })
  add([question])
  add([photo])
  add([incoming, answer])
  add([incoming, answer, note])
  add([incoming], { assignee: 11, status: 'open' })
  add([incoming], { custom_attributes: { bot_disabled: true } })
  add([incoming], { status: 'resolved' })
  add([message(16, { created_at: NOW - 5 * HOUR })], { last_activity_at: NOW - 20 })
  add([incoming], { last_activity_at: NOW - 5 * HOUR })
  add([])
  add([message(17, { created_at: undefined as never })])
  add([note])

  t.match(await catchUp('--since', '3h'), { code: 0, result: { chatwoot: { sent: 3, accepted: 3 } } })
  const kept = await app.webhooks.inbox.list({ source: 'chatwoot' })
  t.same(kept.map(({ orderingKey, event }) => `${orderingKey} ${event}`).sort(), [
    'conversation:1:1 message_created',
    'conversation:1:2 message_updated',
    'conversation:1:3 message_created',
  ])
  // The real webhook of each is now known.
  const submitted = samples.submitted({ conversation: 2, message: 14, choice: { title: 'Prijzen', value: 'prices' } })
  for (const payload of [submitted, samples.incoming({ conversation: 1, message: 11 })]) {
    t.match((await app.inject(chatwootRequest(payload))).json(), { status: 'duplicate' })
  }
})

for (const { hoursAgo, env, tutor, sent } of [
  { hoursAgo: 23, sent: 0 },
  { hoursAgo: 25, sent: 1 },
  { hoursAgo: 3, env: { HANDOFF_HOURS: '2' }, sent: 1 },
  { hoursAgo: 25, tutor: { handOver: { hours: 48 } }, sent: 0 },
  { hoursAgo: 25, env: { HANDOFF_HOURS: '24' }, tutor: { handOver: { hours: 48 } }, sent: 1 },
]) {
  const set = JSON.stringify({ ...env, ...tutor })
  tap.test(`a person wrote ${hoursAgo} hours ago: the bot has it again as the server sees it, ${set}`, async t => {
    const { chatwoot, catchUp } = await world(t, env, tutor)
    const wrote = new Date((NOW - hoursAgo * HOUR) * 1_000).toISOString()
    const messages = [message(11, { created_at: NOW - 60 })]
    chatwoot.addConversation({ id: 1, messages, status: 'open', custom_attributes: { person_wrote_at: wrote } })
    t.match(await catchUp('--since', '1h'), { code: 0, result: { chatwoot: { sent } } })
  })
}

tap.test('what is not configured is skipped, and refusals are reported', async t => {
  const { env, url, chatwoot, stripe } = await world(t)
  const without = (...names: string[]) =>
    Object.fromEntries(Object.entries(env).filter(([name]) => !names.includes(name)))
  const args = ['catch-up', '--url', url, '--since', '1h'] as const
  stripe.events.push(event(1, NOW - 60))
  chatwoot.addConversation({ messages: [message(1, { created_at: NOW - 60 })] })

  const bare = await run(without('CW_TOKEN', 'CW_ADMIN_TOKEN', 'STRIPE_SECRET_KEY'), ...args)
  t.match(bare, {
    code: 0,
    out: /stripe +0/,
    err: 'Stripe: skipped, STRIPE_SECRET_KEY is not set\nChatwoot: skipped, CW_TOKEN is not set',
  })
  const unsigned = await run(without('STRIPE_WEBHOOK_SECRET'), ...args, '--dry-run')
  t.match(unsigned, { code: 0, err: 'Stripe: skipped, STRIPE_WEBHOOK_SECRET is not set', out: /1 would be sent/ })
  t.match(await run(without('CW_TOKEN', 'STRIPE_SECRET_KEY', 'CW_ADMIN_TOKEN'), ...args, '--dry-run'), {
    code: 0,
    out: '0 would be sent; the ones the server already has would be duplicates',
  })

  // A bot's token may not list conversations: Stripe's events are still sent.
  const refused = await run(without('CW_ADMIN_TOKEN'), ...args)
  t.match(refused, {
    code: 1,
    out: /stripe +1 +1/,
    err: /^Chatwoot: .* 401 .*not authorized for bots\ncatch-up: some events/,
  })
  const other = await run({ ...env, STRIPE_WEBHOOK_SECRET: 'whsec_another', CW_HMAC_SECRET: 'another' }, ...args)
  t.match(other, {
    code: 1,
    out: /stripe +1 +0 +0 +0 +1\nchatwoot +1 +1 +0 +0 +0$/,
    err: /^evt_1: the server answered 401 WEBHOOK_SIGNATURE_MISMATCH\n/,
  })
  t.match(await run({ ...env, CW_URL: 'http://a:b@c' }, ...args), { code: 1, err: /CW_URL/ })
})

tap.test('unsigned if the server accepts that; other events of the account are ignored', async t => {
  const { env, url, chatwoot, stripe } = await world(t, { CW_ACC_ID: '1' })
  chatwoot.addConversation({ messages: [message(1, { created_at: NOW - 60 })] })
  stripe.events.push(Object.assign(event(1, NOW - 60), { livemode: true }))
  const { CW_HMAC_SECRET: _, ...unsigned } = env
  const { code, out, err } = await run(unsigned, 'catch-up', '--url', url, '--since', '1h')
  t.match(
    { code, out, err },
    { code: 1, out: /stripe +1 +0 +0 +1 +0\nchatwoot +1 +0 +0 +0 +1/, err: /answered 401 WEBHOOK_SIGNATURE_MISSING/ },
  )
})

tap.test('a rate-limited call is retried when allowed', async t => {
  const { env, url, chatwoot, stripe, catchUp } = await world(t)
  const later = { status: 429, headers: { 'retry-after': '0.01' }, body: { error: 'slow down' } }
  stripe.events.push(event(1, NOW - 60))
  chatwoot.addConversation({ messages: [message(1, { created_at: NOW - 60 })] })
  stripe.fail(/events/, stripeError(429, 'rate_limit_error', 'slow down', later.headers))
  chatwoot.fail(/conversations\?/, later, 2)
  t.match(await catchUp('--since', '1h'), { code: 0, result: { stripe: { accepted: 1 }, chatwoot: { accepted: 1 } } })
  chatwoot.fail(/conversations\?/, later, 6)
  t.match(await catchUp('--since', '1h'), {
    code: 1,
    result: { stripe: { duplicate: 1 }, failures: [{ what: 'Chatwoot', error: /429/ }] },
  })
  chatwoot.fail(/conversations\?/, { status: 500 })
  t.match(await run(env, 'catch-up', '--url', url, '--since', '1h'), {
    code: 1,
    err: /^Chatwoot: Chatwoot answered 500/,
  })

  // The server itself, too.
  stripe.events.push(event(2, NOW - 50))
  const answers = [429, 429, 200]
  const busy = http.createServer((request, response) => {
    request.resume()
    const status = answers.shift() ?? 404
    response.writeHead(status, { 'retry-after': '0.01' }).end(status === 200 ? '{"status":"accepted"}' : 'not JSON')
  })
  busy.listen(0, '127.0.0.1')
  await once(busy, 'listening')
  t.teardown(() => {
    busy.close()
    busy.closeAllConnections()
  })
  const port = (busy.address() as AddressInfo).port
  const busyAnswers = await runJson<Result>(env, 'catch-up', '--url', `http://127.0.0.1:${port}`, '--since', '1h')
  t.match(busyAnswers, {
    code: 1,
    result: { stripe: { accepted: 1 }, failures: [{ error: 'the server answered 404' }] },
  })
})

tap.test('the server is not running', async t => {
  const { app, env, url, stripe } = await world(t)
  stripe.events.push(event(1, NOW - 60))
  await app.close()
  const { code, out, err } = await run(env, 'catch-up', '--url', url, '--since', '1h')
  t.match(
    { code, out, err },
    { code: 1, out: '', err: `catch-up: ${url} can't be reached (ECONNREFUSED): start the server, or pass --url` },
  )
  t.match(await run(env, 'catch-up', '--since', 'yesterday'), { code: 2, err: /--since must be a time/ })
  t.match(await run(env, 'catch-up', '--since', '2026-13-45T10:00'), { code: 2, err: /--since must be a time/ })
  t.match(await run(env, 'catch-up', '--since', '1h', '--url', 'http://127.0.0.1:1'), {
    code: 1,
    err: /can't be reached \(/,
  })
})
