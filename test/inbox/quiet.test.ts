import tap from 'tap'
import type { Delivery } from '../../inbox/contracts.ts'
import type { HandlerContext } from '../../inbox/drain.ts'
import type { Quiet } from '../../inbox/quiet.ts'
import { delivery, gate, startInbox } from '../helpers/inbox.ts'
import { arrivals } from '../helpers/wait.ts'

/** Handlers that wait until a mailbox is quiet. */

const BOX = { orderingKey: 'box' }
const quietly = (waits: Quiet['waits'], quietMs = 50, maxMs = 10_000): Quiet => ({ quietMs, maxMs, waits })
const now = (key: string) => delivery(key, { ...BOX, receivedAt: Date.now() })

/** A handler that writes down what it is given together. */
function collector() {
  const { items: runs, add, first } = arrivals<string[]>(keys => keys.join())
  return {
    runs,
    handle: (_: unknown, { together }: HandlerContext) => add(together.map(({ key }) => key)),
    reached: (count: number) => first(`${count} runs`, () => runs.length >= count),
  }
}

const gaveUp = () => {}

tap.test('a handler gets all that came in, once it is quiet; each is reported', async t => {
  const { inbox, log, app } = await startInbox(t)
  const { runs, handle, reached } = collector()
  const handled: string[] = []
  app.webhooks.events.on('handled', ({ delivery }) => handled.push(delivery))
  inbox.handle('test', 'ping', { handle, gaveUp, quiet: quietly(() => 'wait', 1_000) })
  await app.ready()
  for (const key of ['a', 'b', 'c']) t.equal(await inbox.accept(now(key), 10), 'accepted')
  t.equal(await inbox.accept(now('b'), 10), 'duplicate')
  await reached(1)
  t.same(runs, [['a', 'b', 'c']])
  t.match(await log.line(({ msg }) => msg === 'webhook handled'), { delivery: delivery('a').id, together: 3 })
  t.same(
    handled,
    ['a', 'b', 'c'].map(key => delivery(key).id),
  )
})

tap.test('that a delivery waits is told, once it is stored; what that throws changes nothing', async t => {
  const { inbox, log, app } = await startInbox(t)
  const { runs, handle, reached } = collector()
  const told: string[] = []
  const onWait = ({ key }: Delivery) => {
    told.push(key)
    if (key === 'b') throw new Error('odd')
  }
  const waits = ({ key }: Delivery) => (key === 'join' ? 'join' : key === 'click' ? 'alone' : 'wait')
  inbox.handle('test', 'ping', { handle, gaveUp, quiet: { ...quietly(waits, 3_600_000, 3_600_000), onWait } })
  await app.ready()
  for (const key of ['a', 'b', 'b', 'click', 'c', 'join']) await inbox.accept(now(key), 10)
  await reached(3)
  t.same(runs, [['a', 'b'], ['click'], ['c', 'join']])
  t.same(told, ['a', 'b', 'c'])
  t.match(await log.line(({ msg }) => msg === 'onWait failed'), { delivery: delivery('b').id, err: { message: 'odd' } })
})

tap.test('what does not wait, or ends the wait, is not held up', async t => {
  const { inbox, app } = await startInbox(t)
  const { runs, handle, reached } = collector()
  const waits = ({ key }: Delivery) => (key === 'join' ? 'join' : key.startsWith('click') ? 'alone' : 'wait')
  // Longer than the test may take.
  inbox.handle('test', 'ping', { handle, gaveUp, quiet: quietly(waits, 3_600_000, 3_600_000) })
  await app.ready()
  for (const key of ['a', 'b', 'click', 'c', 'click 2', 'd', 'join']) await inbox.accept(now(key), 10)
  await reached(5)
  t.same(runs, [['a', 'b'], ['click'], ['c'], ['click 2'], ['d', 'join']])
})

tap.test('what comes in while a run is being handled is the next run', async t => {
  const { inbox, app } = await startInbox(t)
  const { runs, handle, reached } = collector()
  const [begun, go] = [gate(), gate()]
  const slowly = async (given: unknown, context: HandlerContext) => {
    handle(given, context)
    begun.open()
    await go.opened
  }
  inbox.handle('test', 'ping', { handle: slowly, gaveUp, quiet: quietly(() => 'wait') })
  await app.ready()
  await inbox.accept(now('a'), 10)
  await begun.opened
  await inbox.accept(now('b'), 10)
  await inbox.accept(now('c'), 10)
  go.open()
  await reached(2)
  t.same(runs, [['a'], ['b', 'c']])
})

tap.test('with 0 ms nothing waits; nor if it can’t be told, or is unreadable', async t => {
  const { inbox, log, app } = await startInbox(t)
  const { runs, handle, reached } = collector()
  const never = () => t.fail('not asked')
  inbox.handle('test', 'ping', { handle, gaveUp, quiet: quietly(never as never, 0) })
  const fails = () => {
    throw new Error('odd')
  }
  inbox.handle('other', 'odd', { handle, gaveUp, quiet: quietly(fails, 3_600_000, 3_600_000) })
  inbox.handle('third', 'none', { handle, gaveUp, quiet: quietly(() => 'never' as 'wait', 3_600_000, 3_600_000) })
  await app.ready()
  await inbox.accept(now('a'), 10)
  await inbox.accept({ ...now('b'), source: 'other', event: 'odd' }, 10)
  await inbox.accept({ ...now('c'), source: 'third', event: 'none' }, 10)
  await inbox.accept({ ...now('unreadable'), unreadable: 'odd' }, 10)
  await reached(3)
  t.same(runs, [['a'], ['b'], ['c']])
  const line = await log.line(({ msg }) => msg.startsWith('could not tell whether'))
  t.match(line, { level: 40, delivery: delivery('b').id, err: { message: 'odd' } })
})

tap.test('wrong times are refused when the handler is registered', async t => {
  const { inbox } = await startInbox(t)
  const refused = (quiet: unknown, message: RegExp) =>
    t.throws(() => inbox.handle('test', 'ping', { handle() {}, gaveUp, quiet: quiet as Quiet }), { message })
  const waits = () => 'wait'
  refused(
    { quietMs: Number.NaN, maxMs: 5, waits },
    /^handlers\.test\.ping\.quiet\.quietMs must be a whole number of ms.*NaN$/,
  )
  refused({ quietMs: '5', maxMs: 5, waits }, /quiet\.quietMs must be/)
  refused({ quietMs: -1, maxMs: 5, waits }, /quiet\.quietMs must be .* not -1$/)
  refused({ quietMs: 1, maxMs: 1e9, waits }, /quiet\.maxMs must be .* from 0 to 3600000, not 1000000000$/)
  refused({ quietMs: 5, maxMs: 4, waits }, /quiet\.maxMs must be at least quietMs \(5\), not 4$/)
  refused({ quietMs: 5, maxMs: 5 }, /quiet\.waits must be a function$/)
  const quiet = { quietMs: 5, maxMs: 5, waits } as Quiet
  inbox.handle('test', 'pong', { handle() {}, gaveUp, quiet })
  inbox.handle('test', 'ping', { handle() {}, gaveUp, quiet })
  inbox.handle('test', 'plain', () => {})
  refused(
    { ...quiet },
    /^handlers\.test\.ping and the handler of pong wait for quiet together, .*: give both the same quiet$/,
  )
  inbox.handle('test', 'ping', { handle() {}, gaveUp, quiet: { ...quiet, quietMs: 0 } })
})
