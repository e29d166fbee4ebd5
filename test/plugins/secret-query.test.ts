import { once } from 'node:events'
import { connect as connectHttp2 } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import Fastify, { type FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import webhooks, { type Source, sharedToken, type WebhooksOptions } from '../../app.ts'
import { captureLog } from '../helpers/log.ts'

/** A token in a URL is never logged: neither in Fastify's own lines about requests, nor in those of a host. */

const TOKEN = 'very-secret-token-of-the-url'
const OTHER = 'the-token-of-somebody-else'

const source: Source = {
  name: 'shop',
  path: '/shop',
  verify: sharedToken({ in: 'query', name: 'token', tokens: [TOKEN] }),
  identify: received => {
    if (received.field('fails')) throw new Error('a mistake')
    return { event: 'order' }
  },
}

/** With Fastify's own lines, and a hook of the host's that logs each request. */
async function host(t: Test, serverOptions: object = {}, options: WebhooksOptions = {}) {
  const log = captureLog()
  const app = Fastify({ logger: { level: 'trace', stream: log.stream }, ...serverOptions })
  t.teardown(() => app.close())
  app.addHook('onRequest', async ({ log, url, originalUrl, raw }) =>
    log.info({ url, originalUrl, raw: raw.url, headers: raw.headers }, 'seen'),
  )
  await app.register(webhooks, { store: join(t.testdir(), 'webhooks.db'), sources: [source], ...options })
  app.webhooks.inbox.handle('shop', 'order', () => {})
  return { app: app as unknown as FastifyInstance, log }
}

const post = async (app: FastifyInstance, url: string, payload = '{}') =>
  (await app.inject({ method: 'POST', url, headers: { 'content-type': 'application/json' }, payload })).statusCode

t.test('for every outcome of the request', async t => {
  const { app, log } = await host(t)
  t.equal(await post(app, `/shop?token=${TOKEN}`), 200)
  t.equal(await post(app, `/shop/?a=1&token=${TOKEN}&b=2`), 200)
  t.equal(await post(app, `/shop?%74oken=${TOKEN}`, '{"n":1}'), 200, 'with its name written otherwise')
  t.equal(await post(app, `/shop?token=${TOKEN}`, '{"fails":1}'), 500)
  t.equal(await post(app, `/shop?token=${TOKEN}`, '{'), 400)
  t.equal(await post(app, `/shop?token=${TOKEN}&token=${TOKEN}`), 401)
  t.equal(await post(app, `/shop?token=${OTHER}&%=1`), 401)
  t.equal(await post(app, `/shop?a=1;token=${TOKEN};${OTHER}&token=${OTHER};x`), 401)
  t.equal(await post(app, '/shop'), 401)
  t.match(log.text(), /"url":"\/shop\?token=\[redacted\]"/)
  t.match(log.text(), /"url":"\/shop\/\?a=1&token=\[redacted\]&b=2"/)
  t.match(log.text(), /"url":"\/shop\?token=\[redacted\]&%=1"/)
  t.notMatch(log.text(), TOKEN)
  t.notMatch(log.text(), OTHER)
})

t.test('with a host’s own serializer, logger factory and rewriteUrl', async t => {
  const { app, log } = await host(t, {
    childLoggerFactory: (logger: { child(...args: unknown[]): unknown }, bindings: object, options: object) =>
      logger.child({ ...bindings, mine: true }, options),
    rewriteUrl: ({ url = '' }: { url?: string }) => url.replace('/old', ''),
    routerOptions: { useSemicolonDelimiter: true },
  })
  t.equal(await post(app, `/old/shop?token=${TOKEN}`), 200)
  t.equal(await post(app, `/shop;token=${TOKEN}`), 200)
  t.match(await log.line(({ req }) => req !== undefined), { mine: true, req: { url: '/shop?token=[redacted]' } })
  t.match(await log.line(({ msg }) => msg === 'seen'), { originalUrl: '/old/shop?token=[redacted]' })
  t.notMatch(log.text(), TOKEN)
})

t.test('without a logger', async t => {
  const { app } = await host(t, { logger: false })
  t.equal(await post(app, `/shop?token=${TOKEN}`), 200)
})

t.test('over HTTP/2', async t => {
  const { app, log } = await host(t, { http2: true })
  await app.listen({ port: 0, host: '127.0.0.1' })
  const session = connectHttp2(`http://127.0.0.1:${(app.server.address() as AddressInfo).port}`)
  t.teardown(() => session.destroy())
  const request = session.request({
    ':method': 'POST',
    ':path': `/shop?token=${TOKEN}`,
    'content-type': 'application/json',
  })
  request.end('{}')
  const [headers] = await once(request, 'response')
  t.equal(headers[':status'], 200)
  request.resume()
  await once(request, 'end')
  t.match(await log.line(({ msg }) => msg === 'seen'), { headers: { ':path': '/shop?token=[redacted]' } })
  t.notMatch(log.text(), TOKEN)
})

t.test('other routes, and signing sources, keep their URLs', async t => {
  const { app, log } = await host(t)
  await post(app, '/cw?token=public')
  t.match(log.text(), /"url":"\/cw\?token=public"/)
})

t.test('unsigned Chatwoot webhooks: the URL has a token', async t => {
  const { app, log } = await host(
    t,
    {},
    { chatwoot: { verify: sharedToken({ in: 'query', name: 'key', tokens: [TOKEN] }) } },
  )
  const message = JSON.stringify({ event: 'message_created', id: 1, conversation: { id: 2 }, account: { id: 1 } })
  t.equal(await post(app, `/cw?key=${TOKEN}`, message), 200)
  t.equal(await post(app, '/cw', message), 401)
  t.match(log.text(), /"url":"\/cw\?key=\[redacted\]"/)
  t.notMatch(log.text(), TOKEN)
})
