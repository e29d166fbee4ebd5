import tap from 'tap'
import { delivery, startInbox } from '../../helpers/inbox.ts'
import { postgresServer } from '../../helpers/postgres-server.ts'

/** In real time, and with room: what is meant is milliseconds, and that nothing waits for a poll. */

const server = await postgresServer()
tap.teardown(() => server.close())

tap.test('from commit to handler in milliseconds, while idle', async t => {
  const { app, inbox } = await startInbox(t, { store: await server.database() })
  let handled = () => {}
  inbox.handle('test', 'ping', () => handled())
  await app.ready()
  const latencies: number[] = []
  for (let n = 0; n < 40; n++) {
    const begun = new Promise<number>(resolve => {
      handled = () => resolve(performance.now())
    })
    await inbox.accept(delivery(`k${n}`), 1)
    const committed = performance.now()
    latencies.push((await begun) - committed)
    await new Promise(resolve => setTimeout(resolve, 10))
  }
  const p50 = latencies.sort((a, b) => a - b)[20] as number
  t.ok(p50 <= 20, `p50 ${p50.toFixed(1)} ms`)
})

tap.test('ten of one conversation are handled within 500 ms; a retry within 1.5 s of its time', async t => {
  const { app, inbox, log } = await startInbox(t, { store: await server.database() })
  inbox.handle('test', 'ping', ({ key }, { attempt }) => {
    if (key === 'again' && attempt === 1) throw new Error('not yet')
  })
  await app.ready()
  const begun = performance.now()
  const ten = Array.from({ length: 10 }, (_, n) => delivery(`k${n}`, { orderingKey: 'box' }))
  await Promise.all(ten.map(one => inbox.accept(one, 1)))
  await log.count('webhook handled', 10)
  const ms = performance.now() - begun
  t.ok(ms <= 500, `${Math.round(ms)} ms`)

  await inbox.accept(delivery('again'), 1)
  const failed = await log.line(({ msg }) => msg === 'webhook failed, tried again')
  await log.count('webhook handled', 11)
  const late = Date.now() - (failed.nextAttemptAt as number)
  t.ok(late <= 1_500, `${late} ms late`)
})
