import { join } from 'node:path'
import Fastify, { type FastifyInstance, type FastifyRequest } from 'fastify'
import t, { type Test } from 'tap'
import { deliveryId } from '../../inbox/delivery-id.ts'
import dedup from '../../plugins/dedup.ts'
import inbox, { type InboxOptions } from '../../plugins/inbox.ts'
import verification from '../../plugins/verification.ts'
import { listen } from '../helpers/app.ts'
import { bodyOf, exchange, post } from '../helpers/sockets.ts'

/** A host with its own source, whose deliveries are named in the path. */
async function host(t: Test, options: InboxOptions = {}): Promise<FastifyInstance> {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(verification, { chatwoot: { allowUnsigned: true } })
  await app.register(inbox, { ...options, store: options.store ?? join(t.testdir(), 'own.db') })
  await app.register(dedup)
  app.post<{ Params: { key: string }; Body: Record<string, unknown> }>(
    '/own/:key',
    {
      preParsing: app.keepRawBody,
      preHandler: [
        async request => {
          const { key } = request.params
          const id = deliveryId('own', key)
          const orderingKey = `own:${key}`
          const payload = request.body
          request.delivery = { id, source: 'own', event: 'ping', key, orderingKey, payload, receivedAt: Date.now() }
        },
        app.deduplicate,
      ],
    },
    async () => ({ status: 'mine' }),
  )
  return app
}

const send = (app: FastifyInstance, key: string, payload: object = {}) =>
  app.inject({ method: 'POST', url: `/own/${key}`, payload })

t.test('a host’s own route gets each delivery once', async t => {
  const app = await host(t)
  const handled: string[] = []
  app.webhooks.inbox.handle('own', 'ping', delivery => {
    handled.push(delivery.key)
  })
  t.same((await send(app, 'a')).json(), { status: 'mine' })
  t.same((await send(app, 'b')).json(), { status: 'mine' })
  for (const copy of [await send(app, 'a'), await send(app, 'a', { other: 'bytes' })]) {
    t.equal(copy.statusCode, 200)
    t.same(copy.json(), { status: 'duplicate', id: deliveryId('own', 'a') })
  }
  t.same(
    (await app.webhooks.inbox.list()).map(({ key }) => key),
    ['a', 'b'],
  )
  await app.close()
  t.same(handled, ['a', 'b'])
})

t.test('a delivery is still known after a restart', async t => {
  const store = join(t.testdir(), 'shared.db')
  const first = await host(t, { store })
  t.same((await send(first, 'a')).json(), { status: 'mine' })
  await first.close()
  const second = await host(t, { store })
  t.match((await send(second, 'a')).json(), { status: 'duplicate' })
})

t.test('concurrent copies: one is new, the others wait for its commit', async t => {
  const app = await host(t)
  const answers = await Promise.all(Array.from({ length: 20 }, () => send(app, 'a')))
  const statuses = answers.map(answer => answer.json().status).sort()
  t.same(statuses, [...Array.from({ length: 19 }, () => 'duplicate'), 'mine'])
  t.equal((await app.webhooks.inbox.list()).length, 1)
})

t.test('too many at once: 429 with Retry-After, and nothing is stored', async t => {
  const app = await host(t, { maxWaiting: 1 })
  const [first, ...others] = await Promise.all(['a', 'b', 'c'].map(key => send(app, key)))
  t.same(first?.json(), { status: 'mine' })
  for (const other of others) {
    t.equal(other.headers['retry-after'], '1')
    t.match(other.json(), { statusCode: 429, code: 'WEBHOOK_INBOX_BUSY' })
  }
  t.same(
    (await app.webhooks.inbox.list()).map(({ key }) => key),
    ['a'],
  )
  t.same((await send(app, 'b')).json(), { status: 'mine' }, 'sent again a second later')
})

t.test('too many bytes at once: 429, with or without a declared length', async t => {
  const app = await host(t, { maxWaitingBytes: 20 })
  t.equal((await send(app, 'small', { a: 1 })).statusCode, 200)
  const large = { text: 'x'.repeat(20) }
  t.match((await send(app, 'large', large)).json(), { statusCode: 429, code: 'WEBHOOK_INBOX_BUSY' })

  const port = await listen(app)
  const body = JSON.stringify(large)
  const headers = { 'content-type': 'application/json', 'transfer-encoding': 'chunked', 'content-length': [] }
  const chunked = post('/own/chunked', headers, `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`)
  t.match(bodyOf(await exchange(port, chunked)), { statusCode: 429, code: 'WEBHOOK_INBOX_BUSY' })
})

t.test('without raw bytes the declared length counts', async t => {
  const app = await host(t, { maxWaitingBytes: 20 })
  const identify = async (request: FastifyRequest) => {
    const payload = request.body as Record<string, unknown>
    const id = deliveryId('own', 'declared')
    request.delivery = { id, source: 'own', event: 'ping', key: 'declared', orderingKey: 'own', payload, receivedAt: 0 }
  }
  app.post('/declared', { preHandler: [identify, app.deduplicate] }, async () => ({ status: 'mine' }))
  const large = await app.inject({ method: 'POST', url: '/declared', payload: { text: 'x'.repeat(20) } })
  t.equal(large.statusCode, 429)
  const headers = { 'content-type': 'application/json', 'transfer-encoding': 'chunked', 'content-length': [] }
  const chunked = post('/declared', headers, '2\r\n{}\r\n0\r\n\r\n')
  t.match(bodyOf(await exchange(await listen(app), chunked)), { status: 'mine' })
})

t.test('without a delivery it says what is missing', async t => {
  const app = await host(t)
  app.post('/nothing', { preHandler: app.deduplicate }, async () => 'passed')
  const response = await app.inject({ method: 'POST', url: '/nothing', payload: {} })
  t.match(response.json(), { statusCode: 500, message: /a preHandler before it that sets request.delivery/ })
})

t.test('it can’t be registered without an inbox', async t => {
  const app = Fastify()
  await t.rejects(async () => await app.register(dedup), { message: /tutorbot-inbox/ })
})
