import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import Fastify from 'fastify'
import tap, { type Test } from 'tap'
import webhooks, { PermanentError, type WebhooksOptions } from '../../app.ts'
import { chatwoot } from '../../commands/samples.ts'
import { OptionError } from '../../inbox/errors.ts'
import { startStandIn } from '../../sandbox/stand-in.ts'
import { chatwootRequest, webhookApp } from '../helpers/app.ts'
import { testClock } from '../helpers/clock.ts'
import { gate } from '../helpers/inbox.ts'
import { postgresServer } from '../helpers/postgres-server.ts'
import { until } from '../helpers/wait.ts'

const PATH = '/hooks/the-secret-of-the-channel'
const POST = `POST ${PATH}`
const MINUTE = 60_000
const NOT_TAKEN = 'alert not delivered'

/** A clock that reports when the timer for the next check is set: by then the previous check is complete. */
function alertClock() {
  const clock = testClock(Date.now())
  let set = () => {}
  return {
    ...clock,
    after(ms: number, callback: () => void) {
      if (ms === MINUTE) set()
      return clock.after(ms, callback)
    },
    minuteSet: () =>
      new Promise<void>(resolve => {
        set = resolve
      }),
  }
}

/** An app with an alert receiver, on a clock that the test moves; what is not fixed keeps failing. */
async function alertedApp(t: Test, options: WebhooksOptions = {}) {
  const receiver = await startStandIn(() => ({ status: 200, body: 'ok' }))
  t.teardown(() => receiver.close())
  const clock = alertClock()
  const fixed = { now: false }
  const started = await webhookApp(t, {
    alerts: { url: receiver.url + PATH },
    // The one timer of a minute is that of the checks.
    inbox: { clock, handlerTimeoutMs: MINUTE / 2 },
    handlers: {
      message_created: () => {
        if (!fixed.now) throw new PermanentError('the reason why')
      },
    },
    ...options,
  })
  const { app, log } = started
  await app.ready()
  return {
    ...started,
    receiver,
    clock,
    fixed,
    deliver: (message: number) => app.inject(chatwootRequest(chatwoot.incoming({ message, conversation: message }))),
    /** The n-th message that the receiver got, from 1. */
    async told(nth: number) {
      await log.count('alert sent', nth)
      return receiver.called(POST).at(-1)?.body
    },
    /** Advances the time by a minute, and resolves when its check is complete. */
    async minute() {
      const next = clock.minuteSet()
      clock.advance(MINUTE)
      await next
    },
    async replayAll() {
      fixed.now = true
      const dead = await app.webhooks.inbox.list({ state: 'dead' })
      await app.webhooks.inbox.replay(dead.map(({ id }) => id))
      await log.count('webhook handled', dead.length)
    },
  }
}

async function refuse(app: Awaited<ReturnType<typeof webhookApp>>['app'], times: number): Promise<void> {
  const request = chatwootRequest(chatwoot.incoming())
  const headers = { ...request.headers, 'x-chatwoot-signature': `sha256=${'0'.repeat(64)}` }
  for (let time = 0; time < times; time++) await app.inject({ ...request, headers })
}

tap.test('a dead delivery: alert at once, once, and resolved when none is left', async t => {
  const { receiver, clock, log, fixed, deliver, told, minute, replayAll } = await alertedApp(t)
  const since = new Date(clock.now()).toISOString()
  await deliver(1)
  const summary = '1 dead and 0 parked deliveries: find out why, then replay or discard them'
  t.same(await told(1), {
    alert: 'deliveries_given_up',
    status: 'firing',
    summary,
    since,
    details: { dead: 1, parked: 0 },
    text: `tutorbot-webhooks, firing (since ${since}): ${summary}`,
  })
  t.match(receiver.calls[0]?.headers, { 'content-type': 'application/json' })
  await deliver(2)
  await log.count('webhook dead', 2)
  await minute()
  t.equal(receiver.calls.length, 1, 'one more is the same incident')

  await replayAll()
  await minute()
  t.same(await told(2), {
    alert: 'deliveries_given_up',
    status: 'resolved',
    summary,
    since,
    details: { dead: 1, parked: 0 },
    text: `tutorbot-webhooks, resolved (since ${since}): ${summary}`,
  })

  await minute()
  fixed.now = false
  await deliver(3)
  t.match(await told(3), { alert: 'deliveries_given_up', status: 'firing', since: new Date(clock.now()).toISOString() })
})

tap.test('an outside system that is unavailable: one alert, and one when it is back', async t => {
  const { app, told, receiver } = await alertedApp(t)
  const why = 'ChatwootUnavailableError: Chatwoot answered 502 to GET /conversations/42'
  app.webhooks.events.emit('held', { system: 'chatwoot', isHeld: true, ms: 0, why })
  t.match(await told(1), {
    alert: 'chatwoot_unavailable',
    status: 'firing',
    summary: `chatwoot is unavailable, and what needs it waits: ${why}`,
    details: { system: 'chatwoot' },
  })
  app.webhooks.events.emit('held', { system: 'stripe', isHeld: false, ms: 5, why })
  app.webhooks.events.emit('held', { system: 'chatwoot', isHeld: false, ms: 1_800_000, why })
  t.match(await told(2), {
    alert: 'chatwoot_unavailable',
    status: 'resolved',
    details: { system: 'chatwoot', seconds: 1_800 },
  })
  t.equal(receiver.calls.length, 2)
})

tap.test('each hand-over that nobody answers is its own alert', async t => {
  const { app, told, receiver } = await alertedApp(t)
  const unanswered = { conversation: '42', since: '2026-11-20T15:04:06.000Z', minutes: 120 }
  app.webhooks.events.emit('unanswered', unanswered)
  t.match(await told(1), {
    alert: 'handoff_unanswered',
    status: 'firing',
    summary:
      'Conversation 42 was handed over to a person at 2026-11-20T15:04:06.000Z, and nobody has answered it for 120 minutes',
    details: unanswered,
  })
  app.webhooks.events.emit('unanswered', { ...unanswered, conversation: '43' })
  t.match(await told(2), { status: 'firing', details: { conversation: '43' } })
  t.equal(receiver.calls.length, 2, 'without an end')
})

tap.test('each payment that needs a person is its own alert, with amount and name', async t => {
  const { app, told, receiver, clock } = await alertedApp(t)
  const attention = {
    payment: 'pi_1',
    amount: '60.00 EUR',
    order: '42-abcdef01',
    student: 'Renée',
    conversation: '42',
    problem: 'conversation_gone',
    why: 'There is no conversation 42 in Chatwoot. The lesson is booked.',
  }
  app.webhooks.events.emit('attention', attention)
  const { why, ...details } = attention
  const summary = `A payment of 60.00 EUR by Renée (order 42-abcdef01, pi_1) needs a person: ${why}`
  const since = new Date(clock.now()).toISOString()
  t.same(await told(1), {
    alert: 'payment_needs_person',
    status: 'firing',
    summary,
    since,
    details,
    text: `tutorbot-webhooks, firing (since ${since}): ${summary}`,
  })
  app.webhooks.events.emit('attention', { ...attention, payment: 'pi_2', student: '' })
  t.match(await told(2), {
    status: 'firing',
    summary: /^A payment of 60.00 EUR by a student \(order 42-abcdef01, pi_2\)/,
  })
  t.equal(receiver.calls.length, 2, 'without an end')
})

tap.test('one check is enough for many that die at once', async t => {
  const { app, receiver, told, deliver } = await alertedApp(t)
  const { inbox } = app.webhooks
  let looks = 0
  const { backlog } = inbox
  inbox.backlog = () => {
    looks++
    return backlog()
  }
  await Promise.all([1, 2, 3, 4, 5].map(deliver))
  await told(1)
  t.equal(looks, 1)
  t.equal(receiver.calls.length, 1)
})

tap.test('deliveries dead at the start raise an alert', async t => {
  const store = join(t.testdir(), 'webhooks.db')
  await t.test('left by the previous process', async t => {
    const { app, deliver, told } = await alertedApp(t, { store })
    await deliver(1)
    await told(1)
    await app.close()
  })
  await t.test('and for the next process', async t => {
    const { minute, told } = await alertedApp(t, { store })
    await minute()
    t.match(await told(1), { alert: 'deliveries_given_up', status: 'firing' })
  })
})

tap.test('an old backlog', async t => {
  const atWork = gate()
  const { clock, deliver, told, minute, receiver, log } = await alertedApp(t, {
    handlers: { message_created: () => atWork.opened },
  })
  await deliver(1)
  await minute()
  t.equal(receiver.calls.length, 0, 'a minute is not old')
  clock.advance(5 * MINUTE)
  t.match(await told(1), {
    alert: 'backlog_old',
    status: 'firing',
    summary: 'The oldest of 1 pending deliveries was accepted more than 5 minutes ago',
    details: { pending: 1 },
  })
  atWork.open()
  await log.count('webhook handled', 1)
  await minute()
  t.match(await told(2), { alert: 'backlog_old', status: 'resolved' })
})

tap.test('a replay job that is paused', async t => {
  const { app, clock, deliver, told, minute, receiver } = await alertedApp(t)
  const { inbox } = app.webhooks
  await deliver(1)
  await told(1)
  await inbox.startReplayJob({ cause: 'PermanentError:ours', perMinute: 600, pauseAfter: 1 })
  await until('the job to pause', async () => {
    clock.advance(500)
    return (await inbox.replayJob())?.state === 'paused'
  })
  await minute()
  const why = '1 in a row failed again, the last one for PermanentError:ours'
  const details = { job: 1, cause: 'PermanentError:ours', replayed: 1, succeeded: 0, failed: 1, left: 0 }
  t.match(await told(2), {
    alert: 'replay_paused',
    status: 'firing',
    summary: `Replay job 1 of PermanentError:ours is paused, and waits to be resumed or stopped: ${why}`,
    details,
  })
  await minute()
  t.equal(receiver.calls.length, 2, 'once')
  await inbox.changeReplayJob(1, 'stopped')
  await minute()
  t.match(await told(3), { alert: 'replay_paused', status: 'resolved', details })
})

tap.test('20 refused webhooks within a minute', async t => {
  const { app, minute, told, receiver } = await alertedApp(t)
  await refuse(app, 19)
  await minute()
  await refuse(app, 19)
  t.equal(receiver.calls.length, 0)
  await refuse(app, 1)
  t.match(await told(1), {
    alert: 'verification_failures',
    status: 'firing',
    details: { refused: 20, source: 'chatwoot', reason: 'WEBHOOK_SIGNATURE_MISMATCH' },
  })
  await refuse(app, 5)
  await minute()
  t.equal(receiver.calls.length, 1, 'there were too many in this minute')
  await minute()
  t.match(await told(2), { alert: 'verification_failures', status: 'resolved' })
})

tap.test('a failing SQLite store', async t => {
  const { store, deliver, told, minute, receiver } = await alertedApp(t)
  const other = new DatabaseSync(store)
  t.teardown(() => other.close())
  other.exec('ALTER TABLE delivery RENAME TO gone')
  t.equal((await deliver(1)).statusCode, 500)
  t.match(await told(1), { alert: 'store_failing', status: 'firing', details: {} })
  await minute()
  other.exec('ALTER TABLE gone RENAME TO delivery')
  await minute()
  t.match(await told(2), { alert: 'store_failing', status: 'resolved' })
  t.equal(receiver.calls.length, 2)

  other.exec('ALTER TABLE delivery RENAME TO gone')
  await minute()
  t.match(await told(3), { alert: 'store_failing', status: 'firing' }, 'though nothing is delivered')
})

tap.test('PostgreSQL: a dead delivery, and a server that is down', async t => {
  const server = await postgresServer('')
  t.teardown(() => server.close())
  const { app, deliver, told, replayAll, minute, log } = await alertedApp(t, { store: await server.database() })
  await deliver(1)
  t.match(await told(1), { alert: 'deliveries_given_up', status: 'firing', details: { dead: 1 } })
  await replayAll()
  await minute()
  t.match(await told(2), { alert: 'deliveries_given_up', status: 'resolved' })

  await server.stop()
  t.equal((await deliver(2)).statusCode, 500)
  t.match(await told(3), { alert: 'store_failing', status: 'firing' })
  await server.start()
  await app.webhooks.inbox.checkWritable()
  await minute()
  await minute()
  t.notMatch(log.text(), 'the-secret-of-the-channel')
})

tap.test('a misbehaving receiver is retried with backoff; webhooks are not affected', async t => {
  const { receiver, clock, log, deliver, told } = await alertedApp(t)
  receiver.fail(POST, { status: 500, body: 'no' })
  receiver.fail(POST, 'hang')
  receiver.fail(POST, 'drop')
  receiver.fail(POST, { status: 302, headers: { location: '/elsewhere' } })
  await deliver(1)
  await log.count(NOT_TAKEN, 1)
  clock.advance(1_000)
  await receiver.arrived(POST, 2)
  t.equal((await deliver(2)).statusCode, 200)
  clock.advance(10_000)
  await log.count(NOT_TAKEN, 2)
  clock.advance(5_000)
  await log.count(NOT_TAKEN, 3)
  clock.advance(30_000)
  await log.count(NOT_TAKEN, 4)
  t.same(
    receiver.calls.map(({ method, path }) => `${method} ${path}`),
    Array(4).fill(POST),
  )
  clock.advance(120_000)
  t.match(await told(1), { alert: 'deliveries_given_up', status: 'firing' })
  t.match(
    log.lines.filter(({ msg }) => msg === NOT_TAKEN).map(({ problem }) => problem),
    [
      'HTTP status 500',
      'no answer within 10000 ms',
      /^no connection \((UND_ERR_SOCKET|ECONNRESET)\)$/,
      'HTTP status 302',
    ],
  )
  t.notMatch(log.text(), 'the-secret-of-the-channel')
})

tap.test('an unreachable receiver is logged, and the resolved message is still tried', async t => {
  const { receiver, clock, log, deliver, told, replayAll, minute } = await alertedApp(t)
  receiver.fail(POST, 'drop', 5)
  await deliver(1)
  for (const [index, wait] of [1_000, 5_000, 30_000, 120_000].entries()) {
    await log.count(NOT_TAKEN, index + 1)
    clock.advance(wait)
  }
  t.match(await log.line(({ msg }) => msg === 'alert could not be sent, giving up'), {
    alert: 'deliveries_given_up',
    status: 'firing',
  })
  await replayAll()
  await minute()
  t.match(await told(1), { status: 'resolved' })
  t.notMatch(log.text(), 'the-secret-of-the-channel')
})

tap.test('an incident resolved before it could be posted: both messages, in order', async t => {
  const { receiver, clock, log, deliver, told, replayAll, minute } = await alertedApp(t)
  receiver.fail(POST, { status: 503 })
  await deliver(1)
  await log.count(NOT_TAKEN, 1)
  await replayAll()
  clock.advance(1_000)
  t.match(await told(1), { status: 'firing' })
  await minute()
  t.match(await told(2), { status: 'resolved' })
})

tap.test('closing does not wait for a hanging receiver', async t => {
  const { app, clock, deliver, receiver, log } = await alertedApp(t)
  receiver.fail(POST, 'hang')
  await deliver(1)
  await receiver.arrived(POST)
  await app.close()
  t.equal(clock.next(), undefined, 'no timer is left')
  t.notMatch(log.text(), NOT_TAKEN)
})

tap.test('nor for the next attempt', async t => {
  const { app, clock, deliver, receiver, log } = await alertedApp(t)
  receiver.fail(POST, 'drop')
  await deliver(1)
  await log.count(NOT_TAKEN, 1)
  await app.close()
  t.equal(clock.next(), undefined)
  t.equal(receiver.calls.length, 1)
})

tap.test('closing during a check of the store', async t => {
  const { app, clock, receiver } = await alertedApp(t)
  const answers = gate()
  const asked = gate()
  app.webhooks.inbox.checkWritable = () => {
    asked.open()
    return answers.opened
  }
  clock.advance(MINUTE)
  await asked.opened
  await app.close()
  answers.fail(new Error('the store is closed'))
  await new Promise(resolve => setImmediate(resolve))
  t.equal(clock.next(), undefined, 'it was the last look')
  t.equal(receiver.calls.length, 0)
})

tap.test('an invalid URL is refused without being shown', async t => {
  const urls = [
    undefined,
    5,
    '',
    'hooks.example.com/s3cret',
    'ftp://h/s3cret',
    'http://u:s3cret@h/',
    'https://s3cret@h/',
  ]
  for (const [index, url] of urls.entries()) {
    const app = Fastify()
    t.teardown(() => app.close())
    const alerts = { url } as WebhooksOptions['alerts']
    const error = await Promise.resolve(app.register(webhooks, { store: `${t.testdir()}/${index}.db`, alerts })).catch(
      error => error,
    )
    t.ok(error instanceof OptionError, String(url))
    t.equal(error.message, 'alerts.url (ALERT_WEBHOOK_URL) must be an http(s):// URL without a user name')
  }
})
