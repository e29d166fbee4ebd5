import { createHmac, hash } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { buildApp } from '../examples/app.ts'
import { deliveryId } from '../inbox/delivery-id.ts'
import { run, runJson } from './helpers/cli.ts'
import { scrape } from './helpers/metrics.ts'
import { signedBy } from './helpers/senders.ts'

/** The examples, with requests signed as their senders sign them. */

const ADMIN = 'an-operators-long-token'
const SECRETS = {
  calcom: 'cal_secret',
  github: 'sample github secret',
  shopify: 'hush_shopify_secret',
}

const BODIES = {
  calcom: JSON.stringify({
    triggerEvent: 'BOOKING_CREATED',
    createdAt: '2026-11-28T16:00:00.000Z',
    payload: { uid: 'bFJeNb2uX8ANpT3JL5EfXw', title: 'Les', attendees: [{ email: 'sam@example.com', name: 'Sam' }] },
  }),
  github: JSON.stringify({ ref: 'refs/heads/main', repository: { full_name: 'tutor/lessons' } }),
  shopify: JSON.stringify({ id: 8, admin_graphql_api_id: 'gid://shopify/Order/8', name: '#9' }),
}

/** A request from each sender, signed here and not by our own code. */
const SENT = {
  calcom: {
    event: 'BOOKING_CREATED',
    key: `hash:${hash('sha256', BODIES.calcom)}`,
    orderingKey: 'bFJeNb2uX8ANpT3JL5EfXw',
    headers: { 'x-cal-signature-256': sign('calcom', 'hex') },
  },
  github: {
    event: 'push',
    key: '72d3162e-cc78-11e3-81ab-4c9367dc0958',
    orderingKey: 'tutor/lessons',
    headers: {
      'x-hub-signature-256': `sha256=${sign('github', 'hex')}`,
      'x-github-event': 'push',
      'x-github-delivery': '72d3162e-cc78-11e3-81ab-4c9367dc0958',
    },
  },
  shopify: {
    event: 'orders/create',
    key: 'b54557e4-bdd9-4b37-8a5f-bf7d70bcd043',
    orderingKey: 'gid://shopify/Order/8',
    headers: {
      'x-shopify-hmac-sha256': sign('shopify', 'base64'),
      'x-shopify-topic': 'orders/create',
      'x-shopify-webhook-id': 'b54557e4-bdd9-4b37-8a5f-bf7d70bcd043',
    },
  },
}
type Name = keyof typeof SENT
const NAMES = Object.keys(SENT) as Name[]

function sign(name: keyof typeof SECRETS, encoding: 'hex' | 'base64'): string {
  return createHmac('sha256', SECRETS[name]).update(BODIES[name]).digest(encoding)
}

async function start(t: Test) {
  const store = join(t.testdir(), 'webhooks.db')
  const lines: string[] = []
  const logger = { level: 'info', stream: { write: (line: string) => void lines.push(line) } }
  const app = await buildApp({ store, operator: { token: ADMIN } }, SECRETS, logger)
  t.teardown(() => app.close())
  await app.ready()
  const post = async (name: Name, headers: object, payload = BODIES[name]) => {
    const url = `/${name}`
    const { statusCode, body } = await app.inject({
      method: 'POST',
      url,
      headers: { 'content-type': 'application/json', ...headers },
      payload,
    })
    return { http: statusCode, ...JSON.parse(body) } as Record<string, unknown>
  }
  return { app, store, post, log: () => lines.map(line => JSON.parse(line) as Record<string, unknown>) }
}

t.test('ten lines of configuration each', async t => {
  for (const name of NAMES) {
    const lines = readFileSync(new URL(`../examples/${name}.ts`, import.meta.url), 'utf8').split('\n')
    const code = lines.filter(line => line.trim() !== '' && !/^\s*(\/\/|\/\*\*|import )/.test(line))
    t.ok(code.length <= 10, `${name}: ${code.length}`)
  }
})

t.test('their requests are verified, stored once, handled and visible everywhere', async t => {
  const { app, store, post, log } = await start(t)
  for (const name of NAMES) {
    const { event, key, orderingKey, headers } = SENT[name]
    const id = deliveryId(name, key)
    const handled = once(app.webhooks.events, 'handled')
    t.same(await post(name, headers), { http: 200, status: 'accepted', id }, name)
    t.match(await handled, [{ source: name, event, delivery: id, orderingKey, result: 'done' }])
    t.same(await post(name, headers), { http: 200, status: 'duplicate', id })
    t.match(await post(name, headers, `${BODIES[name]} `), { http: 401, code: 'WEBHOOK_SIGNATURE_MISMATCH' })
    t.match(await post(name, {}), { http: 401, code: 'WEBHOOK_SIGNATURE_MISSING' })
    t.ok(
      log().some(line => line.source === name && line.delivery === id && line.outcome === 'accepted'),
      'in the log',
    )

    const { samples } = await scrape(app, ADMIN)
    const count = (outcome: string, reason = '', of = event) =>
      samples.get(
        `tutorbot_webhooks_deliveries_total{source="${name}",event="${of}",outcome="${outcome}",reason="${reason}"}`,
      )
    t.equal(count('accepted'), 1)
    t.equal(count('duplicate'), 1)
    t.equal(count('refused', 'WEBHOOK_SIGNATURE_MISMATCH', 'other'), 1)
    t.equal(samples.get(`tutorbot_webhooks_handler_seconds_count{source="${name}",event="${event}",result="done"}`), 1)
  }
  await seenByOperator(t, app)
  await app.close()
  await knownToCommands(t, store)
})

type App = Awaited<ReturnType<typeof buildApp>>

async function seenByOperator(t: Test, app: App) {
  const form = { 'content-type': 'application/x-www-form-urlencoded', 'sec-fetch-site': 'same-origin' }
  const signedIn = await app.inject({
    method: 'POST',
    url: '/dashboard/sign-in',
    headers: form,
    payload: `token=${ADMIN}`,
  })
  const cookie = [signedIn.headers['set-cookie']].flat()[0]?.split(';')[0]
  for (const name of NAMES) {
    const page = await app.inject({ url: `/dashboard/deliveries?source=${name}`, headers: { cookie } })
    t.match(
      page.body,
      new RegExp(`<small>${name} ${deliveryId(name, SENT[name].key).slice(0, 8)}`),
      'the page lists it',
    )
    t.match(page.body, `<option value="${name}">`, 'and suggests it as a filter')
    const api = await app.inject({ url: `/deliveries?source=${name}`, headers: { authorization: `Bearer ${ADMIN}` } })
    t.match(api.json(), { deliveries: [{ source: name, event: SENT[name].event, state: 'done' }] })
  }
}

async function knownToCommands(t: Test, store: string) {
  const env = { DATABASE_URL: store }
  for (const name of NAMES) {
    const id = deliveryId(name, SENT[name].key)
    t.match((await runJson(env, 'list', '--source', name)).result, { deliveries: [{ id, source: name }] })
    t.match((await runJson(env, 'show', id)).result, { id, source: name, event: SENT[name].event })
  }
  t.match(await run(env, 'forget', '--value', 'sam@example.com'), { code: 0, out: /^1 deliveries erased/ })
}

t.test('a ping signed by GitHub’s SDK is ignored', async t => {
  const { post } = await start(t)
  const { headers, body } = signedBy('github-ping')
  t.same(await post('github', headers, body), { http: 200, status: 'ignored' })
})
