import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { PassThrough } from 'node:stream'
import type { FastifyRequest } from 'fastify'
import t, { type Test } from 'tap'
import { type BodyBudgetOptions, createBodyBudget } from '../../plugins/body-budget.ts'
import { testClock } from '../helpers/clock.ts'

const KIB = 1024
const LIMIT = 4 * KIB * KIB

/** A budget, and bodies fed by the test. */
function setUp(options: Partial<BodyBudgetOptions> = {}) {
  const clock = testClock()
  const budget = createBodyBudget({ bodyLimit: LIMIT, clock, ...options })
  /** @param length as declared; none: chunked */
  function begin(length?: number) {
    const raw = Object.assign(new PassThrough(), { httpVersionMajor: 2 }) as unknown as IncomingMessage & PassThrough
    const request = {
      raw,
      headers: { ...(length !== undefined && { 'content-length': `${length}` }) },
    } as unknown as FastifyRequest
    const ended = Promise.withResolvers<string>()
    let state = 'unfinished'
    budget.read(request, raw, (error, body) => {
      state = error === null ? `read ${body?.length}` : String((error as { code?: string }).code)
      ended.resolve(state)
    })
    return {
      raw,
      ended: ended.promise,
      state: () => state,
      /** Resolves once it has been accepted or refused. */
      async send(bytes: number) {
        const came = once(raw, 'data')
        raw.write(Buffer.alloc(bytes, 'x'))
        await Promise.race([came, ended.promise])
      },
    }
  }
  return { clock, budget, begin }
}

t.test('a body in one chunk is not counted', async t => {
  const { budget, begin } = setUp()
  const body = begin(10)
  body.raw.end(Buffer.alloc(10))
  t.equal(await body.ended, 'read 10')
  const empty = begin(0)
  empty.raw.end()
  t.equal(await empty.ended, 'read 0')
  t.match(budget.stats(), { maxHeldBytes: 0, unfinished: 0 })
})

t.test('a body in chunks is counted until it is read, with or without a declared length', async t => {
  for (const length of [300 * KIB, undefined]) {
    const { clock, budget, begin } = setUp()
    const body = begin(length)
    // As from a host's own preParsing hook.
    if (length === undefined) body.raw.setEncoding('utf8')
    await body.send(100 * KIB)
    t.match(budget.stats(), { unfinished: 1, heldBytes: 100 * KIB + 256 })
    body.raw.write('é'.repeat(50 * KIB))
    body.raw.end(Buffer.alloc(100 * KIB))
    t.equal(await body.ended, `read ${300 * KIB}`)
    t.match(budget.stats(), { unfinished: 0, heldBytes: 0, cutForRoom: 0 })
    clock.advance(60_000)
    t.equal(clock.next(), undefined, 'nothing is looked at any more')
  }
})

t.test('too large, another length than declared, and a sender that goes away', async t => {
  const { budget, begin } = setUp()
  t.equal(begin(LIMIT + 1).state(), 'FST_ERR_CTP_BODY_TOO_LARGE')
  const chunked = begin()
  await chunked.send(LIMIT)
  await chunked.send(1)
  t.equal(chunked.state(), 'FST_ERR_CTP_BODY_TOO_LARGE')
  const short = begin(20)
  short.raw.end(Buffer.alloc(10))
  t.equal(await short.ended, 'FST_ERR_CTP_INVALID_CONTENT_LENGTH')
  const gone = begin(20)
  await gone.send(10)
  gone.raw.destroy(Object.assign(new Error('aborted'), { code: 'ECONNRESET' }))
  t.equal(await gone.ended, 'ECONNRESET')
  t.match(budget.stats(), { unfinished: 0, heldBytes: 0, cutForRoom: 0, cutForSlowness: 0 })
})

t.test('when the budget is used up, the large body that was slowest lately is cut off', async t => {
  const { clock, budget, begin } = setUp({ maxHeldBytes: 1_000 * KIB })
  const [early, stalled, steady] = [begin(LIMIT), begin(LIMIT), begin(LIMIT)]
  await stalled.send(400 * KIB)
  await early.send(100 * KIB)
  await steady.send(70 * KIB)
  for (let n = 0; n < 4; n++) {
    clock.advance(500)
    await early.send(20 * KIB)
    await steady.send(40 * KIB)
  }
  const newcomer = begin(LIMIT)
  await newcomer.send(390 * KIB)
  t.same(
    [early, stalled, steady, newcomer].map(({ state }) => state()),
    ['unfinished', 'WEBHOOK_BODY_CUT', 'unfinished', 'unfinished'],
  )
  await steady.send(380 * KIB)
  t.equal(early.state(), 'WEBHOOK_BODY_CUT', 'then the next')
  await newcomer.send(600 * KIB)
  t.equal(steady.state(), 'WEBHOOK_BODY_CUT')
  await newcomer.send(100 * KIB)
  t.equal(newcomer.state(), 'WEBHOOK_BODY_CUT', 'or itself, if there is no other')
  t.match(budget.stats(), { unfinished: 0, heldBytes: 0, cutForRoom: 4 })
  t.ok(budget.stats().maxHeldBytes <= 1_000 * KIB)
})

t.test('small bodies are never cut off for large ones, and a new small one is always read', async t => {
  const { clock, budget, begin } = setUp({ maxHeldBytes: 300 * KIB })
  const small = begin(60 * KIB)
  await small.send(50 * KIB)
  clock.advance(400)
  const large = begin(LIMIT)
  await large.send(200 * KIB)
  await large.send(100 * KIB)
  t.same([small.state(), large.state()], ['unfinished', 'WEBHOOK_BODY_CUT'])

  const others = []
  for (let n = 0; n < 5; n++) {
    clock.advance(1)
    const other = begin(64 * KIB)
    others.push(other)
    await other.send(55 * KIB)
  }
  t.equal(small.state(), 'WEBHOOK_BODY_CUT', 'of small ones only, the oldest')
  const newcomer = begin(2 * KIB)
  await newcomer.send(KIB)
  newcomer.raw.end(Buffer.alloc(KIB))
  t.equal(await newcomer.ended, `read ${2 * KIB}`)
  for (const [n, other] of others.entries()) t.equal(other.state(), 'unfinished', `${n}`)
  await newcomerIsRead(t, budget, begin)
})

/** However full it is. */
async function newcomerIsRead(
  t: Test,
  budget: ReturnType<typeof createBodyBudget>,
  begin: ReturnType<typeof setUp>['begin'],
) {
  for (let n = 0; n < 20; n++) {
    const genuine = begin(64 * KIB)
    await genuine.send(40 * KIB)
    genuine.raw.end(Buffer.alloc(24 * KIB))
    t.equal(await genuine.ended, `read ${64 * KIB}`)
    await begin(64 * KIB).send(60 * KIB)
  }
  t.ok(budget.stats().maxHeldBytes <= 300 * KIB, `${budget.stats().maxHeldBytes}`)
}

t.test('senders slower than 32 KiB/s after 5 s are cut off', async t => {
  const { clock, budget, begin } = setUp()
  const [slow, dripping, steady] = [begin(LIMIT), begin(1_000), begin(LIMIT)]
  await dripping.send(10)
  await slow.send(150 * KIB)
  await steady.send(200 * KIB)
  clock.advance(5_000)
  t.same(
    [slow, dripping, steady].map(({ state }) => state()),
    ['unfinished', 'unfinished', 'unfinished'],
  )
  clock.advance(500)
  t.same(
    [slow, dripping, steady].map(({ state }) => state()),
    ['WEBHOOK_BODY_TOO_SLOW', 'WEBHOOK_BODY_TOO_SLOW', 'unfinished'],
  )
  await steady.send(60 * KIB)
  clock.advance(2_000)
  t.equal(steady.state(), 'unfinished')
  clock.advance(1_000)
  t.equal(steady.state(), 'WEBHOOK_BODY_TOO_SLOW')
  t.match(budget.stats(), { unfinished: 0, heldBytes: 0, cutForSlowness: 3 })
})
