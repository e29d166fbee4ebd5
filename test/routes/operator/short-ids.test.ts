import tap, { type Test } from 'tap'
import { listen, webhookApp } from '../../helpers/app.ts'
import { run, runJson } from '../../helpers/cli.ts'
import { delivery } from '../../helpers/inbox.ts'
import { STORES } from '../../helpers/stores.ts'

/** Ids as the lists show them, in every URL and command, on both stores. */

const TOKEN = 'the-token-of-the-operator'

const uuid = (beginning: string, n: number) => `${beginning}-d3f6-81bc-9615-${`${n}`.padStart(12, '0')}`
const alone = uuid('80509b90', 1)
const others = ['11111111', '22222222', '33333333'].map(beginning => uuid(beginning, 1))
const twins = [uuid('7c0ffee0', 1), uuid('7c0ffee0', 2)]
const many = Array.from({ length: 7 }, (_, n) => uuid('deadbeef', n))

/** The service with dead deliveries, asked over HTTP. */
async function operatedApp(t: Test, store: string) {
  const { app } = await webhookApp(t, { store, operator: { token: TOKEN } })
  const base = `http://127.0.0.1:${await listen(app)}`
  for (const id of [alone, ...others, ...twins, ...many, 'own-id-of-the-host'])
    await app.webhooks.inbox.accept(delivery(id, { id, unreadable: 'odd' }), 1)
  const api = async (method: string, path: string, body?: object) => {
    const answer = await fetch(base + path, {
      method,
      headers: { authorization: `Bearer ${TOKEN}`, ...(body && { 'content-type': 'application/json' }) },
      ...(body && { body: JSON.stringify(body) }),
    })
    return { status: answer.status, body: (await answer.json()) as Record<string, unknown> }
  }
  let cookie = ''
  const page = async (path: string, form?: Record<string, string>) => {
    const answer = await fetch(`${base}/dashboard${path}`, {
      ...(form && { method: 'POST', body: new URLSearchParams(form) }),
      headers: { cookie },
      redirect: 'manual',
    })
    return { status: answer.status, location: answer.headers.get('location'), body: await answer.text(), answer }
  }
  const { answer } = await page('/sign-in', { token: TOKEN })
  cookie = answer.headers.getSetCookie()[0]?.split(';')[0] as string
  const form = /name="form" value="([\w-]+)"/.exec((await page('')).body)?.[1] as string
  return { app, api, page, form, env: { DATABASE_URL: store } }
}

const AMBIGUOUS = `Several deliveries have an id that begins with 7c0ffee0: ${twins.join(', ')}. Give more of it`

for (const [name, storeFor] of Object.entries(STORES)) {
  tap.test(`${name}: a short id is taken where an id is`, async t => {
    const { app, api, page, form, env } = await operatedApp(t, await storeFor(t))
    const list = await page('/deliveries')
    t.match(list.body, `test ${alone.slice(0, 8)}</small>`)
    t.match(list.body, 'test own-id-of-the-host</small>', 'an id that is no UUID is not cut')
    const table = await run(env, 'list')
    t.match(table.out, / {2}80509b90 {2}/)
    t.match(table.out, / {2}own-id-of-the-host {2}/)
    for (const short of ['80509b90', '80509b90-', alone.slice(0, 20), alone]) {
      t.match(await api('GET', `/deliveries/${short}`), { status: 200, body: { id: alone, state: 'dead' } }, short)
      t.match((await page(`/deliveries/${short}`)).body, `/live?delivery&#61;${alone}`, short)
      t.match(await runJson(env, 'show', short), { code: 0, result: { id: alone, timeline: [{}, { what: 'dead' }] } })
    }
    t.match(await api('GET', '/deliveries/own-id-of-the-host'), { status: 200 })
    t.match(await run(env, 'discard', '80509b90', '--reason', 'x'), { code: 0, out: `${alone} discarded` })
    t.match(await api('POST', '/deliveries/80509b90/discard', { reason: 'x' }), {
      status: 409,
      body: { message: `The delivery ${alone} is discarded: only parked and dead deliveries can be discarded` },
    })
    const [one, two, three] = others as [string, string, string]
    t.match(await api('POST', '/deliveries/11111111/replay'), { status: 202, body: { status: 'replayed', id: one } })
    t.match(await run(env, 'replay', '22222222', '80509b90'), {
      code: 1,
      out: new RegExp(`^${two} +replayed\n80509b90 +The delivery ${alone} is discarded`),
    })
    t.match(await page('/deliveries/33333333/discard', { form, reason: 'y' }), {
      status: 303,
      location: `/dashboard/deliveries/${three}?done=discarded`,
    })
    await app.webhooks.inbox.schedule({ key: 'later', orderingKey: 'o', event: 'e', payload: {}, at: 8.64e12 })
    const [later] = await app.webhooks.inbox.list({ state: 'scheduled' })
    const id = `${later?.id}`
    t.match(await page(`/deliveries/${id.slice(0, 8)}/replay`, { form }), {
      status: 303,
      location: `/dashboard/deliveries/${id}?done=replayed`,
    })
  })

  tap.test(`${name}: an ambiguous id names the candidates, an unknown one is not found`, async t => {
    const { api, page, form, env } = await operatedApp(t, await storeFor(t))
    const body = { code: 'OPERATOR_AMBIGUOUS_DELIVERY', message: AMBIGUOUS }
    t.match(await api('GET', '/deliveries/7c0ffee0'), { status: 409, body })
    t.match(await api('POST', '/deliveries/7c0ffee0/replay'), { status: 409, body })
    t.match(await api('POST', '/deliveries/7c0ffee0/discard', { reason: 'x' }), { status: 409, body })
    t.match(await page('/deliveries/7c0ffee0'), { status: 409, body: new RegExp(AMBIGUOUS) })
    t.match(await page('/deliveries/7c0ffee0/replay', { form }), { status: 409, body: new RegExp(AMBIGUOUS) })
    t.match(await run(env, 'show', '7c0ffee0'), { code: 1, err: `show: ${AMBIGUOUS}` })
    t.match(await run(env, 'discard', '7c0ffee0', '--reason', 'x'), { code: 1, err: `discard: ${AMBIGUOUS}` })
    t.match(await run(env, 'replay', '7c0ffee0'), { code: 1, out: `7c0ffee0  ${AMBIGUOUS}` })
    t.match((await api('GET', '/deliveries/deadbeef')).body, { message: `${many.slice(0, 5).join(', ')}, …. Give` })

    for (const unknown of ['80509b9f', '80509b9', '80509B90', 'own-id-o', alone.slice(1), `${alone}0`]) {
      t.match(await api('GET', `/deliveries/${unknown}`), { status: 404, body: { message: /There is no delivery/ } })
      t.match(await page(`/deliveries/${unknown}`), { status: 404, body: /There is no delivery/ })
      t.match(await run(env, 'show', unknown), { code: 1, err: `show: There is no delivery ${unknown}` })
    }
  })
}
