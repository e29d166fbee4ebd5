import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { pino } from 'pino'
import tap, { type Test } from 'tap'
import { openPostgresCalendar } from '../../calendar/postgres.ts'
import { openSqliteCalendar } from '../../calendar/sqlite.ts'
import { chatwoot, stripeCharge, stripeEvent } from '../../commands/samples.ts'
import type { NewDelivery, Payload, Store } from '../../inbox/contracts.ts'
import { deliveryId } from '../../inbox/delivery-id.ts'
import { openPostgresStore } from '../../inbox/postgres/store.ts'
import { openSqliteStore, openSqliteStoreForCommand } from '../../inbox/sqlite/store.ts'
import { lesson } from '../helpers/calendar-conformance.ts'
import { run, runJson } from '../helpers/cli.ts'
import { stripeDelivery } from '../helpers/identify.ts'
import { bought } from '../helpers/packages-conformance.ts'
import { ACCOUNT, CONTACT, ofChatwoot, ofStripe } from '../helpers/person.ts'
import { type PostgresServer, postgresServer } from '../helpers/postgres-server.ts'

let postgres: PostgresServer
tap.before(async () => {
  postgres = await postgresServer()
})
tap.teardown(() => postgres.close())

const log = pino({ level: 'silent' })
const STORES: Record<string, { at(t: Test): string | Promise<string>; open(url: string): Store | Promise<Store> }> = {
  SQLite: { at: t => join(t.testdir(), 'webhooks.db'), open: openSqliteStore },
  PostgreSQL: { at: () => postgres.database(), open: url => openPostgresStore(url, log) },
}

const env = (store: string) => ({ DATABASE_URL: store, CW_ACC_ID: ACCOUNT })

async function openCalendar(store: string) {
  return store.startsWith('postgres') ? openPostgresCalendar(store, Date) : openSqliteCalendar(store, Date)
}

for (const [name, { at, open }] of Object.entries(STORES)) {
  tap.test(`forgets one person and nobody else, on ${name}`, async t => {
    const url = await at(t)
    const store = await open(url)
    const own = { contactId: CONTACT, conversation: 51 }
    const others = { contactId: 778, conversation: 52 }
    // A payment comes first: which conversation it names is learned later.
    const person = [
      ofStripe('evt_conversation', { conversation_id: '51' }),
      ofChatwoot(chatwoot.incoming({ ...own, message: 1, content: 'my name is Erasmus' })),
      ofChatwoot(chatwoot.outgoing({ ...own, message: 2 })),
      ofChatwoot(chatwoot.conversationCreated(own)),
      ofChatwoot(chatwoot.contactCreated({ contactId: CONTACT })),
      ofChatwoot({ event: 'message_created', id: 3, conversation: { id: 51 } }),
      ofChatwoot({ event: 'webwidget_triggered', contact: { id: CONTACT }, current_conversation: null }),
      ofStripe('evt_contact', { conversation_id: '99', contact_id: `${CONTACT}` }),
      ofStripe('evt_unordered', { conversation_id: '51', x: '1' }, undefined as never),
    ]
    const rest = [
      ofChatwoot(chatwoot.incoming({ ...others, message: 11 })),
      // A user's id is not a contact's.
      ofChatwoot({ ...chatwoot.outgoing({ ...others, message: 12 }), sender: { id: CONTACT, type: 'user' } }),
      ofStripe('evt_other', { conversation_id: '52', contact_id: '778' }),
      ofStripe('evt_nobody', {}),
      {
        ...ofChatwoot(chatwoot.contactCreated({ contactId: CONTACT })),
        id: 'host',
        source: 'shop',
        orderingKey: 'shop',
      },
    ]
    for (const delivery of [...person, ...rest]) await store.insert(delivery, false)
    await store.insert({ ...ofChatwoot({ event: 'x', account: { id: 2 } }), orderingKey: 'conversation:2:51' }, false)
    const calendar = await openCalendar(url)
    const { signal } = new AbortController()
    await calendar.book({ ...lesson('A', '10:00-11:00'), student: 'Erasmus', conversation: '51' }, signal)
    await calendar.book({ ...lesson('B', '12:00-13:00'), student: 'Someone', conversation: '52' }, signal)
    await calendar.packages.buy(bought('P', { student: 'Erasmus', conversation: '51' }), 'stripe')
    await calendar.packages.buy(bought('Q', { student: 'Someone', conversation: '52' }), 'stripe')
    // A payload that is already gone needs no erasing.
    const before = person.length

    const dry = await runJson(env(url), 'forget', '--contact', `${CONTACT}`, '--dry-run')
    t.same(dry, {
      code: 0,
      result: { dryRun: true, conversations: ['51'], forgotten: before, inFlight: [], lessons: 1, packages: 1 },
    })
    t.match((await store.get(person[1]?.id as string))?.payload, { id: 1 }, 'nothing is changed')

    // One of them is being handled at that moment.
    const taken = await store.take('conversation:1:51', Date.now())
    const partly = await run(env(url), 'forget', '--contact', `${CONTACT}`)
    t.match(partly, { code: 1, err: /^forget: 1 being handled; .* run: forget --contact 777 --conversation 51$/ })
    t.match(
      partly.out,
      new RegExp(
        `^${before - 1} deliveries erased, and the name in 1 lessons\nand in 1 packages, .*\n${taken?.id}: being`,
      ),
    )
    if (taken) await store.settle(taken, { state: 'done' }, Date.now())
    const done = await run(env(url), 'forget', '--contact', `${CONTACT}`, '--conversation', '51')
    t.match(done, { code: 0, out: '1 deliveries erased, and the name in 0 lessons', err: '' })

    for (const { id } of person) {
      const kept = await store.get(id)
      t.match(kept, { payload: null, state: /done|discarded/ })
    }
    t.equal(await store.insert(person[1] as NewDelivery, false), 'duplicate', 'the key stays')
    for (const { id } of rest) t.ok((await store.get(id))?.payload)
    const lessons = await calendar.lessons(0, 8.64e15)
    t.same(
      lessons.map(({ student }) => student),
      ['erased', 'Someone'],
    )
    t.match(await calendar.packages.find('P'), { student: 'erased', left: 600, amount: 50_000 })
    t.match(await calendar.packages.find('Q'), { student: 'Someone' })
    await calendar.close()
    await store.close()
  })

  tap.test(`conversations whose payloads are gone can be named, on ${name}`, async t => {
    const url = await at(t)
    const store = await open(url)
    const charge = stripeEvent('charge.refunded', stripeCharge({ metadata: { conversation_id: '60' } }), {
      id: 'evt_60',
    })
    await store.insert(
      stripeDelivery(charge.type, ACCOUNT, charge as unknown as Payload, () => ''),
      false,
    )
    const forget = (...args: string[]) => run(env(url), 'forget', '--contact', '1', ...args)
    t.match(await forget(), { code: 0, out: /^0 deliveries/ })
    t.match(await forget('--conversation', '60', '61'), { code: 0, out: /^1 deliveries erased/ })
    t.match(await forget('--conversation', 'x'), { code: 2, err: /x is not a Chatwoot id/ })
    const without = await run({ DATABASE_URL: url }, 'forget', '--contact', '1', '--conversation', '60')
    t.match(without, { code: 1, err: 'forget: --conversation needs CW_ACC_ID' })
    await store.close()
  })
}

for (const [name, { at, open }] of Object.entries(STORES)) {
  const change = async (url: string, sql: string) => {
    if (url.startsWith('postgres')) return postgres.query(url, sql.replaceAll('TABLE ', 'TABLE tutorbot_webhooks.'))
    const db = new DatabaseSync(url)
    db.exec(sql)
    db.close()
  }
  const tablesOf = async (url: string) => {
    if (url.startsWith('postgres'))
      return postgres.query(url, "SELECT tablename FROM pg_tables WHERE schemaname = 'tutorbot_webhooks' ORDER BY 1")
    const db = new DatabaseSync(url, { readOnly: true })
    const tables = db.prepare('SELECT name, sql FROM sqlite_schema ORDER BY name').all()
    db.close()
    return tables
  }

  tap.test(`it makes no tables for lessons, on ${name}`, async t => {
    const url = await at(t)
    const store = await open(url)
    t.teardown(() => store.close())
    await store.insert(ofChatwoot(chatwoot.incoming({ contactId: CONTACT, conversation: 51, message: 1 })), false)
    const before = await tablesOf(url)
    const done = await run(env(url), 'forget', '--contact', `${CONTACT}`)
    t.match(done, { code: 0, out: '1 deliveries erased, and the name in 0 lessons', err: '' })
    t.same(await tablesOf(url), before)
  })

  tap.test(`lessons of an earlier version: nothing is erased, until their names can be, on ${name}`, async t => {
    const url = await at(t)
    const store = await open(url)
    t.teardown(() => store.close())
    const said = ofChatwoot(chatwoot.incoming({ contactId: CONTACT, conversation: 51, message: 1 }))
    await store.insert(said, false)
    const calendar = await openCalendar(url)
    await calendar.book({ ...lesson('A', '10:00-11:00'), conversation: '51' }, new AbortController().signal)
    await calendar.close()
    await change(url, 'DROP TABLE package_entry')
    const before = await tablesOf(url)
    for (const args of [['--dry-run'], []]) {
      const refused = await run(env(url), 'forget', '--contact', `${CONTACT}`, ...args)
      t.match(refused, { code: 1, out: '', err: /^forget: .*; start this version's server with it once$/ })
    }
    t.ok((await store.get(said.id))?.payload)
    t.same(await tablesOf(url), before)
    await (await openCalendar(url)).close()
    const done = await run(env(url), 'forget', '--contact', `${CONTACT}`)
    t.match(done, { code: 0, out: '1 deliveries erased, and the name in 1 lessons', err: '' })
  })
}

tap.test('erased data is overwritten in the file', async t => {
  const url = join(t.testdir(), 'webhooks.db')
  const store = openSqliteStore(url)
  const content = 'Erasmus of the payload'
  await store.insert(ofChatwoot(chatwoot.incoming({ contactId: CONTACT, content })), false)
  const google = { GCAL_CALENDAR_ID: 'tutor@example.com', GCAL_SERVICE_ACCOUNT_JSON: '{}' }
  const { code, err } = await run({ ...env(url), ...google }, 'forget', '--contact', `${CONTACT}`)
  t.match({ code, err }, { code: 0, err: /^the Google calendar holds the name too/ })
  await store.close()
  const db = new DatabaseSync(url)
  db.exec('PRAGMA wal_checkpoint(TRUNCATE)')
  db.close()
  t.notMatch(readFileSync(url).toString('latin1'), content)
})

tap.test('deliveries being handled are skipped and reported', async t => {
  const url = join(t.testdir(), 'webhooks.db')
  const store = openSqliteStore(url)
  const contact = ofChatwoot(chatwoot.contactCreated({ contactId: CONTACT }))
  await store.insert(contact, false)
  const db = new DatabaseSync(url)
  db.exec('CREATE TRIGGER taken BEFORE DELETE ON body BEGIN SELECT RAISE(IGNORE); END')
  db.close()
  const { code, out, err } = await run(env(url), 'forget', '--contact', `${CONTACT}`)
  t.match({ code, err }, { code: 1, err: /^forget: 1 being handled; .* run: forget --contact 777$/ })
  t.match(out, `0 deliveries erased, and the name in 0 lessons\n${contact.id}: being handled, not erased`)
  const dry = await run(env(url), 'forget', '--contact', `${CONTACT}`, '--dry-run')
  t.match(dry, { code: 0, out: /^1 deliveries would be erased/ })
  await store.take(contact.orderingKey, 1)
  const taken = await run(env(url), 'forget', '--contact', `${CONTACT}`, '--dry-run')
  t.match(taken, { code: 1, out: /^0 deliveries would be .*being handled, would not be erased$/s })
  await store.close()
})

tap.test('many deliveries: in steps, including those that arrive meanwhile', async t => {
  const url = join(t.testdir(), 'webhooks.db')
  const store = openSqliteStore(url)
  for (let message = 1; message <= 450; message++) {
    await store.insert(ofChatwoot(chatwoot.incoming({ contactId: CONTACT, message })), false)
  }
  t.match((await runJson(env(url), 'forget', '--contact', `${CONTACT}`)).result, { forgotten: 450 })
  const aside = openSqliteStoreForCommand(url)
  const late = ofChatwoot(chatwoot.incoming({ contactId: CONTACT, message: 999 }))
  await store.insert(late, false)
  t.match(await aside.get(late.id), { id: late.id }, 'an id that the server accepted meanwhile is known')
  t.equal(await aside.get('never'), null)
  await aside.close()
  await store.close()
})

for (const [name, { at, open }] of Object.entries(STORES)) {
  tap.test(`a value finds deliveries of any source, on ${name}`, async t => {
    const url = await at(t)
    const store = await open(url)
    const booking = (key: string, payload: object, source = 'calcom'): NewDelivery => ({
      id: deliveryId(source, key),
      source,
      event: 'BOOKING_CREATED',
      key,
      orderingKey: `booking:${key}`,
      payload: { ...payload },
      receivedAt: 1,
    })
    const person = [
      booking('1', { payload: { attendees: [{ email: 'Sam@Example.com' }] } }),
      booking('2', { user: { id: 4711 } }, 'github'),
      booking('3', { text: 'sam@example.com' }),
    ]
    const rest = [booking('4', { text: 'write to sam@example.com' }), booking('5', { a: null, email: 'x@example.com' })]
    for (const delivery of [...person, ...rest]) await store.insert(delivery, false)
    const later = booking('6', { email: 'later@example.com' })
    await store.schedule(later, 8e12)
    t.match(await run({ DATABASE_URL: url }, 'forget', '--value', 'later@example.com'), { code: 0, out: /^1 / })
    t.equal(await store.get(later.id), null)
    const taken = await store.take('booking:3', Date.now())
    const partly = await run({ DATABASE_URL: url }, 'forget', '--value', 'sam@example.com', '4711')
    t.match(partly, { code: 1, out: /^2 deliveries erased, and the name in 0 lessons/ })
    t.match(partly, { err: /1 being handled; .* run: forget --value "sam@example.com" "4711"$/ })
    if (taken) await store.settle(taken, { state: 'done' }, Date.now())
    t.match(await run({ DATABASE_URL: url }, 'forget', '--value', 'sam@example.com'), { code: 0, out: /^1 / })
    for (const { id } of person) t.match(await store.get(id), { payload: null })
    for (const { id } of rest) t.ok((await store.get(id))?.payload)
    await store.close()
  })
}

tap.test('a contact or value is required', async t => {
  const url = join(t.testdir(), 'webhooks.db')
  await openSqliteStore(url).close()
  t.match(await run(env(url), 'forget'), { code: 2, err: /^forget: give a --contact, a --value, or both/ })
  t.match(await run(env(url), 'forget', '--value', 'x', '--conversation', '5'), {
    code: 2,
    err: /--conversation needs --contact/,
  })
})
