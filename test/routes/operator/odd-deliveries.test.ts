import { once } from 'node:events'
import { DatabaseSync } from 'node:sqlite'
import pg from 'pg'
import tap, { type Test } from 'tap'
import { PermanentError } from '../../../app.ts'
import { chatwoot } from '../../../commands/samples.ts'
import { chatwootRequest, webhookApp } from '../../helpers/app.ts'
import { run, runJson } from '../../helpers/cli.ts'
import { STORES } from '../../helpers/stores.ts'

/** A sender, a host or a wrong clock has put unexpected values into a store: they are shown anyway. */

const TOKEN = 'the-token-of-the-operator'
const authorization = `Bearer ${TOKEN}`

/** An app whose handler fails permanently, viewed in every possible way. */
async function operatedApp(t: Test, store: string) {
  const { app } = await webhookApp(t, {
    store,
    operator: { token: TOKEN },
    handlers: {
      message_created: () => {
        throw new PermanentError('no')
      },
    },
  })
  const signedIn = await app.inject({ method: 'POST', url: '/dashboard/sign-in', payload: { token: TOKEN } })
  t.equal(signedIn.statusCode, 415, 'a form is what it takes')
  const form = await app.inject({
    method: 'POST',
    url: '/dashboard/sign-in',
    payload: `token=${TOKEN}`,
    headers: { 'content-type': 'application/x-www-form-urlencoded', 'sec-fetch-site': 'same-origin' },
  })
  const cookie = form.headers['set-cookie']?.[0]?.split(';')[0] as string
  const get = (url: string) => app.inject({ url, headers: { cookie, authorization } })
  async function deliver(body: object | string): Promise<string> {
    const handled = once(app.webhooks.events, 'handled')
    const answer = await app.inject(chatwootRequest(body))
    await handled
    return answer.json().id as string
  }
  return { get, deliver }
}

/** Changes a delivery as it is stored. */
async function change(store: string, assignments: string): Promise<void> {
  if (store.startsWith('postgres')) {
    const client = new pg.Client(store)
    await client.connect()
    await client.query(`UPDATE tutorbot_webhooks.delivery SET ${assignments}`)
    await client.end()
    return
  }
  const db = new DatabaseSync(store)
  db.exec(`UPDATE delivery SET ${assignments}`)
  db.close()
}

for (const [name, storeFor] of Object.entries(STORES)) {
  tap.test(`${name}: a payload is shown, however deeply it is nested`, async t => {
    const store = await storeFor(t)
    const { get, deliver } = await operatedApp(t, store)
    for (const [message, depth] of [7_000, 100_000].entries()) {
      const deep = `${'{"a":['.repeat(depth / 2)}"bottom"${']}'.repeat(depth / 2)}`
      const body = JSON.stringify(chatwoot.incoming({ message })).replace(/}$/, `,"deep":${deep}}`)
      const id = await deliver(body)

      const api = await get(`/deliveries/${id}`)
      t.equal(api.statusCode, 200)
      t.ok(api.body.endsWith(`"deep":${deep}}}`), 'all of it')
      const page = await get(`/dashboard/deliveries/${id}`)
      t.equal(page.statusCode, 200)
      t.match(page.body, 'On one line, because it is nested more than 200 levels deep.')

      const shown = await run({ DATABASE_URL: store }, 'show', id)
      t.equal(shown.code, 0)
      const [why, line] = shown.out.split('\n').slice(-2)
      t.equal(why, 'On one line, because it is nested more than 200 levels deep:')
      t.ok(line?.endsWith(`"deep":${deep}}`))
      const asJson = await run({ DATABASE_URL: store }, 'show', id, '--json')
      t.equal(asJson.code, 0)
      t.ok(asJson.out.endsWith(`"deep":${deep}}}`))
    }
  })

  tap.test(`${name}: invalid times are shown as the nearest valid one`, async t => {
    const store = await storeFor(t)
    const { get, deliver } = await operatedApp(t, store)
    const id = await deliver(chatwoot.incoming())
    const env = { DATABASE_URL: store }
    for (const [at, shown] of [
      ['9000000000000000', '9999-12-31T23:59:59.999Z'],
      ['-9000000000000000', '0000-01-01T00:00:00.000Z'],
    ] as const) {
      await change(store, `received_at = ${at}, settled_at = ${at}, next_attempt_at = ${at}`)
      const list = await get('/deliveries')
      t.match(list.json().deliveries, [{ id, receivedAt: shown, settledAt: shown, nextAttemptAt: shown }])
      t.match((await get(`/deliveries/${id}`)).json().timeline, [{ what: 'accepted', at: shown }])
      for (const path of ['', '/deliveries', `/deliveries/${id}`]) {
        t.match(await get(`/dashboard${path}`), { statusCode: 200, body: `datetime="${shown}"` }, path)
      }
      t.match((await runJson(env, 'list')).result, { deliveries: [{ receivedAt: shown }] })
      t.match((await run(env, 'show', id)).out, `receivedAt     ${shown}`)
      await change(store, `state = 'pending', attempts = 0`)
      t.match(await get('/dashboard'), { statusCode: 200, body: `datetime="${shown}"` }, 'the oldest that waits')
      const metrics = await get('/metrics')
      t.equal(metrics.statusCode, 200)
      t.match(metrics.body, /^tutorbot_webhooks_backlog_age_seconds \d/m)
      await change(store, `state = 'dead', attempts = 1`)
    }
  })

  tap.test(`${name}: any requested id is just an id`, async t => {
    const store = await storeFor(t)
    const { get, deliver } = await operatedApp(t, store)
    await deliver(chatwoot.incoming())
    const env = { DATABASE_URL: store }
    for (const id of [
      '0',
      '\u0000',
      'a\u0000b',
      "'; --",
      '%',
      '😀',
      '__proto__',
      'é'.repeat(40),
      '\n',
      '../..',
      '{}',
      '\ud800',
    ]) {
      if (id.isWellFormed()) {
        for (const path of ['/deliveries', '/dashboard/deliveries']) {
          t.equal((await get(`${path}/${encodeURIComponent(id)}`)).statusCode, 404, JSON.stringify(id))
        }
        for (const field of ['text', 'source', 'event']) {
          const answer = await get(`/deliveries?${field}=${encodeURIComponent(id)}`)
          t.equal(answer.statusCode, 200, `${field} ${JSON.stringify(id)}: ${answer.body}`)
        }
      }
      t.match(await run(env, 'show', id), { code: 1, err: /There is no delivery/ }, JSON.stringify(id))
    }
  })
}
