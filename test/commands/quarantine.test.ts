import Fastify from 'fastify'
import tap, { type Test } from 'tap'
import webhooks from '../../app.ts'
import { openStoreForCommand } from '../../backends/index.ts'
import { migrateStore } from '../../commands/migrate-store.ts'
import { chatwoot, stripeEvent, stripeSession } from '../../commands/samples.ts'
import { run, runJson } from '../helpers/cli.ts'
import { OPERATOR_TOKEN, operator } from '../helpers/operator.ts'
import { refused } from '../helpers/quarantine-conformance.ts'
import { STORES } from '../helpers/stores.ts'

/** Quarantined deliveries in the commands, the API and the page. */

const HOUR = 60 * 60 * 1_000
const ROOM = 2 ** 20

/** A server with quarantine, whose secrets are not those of what is in it, and the operator at its page. */
async function served(t: Test, store: string) {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(webhooks, {
    store,
    quarantine: { maxMegabytes: 1 },
    operator: { token: OPERATOR_TOKEN },
    sources: [
      {
        name: 'shop',
        path: '/shop',
        // Takes what says so, as if the signature were right now.
        verify: Object.assign(() => (body: Buffer) => body.includes('genuine'), { signatureHeaders: ['x-signature'] }),
        identify: ({ payload }) => ({ event: 'paid', key: payload.id }),
      },
    ],
    handlers: { shop: { paid: () => {} } },
  })
  await app.ready()
  const at = operator(app)
  await at.signIn()
  return { ...at, app }
}

/** Puts requests into the quarantine of a store whose server may be running. */
async function keep(store: string, ...requests: Parameters<typeof refused>[]) {
  const opened = await openStoreForCommand(store)
  await opened.quarantine.keep(
    requests.map(given => refused(...given)),
    ROOM,
  )
  await opened.close()
}

const of = (source: string, payload: object | string, receivedAt = Date.now()) => ({
  source,
  receivedAt,
  body: Buffer.from(typeof payload === 'string' ? payload : JSON.stringify(payload)),
})
const idsIn = async (store: string) =>
  (
    await runJson<{ deliveries: { id: string }[] }>({ DATABASE_URL: store }, 'list', '--state', 'quarantined')
  ).result.deliveries
    .map(({ id }) => id)
    .sort()

for (const [name, storeFor] of Object.entries(STORES)) {
  tap.test(`${name}: the page and the API verify them again and say what became of each`, async t => {
    const store = await storeFor(t)
    const { api, page, form } = await served(t, store)
    const genuine = (n: number) => of('shop', { id: `genuine ${n}` })
    await keep(
      store,
      ['a', genuine(1)],
      ['b', genuine(2)],
      ['c', genuine(3)],
      ['d', of('shop', {})],
      ['e', of('shop', {})],
    )
    t.match(await api('GET', '/deliveries/d'), {
      state: 'quarantined',
      timeline: [{ what: 'refused', detail: 'WEBHOOK_SIGNATURE_MISMATCH' }],
    })
    t.match((await page('/dashboard/deliveries/d')).body, /Verify it again…/)
    t.match((await page('/dashboard/deliveries?state=quarantined')).body, /Verify all that match this filter again…/)
    t.match((await page('/dashboard/deliveries/replay?state=quarantined')).body, /Yes, verify 5 deliveries/)

    t.match(await api('POST', '/deliveries/a/replay'), { status: 'replayed', id: 'a' })
    t.match(await api('GET', '/deliveries/a'), { status: 404 })
    const answer = await api('POST', '/deliveries/d/replay')
    t.match(answer, { status: 409, message: /d is still refused: WEBHOOK_SIGNATURE_MISMATCH: / })
    t.match((await page('/dashboard/deliveries/d')).body, /Verified again, and still refused/)

    const one = await form('/dashboard/deliveries/b/replay')
    t.equal(one.headers.location, '/dashboard/deliveries?done=verified&count=1')
    t.match((await page(`${one.headers.location}`)).body, /1 delivery accepted, or known already\.</)
    const rest = await form('/dashboard/deliveries/replay', { state: 'quarantined' })
    t.match(
      (await page(`${rest.headers.location}`)).body,
      /1 delivery accepted, or known already\. 2 still refused: the list/,
    )
    t.match(await api('POST', '/deliveries/replay', { filter: { state: 'quarantined' } }), {
      matched: 2,
      replayed: 0,
      refused: [{ why: /MISMATCH/ }, { why: /MISMATCH/ }],
      waiting: 0,
    })
    const deleted = await form('/dashboard/deliveries/d/discard', { reason: 'forged' })
    t.match((await page(`${deleted.headers.location}`)).body, /Deleted from quarantine\./)
    t.same(await idsIn(store), ['e'])
    t.equal((await api('GET', '/deliveries?source=shop')).deliveries.length, 3)
    t.match((await page('/metrics')).statusCode, 401)
  })

  tap.test(`${name}: forget finds a person in them, in any kind of body; prune and doctor`, async t => {
    const store = await storeFor(t)
    await (await served(t, store)).app.close()
    const env = { DATABASE_URL: store, CW_ACC_ID: '1' }
    const own = { contactId: 777, conversation: 51 }
    const session = (metadata: Record<string, string>) =>
      stripeEvent('checkout.session.completed', stripeSession({ metadata }))
    await keep(
      store,
      ['own', of('chatwoot', chatwoot.incoming({ ...own, message: 1 }))],
      ['own conversation', of('chatwoot', chatwoot.outgoing({ ...own, message: 2 }))],
      ['own payment', of('stripe', session({ conversation_id: '51' }))],
      ['another', of('chatwoot', chatwoot.incoming({ contactId: 778, conversation: 52, message: 3 }))],
      ['another payment', of('stripe', session({ conversation_id: '52' }))],
      ['a list', of('shop', [{ email: 'Sam@example.com' }])],
      ['a form', of('shop', 'email=sam%40example.com&b=1')],
      ['a text', of('shop', 'mail to sam@example.com')],
      ['another text', of('shop', 'mail to max@example.com')],
      ['no event', of('chatwoot', '"only a text"')],
      ['old', of('shop', {}, Date.now() - 25 * HOUR)],
    )
    t.match((await run(env, 'doctor')).out, /11 refused webhooks are kept, see list --state quarantined/)
    const asked = ['--contact', '777', '--value', 'sam@example.com']
    t.match((await runJson(env, 'forget', ...asked, '--dry-run')).result, { forgotten: 6 })
    t.match((await runJson(env, 'forget', ...asked)).result, { forgotten: 6, inFlight: [] })
    t.equal((await run(env, 'prune')).code, 0)
    t.same(await idsIn(store), ['another', 'another payment', 'another text', 'no event'])
    t.equal((await run({ ...env, QUARANTINE_HOURS: '0.000001', QUARANTINE_MB: '1' }, 'prune')).code, 0)
    t.same(await idsIn(store), [])
    t.notMatch((await run(env, 'doctor')).out, /refused webhooks/)
  })
}

tap.test('migrate-store does not move them, and says so', async t => {
  const from = await (STORES.SQLite as (t: Test) => string)(t)
  await (await served(t, from)).app.close()
  await keep(from, ['a'])
  const lines: string[] = []
  await migrateStore({
    from,
    to: await (STORES.PostgreSQL as () => Promise<string>)(),
    print: line => lines.push(line),
  })
  t.match(lines.join('\n'), /^quarantine: 1 refused deliveries are not moved: replay them before/m)
})

tap.test('several pages of them', async t => {
  const store = await (STORES.SQLite as (t: Test) => string)(t)
  const { api } = await served(t, store)
  const many = Array.from({ length: 210 }, (_, n): [string, object] => [`${n}`, of('shop', { n })])
  await keep(store, ...many, ['genuine', of('shop', { id: 'genuine' })])
  const answer = await api('POST', '/deliveries/replay', { filter: { state: 'quarantined' } })
  t.match(answer, { matched: 211, replayed: 1, waiting: 0 })
  t.equal(answer.refused.length, 210)
})
