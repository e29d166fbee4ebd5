import { connect } from 'node:net'
import t from 'tap'
import { chatwoot, railsJson } from '../../commands/samples.ts'
import { signChatwoot } from '../../plugins/verification.ts'
import { CHATWOOT_SECRET, listen, webhookApp } from '../helpers/app.ts'
import { bodyOf, exchange, open, post, readAll, receives, statusOf } from '../helpers/sockets.ts'

const MIB = 1024 * 1024

/** What a stranger can know: the format of the headers, and the time. */
const forged = (length: number) => ({ ...signChatwoot('', 'forged'), 'content-length': String(length) })

/** Sends almost all of a 4 MiB body; returns what it receives until the connection is closed. */
async function stranger(port: number): Promise<Promise<string>[]> {
  const socket = await open(port)
  const answer = readAll(socket)
  const head = post('/cw', forged(4 * MIB), '', 'keep-alive')
  socket.write(head)
  socket.write(Buffer.alloc(4 * MIB - 1, 'x'))
  return [answer]
}

/** Resolves as soon as there are that many. */
function firstOf(count: number, answers: Promise<string>[]): Promise<string[]> {
  const come: string[] = []
  return new Promise(resolve => {
    for (const answer of answers) answer.then(text => come.push(text) === count && resolve(come.slice()))
  })
}

t.test('a flood of forged requests costs no genuine webhook its 200', async t => {
  const { app, log } = await webhookApp(t)
  const port = await listen(app)
  const strangers = (await Promise.all(Array.from({ length: 60 }, () => stranger(port)))).flat()
  let message = 0
  const genuine = async (content: string) => {
    const body = railsJson(chatwoot.incoming({ message: ++message, content }))
    const bytes = post('/cw', signChatwoot(body, CHATWOOT_SECRET), body)
    // In three pieces, as over a network.
    const socket = await open(port)
    const answer = readAll(socket)
    for (const part of [bytes.subarray(0, 700), bytes.subarray(700, -100), bytes.subarray(-100)]) {
      await new Promise(resolve => socket.write(part, resolve))
    }
    return statusOf(await answer)
  }
  for (let n = 0; n < 20; n++) t.equal(await genuine('x'.repeat(n * 1_000)), 200)
  // There is room for 7; 4 MiB that arrived quickly stay for two minutes.
  const answers = await firstOf(53, strangers)
  for (const answer of answers) {
    t.match(bodyOf(answer), { statusCode: 429, code: /^WEBHOOK_BODY_(CUT|TOO_SLOW)$/ }, 'each is told to send it again')
    t.match(answer, /retry-after: 1/)
  }
  const cut = log.lines.filter(({ reason }) => reason === 'WEBHOOK_BODY_CUT')
  t.ok(cut.length > 0, `${cut.length} made room for others`)
  t.match(cut[0], { path: '/cw', source: 'chatwoot', outcome: 'failed', status: 429 }, 'each has its line')
  t.equal(await genuine('the last'), 200)
  app.server.closeAllConnections()
})

t.test('requests that headers prove forged are refused without their body', async t => {
  const { app, log } = await webhookApp(t)
  const port = await listen(app)
  const claim = signChatwoot('', 'forged')
  const cases: [string, string, Record<string, string>, string][] = [
    ['/cw', 'no signature', { 'content-type': 'application/json' }, 'WEBHOOK_SIGNATURE_MISSING'],
    ['/cw', 'another form', { ...claim, 'x-chatwoot-signature': 'sha256=x' }, 'WEBHOOK_SIGNATURE_MALFORMED'],
    ['/cw', 'no time', { ...claim, 'x-chatwoot-timestamp': '' }, 'WEBHOOK_TIMESTAMP_INVALID'],
    ['/cw', 'an old time', signChatwoot('', 'forged', 1), 'WEBHOOK_TIMESTAMP_OUTSIDE_TOLERANCE'],
    ['/webhook/payments', 'no signature', { ...claim }, 'WEBHOOK_SIGNATURE_MISSING'],
    [
      '/webhook/payments',
      'an old time',
      { ...claim, 'stripe-signature': `t=1,v1=${'0'.repeat(64)}` },
      'WEBHOOK_TIMESTAMP_OUTSIDE_TOLERANCE',
    ],
  ]
  for (const [path, name, headers, code] of cases) {
    // Its body never comes.
    const socket = await open(port)
    const answered = receives(socket, /"code"/)
    socket.write(post(path, { ...headers, 'content-length': `${3 * MIB}` }, '', 'keep-alive'))
    const answer = await answered
    t.equal(statusOf(answer), 401, `${path}: ${name}`)
    t.match(answer, 'connection: close')
    t.match(answer, `"code":"${code}"`)
    socket.destroy()
    t.match(
      log.lines.findLast(({ msg }) => /^webhook /.test(String(msg))),
      { path, outcome: 'refused', reason: code, status: 401 },
    )
  }
})

t.test('a bare hex signature has no timestamp: the body is read, then refused', async t => {
  const { app } = await webhookApp(t)
  const headers = { 'content-type': 'application/json', 'x-chatwoot-signature': '0'.repeat(64) }
  const answer = await exchange(await listen(app), post('/cw', headers, 'x'.repeat(3 * MIB)))
  t.match(bodyOf(answer), { statusCode: 401, code: 'WEBHOOK_SIGNATURE_MISMATCH' })
})

t.test('a connection stays open over a small refused body', async t => {
  const { app } = await webhookApp(t)
  const port = await listen(app)
  const socket = connect(port, '127.0.0.1')
  const body = railsJson(chatwoot.incoming())
  const both = receives(socket, /401[\s\S]*200 OK[\s\S]*"accepted"/)
  const refused = post('/cw', { 'content-type': 'application/json' }, 'x'.repeat(60_000), 'keep-alive')
  socket.write(Buffer.concat([refused, post('/cw', signChatwoot(body, CHATWOOT_SECRET), body)]))
  t.ok(await both)
  socket.destroy()
})
