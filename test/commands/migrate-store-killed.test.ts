import { readFileSync, writeFileSync } from 'node:fs'
import tap from 'tap'
import { openPostgresCalendar } from '../../calendar/postgres.ts'
import { openPostgresStore } from '../../inbox/postgres/store.ts'
import { startChatwootApi } from '../../sandbox/chatwoot-api.ts'
import { standInSettings } from '../../sandbox/environment.ts'
import { pay } from '../../sandbox/payments.ts'
import { type Session, startStripeApi } from '../../sandbox/stripe-api.ts'
import { CHATWOOT_SECRET, STRIPE_SECRET, stripeHeaders } from '../helpers/app.ts'
import { delivery } from '../helpers/inbox.ts'
import { captureLog } from '../helpers/log.ts'
import {
  command,
  contentsOfDatabase,
  contentsOfFile,
  fileOf,
  fillLargeStore,
  HOUR,
  handlingInbox,
  hashOf,
  inOrder,
  killer,
  LATER,
  log,
  migrate,
  NOW,
  refusal,
  type Stop,
  signal,
} from '../helpers/moving.ts'
import { postgresServer } from '../helpers/postgres-server.ts'
import { startServer } from '../helpers/server-process.ts'
import { deliverStripe, student } from '../helpers/story.ts'

const server = await postgresServer('')
tap.teardown(() => server.close())

tap.test('kill -9 anywhere, then run again: everything arrives once and is handled once', async t => {
  const file = fileOf(t)
  const url = await server.database()
  const keys = await fillLargeStore(file)
  const all = contentsOfFile(file)
  const kill = await killer(t, file, url)
  const rounds: [Stop, { steps: number; slots: number; deliveries: number }][] = [
    [
      { table: 'step', row: `NEW.key = 'key 0'` },
      { steps: 0, slots: 0, deliveries: 0 },
    ],
    [
      { table: 'step', row: `NEW.key = 'key 99'` },
      { steps: 500, slots: 0, deliveries: 0 },
    ],
    [
      { table: 'slot', row: 'true' },
      { steps: 700, slots: 0, deliveries: 0 },
    ],
    [
      { table: 'slot', row: 'true', committing: true },
      { steps: 700, slots: 1, deliveries: 0 },
    ],
    [
      { table: 'delivery', row: `NEW.key = 'key 7'` },
      { steps: 700, slots: 1, deliveries: 0 },
    ],
    [
      { table: 'delivery', row: `NEW.key = 'key 7'`, committing: true },
      { steps: 700, slots: 1, deliveries: 500 },
    ],
    [
      { table: 'delivery', row: `NEW.key = 'key 999'` },
      { steps: 700, slots: 1, deliveries: 500 },
    ],
    [
      { table: 'body', row: `NEW.payload = '{"key":"key 1299"}'` },
      { steps: 700, slots: 1, deliveries: 1_000 },
    ],
  ]
  for (const [stop, { steps, slots, deliveries }] of rounds) {
    await kill(stop)
    const there = await contentsOfDatabase(server, url)
    t.equal(there.steps.length, steps)
    t.same(there.slots, all.slots.slice(0, slots))
    t.same(there.deliveries, all.deliveries.slice(0, deliveries), `stopped at ${JSON.stringify(stop)}`)
  }
  const { code, out } = await command(t, ['--from', file, '--to', url]).ended
  t.equal(code, 0)
  t.match(
    out,
    /^deliveries: 300 moved, 300 pending; 1,000 were there already\nsteps: 0 moved; 700 were there already\n/m,
  )
  t.same(await contentsOfDatabase(server, url), all)

  const { handled } = await handlingInbox(t, url)
  await handled.reached(keys.length)
  t.same(handled.keys.toSorted(), keys.toSorted())
  t.ok(inOrder(handled.keys))
})

tap.test('half moved, server started, moved again: what was done there stays done', async t => {
  const file = fileOf(t)
  const url = await server.database()
  const keys = await fillLargeStore(file)
  await (await killer(t, file, url))({ table: 'delivery', row: `NEW.key = 'key 999'` })

  const first = await handlingInbox(t, url)
  await first.handled.reached(500)
  await first.inbox.accept(delivery('key 1300', { orderingKey: 'box 0', receivedAt: NOW }), 1)
  t.equal(await first.inbox.accept(delivery('key 0'), 1), 'duplicate')
  await first.handled.reached(501)
  await first.app.close()
  const calendar = await openPostgresCalendar(url, { now: Date.now })
  t.teardown(() => calendar.close())
  t.same(await calendar.cancel('lesson', signal), { start: LATER, end: LATER + HOUR })
  // As DEDUP_DAYS later.
  const store = await openPostgresStore(url, log)
  await store.prune({ payloadsBefore: LATER, keysBefore: LATER }, 0, 100)
  await store.close()

  t.match(await migrate(file, url), /^deliveries: 800 moved, 800 pending; 500 were there already\n/m)
  t.equal(await calendar.find('lesson', signal), null)
  const second = await handlingInbox(t, url)
  await second.handled.reached(800)
  t.same(second.handled.keys.toSorted(), keys.slice(500).toSorted())
  t.ok(inOrder(second.handled.keys))
  await second.app.close()
  const states = await server.query(url, 'SELECT state, count(*)::int FROM tutorbot_webhooks.delivery GROUP BY state')
  t.same(states, [{ state: 'done', count: 1_201 }], '100 are forgotten')
  t.match(
    await migrate(file, url),
    /^deliveries: 0 moved; 1,300 were there already\nsteps: \d+ moved; \d+ were there already\ncalendar: 0 l/m,
  )
})

tap.test('the server is killed during a booking and the store moved: the student notices nothing', async t => {
  const [chatwoot, stripe] = [await startChatwootApi(), await startStripeApi()]
  t.teardown(() => Promise.all([chatwoot.close(), stripe.close()]))
  stripe.addPrice('price_1', 6000)
  const file = fileOf(t)
  const url = await server.database()
  const env = {
    MESSAGE_QUIET_MS: '0',
    ...standInSettings({ chatwoot, stripe }, { chatwoot: CHATWOOT_SECRET, stripe: STRIPE_SECRET }),
    STANDARD_PRICE_ID_60: 'price_1',
    CALENDAR_TOKEN: 'calendar-token-of-16',
  }
  const log = captureLog()
  const start = (store: string) => startServer({ ...env, DATABASE_URL: store }, 'exec', line => log.stream.write(line))
  let running = await start(file)
  t.teardown(() => running.end('SIGKILL'))
  const receiver = {
    url: async () => running.url,
    handled: async (id: string) =>
      (await log.line(({ delivery, msg }) => delivery === id && /^webhook (handled|parked|dead)/.test(msg))).msg,
  }
  const renee = student({ chatwoot, stripe, receiver })
  await renee.says('Hoi, ik zoek bijles wiskunde')
  await renee.says('Les boeken')
  await renee.says(renee.choices()[0] as string)
  const { succeeded, completed } = pay([...stripe.sessions.values()][0] as Session)
  chatwoot.fail(/^POST .*\/messages$/, 'hang')
  const confirmation = chatwoot.called(/^POST .*\/messages$/).length + 1
  const payment = await deliverStripe(receiver, succeeded)
  await chatwoot.arrived(/^POST .*\/messages$/, confirmation)
  t.match(await command(t, ['--from', file, '--to', url]).ended, {
    code: 1,
    out: '',
    err: `migrate-store: --from: ${file} is in use by another process; stop that one, or give another file\n`,
  })
  await running.end('SIGKILL')

  // What was not yet checkpointed into the file stays in the log.
  const hashes = [file, `${file}-wal`].map(hashOf)
  t.match(await command(t, ['--from', file, '--to', url]).ended, {
    code: 0,
    err: '',
    out: /^calendar: 1 lessons moved/m,
  })
  t.same([file, `${file}-wal`].map(hashOf), hashes)
  running = await start(url)
  t.equal(await receiver.handled(payment), 'webhook handled')
  t.equal(await receiver.handled(await deliverStripe(receiver, completed)), 'webhook handled')
  const again = JSON.stringify(succeeded)
  const request = { method: 'POST', headers: stripeHeaders(again), body: again }
  t.match(await (await fetch(`${running.url}/webhook/payments`, request)).json(), { status: 'duplicate', id: payment })
  t.match(renee.read().slice(3), [/^Dank je wel! .*\nJe les staat vast/])
  t.equal(renee.read().length, 4, 'every message once')
  t.equal(renee.notes().length, 1)
  const feed = await (await fetch(`${running.url}/calendar.ics?token=calendar-token-of-16`)).text()
  t.equal(feed.match(/BEGIN:VEVENT/g)?.length, 1)
})

tap.test('a failure half-way is reported, and the next run continues', async t => {
  const file = fileOf(t)
  const url = await server.database()
  await fillLargeStore(file)
  await migrate(file, url)
  await server.query(url, `DELETE FROM tutorbot_webhooks.delivery`)
  await server.query(url, `DELETE FROM tutorbot_webhooks.moved`)
  await server.query(url, `ALTER TABLE tutorbot_webhooks.body RENAME TO hidden`)
  t.match(
    await refusal('--from', file, '--to', url),
    /^migrate-store: --to: postgres:\/\/postgres@[^ ]+ failed \(relation "tutorbot_webhooks.body" does not exist\); fix that, then run this again: it continues where it stopped$/,
  )
  await server.query(url, `ALTER TABLE tutorbot_webhooks.hidden RENAME TO body`)
  await server.query(url, `DELETE FROM tutorbot_webhooks.body`)
  t.match(await migrate(file, url), /^deliveries: 1,300 moved/m)

  const pages = readFileSync(file)
  pages.fill(0xff, 8192 * 3)
  writeFileSync(file, pages)
  t.match(
    await refusal('--from', file, '--to', url),
    /^migrate-store: --from: .*webhooks\.db can't be read completely \(database disk image is malformed\); /,
  )
})
