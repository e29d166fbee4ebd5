import { once } from 'node:events'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setImmediate } from 'node:timers/promises'
import Fastify, { type InjectOptions } from 'fastify'
import tap, { type Test } from 'tap'
import webhooks, { PermanentError, type WebhooksOptions } from '../../../app.ts'
import { chatwoot } from '../../../commands/samples.ts'
import type { NewDelivery } from '../../../inbox/contracts.ts'
import { TransientError } from '../../../inbox/errors.ts'
import { chatwootRequest, listen, webhookApp } from '../../helpers/app.ts'
import { testClock } from '../../helpers/clock.ts'
import { open as openSocket, receives } from '../../helpers/sockets.ts'

const TOKEN = 'the-token-of-the-operator'
const HOUR = 60 * 60 * 1_000

/** An app with an operator's page, and a browser that can sign in to it. */
async function operatedApp(t: Test, options: WebhooksOptions = {}) {
  const state = { error: new PermanentError('not yet') as Error | undefined }
  const { app, log, store } = await webhookApp(t, {
    handlers: {
      message_created: () => {
        if (state.error !== undefined) throw state.error
      },
    },
    operator: { token: TOKEN },
    ...options,
  })
  const base = `${options.prefix ?? ''}/dashboard`
  let cookie = ''
  await app.ready()

  const request = (url: string, more: InjectOptions = {}) =>
    app.inject({ url: url.startsWith(base) ? url : base + url, ...more, headers: { cookie, ...more.headers } })
  const post = (url: string, form: Record<string, string>, headers: Record<string, string> = {}) =>
    request(url, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
      payload: `${new URLSearchParams(form)}`,
    })
  /** Signs in, and returns the session's form token. */
  async function signIn(): Promise<string> {
    const answer = await post('/sign-in', { token: TOKEN })
    cookie = answer.headers['set-cookie']?.[0]?.split(';')[0] as string
    const page = await request('')
    return /name="form" value="([\w-]+)"/.exec(page.body)?.[1] as string
  }
  const handled = () => once(app.webhooks.events, 'handled')
  async function deliver(message: number, conversation = 1): Promise<string> {
    const ended = handled()
    const answer = await app.inject(
      chatwootRequest(chatwoot.incoming({ message, conversation }), undefined, `${options.prefix ?? ''}/cw`),
    )
    await ended
    return answer.json().id as string
  }
  return { app, log, store, base, state, request, post, signIn, deliver, handled, cookie: () => cookie }
}

const locationOf = (answer: { statusCode: number; headers: Record<string, unknown> }) => {
  return { status: answer.statusCode, location: answer.headers.location }
}

tap.test('nothing is shown before signing in', async t => {
  const { app, request, post } = await operatedApp(t)
  for (const url of ['', '/', '/deliveries?state=dead', '/deliveries/x', '/deliveries/replay']) {
    const answer = await request(url)
    const next = encodeURIComponent(`/dashboard${url}`).replaceAll('%20', '+')
    t.same(locationOf(answer), { status: 303, location: `/dashboard/sign-in?next=${next}` })
    t.equal(answer.body, '')
  }
  for (const url of ['/deliveries/x/replay', '/deliveries/x/discard', '/deliveries/replay', '/sign-out']) {
    const answer = await post(url, { form: 'x' })
    t.equal(answer.statusCode, 401, url)
    t.match(answer.body, 'You are signed out; nothing was changed.')
  }
  t.equal((await request('/live')).statusCode, 401)
  t.match(await request('/nothing'), { statusCode: 404, body: /There is no such page/ })
  t.equal((await app.inject('/deliveries')).statusCode, 401, 'the API has its own way in')
})

tap.test('signing in, and out', async t => {
  const { app, log, request, post, signIn, cookie } = await operatedApp(t)
  const form = await request('/sign-in?next=%2Fdashboard%2Fdeliveries%3Fstate%3Ddead')
  t.match(form.body, 'name="next" value="/dashboard/deliveries?state&#61;dead"')
  const wrong = await post('/sign-in', { token: 'not-the-token-at-all', next: '/dashboard/deliveries' })
  t.match(wrong, { statusCode: 401, body: /role="alert">Wrong token/ })
  t.notOk(wrong.headers['set-cookie'])
  t.equal((await post('/sign-in', {})).statusCode, 401)

  const answer = await post('/sign-in', { token: TOKEN, next: '/dashboard/deliveries?state=dead' })
  t.same(locationOf(answer), { status: 303, location: '/dashboard/deliveries?state=dead' })
  t.match(
    answer.headers['set-cookie'],
    ['dashboard', 'docs'].map(
      path =>
        new RegExp(
          `^tutorbot_operator=[\\w-]{22}\\.\\d{13}\\.[\\w-]{43}; Path=/${path}; Max-Age=43200; HttpOnly; SameSite=Strict$`,
        ),
    ),
  )
  t.match(log.lines.at(-1), { level: 30, msg: 'operator signed in', ip: '127.0.0.1' })
  t.notMatch(log.text(), TOKEN)

  const token = await signIn()
  t.equal((await request('')).statusCode, 200)
  t.equal(
    (await app.inject({ url: '/deliveries', headers: { cookie: cookie() } })).statusCode,
    401,
    'for the page only',
  )
  t.equal((await app.inject({ url: '/docs', headers: { cookie: cookie() } })).statusCode, 200, 'and what it explains')
  const out = await post('/sign-out', { form: token })
  t.same(locationOf(out), { status: 303, location: '/dashboard/sign-in' })
  t.same(
    out.headers['set-cookie'],
    ['dashboard', 'docs'].map(path => `tutorbot_operator=; Path=/${path}; Max-Age=0; HttpOnly; SameSite=Strict`),
  )
})

tap.test('signing in only redirects within the page', async t => {
  const { post } = await operatedApp(t)
  const elsewhere = [
    'https://evil.example/',
    '//evil.example/x',
    '/elsewhere',
    '/dashboard/../elsewhere',
    'http://',
    '/dashboards/',
  ]
  for (const next of elsewhere) {
    t.equal((await post('/sign-in', { token: TOKEN, next })).headers.location, '/dashboard', next)
  }
  const odd = { token: TOKEN, next: '/dashboard/deliveries?text=é\r\nx-evil: 1' }
  t.equal((await post('/sign-in', odd)).headers.location, '/dashboard/deliveries?text=%C3%A9x-evil:%201')
})

tap.test('behind https the cookie is Secure', async t => {
  const app = Fastify({ trustProxy: 'loopback' })
  t.teardown(() => app.close())
  await app.register(webhooks, { store: join(t.testdir(), 'webhooks.db'), operator: { token: TOKEN } })
  const answer = await app.inject({
    method: 'POST',
    url: '/dashboard/sign-in',
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      'x-forwarded-proto': 'https',
      'x-forwarded-host': 'hooks.example.com',
      origin: 'https://hooks.example.com',
    },
    payload: `token=${TOKEN}`,
  })
  t.equal(answer.statusCode, 303)
  t.match(answer.headers['set-cookie'], [/; SameSite=Strict; Secure$/, /; SameSite=Strict; Secure$/])
})

tap.test('10 wrong tokens a minute, for the page and the API together', async t => {
  const { app, post } = await operatedApp(t)
  for (let wrong = 0; wrong < 5; wrong++) {
    t.equal((await post('/sign-in', { token: `wrong-${wrong}` })).statusCode, 401)
    const headers = { authorization: `Bearer wrong-${wrong}` }
    t.equal((await app.inject({ url: '/deliveries', headers })).statusCode, 401)
  }
  const answer = await post('/sign-in', { token: 'wrong-again' })
  t.match(answer, { statusCode: 429, headers: { 'retry-after': String }, body: /Too many wrong tokens/ })
  t.notOk(answer.headers['set-cookie'])
  const right = await post('/sign-in', { token: TOKEN })
  t.equal(right.statusCode, 303, 'the right one is never shut out')
  t.ok(right.headers['set-cookie'])
})

tap.test('a cookie that was tampered with, has expired, or is of another token', async t => {
  const clock = testClock()
  const { request, signIn, cookie } = await operatedApp(t, { inbox: { clock } })
  await signIn()
  const [name, value] = cookie().split('=') as [string, string]
  const [id, expiresAt, signature] = value.split('.') as [string, string, string]
  const status = async (sent: string) => (await request('', { headers: { cookie: sent } })).statusCode
  t.equal(await status(`other=1; ${name}=${value}; more=2`), 200)
  for (const tampered of [
    `${id}.${Number(expiresAt) + 1}.${signature}`,
    `${id}x.${expiresAt}.${signature}`,
    `${id}.${expiresAt}.${signature}x`,
    `${id}.${expiresAt}.${'x'.repeat(signature.length)}`,
    `${id}.${expiresAt}`,
    `${id}.${expiresAt}.`,
    '',
  ]) {
    t.equal(await status(`${name}=${tampered}`), 303, tampered)
  }
  t.equal(await status(`x${name}=${value}`), 303)

  const sister = await operatedApp(t, { inbox: { clock } })
  t.equal(
    (await sister.request('', { headers: { cookie: cookie() } })).statusCode,
    200,
    'an instance with the same token',
  )
  const changed = await operatedApp(t, { inbox: { clock }, operator: { token: 'another-token-of-the-operator' } })
  t.equal((await changed.request('', { headers: { cookie: cookie() } })).statusCode, 303, 'the token was changed')

  clock.advance(12 * HOUR - 1)
  t.equal(await status(cookie()), 200)
  clock.advance(1)
  t.equal(await status(cookie()), 303)
})

tap.test('every change needs a form of this session', async t => {
  const { app, state, request, post, signIn, deliver, cookie } = await operatedApp(t)
  const id = await deliver(1)
  state.error = undefined
  const first = await signIn()
  const form = await signIn()
  t.not(first, form)
  const changes: [string, Record<string, string>][] = [
    [`/deliveries/${id}/replay`, {}],
    [`/deliveries/${id}/discard`, { reason: 'x' }],
    ['/deliveries/replay', {}],
    ['/sign-out', {}],
  ]
  for (const [url, fields] of changes) {
    for (const given of [undefined, '', first, `${form}x`, form.replace(/.$/, '!')]) {
      const answer = await post(url, { ...fields, ...(given !== undefined && { form: given }) })
      t.equal(answer.statusCode, 403, url)
      t.match(answer.body, 'nothing was changed')
    }
    const foreign: Record<string, string>[] = [
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site', origin: 'http://localhost:80' },
      { origin: 'https://evil.example' },
      { origin: 'null' },
    ]
    for (const headers of foreign) {
      t.equal((await post(url, { ...fields, form }, headers)).statusCode, 403, JSON.stringify(headers))
    }
  }
  t.equal((await post('/sign-in', { token: TOKEN }, { 'sec-fetch-site': 'cross-site' })).statusCode, 403)
  const json = { 'content-type': 'application/json', cookie: cookie() }
  const url = `/deliveries/${id}/replay`
  t.equal((await request(url, { method: 'POST', headers: json, payload: { form } })).statusCode, 415)
  t.equal((await request(url, { method: 'POST' })).statusCode, 403)
  t.equal((await app.webhooks.inbox.get(id))?.state, 'dead')

  const own = { origin: 'http://localhost:80', 'sec-fetch-site': 'same-origin' }
  t.equal((await post(url, { form }, own)).statusCode, 303)
})

tap.test('the headers of every answer', async t => {
  const { request, signIn } = await operatedApp(t)
  await signIn()
  for (const url of ['', '/sign-in', '/deliveries', '/deliveries/x', '/nothing', '/deliveries?state=x', '/page.js']) {
    const { headers } = await request(url)
    t.match(
      headers,
      {
        'content-security-policy':
          "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'same-origin',
        'cache-control': url === '/page.js' ? 'no-cache' : 'no-store',
      },
      url,
    )
  }
})

tap.test('static files are served from here, and cached', async t => {
  const { request } = await operatedApp(t)
  const types = {
    'page.css': /css/,
    'page.js': /javascript/,
    'icon.svg': /svg/,
    'uplot.css': /css/,
    'uplot.js': /javascript/,
  }
  for (const [name, type] of Object.entries(types)) {
    const { statusCode, headers, body } = await request(`/${name}`)
    t.match({ statusCode, type: headers['content-type'] }, { statusCode: 200, type })
    t.ok(body.length > 100)
    const again = await request(`/${name}`, { headers: { 'if-none-match': `${headers.etag}` } })
    t.match(again, { statusCode: 304, body: '' })
  }
})

tap.test('foreign text is never markup', async t => {
  const { app, request, signIn, handled } = await operatedApp(t)
  const evil = (name: string) => `<img src=x onerror="${name}">'&`
  const marks = /<img|onerror="/
  await signIn()
  app.webhooks.inbox.handle('own', evil('event'), () => {
    throw new PermanentError(evil('error'))
  })
  const delivery = (parts: Partial<NewDelivery>): NewDelivery => ({
    id: 'an-id',
    source: 'own',
    event: evil('event'),
    key: evil('key'),
    orderingKey: evil('ordering'),
    payload: { [evil('name')]: evil('value'), bidi: '\u202eevil\u2066' },
    receivedAt: Date.now(),
    ...parts,
  })
  const failed = handled()
  await app.webhooks.inbox.accept(delivery({}), 1)
  await failed
  await app.webhooks.inbox.accept(delivery({ id: `"><script>`, source: evil('source'), unreadable: evil('why') }), 1)
  const page = await request('/deliveries/an-id')
  for (const name of ['event', 'error', 'key', 'ordering', 'value']) {
    t.match(page.body, `&#60;img src&#61;x onerror&#61;`, name)
    t.match(page.body, name)
  }
  t.match(page.body, '\\u202eevil\\u2066', 'nor does it turn the text around')
  const pages = [
    page,
    await request(''),
    await request('/deliveries'),
    await request(`/deliveries/${encodeURIComponent('"><script>')}`),
    await request(`/deliveries?text=${encodeURIComponent(evil('text'))}`),
    await request(`/deliveries?state=${encodeURIComponent(evil('state'))}`),
    await request(`/deliveries/replay?text=${encodeURIComponent(evil('text'))}`),
    await request(`/deliveries/${encodeURIComponent(evil('id'))}`),
    await request(`/sign-in?next=${encodeURIComponent(`/dashboard/"><script>${evil('next')}`)}`),
    await request(`/deliveries?done=replayed-many&count=${encodeURIComponent(evil('count'))}`),
  ]
  for (const { body } of pages) {
    t.notMatch(body, marks)
    t.notMatch(body, /<script>/)
  }
})

tap.test('the overview says which system is unavailable', async t => {
  const { app, request, signIn } = await operatedApp(t)
  await signIn()
  const { breakers } = app.webhooks
  breakers.watch('stripe', () => new Promise(() => {}))
  breakers.watch('chatwoot', () => new Promise(() => {}))
  t.notMatch((await request('')).body, /is unavailable/)
  breakers.failed('box', new TransientError('<502>', { outage: { system: 'chatwoot', isProof: true } }))
  const { body } = await request('')
  t.match(body, /chatwoot is unavailable<\/h2>\s*<p>What needs it waits since .*TransientError: [^<]*502/)
  t.notMatch(body, /stripe is unavailable/)
})

tap.test('the overview', async t => {
  const { state, request, signIn, deliver } = await operatedApp(t)
  await signIn()
  const empty = await request('')
  t.match(empty.body, 'Nothing needs you')
  t.match(empty.body, 'Nothing has arrived yet.')
  t.match(empty.body, 'No handler has run in the last hour.')
  const id = await deliver(1)
  state.error = new Error('again')
  const waiting = await deliver(2, 2)
  t.match((await request(`/deliveries/${waiting}`)).body, /<li class="failed">[\s\S]*<strong>Next attempt/)
  const { body } = await request('')
  t.match(body, /Needs a person: 1 <small>dead/)
  t.match(body, `href="/dashboard/deliveries/${id}"`)
  t.match(body, /Oldest waiting since<\/dt><dd><time datetime="20/)
  t.match(body, /<th scope="row">message_<wbr>created/)
  t.match(body, 'Times are in Europe/Amsterdam.')
  t.equal((await request('/')).statusCode, 200, 'with a slash, too')
})

tap.test('the list: filters in the address, page by page', async t => {
  const { request, signIn, deliver } = await operatedApp(t)
  await signIn()
  t.match((await request('/deliveries')).body, 'No matching deliveries.')
  const ids = [await deliver(1, 7), await deliver(2, 8), await deliver(3, 7)]
  const shown = (body: string) => [...body.matchAll(/href="\/dashboard\/deliveries\/([\w-]{36})"/g)].map(([, id]) => id)

  const all = await request('/deliveries')
  t.same(shown(all.body), ids.toReversed())
  t.match(all.body, 'Replay all parked and dead deliveries')
  t.same(shown((await request('/deliveries?conversation=7&state=dead')).body), [ids[2], ids[0]])
  const done = await request('/deliveries?state=done')
  t.same(shown(done.body), [])
  t.notMatch(done.body, 'Replay all')
  t.notMatch((await request('/deliveries?state=pending')).body, 'Replay all')

  const first = await request('/deliveries?limit=2&conversation=&source=chatwoot')
  t.same(shown(first.body), [ids[2], ids[1]])
  t.notMatch(first.body, '>Newest<')
  const older = /href="([^"]+)" rel="next"/
    .exec(first.body)?.[1]
    ?.replace(/&#38;/g, '&')
    .replace(/&#61;/g, '=') as string
  t.match(older, /^\/dashboard\/deliveries\?source=chatwoot&limit=2&cursor=\d+$/)
  const second = await request(older)
  t.same(shown(second.body), [ids[0]])
  t.match(second.body, '>Newest<')
  t.notMatch(second.body, 'rel="next"')

  const next = await request('/deliveries?from=2020-01-01T10:00&to=2020-01-01T09:30:00Z')
  t.same(shown(next.body), [])
  t.match(next.body, 'name="from" type="datetime-local" value="2020-01-01T10:00"')
  t.match(next.body, 'name="to" type="datetime-local" value="2020-01-01T10:30"', 'in the zone of the page')
})

tap.test('times are in the page’s zone', async t => {
  const clock = testClock(Date.parse('2026-11-23T10:00:30Z'))
  const { app, request, signIn } = await operatedApp(t, { inbox: { clock }, calendar: { timeZone: 'Asia/Tokyo' } })
  await signIn()
  const parts = { source: 'own', event: 'x', key: 'k', orderingKey: 'o', payload: {}, receivedAt: clock.now() }
  await app.webhooks.inbox.accept({ id: 'an-id', ...parts }, 1)
  for (const [query, found] of Object.entries({
    'from=2026-11-23T19:00&to=2026-11-23T19:01': true,
    'from=2026-11-23T10:00Z&to=2026-11-23T10:01Z': true,
    'from=2026-11-23T19:01': false,
    'to=2026-11-23T19:00': false,
  })) {
    t.equal((await request(`/deliveries?${query}`)).body.includes('23 Nov 2026, 19:00:30'), found, query)
  }
})

tap.test('a range includes all of a repeated hour, and resubmitting the form changes nothing', async t => {
  const { app, request, signIn } = await operatedApp(t)
  await signIn()
  const parts = { source: 'own', event: 'x', orderingKey: 'o', payload: {} }
  for (const [key, at] of Object.entries({ summer: '2026-10-25T00:30:30Z', winter: '2026-10-25T01:30:30Z' })) {
    await app.webhooks.inbox.accept({ id: key, key, ...parts, receivedAt: Date.parse(at) }, 1)
  }
  const found = async (query: string) => {
    const { body } = await request(`/deliveries?${query}`)
    const fields = [...body.matchAll(/name="(from|to)" type="[a-z-]+" value="([^"]*)"/g)]
    const ids = ['summer', 'winter'].filter(id => body.includes(`/deliveries/${id}"`))
    return {
      ids,
      sent: new URLSearchParams(fields.map(([, name = '', value = '']): [string, string] => [name, value])),
    }
  }
  for (const [query, ids] of Object.entries({
    'from=2026-10-25T02:30&to=2026-10-25T02:31': ['summer', 'winter'],
    'from=2026-10-25T02:30:30&to=2026-10-25T02:30:30': ['summer'],
    'from=2026-10-25T02:30:00%2B02:00&to=2026-10-25T02:31:00%2B02:00': ['summer'],
    'from=2026-10-25T02:30:00%2B01:00&to=2026-10-25T02:31:00%2B01:00': ['winter'],
    'from=2026-10-25T00:30:30Z&to=2026-10-25T00:30:30.001Z': ['summer'],
  })) {
    const first = await found(query)
    t.same(first.ids, ids, query)
    const again = await found(`${first.sent}`)
    t.same(again.ids, ids, `again: ${first.sent}`)
    t.equal(`${again.sent}`, `${first.sent}`)
  }
})

tap.test('a filter’s error is shown beside it', async t => {
  const { request, post, signIn } = await operatedApp(t)
  const form = await signIn()
  const cases = {
    'state=lost': ['state', 'state must be one of pending'],
    'conversation=x': ['conversation', 'conversation must be a number'],
    'from=yesterday': ['from', 'from must be a time'],
    'to=2026-13-40T10:00': ['to', 'to must be a time'],
    [`text=${'x'.repeat(300)}`]: ['text', 'text must not be longer'],
    'cursor=-1': ['cursor', 'cursor must be a whole number'],
    'limit=1000': ['limit', 'limit must be a whole number'],
    'source=a&source=b': ['source', 'source must be a string'],
  }
  for (const [query, [field, message]] of Object.entries(cases)) {
    const answer = await request(`/deliveries?${query}`)
    t.equal(answer.statusCode, 400, query)
    t.match(answer.body, `<p class="error" id="${field}-error">${message}`)
    if (field !== 'cursor' && field !== 'limit') {
      t.match(answer.body, new RegExp(`id="${field}"[^>]* aria-invalid="true" aria-describedby="${field}-error"`))
    }
  }
  t.match((await request('/deliveries?from=yesterday')).body, 'value="yesterday"')
  t.match(await request('/deliveries/replay?state=done'), {
    statusCode: 400,
    body: /must be parked, dead or quarantined, or omitted/,
  })
  t.match(await post('/deliveries/replay', { form, state: 'done' }), { statusCode: 400 })
})

tap.test('what simulate has sent is marked, in the list and on its own page', async t => {
  const { request, signIn, deliver } = await operatedApp(t)
  await signIn()
  const ids = { sample: await deliver(1, 1_795_915_575_254_000), real: await deliver(2, 7) }
  const { body: list } = await request('/deliveries')
  t.equal(list.split('<small class="sample">sample</small>').length, 2, 'one of two')
  t.match(list, new RegExp(`${ids.sample.slice(0, 8)}</small></a> <small class="sample">sample</small>`))
  t.match((await request(`/deliveries/${ids.sample}`)).body, 'sample</small>, made up by simulate')
  t.notMatch((await request(`/deliveries/${ids.real}`)).body, 'made up by simulate')
})

tap.test('what is scheduled for later: listed, done now, discarded', async t => {
  const { app, request, post, signIn } = await operatedApp(t)
  const form = await signIn()
  const { inbox } = app.webhooks
  const at = Date.now() + 60 * 60_000
  for (const key of ['now', 'not'])
    await inbox.schedule({ key, orderingKey: 'box', event: 'remind', payload: { key }, at })
  const listed = await request('/deliveries?state=scheduled')
  t.match(listed.body, /Scheduled for later <small>scheduled<\/small><\/span> <small>for <time/)
  const [now, not] = (await inbox.list({ state: 'scheduled' })).map(({ id }) => id)
  const { body } = await request(`/deliveries/${now}`)
  for (const part of ['<dt>Scheduled</dt>', 'Do it now…', 'Yes, do it now', 'It will not be handled'])
    t.match(body, part)
  await post(`/deliveries/${now}/replay`, { form })
  t.match(await inbox.get(now as string), { nextAttemptAt: null })
  await post(`/deliveries/${not}/discard`, { form, reason: 'moved' })
  t.match((await request(`/deliveries/${not}`)).body, 'Why it was discarded:</strong> moved')
})

tap.test('one delivery: facts, timeline, content', async t => {
  const { app, store, request, signIn, deliver, state } = await operatedApp(t)
  await signIn()
  const id = await deliver(1, 7)
  const { body } = await request(`/deliveries/${id}`)
  t.match(body, 'What went wrong:</strong> PermanentError: not yet')
  t.match(body, '<a href="/dashboard/deliveries?conversation=7">conversation:1:7</a>')
  t.match(body, 'Accepted and stored')
  t.match(body, 'Attempt 1 failed; given up, needs a person')
  t.match(body, '&#34;event&#34;: &#34;message_created&#34;')
  t.match(body, `data-live="/dashboard/live?delivery&#61;${id}"`)

  state.error = undefined
  const long = { id: 'long', source: 'own', event: 'x', key: 'k', orderingKey: 'own:1', receivedAt: Date.now() }
  await app.webhooks.inbox.accept({ ...long, payload: { text: 'y'.repeat(250_000) }, unreadable: 'no JSON' }, 1)
  const cut = await request('/deliveries/long')
  t.match(cut.body, 'Given up: it can’t be read')
  t.match(cut.body, 'Cut here, after 200,000 of 250,0')
  t.ok(cut.body.length < 220_000)

  const db = new DatabaseSync(store)
  db.exec('DELETE FROM body')
  db.close()
  const pruned = await request(`/deliveries/${id}`)
  t.match(pruned.body, 'Deleted: its retention time is over')
  t.match(pruned.body, 'It can’t be replayed: its content has been deleted.')
  t.notMatch(pruned.body, 'Yes, replay it')
})

tap.test('replaying and discarding one delivery', async t => {
  const { app, state, request, post, signIn, deliver, handled } = await operatedApp(t)
  const form = await signIn()
  const [first, second] = [await deliver(1, 1), await deliver(2, 2)] as const
  state.error = undefined
  const done = handled()
  const replayed = await post(`/deliveries/${first}/replay`, { form })
  t.same(locationOf(replayed), { status: 303, location: `/dashboard/deliveries/${first}?done=replayed` })
  await done
  const page = await request(`${replayed.headers.location}`)
  t.match(page.body, 'role="status">Replayed.')
  t.match(page.body, 'Handled, at attempt 2')
  t.match(page.body, 'A person replayed it')
  t.notMatch(page.body, 'What went wrong')

  t.match(await post(`/deliveries/${first}/replay`, { form }), {
    statusCode: 409,
    body: /is done: only parked and dead deliveries/,
  })
  t.match(await post('/deliveries/unknown/replay', { form }), {
    statusCode: 404,
    body: /There is no delivery unknown\./,
  })
  t.match(await request('/deliveries/unknown'), { statusCode: 404, body: /There is no delivery unknown\./ })
  t.match(await post(`/deliveries/${second}/discard`, { form, reason: ' ' }), {
    statusCode: 400,
    body: /reason must be/,
  })
  const discarded = await post(`/deliveries/${second}/discard`, { form, reason: 'by phone' })
  t.same(locationOf(discarded), { status: 303, location: `/dashboard/deliveries/${second}?done=discarded` })
  const aside = await request(`${discarded.headers.location}`)
  t.match(aside.body, 'role="status">Discarded.')
  t.match(aside.body, 'Why it was discarded:</strong> by phone')
  t.equal((await app.webhooks.inbox.get(second))?.state, 'discarded')
})

tap.test('a delivery being handled can’t be replayed', async t => {
  const hold = Promise.withResolvers<void>()
  const started = Promise.withResolvers<void>()
  const handlers = {
    message_created: async () => {
      started.resolve()
      await hold.promise
    },
  }
  const { app, request, post, signIn } = await operatedApp(t, { handlers })
  const form = await signIn()
  const { id } = (await app.inject(chatwootRequest(chatwoot.incoming()))).json()
  await started.promise
  t.match(await post(`/deliveries/${id}/replay`, { form }), { statusCode: 409, body: /is being handled/ })
  const { body } = await request(`/deliveries/${id}`)
  t.match(body, /Being handled <small>in flight/)
  t.match(body, 'Attempt 1 is in progress')
  hold.resolve()
})

tap.test('replaying what a filter matches, after showing the count', async t => {
  const { app, state, request, post, signIn, deliver } = await operatedApp(t)
  const form = await signIn()
  const ids = [await deliver(1, 1), await deliver(2, 1), await deliver(3, 2)]
  const ask = await request('/deliveries/replay?conversation=1')
  t.match(ask.body, '<h1>Replay 2 deliveries?</h1>')
  t.match(ask.body, '<input type="hidden" name="conversation" value="1">')
  t.match((await request('/deliveries/replay')).body, 'The filter is empty: this includes all of them.')
  const none = await request('/deliveries/replay?conversation=9')
  t.match(none.body, 'Replay 0 deliveries?')
  t.notMatch(none.body, 'Yes, replay')

  state.error = undefined
  const done = new Promise<void>(resolve => {
    let left = 2
    app.webhooks.events.on('handled', () => {
      if (--left === 0) resolve()
    })
  })
  const answer = await post('/deliveries/replay', { form, conversation: '1', text: '' })
  t.same(locationOf(answer), {
    status: 303,
    location: '/dashboard/deliveries?conversation=1&done=replayed-many&count=2',
  })
  await done
  t.match((await request(`${answer.headers.location}`)).body, '2 deliveries replayed.')
  const states = await Promise.all(ids.map(async id => (await app.webhooks.inbox.get(id))?.state))
  t.same(states, ['done', 'done', 'dead'])
})

tap.test('a failing store is an error page without the reason', async t => {
  const { log, store, request, signIn } = await operatedApp(t)
  await signIn()
  const db = new DatabaseSync(store)
  db.exec('ALTER TABLE delivery RENAME TO gone')
  db.close()
  for (const url of ['', '/deliveries', '/deliveries/replay']) {
    const answer = await request(url)
    t.equal(answer.statusCode, 500)
    t.match(answer.body, 'Something went wrong; see the log.')
    t.notMatch(answer.body, /no such table/)
  }
  t.match(log.lines.at(-1), {
    level: 50,
    msg: "request to the operator's page failed",
    err: { message: /no such table/ },
  })
})

tap.test('a page updates itself, and does not delay closing', async t => {
  const { app, signIn, deliver, cookie, state } = await operatedApp(t, { prefix: '/hooks' })
  const port = await listen(app)
  await signIn()
  const get = async (query: string, headers = '') => {
    const socket = await openSocket(port)
    socket.setEncoding('utf8')
    const request = `GET /hooks/dashboard/live?${query} HTTP/1.1\r\nhost: x\r\ncookie: ${cookie()}\r\n${headers}\r\n`
    return { socket, request }
  }
  const overview = await get('')
  const first = receives(overview.socket, /event: parts\ndata: .*\n\n/)
  overview.socket.write(overview.request)
  t.match(await first, /content-type: text\/event-stream[\s\S]*"attention":.*Nothing needs you/)
  const news = receives(overview.socket, /Needs a person: 1/)
  const id = await deliver(1)
  t.match(await news, `/hooks/dashboard/deliveries/${id}`)

  const one = await get(`delivery=${id}`)
  const shown = receives(one.socket, /Yes, replay it/)
  one.socket.write(one.request)
  await shown
  const done = receives(one.socket, /Handled, at attempt 2/)
  state.error = undefined
  await app.webhooks.inbox.replay([id])
  t.notMatch(await done, 'Nothing needs you')

  const closed = Promise.all([overview.socket, one.socket].map(socket => once(socket, 'close')))
  await app.close()
  await closed
})

tap.test('an ended session closes its event stream', async t => {
  const clock = testClock()
  const { app, signIn, cookie } = await operatedApp(t, { inbox: { clock } })
  const port = await listen(app)
  await signIn()
  const socket = await openSocket(port)
  const first = receives(socket, /event: parts/)
  socket.write(`GET /dashboard/live HTTP/1.1\r\nhost: x\r\ncookie: ${cookie()}\r\n\r\n`)
  await first
  clock.advance(12 * HOUR)
  while (!socket.closed) {
    clock.advance(1_000)
    await setImmediate()
  }
  t.ok(socket.closed)
})
