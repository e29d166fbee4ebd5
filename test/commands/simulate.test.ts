import { once } from 'node:events'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { text } from 'node:stream/consumers'
import t, { type Test } from 'tap'
import { isSimulated } from '../../operator/simulated.ts'
import { sandboxFiles } from '../../sandbox/files.ts'
import { writeRun } from '../../sandbox/run-file.ts'
import { buildServer } from '../../server.ts'
import { cli, run as command, type Environment } from '../helpers/cli.ts'
import { blockWith } from '../helpers/docs.ts'

const SECRETS = { CW_HMAC_SECRET: 'first,second', STRIPE_WEBHOOK_SECRET: 'whsec_first,whsec_second', CW_ACC_ID: '7' }

/** The real server on its own port, with its store on disk. */
async function startServer(t: Test, env: Environment) {
  const app = await buildServer({ env: { LOG_LEVEL: 'silent', DATABASE_URL: join(t.testdir(), 'w.db'), ...env } })
  t.teardown(() => app.close())
  return { app, url: await app.listen({ port: 0, host: '127.0.0.1' }) }
}

/** Any other server, and the requests it got. */
async function startOther(t: Test, listener: http.RequestListener) {
  const asked: string[] = []
  const server = http.createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`)
    listener(request, response)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return { asked, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
}

async function run(env: Environment, url?: string) {
  const { code, out, err } = await command(env, 'simulate', ...(url === undefined ? [] : ['--url', url]))
  const lines = out.split('\n')
  const row = (name: string) => lines.find(line => line.startsWith(name)) ?? ''
  return { code, err, good: code === 0, lines, row, last: lines.at(-1) }
}

t.test('with secrets, all answers are as expected on every run', async t => {
  const { app, url } = await startServer(t, SECRETS)
  for (const round of [1, 2]) {
    const { good, lines, last } = await run(SECRETS, `${url}/`)
    t.ok(good, `run ${round}`, { lines })
    t.equal(lines.length, 1 + 33 + 1)
    t.equal(last, `${url}: 33 as expected, 0 not`)
  }
  const kept = await app.webhooks.inbox.list({}, 1_000)
  t.equal(kept.length, 2 * (8 + 1 + 1 + 7), 'what was accepted is stored, once, and nothing else')
  t.same(
    kept.filter(delivery => !isSimulated(delivery)),
    [],
    'and the operator can tell',
  )
})

t.test('the docs show its table: the names, the answers, the count', async t => {
  const { url } = await startServer(t, SECRETS)
  const { lines } = await run(SECRETS, url)
  const comparable = (line: string) =>
    line
      .replace(/ \d+( +yes)$/, '$1')
      .replaceAll(/ +/g, ' ')
      .replace(/^http:\S+:/, 'URL:')
  const printed = lines.map(comparable)
  const shown = blockWith('docs/start.md', 'as expected, 0 not').text.trim().split('\n').map(comparable)
  const places = shown.filter(line => line !== '…').map(line => printed.indexOf(line))
  t.notOk(places.includes(-1), lines.join('\n'))
  t.same(
    places,
    places.toSorted((a, b) => a - b),
  )
})

t.test('has no effects on a live deployment', async t => {
  const chatwoot = await startOther(t, (_request, response) => response.end('{}'))
  const env = { ...SECRETS, CW_URL: chatwoot.url, CW_TOKEN: 'token' }
  const { app, url } = await startServer(t, env)
  t.ok((await run(env, url)).good)
  await app.close()
  t.same(chatwoot.asked, [], 'Chatwoot is not even asked')
  const db = new DatabaseSync(join(t.testdirName, 'w.db'), { readOnly: true })
  t.same(db.prepare("SELECT id, error FROM delivery WHERE state IN ('dead', 'parked')").all(), [], 'nothing failed')
  db.close()
})

t.test('Stripe samples have the mode of the key, which is not sent', async t => {
  for (const mode of ['live', 'test']) {
    const env = { ...SECRETS, STRIPE_SECRET_KEY: `sk_${mode}_abc` }
    const livemodes = new Set<unknown>()
    const headers: http.IncomingHttpHeaders[] = []
    const { url } = await startOther(t, async (request, response) => {
      headers.push(request.headers)
      if (request.url === '/webhook/payments') {
        const body = await text(request)
        if (body.endsWith('}')) livemodes.add(JSON.parse(body).livemode)
      }
      response.end('{"status":"accepted"}')
    })
    await run(env, url)
    t.same([...livemodes], [mode === 'live'])
    t.notMatch(JSON.stringify(headers), /sk_/)
  }
})

t.test('without secrets, from this machine: checks that need a secret are skipped', async t => {
  const { url } = await startServer(t, {})
  const { good, row, last } = await run({}, url)
  t.ok(good)
  for (const name of ['unsigned', 'forged', 'stale']) t.match(row(`Chatwoot: ${name}`), /not checked: no secret$/, name)
  t.match(row('Chatwoot: incoming'), /200 accepted/)
  t.match(row('Stripe: session completed'), /401 WEBHOOK_SECRET_MISSING +\d+ {2}yes$/)
  t.equal(last, `${url}: 27 as expected, 6 not checked, 0 not`)
})

t.test('the original signature must be refused if it is switched off', async t => {
  const env = { ...SECRETS, CW_LEGACY_SIGNATURE: 'false' }
  const { url } = await startServer(t, env)
  const { good, row } = await run(env, url)
  t.ok(good)
  t.match(row("Chatwoot: the original TutorBot's signature"), /401 WEBHOOK_SIGNATURE_MALFORMED/)
})

t.test('other secrets than the server’s are reported', async t => {
  const { url } = await startServer(t, SECRETS)
  const { good, row } = await run({ ...SECRETS, CW_HMAC_SECRET: 'another' }, url)
  t.notOk(good)
  t.match(row('Chatwoot: incoming'), /401 WEBHOOK_SIGNATURE_MISMATCH +\d+ {2}NO: expected 200 accepted$/)
})

t.test('a prefix belongs to the URL', async t => {
  const { asked, url } = await startOther(t, (_request, response) => response.end('{"status":"accepted"}'))
  await run(SECRETS, `${url}/hooks/`)
  t.same([...new Set(asked)], ['POST /hooks/cw', 'POST /hooks/webhook/payments'])
})

t.test('a server that accepts everything is reported', async t => {
  const { url } = await startOther(t, (_request, response) => response.end('{"status":"accepted"}'))
  const { good, row } = await run(SECRETS, url)
  t.notOk(good)
  t.match(row('Chatwoot: incoming'), /yes$/)
  t.match(row('Chatwoot: forged'), /200 accepted +\d+ {2}NO: expected 401 WEBHOOK_SIGNATURE_MISMATCH$/)
  t.match(row('Chatwoot: 50 copies'), /50 × 200 accepted +\d+ {2}NO: expected 1 × 200 accepted, 49 × 200 duplicate$/)
  t.match(row('Chatwoot: oversized'), /NO: expected 413$/)
})

t.test('a foreign server’s text is not printed', async t => {
  const bodies = [
    '<h1>hi</h1>',
    '{"status":"\\u001b[2J"}',
    '[]',
    '{"status":{"a":1}}',
    '{"code":"E_CODE","status":"x"}',
  ]
  const { url } = await startOther(t, (_request, response) => response.end(bodies.shift() ?? ''))
  const { lines } = await run({}, url)
  t.match(lines[1], /200 \(not JSON\)/)
  for (const line of lines.slice(2, 5)) t.match(line, /200 \(neither status nor code\)/)
  t.match(lines[5], /200 E_CODE/)
})

t.test('a proxy that reads the whole oversized body first gets it', async t => {
  let received = 0
  const { url } = await startOther(t, async (request, response) => {
    const { length } = await text(request)
    received = Math.max(received, length)
    response.statusCode = length > 4 * 1024 * 1024 ? 413 : 200
    response.end('too large')
  })
  const { row } = await run(SECRETS, url)
  t.equal(received, 4 * 1024 * 1024 + 1)
  t.match(row('Chatwoot: oversized'), /413 \(not JSON\) +\d+ {2}yes$/)
})

t.test('no answer, or half of one, is reported', async t => {
  let request = 0
  const { url } = await startOther(t, (_request, response) => {
    request++
    if (request === 2) response.socket?.destroy()
    else if (request === 3) response.write('{"sta', () => response.socket?.destroy())
    else if (request !== 4) response.end('{"status":"accepted"}')
  })
  const { good, lines } = await run(SECRETS, url)
  t.notOk(good)
  t.match(lines[2], /no answer: ECONNRESET +\d+ {2}NO: expected 200 accepted$/)
  t.match(lines[3], /no answer: ECONNRESET/)
  t.match(lines[4], /no answer within 5 s +\d{4,} {2}NO/)
})

t.test('the server is not running', async t => {
  const { app, url } = await startServer(t, {})
  await app.close()
  const err = `simulate: ${url} can't be reached (no answer: ECONNREFUSED): start the server with npm start, or pass --url`
  t.match(await run({}, url), { code: 1, err, lines: [''] })
  const { port } = new URL(url)
  t.match(await run({ PORT: port }), { err }, 'HOST and PORT of the environment')
  t.match(await run({ PORT: port, HOST: '0.0.0.0' }), { err }, 'on every address: loopback')
  t.match(await run({ PORT: port, HOST: '::' }), { err: new RegExp(`^simulate: http://\\[::1\\]:${port} `) })
})

t.test('uses https for an https URL', async t => {
  const { url } = await startOther(t, (_request, response) => response.end())
  t.match(await run({}, url.replace('http:', 'https:')), { err: / https:.* can't be reached \(no answer: \w+\)/ })
})

t.test('an invalid URL is named', async t => {
  for (const url of ['hooks.example.com', 'ftp://hooks.example.com', 'http://', '']) {
    const err = `simulate: --url ${url} is not a URL; use one like https://hooks.example.com`
    t.match(await run({}, url), { code: 2, err })
  }
})

t.test('the command', async t => {
  const { url } = await startServer(t, SECRETS)
  t.match(await command(SECRETS, 'simulate', '--help'), {
    code: 0,
    out: /bot_disabled.*simulate --url https/s,
    err: '',
  })
  t.match(await command(SECRETS, 'simulate', '--url', url), { code: 0, err: '' })
  t.match(await command({}, 'simulate', '--url', url), {
    code: 1,
    err: /^simulate: \d+ answers are not as expected$/,
  })
  t.match(await command({}, 'simulate', '--nonsense'), { code: 2, out: '', err: /unknown option '--nonsense'/ })
  t.match(await command({ PORT: 'x' }, 'simulate'), { code: 1, out: '', err: /^simulate: PORT / })
  const { out } = await command(SECRETS, 'simulate', '--json', '--url', url)
  t.match(JSON.parse(out), {
    url,
    checked: [{ sent: 'Chatwoot: incoming message', answered: '200 accepted', good: true }],
  })
})

t.test('as a process', async t => {
  const { url } = await startServer(t, SECRETS)
  const good = await cli(SECRETS, ['simulate', '--url', url])
  t.match(good, { code: 0, err: '' })
  t.match(good.out, /\nhttp:\S+: 33 as expected, 0 not\n$/)
  t.match(await cli({ ...SECRETS, CW_HMAC_SECRET: 'another' }, ['simulate', '--url', url]), { code: 1, out: /NO/ })
  const bad = await cli(SECRETS, ['simulate', '--url', 'http://127.0.0.1:1'])
  t.match(bad, { code: 1, out: '', err: /^simulate: http:\/\/127.0.0.1:1 can't be reached .*\n$/ })
  t.equal(bad.err.trim().split('\n').length, 1, 'one line')
})

t.test('a sandbox that runs is sent samples unless --url names another server', async t => {
  const store = join(t.testdir(), 'webhooks.db')
  const url = 'http://127.0.0.1:1'
  writeRun(sandboxFiles(store).run, { pid: process.pid, url, offsetMs: 0, env: { CW_HMAC_SECRET: 'of this run' } })
  const asked = async (...args: string[]) => {
    const { err } = await command({ DATABASE_URL: store }, 'simulate', ...args)
    return /^simulate: (\S+) can't be reached/.exec(err)?.[1]
  }
  t.equal(await asked(), url)
  t.equal(await asked('--url', url), url)
  t.equal(await asked('--url', 'http://127.0.0.1:2'), 'http://127.0.0.1:2')
})
