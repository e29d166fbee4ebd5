import tap from 'tap'
import { testClock } from '../../helpers/clock.ts'
import { delivery, recorder, startInbox } from '../../helpers/inbox.ts'
import { postgresServer } from '../../helpers/postgres-server.ts'

/** The clock stands still, so nothing polls: what is handled was woken. The time it takes is reported, not judged. */

const server = await postgresServer()
tap.teardown(() => server.close())

tap.test('nothing waits for polling: when idle, and ten in one mailbox', async t => {
  const { app, inbox } = await startInbox(t, { store: await server.database(), clock: testClock() })
  const handled = recorder()
  inbox.handle('test', 'ping', delivery => handled.add(delivery))
  await app.ready()
  const latencies: number[] = []
  for (let n = 1; n <= 40; n++) {
    await inbox.accept(delivery(`k${n}`), 1)
    const committed = performance.now()
    await handled.reached(n)
    latencies.push(performance.now() - committed)
  }
  const p50 = latencies.sort((a, b) => a - b)[20] as number
  t.comment(`from commit to handler: p50 ${p50.toFixed(1)} ms`)

  const ten = Array.from({ length: 10 }, (_, n) => delivery(`one of ten: ${n}`, { orderingKey: 'box' }))
  await Promise.all(ten.map(one => inbox.accept(one, 1)))
  await handled.reached(50)
  t.same(
    handled.keys.slice(40),
    ten.map(({ key }) => key),
  )
})

tap.test('nor on another instance: accepting wakes the others', async t => {
  const store = await server.database()
  // Never made ready, so it handles nothing itself.
  const one = await startInbox(t, { store, clock: testClock() })
  const other = await startInbox(t, { store, clock: testClock() })
  const handled = recorder()
  other.inbox.handle('test', 'ping', delivery => handled.add(delivery))
  await other.app.ready()
  for (let n = 1; n <= 20; n++) {
    await one.inbox.accept(delivery(`k${n}`), 1)
    await handled.reached(n)
  }
  t.equal(handled.keys.length, 20)
})
