import { once } from 'node:events'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { chatwoot, stripeEvent, stripePaymentIntent, stripeSession } from '../../commands/samples.ts'
import { signChatwoot } from '../../plugins/verification.ts'
import { buildServer } from '../../server.ts'
import { CHATWOOT_SECRET, listen, STRIPE_SECRET, stripeHeaders } from '../helpers/app.ts'
import { exchange, open, post, readAll, statusOf } from '../helpers/sockets.ts'

/** Numbers from 0 to 1, the same in each run (mulberry32). */
function random(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

const failures: unknown[] = []
for (const event of ['unhandledRejection', 'uncaughtExceptionMonitor']) process.on(event, error => failures.push(error))

/** The standalone server, and a client; at the end it must still accept a good delivery. */
async function hostileServer(t: Test) {
  const app = await buildServer({
    env: {
      LOG_LEVEL: 'silent',
      DATABASE_URL: join(t.testdir(), 'webhooks.db'),
      CW_HMAC_SECRET: CHATWOOT_SECRET,
      STRIPE_WEBHOOK_SECRET: STRIPE_SECRET,
      CW_ACC_ID: '1',
    },
  })
  t.teardown(() => app.close())
  const port = await listen(app)
  const sendChatwoot = (body: string | Buffer, headers = {}) =>
    exchange(port, post('/cw', { ...signChatwoot(body, CHATWOOT_SECRET), ...headers }, body))
  return {
    app,
    port,
    sendChatwoot,
    sendStripe: (body: string) => exchange(port, post('/webhook/payments', stripeHeaders(body), body)),
    async stillWorks() {
      const answer = await sendChatwoot(JSON.stringify(chatwoot.incoming({ conversation: 1, message: 999_999_999 })))
      t.match(answer, /"status":"(accepted|duplicate)"/, 'a good delivery is taken afterwards')
      t.same(failures, [], 'nothing was left uncaught')
    },
  }
}

const json = (value: unknown) => JSON.stringify(value)

/** Replacement values: one of each type, and some that trip up programs. */
const WRONG = [
  'null',
  'true',
  '0',
  '-1',
  '-0',
  '1e400',
  '-1e400',
  '1.5',
  '9007199254740993',
  '123456789012345678901234567890',
  '""',
  '" "',
  '"\\u0000"',
  '"\\ud800"',
  '"\\udfff\\ud800"',
  '"\\u2028\\u202e"',
  `"${'x'.repeat(300)}"`,
  '"__proto__"',
  '"constructor"',
  `"'; DROP TABLE delivery; --"`,
  '"../../../etc/passwd"',
  '[]',
  '[1,2,3]',
  '[[[[[]]]]]',
  '{}',
  '{"id":{"id":{}}}',
  '{"__proto__":{"polluted":true}}',
  '{"constructor":{"prototype":{"polluted":true}}}',
  '{"toJSON":1,"toString":2,"valueOf":3,"hasOwnProperty":4,"then":5}',
  '{"length":1e9}',
] as const

/** A body as JSON, with the value of one field, at any depth, replaced. */
function mutated(body: object, next: () => number): string {
  const places: [Record<string, unknown>, string][] = []
  const copy = structuredClone(body)
  const visit = (node: object) => {
    for (const [field, value] of Object.entries(node)) {
      places.push([node as Record<string, unknown>, field])
      if (typeof value === 'object' && value !== null) visit(value)
    }
  }
  visit(copy)
  const [node, field] = places[Math.floor(next() * places.length)] as (typeof places)[0]
  const wrong = WRONG[Math.floor(next() * WRONG.length)] as string
  node[field] = 'PLACE'
  return json(copy).replace('"PLACE"', wrong)
}

/** Every top-level field with every wrong value would be thousands; these are the fields read first. */
const READ_FIRST = ['event', 'id', 'account', 'conversation', 'content_attributes', 'message_type', 'sender', 'content']

t.test('signed Chatwoot deliveries with wrong values everywhere', async t => {
  const { sendChatwoot, stillWorks } = await hostileServer(t)
  const next = random(1)
  const bodies = Object.values(chatwoot)
  const mutations = Array.from({ length: 250 }, (_, round) => {
    const body = bodies[round % bodies.length]?.({ conversation: round + 1, message: round + 1 }) as object
    return mutated(body, next)
  })
  for (const field of READ_FIRST) {
    for (const wrong of WRONG) {
      mutations.push(json({ ...chatwoot.submitted(), [field]: 'PLACE' }).replace('"PLACE"', wrong))
    }
  }
  for (const body of mutations) {
    const status = statusOf(await sendChatwoot(body))
    t.ok(status === 200, `${status}: ${body.slice(0, 200)}`)
  }
  t.notOk('polluted' in {}, 'no prototype is polluted')
  await stillWorks()
})

t.test('signed Stripe deliveries with wrong values everywhere', async t => {
  const { sendStripe, stillWorks } = await hostileServer(t)
  const next = random(2)
  const events = [
    stripeEvent('checkout.session.completed', stripeSession({ metadata: { conversation_id: '42' } })),
    stripeEvent('payment_intent.succeeded', stripePaymentIntent({ metadata: { conversation_id: '42' } })),
    stripeEvent('checkout.session.async_payment_failed', stripeSession()),
  ]
  const mutations = Array.from({ length: 150 }, (_, round) =>
    mutated({ ...events[round % events.length], id: `evt_${round}` }, next),
  )
  for (const field of ['id', 'type', 'data', 'object', 'livemode', 'api_version']) {
    for (const wrong of WRONG) mutations.push(json({ ...events[0], [field]: 'PLACE' }).replace('"PLACE"', wrong))
  }
  for (const body of mutations) {
    const status = statusOf(await sendStripe(body))
    t.ok(status === 200, `${status}: ${body.slice(0, 200)}`)
  }
  await stillWorks()
})

t.test('signed deliveries of absurd shapes', async t => {
  const { sendChatwoot, stillWorks } = await hostileServer(t)
  const message = (extra: string) => `${json(chatwoot.incoming()).slice(0, -1)},${extra}}`
  const deep = (open: string, close: string, depth: number) => open.repeat(depth) + close.repeat(depth)
  const cases: [string, number, string | Buffer][] = [
    ['arrays 100,000 levels deep', 200, message(`"deep":${deep('[', ']', 100_000)}`)],
    ['objects 100,000 levels deep', 200, message(`"deep":${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`)],
    ['nothing but deep', 400, deep('[', ']', 1_000_000)],
    ['never closed', 400, '['.repeat(1_000_000)],
    ['a deep event that nothing handles', 200, `{"event":"x","deep":${deep('[', ']', 100_000)}}`],
    ['a million keys', 200, message(`"keys":{${Array.from({ length: 100_000 }, (_, key) => `"k${key}":0`).join()}}`)],
    ['one key a hundred thousand times', 200, message(Array.from({ length: 100_000 }, () => '"k":0').join())],
    ['a text of 1 MB', 200, json(chatwoot.incoming({ content: 'é'.repeat(400_000) }))],
    ['a text of 1 MB of NUL', 200, message(`"nul":"${'\\u0000'.repeat(170_000)}"`)],
    ['an event’s name of 1 MB', 200, json({ event: 'x'.repeat(1_000_000) })],
    ['a choice of 1 MB', 200, json(chatwoot.submitted({ choice: { title: 'x'.repeat(1_000_000), value: 'y' } }))],
    [
      'a hundred thousand choices',
      200,
      json({ ...chatwoot.submitted(), content_attributes: { submitted_values: Array(100_000).fill(null) } }),
    ],
    ['the event twice', 200, message('"event":"contact_created"')],
    ['an own __proto__', 200, message('"__proto__":{"event":"message_created","id":1}')],
    ['a toJSON', 200, message('"toJSON":"x"')],
    ['lone surrogates in keys', 200, message('"\\ud800":"\\udc00"')],
    ['bytes that are no UTF-8', 200, Buffer.from(message('"x":"\xff\xfe\x80"').replace(/[^\0-\xff]/g, '?'), 'latin1')],
    ['bytes of zero', 400, Buffer.alloc(1_000)],
    ['UTF-16', 400, Buffer.from(message('"x":1'), 'utf16le')],
    ['a number too long', 200, message(`"number":${'9'.repeat(1_000_000)}`)],
    ['only white space', 400, ' '.repeat(1_000_000)],
    ['JSON5', 400, "{event:'message_created'}"],
    ['XML', 400, '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY y SYSTEM "file:///etc/passwd">]><x>&y;</x>'],
  ]
  for (const [name, status, body] of cases) {
    t.equal(statusOf(await sendChatwoot(body)), status, name)
  }
  await stillWorks()
})

t.test('absurd headers', async t => {
  const { port, sendChatwoot, stillWorks } = await hostileServer(t)
  const body = json(chatwoot.incoming())
  t.equal(statusOf(await sendChatwoot(body, { 'x-chatwoot-delivery': ['a', 'b'] })), 200)
  t.equal(statusOf(await sendChatwoot(body, { 'x-chatwoot-delivery': 'x'.repeat(10_000) })), 200)
  t.equal(statusOf(await sendChatwoot(body, { 'content-type': 'application/json; charset="' })), 200)
  t.equal(
    statusOf(await sendChatwoot(body, { 'content-type': ['application/json', 'text/plain'] })),
    200,
    'the first counts',
  )
  t.equal(statusOf(await sendChatwoot(body, { 'content-type': '__proto__' })), 415)
  t.equal(statusOf(await sendChatwoot(body, { 'x-big': 'x'.repeat(20_000) })), 431)
  t.equal(
    statusOf(await sendChatwoot(body, { 'content-encoding': 'gzip' })),
    200,
    'bytes as they came are what is signed',
  )
  const next = random(3)
  for (let round = 0; round < 100; round++) {
    const noise = Array.from({ length: 1 + Math.floor(next() * 200) }, () =>
      String.fromCharCode(33 + Math.floor(next() * 94)),
    )
    const rubbish = noise.join('')
    const headers = { 'content-type': 'application/json', 'x-chatwoot-timestamp': rubbish }
    const chatwootAnswer = await exchange(port, post('/cw', { ...headers, 'x-chatwoot-signature': rubbish }, body))
    t.equal(statusOf(chatwootAnswer), 401)
    const stripeAnswer = await exchange(
      port,
      post('/webhook/payments', { ...headers, 'stripe-signature': rubbish }, body),
    )
    t.equal(statusOf(stripeAnswer), 401)
  }
  await stillWorks()
})

t.test('malformed HTTP', async t => {
  const { port, stillWorks } = await hostileServer(t)
  const head = 'POST /cw HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n'
  // Without them its body would not be read.
  const claims = `x-chatwoot-timestamp: ${Math.floor(Date.now() / 1_000)}\r\nx-chatwoot-signature: sha256=${'0'.repeat(64)}\r\n`
  const cases: [string, number, string | Buffer][] = [
    ['two different Content-Lengths', 400, `${head}content-length: 2\r\ncontent-length: 3\r\n\r\n{} `],
    ['the same Content-Length twice', 400, `${head}content-length: 2\r\ncontent-length: 2\r\n\r\n{}`],
    [
      'a Content-Length and chunks',
      400,
      `${head}content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n`,
    ],
    ['a negative Content-Length', 400, `${head}content-length: -1\r\n\r\n`],
    ['a Content-Length beyond all bounds', 400, `${head}content-length: 99999999999999999999\r\n\r\n`],
    ['a Content-Length that is no number', 400, `${head}content-length: 0x10\r\n\r\n`],
    ['a chunk of no size', 400, `${head}${claims}transfer-encoding: chunked\r\n\r\nzz\r\n`],
    ['a header without a name', 400, `${head}: x\r\n\r\n`],
    ['a header with a NUL', 400, `${head}x: a\0b\r\n\r\n`],
    ['no such version', 400, 'POST /cw HTTP/9.9\r\nhost: x\r\n\r\n'],
    ['no host', 400, 'POST /cw HTTP/1.1\r\ncontent-length: 0\r\n\r\n'],
    ['a TLS hello', 400, Buffer.from('16030100a5010000a10303', 'hex')],
    ['rubbish', 400, '\0\0\0\0 rubbish\r\n\r\n'],
    ['HTTP/2', 400, 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    ['a path out of the root', 404, 'GET /../../etc/passwd HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n'],
    ['a path that can’t be decoded', 400, 'GET /%zz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n'],
    ['a path of 10,000 characters', 404, `GET /${'x'.repeat(10_000)} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`],
  ]
  for (const [name, status, bytes] of cases) {
    const answer = await exchange(port, bytes)
    t.equal(statusOf(answer), status, name)
  }
  await stillWorks()
})

t.test('requests that stop at any point', async t => {
  const { app, port, stillWorks } = await hostileServer(t)
  const body = json(chatwoot.incoming({ message: 5 }))
  const bytes = post('/cw', signChatwoot(body, CHATWOOT_SECRET), body)
  for (let at = 1; at < bytes.length; at += Math.ceil(bytes.length / 60)) {
    const socket = await open(port)
    const closed = readAll(socket)
    socket.write(bytes.subarray(0, at))
    if (at % 2 === 0) socket.end()
    else socket.resetAndDestroy()
    t.notMatch(await closed, /HTTP\/1\.1 [25]/, `after ${at} bytes`)
  }
  t.same(await app.webhooks.inbox.list(), [], 'nothing of them is stored')
  await stillWorks()
})

t.test('senders that stop midway do not block others', async t => {
  const { app, port, stillWorks } = await hostileServer(t)
  const body = json(chatwoot.incoming({ message: 6 }))
  const bytes = post('/cw', signChatwoot(body, CHATWOOT_SECRET), body)
  const stopped = await Promise.all(
    [1, 40, bytes.length - 1].map(async length => {
      const socket = await open(port)
      const answer = readAll(socket)
      socket.write(bytes.subarray(0, length))
      return { socket, answer }
    }),
  )
  await stillWorks()
  stopped[2]?.socket.write(bytes.subarray(-1))
  t.match(await stopped[2]?.answer, /"accepted"/, 'one that goes on after all')
  app.server.closeAllConnections()
  t.same(await Promise.all([stopped[0]?.answer, stopped[1]?.answer]), ['', ''])
})

t.test('a hundred pipelined requests are answered in order', async t => {
  const { app, port, stillWorks } = await hostileServer(t)
  const bodies = Array.from({ length: 100 }, (_, index) =>
    json(index % 10 === 3 ? {} : chatwoot.incoming({ conversation: 1, message: index + 1 })),
  )
  const requests = bodies.map((body, index) => {
    const headers = index % 10 === 5 ? { 'content-type': 'application/json' } : signChatwoot(body, CHATWOOT_SECRET)
    return post('/cw', headers, body, index === 99 ? 'close' : 'keep-alive')
  })
  const answer = await exchange(port, Buffer.concat(requests))
  const statuses = answer.match(/HTTP\/1\.1 \d+/g)?.map(line => Number(line.slice(-3)))
  t.same(
    statuses,
    bodies.map((_, index) => (index % 10 === 5 ? 401 : 200)),
  )
  const stored = (await app.webhooks.inbox.list()).map(({ key }) => key)
  const expected = bodies.flatMap((_, index) =>
    [3, 5].includes(index % 10) ? [] : [`1:1_${index + 1}_message_created`],
  )
  t.same(stored, expected, 'and stored in order')
  await stillWorks()
})

t.test('many idle connections do not keep others out', async t => {
  const { port, app, stillWorks } = await hostileServer(t)
  const silent = await Promise.all(Array.from({ length: 200 }, () => open(port)))
  await stillWorks()
  const closed = silent.map(socket => once(socket, 'close'))
  for (const socket of silent) socket.destroy()
  await Promise.all(closed)
  t.equal((await app.inject('/health')).statusCode, 200)
})
