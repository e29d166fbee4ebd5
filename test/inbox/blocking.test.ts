import tap from 'tap'
import { delivery, startInbox } from '../helpers/inbox.ts'

tap.test('a handler that blocks the event loop for a second is named in the log', async t => {
  const { app, inbox, log } = await startInbox(t)
  inbox.handle('test', 'ping', () => {
    for (const end = performance.now() + 1_050; performance.now() < end; );
  })
  inbox.handle('test', 'quick', () => {})
  await app.ready()
  await inbox.accept(delivery('quick', { event: 'quick' }), 1)
  await inbox.accept(delivery('slow'), 1)
  const line = await log.line(({ msg }) => msg.startsWith('a handler blocked'))
  t.match(line, { level: 40, delivery: delivery('slow').id, event: 'ping', ms: Number })
  await log.count('webhook handled', 2)
  t.equal(log.lines.filter(({ msg }) => msg.startsWith('a handler blocked')).length, 1)
})
