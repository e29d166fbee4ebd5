import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import Fastify from 'fastify'
import t, { type Test } from 'tap'
import { chatwoot, railsJson } from '../commands/samples.ts'
import { EnvError } from '../environment.ts'
import { OptionError, StoreOpenError } from '../inbox/errors.ts'
import { signChatwoot } from '../plugins/verification.ts'
import { buildServer, explainFailure, start, withoutRequestLog } from '../server.ts'
import { CHATWOOT_SECRET, chatwootRequest } from './helpers/app.ts'
import { startCollector } from './helpers/collector.ts'
import { startGoogleApi } from './helpers/google-api.ts'
import { LEVELS } from './helpers/log.ts'
import { exchange, open, post, readAll, receives, statusOf } from './helpers/sockets.ts'
import { SERVER_FILE, standalone } from './helpers/standalone.ts'

/** An environment for a server in this process: quiet, on a free port, with its own store. */
const environment = (t: Test, env: Record<string, string> = {}) => ({
  PORT: '0',
  LOG_LEVEL: 'silent',
  DATABASE_URL: join(t.testdir(), 'webhooks.db'),
  CW_HMAC_SECRET: CHATWOOT_SECRET,
  ...env,
})

/** A signed message that asks the server to say when it has read the head. */
function message(number: number): { head: string; body: string; whole: Buffer } {
  const body = railsJson(chatwoot.incoming({ message: number }))
  const headers = signChatwoot(body, CHATWOOT_SECRET)
  const whole = post('/cw', headers, body, 'keep-alive')
  const bytes = post('/cw', { ...headers, expect: '100-continue' }, body, 'keep-alive').toString()
  return { head: bytes.slice(0, bytes.indexOf('\r\n\r\n') + 4), body, whole }
}

t.test('buildServer', async t => {
  t.test('has the webhooks, health and readiness', async t => {
    const app = await buildServer({ env: environment(t) })
    t.teardown(() => app.close())
    t.match((await app.inject(chatwootRequest(chatwoot.incoming()))).json(), { status: 'accepted' })
    t.same((await app.inject('/health')).json(), { status: 'ok' })
    t.match((await app.inject('/ready')).json(), { status: 'ready' })
    t.equal(app.config.PORT, 0)
  })

  t.test('handles the messages of the inboxes that it is for', async t => {
    const app = await buildServer({ env: environment(t, { CW_INBOX_IDS: '7,9' }) })
    t.teardown(() => app.close())
    for (const [id, status] of [
      [7, 'accepted'],
      [8, 'ignored'],
      [9, 'accepted'],
    ] as const) {
      const body = chatwoot.incoming({ message: id, inbox: { id, name: 'An inbox' } })
      t.match((await app.inject(chatwootRequest(body))).json(), { status }, `inbox ${id}`)
    }
  })

  t.test('serves the lessons feed only with a token', async t => {
    const closed = await buildServer({ env: environment(t) })
    t.teardown(() => closed.close())
    t.equal((await closed.inject('/calendar.ics')).statusCode, 404)
    const token = 'a-token-of-the-calendar'
    const open = await buildServer({
      env: environment(t, { DATABASE_URL: join(t.testdirName, '2.db'), CALENDAR_TOKEN: token }),
    })
    t.teardown(() => open.close())
    t.match((await open.inject(`/calendar.ics?token=${token}`)).body, /^BEGIN:VCALENDAR/)
    t.equal((await open.inject('/calendar.ics?token=another')).statusCode, 401)
  })

  t.test('has the operator’s routes only with a token', async t => {
    const closed = await buildServer({ env: environment(t) })
    t.teardown(() => closed.close())
    t.equal((await closed.inject('/deliveries')).statusCode, 404)
    const token = 'a-token-of-the-operator'
    const open = await buildServer({
      env: environment(t, { DATABASE_URL: join(t.testdirName, '2.db'), ADMIN_TOKEN: token }),
    })
    t.teardown(() => open.close())
    t.equal((await open.inject('/deliveries')).statusCode, 401)
    const headers = { authorization: `Bearer ${token}` }
    t.same((await open.inject({ url: '/deliveries', headers })).json(), { deliveries: [], next: null, searched: null })
  })

  t.test('has only /metrics with METRICS_TOKEN only', async t => {
    const token = 'a-token-of-prometheus'
    const app = await start({ env: environment(t, { METRICS_TOKEN: token }) })
    t.teardown(() => app.close())
    const headers = { authorization: `Bearer ${token}` }
    t.equal((await app.inject({ url: '/metrics', headers })).statusCode, 200)
    t.equal((await app.inject('/metrics')).statusCode, 401)
    t.equal((await app.inject({ url: '/deliveries', headers })).statusCode, 404)
  })

  t.test('keeps refused deliveries and sends traces where the environment says so', async t => {
    const collector = await startCollector(t)
    const env = environment(t, { QUARANTINE_MB: '1', OTEL_EXPORTER_OTLP_ENDPOINT: collector.url })
    const app = await start({ env })
    t.teardown(() => app.close())
    const kept = once(app.webhooks.events, 'quarantined')
    const request = chatwootRequest(chatwoot.incoming())
    const forged = { ...request.headers, 'x-chatwoot-signature': `sha256=${'0'.repeat(64)}` }
    t.equal((await app.inject({ ...request, headers: forged })).statusCode, 401)
    t.match(await kept, [{ outcome: 'kept' }])
    t.equal((await collector.span('POST /cw')).attributes['http.response.status_code'], 401)
  })

  t.test('answers 404 in the shape of all errors', async t => {
    const app = await buildServer({ env: environment(t) })
    t.teardown(() => app.close())
    for (const [method, url] of [
      ['GET', '/cw?token=1'],
      ['POST', '/nothing'],
      ['DELETE', '/webhook/payments'],
    ] as const) {
      const response = await app.inject({ method, url })
      t.equal(response.statusCode, 404)
      const message = `There is nothing at ${method} ${url.split('?')[0]}`
      t.same(response.json(), { statusCode: 404, code: 'NOT_FOUND', error: 'Not Found', message })
    }
    t.match((await app.inject('/%zz')).json(), { statusCode: 400, code: 'FST_ERR_BAD_URL' })
  })

  t.test('cuts off slow senders, and keeps connections longer than a proxy does', async t => {
    const app = await buildServer({ env: environment(t) })
    t.teardown(() => app.close())
    t.match(app.server, { requestTimeout: 30_000, headersTimeout: 10_000, keepAliveTimeout: 72_000 })
  })

  t.test('accepts several secrets, with spaces around the commas', async t => {
    const app = await buildServer({ env: environment(t, { CW_HMAC_SECRET: `other , ${CHATWOOT_SECRET}` }) })
    t.teardown(() => app.close())
    t.match((await app.inject(chatwootRequest(chatwoot.incoming()))).json(), { status: 'accepted' })
  })

  t.test('trusts the configured proxies', async t => {
    for (const [trust, ip] of [
      ['loopback', '203.0.113.7'],
      ['10.0.0.0/8, 127.0.0.1', '203.0.113.7'],
      ['10.0.0.1', '127.0.0.1'],
    ] as const) {
      const app = await buildServer({ env: environment(t, { TRUST_PROXY: trust }) })
      app.get('/ip', async request => request.ip)
      t.equal((await app.inject({ url: '/ip', headers: { 'x-forwarded-for': '203.0.113.7' } })).body, ip, trust)
      await app.close()
    }
  })

  t.test('without a secret it accepts only direct requests from this machine by default', async t => {
    for (const [allow, status] of [
      ['false', 401],
      ['true', 200],
    ] as const) {
      const { CW_HMAC_SECRET: _, ...env } = environment(t, { CW_ALLOW_UNSIGNED: allow })
      const app = await buildServer({ env })
      const request = chatwootRequest(chatwoot.incoming({ message: status }))
      t.equal((await app.inject(request)).statusCode, 200)
      const forwarded = { ...request, headers: { ...request.headers, 'x-forwarded-for': '203.0.113.7' } }
      t.equal((await app.inject(forwarded)).statusCode, status)
      await app.close()
    }
  })
})

t.test('start', async t => {
  t.test('listens, and closes', async t => {
    const app = await start({ env: environment(t) })
    const { port } = app.server.address() as AddressInfo
    t.equal(
      statusOf(await exchange(port, message(1).whole, 'GET /health HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n')),
      200,
    )
    await app.close()
    t.equal(app.server.listening, false)
    t.same(
      process.listeners('SIGTERM').filter(({ name }) => name === 'onSignal'),
      [],
      'and hears no signals any more',
    )
  })

  t.test('closes the store if it can’t listen', async t => {
    const taken = createServer().listen(0, '127.0.0.1')
    t.teardown(() => taken.close())
    await new Promise(resolve => taken.once('listening', resolve))
    const { port } = taken.address() as AddressInfo
    const env = environment(t, { PORT: String(port) })
    const message = `PORT ${port} on 127.0.0.1 is in use: stop what uses it, or set another`
    await t.rejects(start({ env }), new EnvError(message))
    const app = await start({ env: { ...env, PORT: '0' } })
    await app.close()
  })
})

t.test('start: an address that is not ours', async t => {
  const env = environment(t, { HOST: '192.0.2.1' })
  await t.rejects(start({ env }), {
    name: 'EnvError',
    message: /^can't listen on HOST 192\.0\.2\.1, PORT 0 \(/,
  })
})

t.test('explainFailure', async t => {
  const prefix = 'tutorbot-webhooks did not start: '
  t.equal(explainFailure(new EnvError('PORT is wrong')), `${prefix}PORT is wrong`)
  t.equal(explainFailure(new OptionError('chatwoot.url is wrong')), `${prefix}chatwoot.url is wrong`)
  t.equal(explainFailure(new StoreOpenError('x.db is in use')), `${prefix}DATABASE_URL: x.db is in use`)
  const bug = new Error('a bug')
  t.equal(explainFailure(bug), `${prefix}${bug.stack}`, 'what was not foreseen keeps its stack')
})

t.test('a start that fails: one line that names the variable and the fix, and exit code 1', async t => {
  const folder = t.testdir({
    'a-file': 'not a folder',
    'text.db': 'no database, but long enough to be one. '.repeat(50),
  })
  const inUse = join(folder, 'in-use.db')
  const running = await buildServer({ env: { LOG_LEVEL: 'silent', DATABASE_URL: inUse } })
  t.teardown(() => running.close())
  const taken = createServer().listen(0, '127.0.0.1')
  t.teardown(() => taken.close())
  await new Promise(resolve => taken.once('listening', resolve))
  const { port } = taken.address() as AddressInfo
  mkdirSync(join(folder, 'dir', '.env'), { recursive: true })
  mkdirSync(join(folder, 'dotenv'))
  writeFileSync(join(folder, 'dotenv', '.env'), 'PORT=from-the-file\n')

  const cases: [string, Record<string, string>, RegExp, string?][] = [
    ['a port that is no number', { PORT: 'http' }, /PORT must be an integer/],
    ['the same in .env', {}, /PORT must be an integer/, join(folder, 'dotenv')],
    ['.env is a folder', {}, /\.env can't be read/, join(folder, 'dir')],
    ['an empty secret', { CW_HMAC_SECRET: '' }, /CW_HMAC_SECRET .*is empty/],
    ['a bad list of proxies', { TRUST_PROXY: 'everybody' }, /TRUST_PROXY is not a list of addresses/],
    ['a token without an account', { CW_TOKEN: 'x', CW_URL: 'http://127.0.0.1' }, /CW_ACC_ID/],
    [
      'a folder that can’t be written',
      { DATABASE_URL: join(folder, 'a-file', 'x.db') },
      /DATABASE_URL: .*a-file.* can't be written .*writable folder/,
    ],
    [
      'a file that is no database',
      { DATABASE_URL: join(folder, 'text.db') },
      /DATABASE_URL: .*text\.db can't be opened as a store/,
    ],
    [
      'a store in use',
      { DATABASE_URL: inUse },
      /DATABASE_URL: .*in-use\.db is in use by another process; stop that one/,
    ],
    [
      'a port in use',
      { PORT: String(port) },
      new RegExp(`PORT ${port} on 127\\.0\\.0\\.1 is in use: stop what uses it`),
    ],
  ]
  await Promise.all(
    cases.map(async ([name, env, message, cwd], index) => {
      const store = { DATABASE_URL: join(folder, `${index}.db`) }
      const { ended } = standalone(t, { ...store, ...env }, { cwd: cwd ?? folder })
      const { code, stderr } = await ended
      t.equal(code, 1, name)
      t.match(stderr, message, name)
      t.match(stderr, /^tutorbot-webhooks did not start: [^\n]+\n$/, `${name}: exactly one line`)
    }),
  )
})

t.test('the same line for other errors', async t => {
  const others = join(t.testdir(), 'others.db')
  const other = new DatabaseSync(others)
  other.exec('CREATE TABLE theirs (id INTEGER)')
  other.close()
  const cases: [string, Record<string, string>, RegExp][] = [
    ['a bad list', { STRIPE_WEBHOOK_SECRET: 'a,,b' }, /STRIPE_WEBHOOK_SECRET is not in the right form/],
    ['a token without a URL', { CW_TOKEN: 'x', CW_ACC_ID: '1' }, /CW_URL/],
    ['a time zone that is none', { TZ: 'CET-1CEST' }, /calendar.timeZone \(TZ\) must be an IANA time zone/],
    ['a short token for the calendar', { CALENDAR_TOKEN: 'short' }, /CALENDAR_TOKEN is not in the right form/],
    ['templates that are not JSON', { CW_TEMPLATES: '{' }, /CW_TEMPLATES is not JSON: /],
    [
      'quarantine, for some hours',
      { QUARANTINE_HOURS: '3' },
      /QUARANTINE_HOURS has no meaning without QUARANTINE_MB: set/,
    ],
    [
      'quarantine, a share',
      { QUARANTINE_PER_MINUTE: '3' },
      /QUARANTINE_PER_MINUTE has no meaning without QUARANTINE_MB/,
    ],
    ['quarantine of nothing', { QUARANTINE_MB: '0' }, /QUARANTINE_MB must be >= 1/],
    ['half of Google', { GCAL_CALENDAR_ID: 'a@example.com' }, /GCAL_SERVICE_ACCOUNT_JSON and GCAL_CALENDAR_ID belong/],
    ['the other half', { GCAL_SERVICE_ACCOUNT_JSON: '{}' }, /GCAL_SERVICE_ACCOUNT_JSON and GCAL_CALENDAR_ID belong/],
    [
      'a key file that is not there',
      { GCAL_SERVICE_ACCOUNT_JSON: 'no-such.json', GCAL_CALENDAR_ID: 'a@example.com' },
      /GCAL_SERVICE_ACCOUNT_JSON/,
    ],
    ['settings that are not there', { TUTOR_FILE: 'no-such.json' }, /no-such\.json can't be read .*give another path/],
    ['a bad log level', { LOG_LEVEL: 'loud' }, /LOG_LEVEL .*fatal, error, warn, info/],
    [
      'another program’s database',
      { DATABASE_URL: others },
      /DATABASE_URL: .*others\.db is another program's database; give another file/,
    ],
  ]
  for (const [name, env, message] of cases) {
    const line = await start({ env: { DATABASE_URL: join(t.testdirName, 'x.db'), LOG_LEVEL: 'silent', ...env } }).then(
      () => 'it started',
      explainFailure,
    )
    t.match(line, message, name)
    t.match(line, /^tutorbot-webhooks did not start: [^\n]+$/, `${name}: one line`)
  }
})

t.test('it logs what is enabled and disabled', async t => {
  const folder = t.testdir({ bare: {}, full: { 'tutor.json': '{"closed":["2027-01-01"]}' } })
  const bare = standalone(t, { PORT: '0' }, { cwd: join(folder, 'bare') })
  const env = {
    PORT: '0',
    CW_HMAC_SECRET: 'cw-secret',
    STRIPE_WEBHOOK_SECRET: 'whsec_secret',
    CW_URL: 'http://127.0.0.1:9',
    CW_ACC_ID: '7',
    CW_TOKEN: 'cw-token',
    STRIPE_SECRET_KEY: 'sk_test_secret',
    STANDARD_PRICE_ID_60: 'price_1',
    CALENDAR_TOKEN: 'calendar-token-of-16',
    ADMIN_TOKEN: 'operator-token-of-16',
    ALERT_WEBHOOK_URL: 'http://127.0.0.1:9/alert-secret',
  }
  const full = standalone(t, env, { cwd: join(folder, 'full') })
  const said = async ({ log, port }: typeof bare) => {
    await port()
    return log.lines.map(({ level, msg }) => ({ level, msg }))
  }
  t.match(await said(bare), [
    { level: LEVELS.warn, msg: /accepted from this machine only: CW_HMAC_SECRET/ },
    { level: LEVELS.info, msg: 'store: data/webhooks.db' },
    { level: LEVELS.warn, msg: 'Stripe deliveries: all refused, STRIPE_WEBHOOK_SECRET is not set' },
    { level: LEVELS.warn, msg: 'replies: not sent, CW_TOKEN is not set' },
    { level: LEVELS.warn, msg: /STRIPE_SECRET_KEY is not set/ },
    {
      level: LEVELS.warn,
      msg: 'lessons not for sale, price ids not set: STANDARD_PRICE_ID_60, STANDARD_PRICE_ID_90, WEEKEND_PRICE_ID_60, WEEKEND_PRICE_ID_90',
    },
    { level: LEVELS.info, msg: "the tutor's settings: the defaults, as there is no tutor.json" },
    { level: LEVELS.info, msg: 'lessons: in the store, not published, CALENDAR_TOKEN is not set' },
    { level: LEVELS.warn, msg: "the operator's page and API: off, ADMIN_TOKEN is not set" },
    { level: LEVELS.info, msg: 'alerts: not posted, ALERT_WEBHOOK_URL is not set' },
    { level: LEVELS.info, msg: /^Server listening at http:\/\/127\.0\.0\.1:\d+$/ },
  ])
  t.match(await said(full), [
    { level: LEVELS.info, msg: 'store: data/webhooks.db' },
    { level: LEVELS.info, msg: 'Chatwoot deliveries: verified' },
    { level: LEVELS.info, msg: 'Stripe deliveries: verified' },
    { level: LEVELS.info, msg: 'replies: sent to account 7 at http://127.0.0.1:9' },
    {
      level: LEVELS.warn,
      msg: 'lessons not for sale, price ids not set: STANDARD_PRICE_ID_90, WEEKEND_PRICE_ID_60, WEEKEND_PRICE_ID_90',
    },
    { level: LEVELS.info, msg: "the tutor's settings: tutor.json" },
    { level: LEVELS.info, msg: 'lessons: in the store, published at /calendar.ics' },
    { level: LEVELS.info, msg: "the operator's page and API: on" },
    { level: LEVELS.info, msg: 'alerts: posted' },
    { level: LEVELS.info, msg: /^Server listening/ },
  ])
  for (const secret of [
    'cw-secret',
    'whsec_secret',
    'cw-token',
    'sk_test_secret',
    'calendar-token-of-16',
    'operator-token-of-16',
    'alert-secret',
  ]) {
    t.notOk(full.log.text().includes(secret), `${secret} is not told`)
  }
  for (const { child, ended } of [bare, full]) {
    child.kill('SIGINT')
    t.match(await ended, { code: 0, stderr: '' })
  }
})

t.test('it logs that lessons are in a Google calendar, and serves no feed of them', async t => {
  const google = await startGoogleApi()
  t.teardown(() => google.close())
  const env = {
    GCAL_SERVICE_ACCOUNT_JSON: google.serviceAccount,
    GCAL_CALENDAR_ID: google.calendarId,
    GCAL_API_BASE: google.url,
    CALENDAR_TOKEN: 'calendar-token-of-16',
  }
  const app = await start({ env: environment(t, env) })
  t.equal((await app.inject('/calendar.ics?token=calendar-token-of-16')).statusCode, 404)
  await app.close()
  const { log, port } = standalone(t, { PORT: '0', ...env }, { cwd: t.testdir({}) })
  const feed = await fetch(`http://127.0.0.1:${await port()}/calendar.ics?token=calendar-token-of-16`)
  t.equal(feed.status, 404)
  t.ok(log.lines.some(({ msg }) => msg === `lessons: in the Google calendar ${google.calendarId}`))
  t.strictSame(google.calls, [], 'Google is asked when there is something to ask')
  t.notMatch(log.text(), /PRIVATE KEY/)
})

t.test('.env is read, and the process’s environment wins', async t => {
  const cwd = t.testdir({ '.env': `PORT=0\nCW_HMAC_SECRET=from-the-file\nDATABASE_URL=from-the-file.db\n` })
  const { log, port } = standalone(t, { DATABASE_URL: 'from-the-environment.db' }, { cwd })
  await port()
  t.match(
    log.lines.map(({ msg }) => msg),
    ['store: from-the-environment.db', 'Chatwoot deliveries: verified'],
  )
})

t.test('SIGTERM: requests in flight are answered, and never with 503', async t => {
  const cwd = t.testdir()
  const env = { PORT: '0', CW_HMAC_SECRET: CHATWOOT_SECRET }
  const { child, ended, log, port: listening } = standalone(t, env, { cwd })
  const port = await listening()

  // One whose head has arrived and whose body has not.
  const first = message(1)
  const inFlight = await open(port)
  const inFlightAnswer = readAll(inFlight)
  const headRead = receives(inFlight, /100 Continue\r\n\r\n/)
  inFlight.write(first.head)
  await headRead

  // One on a reused connection, of which some bytes arrived together with the previous request.
  const [second, third] = [message(2), message(3)]
  const keptAlive = await open(port)
  const keptAliveAnswer = readAll(keptAlive)
  const secondAnswered = receives(keptAlive, /"accepted"/)
  keptAlive.write(Buffer.concat([second.whole, third.whole.subarray(0, 40)]))
  await secondAnswered

  // An idle one.
  const idle = await open(port)
  const idleAnswer = readAll(idle)
  const idleAnswered = receives(idle, /"accepted"/)
  idle.write(message(4).whole)
  await idleAnswered

  child.kill('SIGTERM')
  await log.line(({ msg }) => msg === 'closing on SIGTERM')
  const closingAt = performance.now()
  t.equal((await idleAnswer).match(/HTTP\/1\.1 200/g)?.length, 1, 'an idle connection is closed at once')

  inFlight.write(first.body)
  keptAlive.write(third.whole.subarray(40))
  t.match(await inFlightAnswer, /100 Continue.*HTTP\/1\.1 200.*"accepted"/s)
  const answers = (await keptAliveAnswer).match(/HTTP\/1\.1 \d+|"accepted"/g)
  t.same(answers, ['HTTP/1.1 200', '"accepted"', 'HTTP/1.1 200', '"accepted"'])

  t.match(await ended, { code: 0, signal: null, stderr: '' })
  t.ok(performance.now() - closingAt < 2_500, 'and long before those that never finish would be cut off')
  t.same(
    log.requests().map(({ status }) => status),
    [200, 200, 200, 200],
  )
  const store = new DatabaseSync(join(cwd, 'data/webhooks.db'))
  t.teardown(() => store.close())
  t.same(store.prepare('SELECT count(*) AS count FROM delivery').get(), { count: 4 })
})

t.test('SIGTERM: a sender that never finishes does not delay the end', async t => {
  const { child, ended, port } = standalone(t, { PORT: '0', CW_HMAC_SECRET: CHATWOOT_SECRET }, { cwd: t.testdir() })
  const silent = await open(await port())
  const answer = readAll(silent)
  const headRead = receives(silent, /100 Continue/)
  silent.write(message(1).head)
  await headRead
  child.kill('SIGTERM')
  t.match(await ended, { code: 0, stderr: '' })
  t.equal((await answer).match(/HTTP\/1\.1 \d+/g)?.join(), 'HTTP/1.1 100')
})

t.test('an uncaught error is logged, and the server closes', async t => {
  const bug = 'process.on("SIGUSR2", () => { throw new Error("a bug") })'
  const args = ['--import', `data:text/javascript,${encodeURIComponent(bug)}`, SERVER_FILE]
  const { child, ended, log, port } = standalone(t, { PORT: '0' }, { args, cwd: t.testdir() })
  await port()
  child.kill('SIGUSR2')
  t.match(await ended, { code: 1 })
  t.match(await log.line(({ msg }) => msg === 'closing after an uncaught error'), {
    err: { message: 'a bug' },
  })
})

/** Not the address of `localhost`, on which Fastify would listen as well. */
const HANDED_OVER_AT = '127.0.0.2'

t.test('a handed-over socket is used, and survives a restart', async t => {
  const socket = createServer().listen(0, HANDED_OVER_AT)
  await new Promise(resolve => socket.once('listening', resolve))
  const { port } = socket.address() as AddressInfo
  const { fd } = (socket as unknown as { _handle: { fd: number } })._handle
  // Like systemd: it keeps the socket, and restarts the server after it has ended.
  const once = `LISTEN_FDS=1 LISTEN_PID=$$ exec "$0" "$1"`
  const script = `for time in 1 2; do sh -c '${once}' "$0" "$1"; done`
  const env = { PORT: '1', CW_HMAC_SECRET: CHATWOOT_SECRET }
  const args = ['-c', script, process.execPath, SERVER_FILE]
  const { ended, log } = standalone(t, env, { command: 'sh', args, cwd: t.testdir(), handedOver: [fd] })
  // From here on only they have the socket.
  await new Promise(resolve => socket.close(resolve))

  // A line is written some time after the fact: an answer can arrive before it.
  const LISTENING = `Server listening at http://${HANDED_OVER_AT}:${port}`
  const listening = () => log.lines.filter(({ msg }) => msg.startsWith('Server listening'))
  const deliver = async (number: number) => {
    const body = railsJson(chatwoot.incoming({ message: number }))
    const socket = await open(port, HANDED_OVER_AT)
    const answer = readAll(socket)
    socket.write(post('/cw', signChatwoot(body, CHATWOOT_SECRET), body))
    return answer
  }
  t.match(await deliver(1), /"accepted"/)
  const first = await log.line(({ msg }) => msg === LISTENING)
  process.kill(Number(first.pid), 'SIGTERM')
  await log.line(({ msg }) => msg === 'closing on SIGTERM')
  t.match(await deliver(2), /"accepted"/, 'a connection made meanwhile waits for the next process')
  await log.count(LISTENING, 2)
  t.equal(listening().length, 2, 'each listens once')
  const second = listening()[1]
  t.not(second?.pid, first.pid)
  process.kill(Number(second?.pid), 'SIGTERM')
  t.match(await ended, { code: 0, stderr: '' })
})

t.test('a socket handed to another process is not used, with a warning', async t => {
  const env = { PORT: '0', LISTEN_FDS: '1', LISTEN_PID: '1' }
  const { child, ended, log, port } = standalone(t, env, { cwd: t.testdir() })
  const health = 'GET /health HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n'
  t.equal(statusOf(await exchange(await port(), health)), 200)
  t.match(await log.line(({ msg }) => msg.startsWith('LISTEN_FDS')), { level: LEVELS.warn, msg: /another process/ })
  child.kill('SIGTERM')
  t.match(await ended, { code: 0, stderr: '' })
})

t.test('Fastify’s own request lines are disabled, with or without a LogController', async t => {
  t.same(withoutRequestLog({}), { disableRequestLogging: true })
  t.match(withoutRequestLog(Fastify), { logController: { disableRequestLogging: true } })
})

t.test('SIGTERM while it waits for its database: it ends at once', async t => {
  const env = { PORT: '0', DATABASE_URL: 'postgres://127.0.0.1:1/none' }
  const { child, ended, log } = standalone(t, env, { cwd: t.testdir() })
  await log.line(({ msg }) => msg.startsWith('waiting for postgres://127.0.0.1:1/none'))
  child.kill('SIGTERM')
  t.match(await ended, { code: 0, signal: null, stderr: '' })
})
