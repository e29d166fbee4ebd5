import { once } from 'node:events'
import { get as httpGet, type IncomingMessage } from 'node:http'
import t from 'tap'
import { startPage } from '../helpers/sandbox-page.ts'

t.test('who is not at this machine is told that there is no such page', async t => {
  const { page } = await startPage(t)
  const ask = (headers: Record<string, string>, remoteAddress = '127.0.0.1', url = '/sandbox') =>
    page.inject({ url, remoteAddress, headers: { host: '127.0.0.1:3000', ...headers } })
  const allowed: [string, Parameters<typeof ask>][] = [
    ['127.0.0.1', [{}]],
    ['localhost', [{ host: 'localhost:3000' }]],
    ['IPv6', [{ host: '[::1]:3000' }, '::1']],
    ['IPv4 in IPv6', [{}, '::ffff:127.0.0.1']],
  ]
  for (const [name, [...request]] of allowed) t.equal((await ask(...request)).statusCode, 200, name)
  const refused: [string, Parameters<typeof ask>][] = [
    ['another machine', [{}, '192.0.2.7']],
    ['a name that leads here', [{ host: 'rebound.example.com:3000' }]],
    ['a proxy: X-Forwarded-For', [{ 'x-forwarded-for': '127.0.0.1' }]],
    ['a proxy: X-Forwarded-Proto', [{ 'x-forwarded-proto': 'https' }]],
    ['a proxy: Forwarded', [{ forwarded: 'for=127.0.0.1' }]],
    ['a proxy: X-Real-IP', [{ 'x-real-ip': '127.0.0.1' }]],
    ['a proxy: Via', [{ via: '1.1 proxy' }]],
    ['the payment page', [{ via: '1.1 proxy' }, '127.0.0.1', '/sandbox/pay/cs_test_1']],
    ['the events', [{ via: '1.1 proxy' }, '127.0.0.1', '/sandbox/events']],
    ['a file', [{ via: '1.1 proxy' }, '127.0.0.1', '/sandbox/sandbox.js']],
    ['nothing', [{ via: '1.1 proxy' }, '127.0.0.1', '/sandbox/nothing']],
  ]
  const nothing = await page.inject({ url: '/nothing', headers: { host: 'rebound.example.com' } })
  for (const [name, [...request]] of refused) {
    const response = await ask(...request)
    t.equal(response.statusCode, 404, name)
    t.same(Object.keys(response.json()), Object.keys(nothing.json()), `${name}: as where there is nothing`)
    t.notOk(response.headers['content-security-policy'], `${name}: not even its headers`)
  }
  const form = { method: 'POST', url: '/sandbox/do/kill', headers: { host: '127.0.0.1', via: 'x' } } as const
  t.equal((await page.inject(form)).statusCode, 404, 'a form')
})

t.test('what changes something comes from a form of the page', async t => {
  const { post, token, url, world, control } = await startPage(t)
  const form = await token()
  const rows: [string, Record<string, string>, Record<string, string>, RegExp][] = [
    ['another site', { form }, { origin: 'https://example.com' }, /not from this page \(Origin\)/],
    ['another port', { form }, { origin: 'http://127.0.0.1:1' }, /Origin/],
    ['another name of this machine', { form }, { origin: url.replace('127.0.0.1', 'localhost') }, /Origin/],
    ['https', { form }, { origin: url.replace('http:', 'https:') }, /Origin/],
    ['a page without an origin', { form }, { origin: 'null' }, /Origin/],
    ['no token', {}, {}, /from before the sandbox was started again/],
    ['another token', { form: `${form.slice(0, -1)}_` }, {}, /started again/],
    ['an empty token', { form: '' }, {}, /started again/],
    ['a longer token', { form: `${form}a` }, {}, /started again/],
  ]
  for (const [name, fields, headers, says] of rows) {
    for (const action of ['kill', 'dashboard', 'say']) {
      const response = await post(`/sandbox/do/${action}`, { conversation: '1', text: 'Hoi', ...fields }, headers)
      t.equal(response.status, 403, `${name}: ${action}`)
      t.match(await response.text(), says, name)
      t.notOk(response.headers.get('set-cookie'))
    }
  }
  const withoutOrigin = await fetch(`${url}/sandbox/do/kill`, { method: 'POST', body: new URLSearchParams({ form }) })
  t.equal(withoutOrigin.status, 403, 'no Origin at all')
  const json = await fetch(`${url}/sandbox/do/kill`, {
    method: 'POST',
    headers: { origin: url, 'content-type': 'application/json' },
    body: JSON.stringify({ form }),
  })
  t.equal(json.status, 415, 'no form')
  t.equal(control.state(), 'running')
  t.same(world.chatwoot.conversations.get(1)?.messages, [])
})

t.test('nothing is loaded from elsewhere, and nothing is inline', async t => {
  const { url, world, get } = await startPage(t)
  world.stripe.sessions.set('cs_test_9', {
    id: 'cs_test_9',
    payment_intent: null,
    status: 'open',
    amount_total: 6_000,
    currency: 'eur',
  })
  for (const path of ['/sandbox', '/sandbox/', '/sandbox/pay/cs_test_9', '/sandbox/nothing']) {
    const response = await fetch(url + path)
    const { 'content-security-policy': policy, ...headers } = Object.fromEntries(response.headers)
    t.match(policy, /^default-src 'none'; script-src 'self'; style-src 'self';/, path)
    t.notMatch(policy, /unsafe|http|\*/)
    t.match(headers, {
      'x-content-type-options': 'nosniff',
      'cache-control': 'no-store',
      'referrer-policy': 'same-origin',
      'cross-origin-opener-policy': 'same-origin',
    })
    const html = await response.text()
    t.notMatch(html, /\sstyle=|\son\w+=|<style|<script>|https?:\/\//, path)
  }
  t.equal((await fetch(`${url}/sandbox/nothing`)).status, 404)
  t.equal((await fetch(`${url}/sandbox/pay/cs_test_404`)).status, 404)
  for (const name of (await get('/sandbox')).match(/\/sandbox\/[\w.]+\.(css|js|svg)/g) ?? []) {
    const file = await fetch(url + name)
    t.match([file.status, file.headers.get('content-type')], [200, /css|javascript|svg/], name)
    const headers = { 'if-none-match': String(file.headers.get('etag')) }
    t.equal((await fetch(url + name, { headers })).status, 304, `${name}: unchanged`)
  }
})

t.test('what a student, or anybody, types is text', async t => {
  const { press, post, token, get, world, quiet } = await startPage(t)
  const nasty = `<script>alert(1)</script>"><img src=x onerror=alert(1)>' &amp; ${'https'}://evil.example/sandbox/pay/cs_test_1`
  await press('/sandbox', 'student', { name: nasty.slice(0, 60), channel: 'whatsapp', language: 'nl' })
  await press('/sandbox', 'say', { text: nasty })
  await post('/sandbox/do/note', { form: await token(), conversation: '1', text: nasty })
  world.chatwoot.conversations.get(1)?.labels.push(nasty)
  await quiet()
  for (const { id } of world.wire) {
    const html = await get(`/sandbox?wire=${id}&tutor=1`)
    t.notMatch(html, /<script>|<img|onerror=|href="https?:/, `wire ${id}`)
  }
  const html = await get('/sandbox?tutor=%3Cscript%3E&week=x&wire=9e9')
  t.match(html, '&#60;script&#62;alert(1)')
  t.notMatch(html, /<script>/)
})

t.test('open pages are told what changes, and a server that closes waits for none', async t => {
  const { url, page, post, token } = await startPage(t)
  const open = async () => {
    const [response] = (await once(httpGet(`${url}/sandbox/events`), 'response')) as [IncomingMessage]
    // How a connection ends that the server cuts.
    return response.on('error', () => {})
  }
  const events = await open()
  t.match(events.headers, { 'content-type': 'text/event-stream', 'cache-control': 'no-store, no-transform' })
  t.match(`${(await once(events, 'data'))[0]}`, 'retry: 1000\ndata: changed\n\n', 'what was missed')
  const told = once(events, 'data')
  await post('/sandbox/do/faults', { form: await token(), twice: 'yes' })
  t.equal(`${(await told)[0]}`, 'data: changed\n\n')
  const others = await Promise.all(Array.from({ length: 19 }, open))
  const tooMany = await open()
  t.equal(tooMany.statusCode, 429)
  tooMany.resume()
  others[0]?.destroy()
  const ended = new Promise(resolve => events.resume().once('close', resolve))
  await page.close()
  await ended
})
