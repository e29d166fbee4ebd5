import { DatabaseSync } from 'node:sqlite'
import t from 'tap'
import { chatwoot } from '../../commands/samples.ts'
import { TransientError } from '../../inbox/errors.ts'
import healthRoutes from '../../routes/health.ts'
import { chatwootRequest, webhookApp } from '../helpers/app.ts'
import { LEVELS } from '../helpers/log.ts'

t.test('alive', async t => {
  const { app } = await webhookApp(t)
  await app.register(healthRoutes)
  const response = await app.inject('/health')
  t.equal(response.statusCode, 200)
  t.same(response.json(), { status: 'ok' })
})

t.test('ready, with the backlog', async t => {
  const { app } = await webhookApp(t)
  await app.register(healthRoutes)
  const empty = await app.inject('/ready')
  t.equal(empty.statusCode, 200)
  const none = { pending: 0, parked: 0, dead: 0, oldestPendingAt: null }
  t.same(empty.json(), { status: 'ready', backlog: none })

  await app.inject(chatwootRequest({ ...chatwoot.incoming(), id: {} }))
  const withDead = await app.inject('/ready')
  t.equal(withDead.statusCode, 200, 'however many wait')
  t.same(withDead.json(), { status: 'ready', backlog: { ...none, dead: 1 } })
})

t.test('ready while Chatwoot is unavailable: what comes in is stored, and waits', async t => {
  const { app } = await webhookApp(t)
  await app.register(healthRoutes)
  const { breakers } = app.webhooks
  breakers.watch('chatwoot', () => new Promise(() => {}))
  breakers.watch('stripe', async () => {})
  breakers.watch('google', () => new Promise(() => {}))
  breakers.succeeded('stripe')
  const systems = async () => {
    const response = await app.inject('/ready')
    t.equal(response.statusCode, 200)
    return response.json().systems
  }
  t.same(await systems(), { chatwoot: 'unknown', stripe: 'available', google: 'unknown' })
  breakers.failed('box', new TransientError('502', { outage: { system: 'chatwoot', isProof: true } }))
  breakers.verify()
  t.same(await systems(), { chatwoot: 'unavailable', stripe: 'available', google: 'unavailable' })
})

t.test('not ready while the store fails; the reason is only in the log', async t => {
  const { app, log, store } = await webhookApp(t)
  await app.register(healthRoutes)
  await app.ready()
  const other = new DatabaseSync(store)
  t.teardown(() => other.close())
  other.exec('ALTER TABLE delivery RENAME TO gone')
  const response = await app.inject('/ready')
  t.equal(response.statusCode, 503)
  t.same(response.json(), { status: 'not ready', reason: 'the store is not writable' })
  t.match(log.lines.at(-1), { level: LEVELS.error, err: { message: /no such table/ } })
  t.equal((await app.inject('/health')).statusCode, 200, 'alive nevertheless')

  other.exec('ALTER TABLE gone RENAME TO delivery')
  t.equal((await app.inject('/ready')).statusCode, 200)
})
