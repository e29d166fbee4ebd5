import { once } from 'node:events'
import type { Readable } from 'node:stream'
import type { FastifyBaseLogger } from 'fastify'
import pino from 'pino'
import tap from 'tap'
import type { Parts } from '../../../operator/pages/layout.ts'
import { createLive } from '../../../routes/operator/live.ts'
import { testClock } from '../../helpers/clock.ts'
import { captureLog } from '../../helpers/log.ts'

/** Keeps pages up to date with what `read` returns; `look` triggers a check, and resolves when it is complete. */
function startLive() {
  const clock = testClock()
  const log = captureLog()
  const live = createLive(clock, pino({}, log.stream) as FastifyBaseLogger)
  const state = { parts: { now: '1' } as Parts, fails: false, reads: 0, over: false }
  const view = {
    name: 'overview',
    async render() {
      state.reads++
      if (state.fails) throw new Error('no such table')
      return state.parts
    },
  }
  const open = () => live.open(view, () => state.over)
  async function look(times = 1) {
    for (let each = 0; each < times; each++) {
      const next = clock.timerSet()
      clock.advance(1_000)
      await next
    }
  }
  return { live, clock, log, state, view, open, look }
}

/** What has arrived on a stream since the last read. */
async function read(stream: Readable): Promise<string> {
  await new Promise(resolve => setImmediate(resolve))
  return `${stream.read() ?? ''}`
}

const message = (parts: object) => `event: parts\ndata: ${JSON.stringify(parts)}\n\n`

tap.test('a page gets all parts at first, then those that changed', async t => {
  const { live, state, open, look } = startLive()
  t.teardown(() => live.close())
  state.parts = { now: '1', latest: '<b>\n</b>' }
  const page = open()
  t.equal(await read(page), `retry: 2000\n\n${message({ now: '1', latest: '<b>\n</b>' })}`)
  state.parts = { now: '2', latest: '<b>\n</b>' }
  await look()
  t.equal(await read(page), '', 'nobody has told of anything')
  live.change()
  await look()
  t.equal(await read(page), message({ now: '2' }))
  state.parts = { now: '3', latest: '<b>\n</b>' }
  await look(3)
  t.equal(await read(page), message({ now: '3' }), 'what nobody told of is found within 5 s')
})

tap.test('pages with the same view share a read; each gets its own changes', async t => {
  const { live, state, view, open, look } = startLive()
  t.teardown(() => live.close())
  const pages = [open(), open(), live.open({ ...view, name: 'another' }, () => false)]
  for (const page of pages) t.match(await read(page), message({ now: '1' }))
  state.reads = 0
  state.parts = { now: '2' }
  live.change()
  await look()
  t.equal(state.reads, 2)
  for (const page of pages) t.equal(await read(page), message({ now: '2' }))
})

tap.test('a silent connection gets keep-alives', async t => {
  const { live, open, look } = startLive()
  t.teardown(() => live.close())
  const page = open()
  await read(page)
  await look(14)
  t.equal(await read(page), '')
  await look()
  t.equal(await read(page), ':\n\n')
})

tap.test('a failing store is shown, and all parts are sent again afterwards', async t => {
  const { live, log, state, open, look } = startLive()
  t.teardown(() => live.close())
  const page = open()
  await read(page)
  state.fails = true
  live.change()
  await look()
  t.equal(await read(page), 'event: trouble\ndata: {}\n\n', 'without its reason')
  t.match(log.lines, [{ level: 40, msg: "can't update the operator's page (no such table)" }])
  state.fails = false
  live.change()
  await look()
  t.equal(await read(page), message({ now: '1' }))
})

tap.test('a session that is over ends its page', async t => {
  const { clock, state, open } = startLive()
  const page = open()
  const closed = once(page, 'close')
  state.over = true
  clock.advance(1_000)
  await closed
  clock.advance(1_000)
  t.equal(clock.next(), undefined, 'without a page nothing is looked for')
})

tap.test('a page that does not read is disconnected', async t => {
  const { live, state, open, look } = startLive()
  t.teardown(() => live.close())
  const page = open()
  await read(page)
  state.parts = { now: 'x'.repeat(1024 * 1024) }
  live.change()
  const closed = once(page, 'close')
  await look()
  await closed
  t.ok(page.destroyed)
})

tap.test('20 pages, and none when the server closes', async t => {
  const { live, clock, open } = startLive()
  const pages = Array.from({ length: 20 }, open)
  t.throws(open, { code: 'OPERATOR_TOO_MANY_PAGES' })
  const [first] = pages
  first?.destroy()
  await once(first as Readable, 'close')
  pages.push(open())
  const closed = Promise.all(pages.slice(1).map(page => once(page, 'close')))
  live.close()
  await closed
  t.equal(clock.next(), undefined)
  t.throws(open, { code: 'OPERATOR_TOO_MANY_PAGES' })
})

tap.test('closing during a read leaves no timer', async t => {
  const { live, clock, view } = startLive()
  const waiting = Promise.withResolvers<Parts>()
  const page = live.open({ ...view, render: () => waiting.promise }, () => false)
  live.change()
  clock.advance(1_000)
  live.close()
  waiting.resolve({})
  await once(page, 'close')
  await new Promise(resolve => setImmediate(resolve))
  t.equal(clock.next(), undefined)
})
