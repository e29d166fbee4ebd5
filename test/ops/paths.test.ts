import { readFileSync } from 'node:fs'
import type http from 'node:http'
import t, { type Test } from 'tap'
import { isInstalled } from '../helpers/installed.ts'
import { exchange, post, statusOf } from '../helpers/sockets.ts'
import { startApache } from './apache.ts'
import { startCaddy } from './caddy.ts'
import { startHaproxy } from './haproxy.ts'
import { startNginx, startNginxWith } from './nginx.ts'
import { type StartProxy, startBackend } from './proxies.ts'

/** The only paths that the service may get, with the sender's query. */
const PUBLIC = /^\/(cw|webhook\/payments)(\?|$)/

/** Meant for a webhook: they must arrive, under its own path. */
const PASS = {
  '/cw': '/cw',
  '/cw/': '/cw',
  '/cw?x': '/cw?x',
  '/cw?next=/deliveries&a=%2F..': '/cw?next=/deliveries&a=%2F..',
  '/cw/?x=1': '/cw?x=1',
  '/cw?x=/': '/cw?x=/',
  '/webhook/payments': '/webhook/payments',
  '/webhook/payments/': '/webhook/payments',
  '/webhook/payments?x': '/webhook/payments?x',
}

/** A proxy must either refuse these, or pass on a public path. */
const ODD = [
  ...[
    '//cw',
    '///cw',
    '/cw//',
    '/./cw',
    '/cw/.',
    '/cw/./',
    '/x/../cw',
    '/../cw',
    '/x/..//cw/',
    '/%2e/cw',
    '/%2e%2e/cw',
  ],
  ...['/%63w', '/c%77', '/%63%77/', '/cw%2f', '/%2fcw', '/cw%2F', '/webhook%2fpayments', '/webhook/%70ayments'],
  ...['/webhook//payments', '/webhook/./payments', '/webhook/x/../payments', '//webhook/payments//'],
  ...[
    '/cw/../deliveries',
    '/cw/%2e%2e/deliveries',
    '/cw%2f..%2fdeliveries',
    '/cw/..%2fdeliveries',
    '/cw/..;/deliveries',
  ],
  ...[
    '/deliveries/..%2fcw',
    '/deliveries/../cw',
    '/deliveries%2f..%2fcw',
    '/deliveries%2f..%2f/cw',
    '/dashboard/%2e%2e/cw',
    '/deliveries/..%2fdashboard',
    '/deliveries%2f..%2fdashboard/x',
    '/metrics/..%2fcalendar.ics',
  ],
  ...['/metrics/../cw', '/ready/%2e./cw', '/deliveries/replay/../../cw', '/deliveries/replay%2f..%2f..%2fcw'],
  ...[
    '/deliveries//../cw',
    '/deliveries%00/../cw',
    '/deliveries%3f/../cw',
    '/deliveries%23/../cw',
    '/deliveries;/../cw',
  ],
  ...[
    '/cw#/../deliveries',
    '/cw%23',
    '/cw%3fx',
    '/cw%00',
    '/cw%20',
    '/cw%0a',
    '/cw%0d%0aX:1',
    '/cw%5c',
    '/cw%c0%af',
    '/cw%ff',
  ],
  ...['/cw\\', '\\cw', '/\\cw', '/cw\\..\\deliveries', '/deliveries\\..\\cw', '/deliveries%5c..%5ccw', '/x\\../cw'],
  ...['/cw;x', '/cw;x=1/../deliveries', '/;x/cw', '/deliveries;/..;/cw', '/cw/;x', '/cw;'],
  ...['/CW', '/Cw', '/cW/', '/Webhook/Payments', '/WEBHOOK/payments'],
  ...['/%2563w', '/cw%252f..%252fdeliveries', '/deliveries/%252e%252e/cw', '/%25%36%33w'],
  ...[
    '/deliveries',
    '/deliveries/',
    '/dashboard',
    '/metrics',
    '/docs',
    '/health',
    '/ready',
    '/calendar.ics',
    '/',
    '/*',
    '*',
  ],
  ...[
    '/cwx',
    '/cw/x',
    '/xcw',
    '/webhook',
    '/webhook/payments/x',
    '/webhook/paymentsx',
    '/webhook/payments/../../deliveries',
  ],
  ...['http://hooks.example.com/cw', 'http://hooks.example.com/deliveries', 'http://127.0.0.1:3000/cw/../deliveries'],
  ...[
    'http://x/cw@deliveries',
    'http://hooks.example.com//cw',
    'cw',
    '?',
    '/?/cw',
    '/cw/?/../deliveries',
    '/%',
    '/cw%',
    '/cw%2',
  ],
]

function testPaths(t: Test, startProxy: StartProxy, open = PUBLIC): void {
  t.test('under any host name, only the two webhooks reach the service', async t => {
    let reached: http.IncomingMessage | undefined
    const backend = await startBackend(t, (request, response) => {
      reached = request
      response.end('{}')
    })
    const port = Number(new URL(await startProxy(t, backend)).port)
    /** The request that the service got; undefined: none. */
    async function send(path: string, method = 'POST'): Promise<{ status: number; url: string | undefined }> {
      reached = undefined
      const request = post(path, { host: 'hooks.example.com' }).toString('latin1')
      const status = statusOf(await exchange(port, Buffer.from(request.replace('POST', method), 'latin1')))
      return { status, url: (reached as http.IncomingMessage | undefined)?.url }
    }

    for (const [path, url] of Object.entries(PASS)) t.same(await send(path), { status: 200, url }, path)
    for (const path of ODD) {
      for (const method of ['POST', 'GET']) {
        const { status, url } = await send(path, method)
        const name = `${method} ${path}: ${status} ${url}`
        if (url === undefined) t.ok(status >= 400 && status < 500, `refused: ${name}`)
        else t.match(url, open, `public: ${name}`)
      }
    }
  })
}

t.test('nginx', async t => {
  if (isInstalled(t, 'nginx', '-v')) testPaths(t, startNginx)
})

t.test('nginx with the documented locations for the page and the feed', async t => {
  const read = (path: string) => readFileSync(new URL(`../../docs/${path}`, import.meta.url), 'utf8')
  const page = /^location \/dashboard \{.*?^\}/ms.exec(read('operating.md'))?.[0]
  const feed = /`(location = \/calendar\.ics \{.*? \})`/.exec(read('bot.md'))?.[1]
  if (!isInstalled(t, 'nginx', '-v')) return
  const start: StartProxy = (t, backend) => startNginxWith(t, `${page}\n${feed}`, backend)
  testPaths(t, start, /^\/(cw|webhook\/payments|dashboard|dashboard\/.*|calendar\.ics)(\?|$)/)
})

t.test('Caddy', async t => {
  if (isInstalled(t, 'caddy', 'version')) testPaths(t, startCaddy)
})

t.test('HAProxy', async t => {
  if (isInstalled(t, 'haproxy', '-v')) testPaths(t, startHaproxy)
})

t.test('Apache', async t => {
  if (isInstalled(t, 'apache2', '-v')) testPaths(t, startApache)
})
