import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { pino } from 'pino'
import tap, { type Test } from 'tap'
import { openBackend, openCalendar } from '../../backends/index.ts'
import { openLessons } from '../../commands/person.ts'
import { chatwoot } from '../../commands/samples.ts'
import { type Store, systemClock } from '../../inbox/contracts.ts'
import { TransientError } from '../../inbox/errors.ts'
import { lesson } from '../helpers/calendar-conformance.ts'
import { cli, run, runJson } from '../helpers/cli.ts'
import { bought, by, taking } from '../helpers/packages-conformance.ts'
import { ACCOUNT, CONTACT, ofChatwoot, ofStripe } from '../helpers/person.ts'
import { refused } from '../helpers/quarantine-conformance.ts'
import { STORES } from '../helpers/stores.ts'

/** What is kept about a person: what `export` shows, `forget` erases. */

const { signal } = new AbortController()
const own = { contactId: CONTACT, conversation: 51 }
const others = { contactId: 778, conversation: 52 }
const contact = ['--contact', `${CONTACT}`]
const env = (store: string) => ({ DATABASE_URL: store, CW_ACC_ID: ACCOUNT })

interface Item {
  id: string
  key: string
}
type Exported = Record<
  'lessons' | 'weekly' | 'packages' | 'deliveries' | 'scheduled' | 'quarantined' | 'steps',
  Item[]
> & {
  about: object
}

async function opened(t: Test, url: string): Promise<Store> {
  const log = pino({ level: 'silent' })
  const { store } = await openBackend(url, { log, clock: systemClock, onCommit: () => {} })
  t.teardown(() => store.close())
  return store
}

async function stepDone(store: Store, key: string, result: unknown) {
  await store.claimStep(key, 1)
  await store.recordStep(key, result, Date.parse('2026-11-23T10:00:00Z'))
}

const inQuarantine = (id: string, payload: object) =>
  refused(id, { source: 'chatwoot', body: Buffer.from(JSON.stringify(payload)) })

/** Erasmus is the person, Someone is not. */
async function fill(t: Test, url: string) {
  const store = await opened(t, url)
  const said = ofChatwoot(chatwoot.incoming({ ...own, message: 1, content: 'my name is Erasmus `' }))
  const theirs = ofChatwoot(chatwoot.incoming({ ...others, message: 2, content: 'I am Someone' }))
  const paid = ofStripe('evt_1', { conversation_id: '51', student_name: 'Erasmus' })
  for (const delivery of [paid, said, theirs]) await store.insert(delivery, false)
  const taken = await store.take(said.orderingKey, Date.now())
  if (taken) await store.settle(taken, { state: 'dead', error: 'Erasmus failed' }, Date.now())
  const payload = { ...chatwoot.incoming({ ...own, message: 3 }) }
  await store.schedule({ ...ofChatwoot(payload), event: 'reminder', id: 'later' }, 8e12)
  await store.quarantine.keep(
    [
      inQuarantine('own', chatwoot.incoming({ ...own, message: 4, content: 'Erasmus again' })),
      // Forged: it claims that the other conversation is Erasmus's.
      inQuarantine('forged', chatwoot.incoming({ contactId: CONTACT, conversation: 52, message: 5 })),
      inQuarantine('theirs', { event: 'message_created', account: { id: 1 }, conversation: { id: 52 }, id: 6 }),
    ],
    2 ** 20,
  )
  await stepDone(store, `${said.id}:reply`, { content: 'Hello Erasmus' })
  await stepDone(store, `${theirs.id}:reply`, { content: 'Hello Someone' })
  await stepDone(store, 'payment:pi_9:reply', { content: 'Erasmus has paid' })
  await stepDone(store, 'payment:pi_9:lesson', 'booked')
  await stepDone(store, 'said:51:abc:1:1', said.id)
  await stepDone(store, 'said:52:abc:1:1', theirs.id)
  await stepDone(store, 'chatwoot:1:51:initialised', said.id)
  const calendar = await openCalendar(url, Date)
  const erasmus = { student: 'Erasmus', conversation: '51', payment: '60.00 EUR, pi_9' }
  await calendar.book({ ...lesson('A', '10:00-11:00'), ...erasmus }, signal)
  await calendar.book({ ...lesson('C', '14:00-15:00'), ...erasmus, payment: null }, signal)
  await calendar.cancel('C', signal)
  // Of a conversation whose payloads are deleted already.
  await calendar.book({ ...lesson('D', '16:00-17:00'), ...erasmus, conversation: '50', contact: `${CONTACT}` }, signal)
  const note = { note: 'Erasmus was ill', ...by('tutor') }
  // Of a conversation that only this names.
  await calendar.packages.buy(bought('P', { student: 'Erasmus', conversation: '49', contact: `${CONTACT}` }), 'stripe')
  await calendar.packages.take({ ...taking('A'), whose: { conversation: '49' } })
  await calendar.packages.correct({ key: 'c', package: 'P', minutes: 60, ...note })
  await calendar.packages.buy(bought('Q', { student: 'Someone', conversation: '52' }), 'stripe')
  await calendar.book({ ...lesson('B', '12:00-13:00'), student: 'Someone', conversation: '52' }, signal)
  // The same, every week.
  const weekly = { weekday: 2, time: 17 * 60, minutes: 60, first: Date.parse('2026-11-24T16:00:00Z'), service: 'Maths' }
  await calendar.weekly.add({ ...weekly, id: 'W', student: 'Erasmus', conversation: '48', contact: `${CONTACT}` })
  await calendar.weekly.add({ ...weekly, id: 'X', weekday: 3, student: 'Someone', conversation: '52' })
  await calendar.close()
  return { store, said, paid }
}

for (const [name, storeFor] of Object.entries(STORES)) {
  tap.test(`${name}: what export shows, forget erases, and nothing of anybody else`, async t => {
    const url = await storeFor(t)
    const { store, said, paid } = await fill(t, url)
    const before = await runJson<Exported>(env(url), 'export', ...contact)
    t.equal(before.code, 0)
    const { about, lessons, weekly, packages, deliveries, scheduled, quarantined, steps } = before.result
    t.match(about, {
      contact: '777',
      conversations: ['51', '50', '49', '48'],
      zone: 'Europe/Amsterdam',
      forget: /erases all of this/,
    })
    const ids = (items: Item[]) => items.map(({ id }) => id)
    t.same(ids(lessons), ['A', 'C', 'D'])
    t.match(lessons[1], { state: 'cancelled', student: 'Erasmus' })
    t.match(weekly, [{ id: 'W', student: 'Erasmus', first: '2026-11-24T16:00:00.000Z' }])
    t.equal(weekly.length, 1)
    t.match(packages, [
      { id: 'P', left: 600, entries: [{ why: 'bought' }, { order: 'A' }, { note: 'Erasmus was ill' }] },
    ])
    t.equal(packages.length, 1)
    t.same(ids(deliveries), [paid.id, said.id])
    t.match(deliveries[0], { timeline: [{ what: 'accepted' }, { what: 'dead', detail: 'Erasmus failed' }] })
    t.match(deliveries[1], { payload: { content: 'my name is Erasmus `' } })
    t.same(ids(scheduled), ['later'])
    t.same(ids(quarantined), ['own', 'forged'], 'what names the contact itself')
    const keys = steps.map(({ key }) => key).sort()
    const kept = ['chatwoot:1:51:initialised', 'payment:pi_9:lesson', 'said:51:abc:1:1']
    t.same(keys, [`${said.id}:reply`, 'payment:pi_9:reply', ...kept].sort())
    t.notMatch(JSON.stringify(before.result), /Someone/)

    const forgotten = await runJson(env(url), 'forget', ...contact)
    // And what is quarantined for a conversation that may be theirs.
    t.match(forgotten, { code: 0, result: { forgotten: 6, lessons: 3, packages: 1, inFlight: [] } })
    const nothing = await run(env(url), 'export', ...contact)
    t.match(nothing, { code: 1, out: '', err: /^export: nothing is kept about this person; if .* --conversation$/ })
    const { result: after } = await runJson<Exported>(
      env(url),
      'export',
      ...contact,
      '--conversation',
      '49',
      '50',
      '51',
    )
    t.same(after.steps.map(({ key }) => key).sort(), ['chatwoot:1:51:initialised', 'said:51:abc:1:1'], 'ids only')
    t.match(after, { lessons: [], weekly: [], packages: [], deliveries: [], scheduled: [], quarantined: [] })
    const all = JSON.stringify([await store.steps(100), await store.list({}, 100)])
    t.notMatch(all, /Erasmus/)
    t.match(all, /"payment:pi_9:lesson","doneAt":\d+,"result":"booked"/, 'what the books need')
    t.match(all, /Hello Someone/)
    const calendar = await openCalendar(url, Date)
    const names = (await calendar.lessons(0, 8.64e15, { withCancelled: true })).map(({ student }) => student)
    await calendar.close()
    t.same(names, ['erased', 'Someone', 'erased', 'erased'])
  })
}

const sqlite = (t: Test) => (STORES.SQLite as (t: Test) => string)(t)

tap.test('it can be read: sections, times of the tutor, and nothing that is taken for markup', async t => {
  const url = sqlite(t)
  const { said } = await fill(t, url)
  const { code, out } = await run(env(url), 'export', ...contact)
  t.equal(code, 0)
  t.match(
    out,
    /^# What is kept about a person\n\n- Written on \w+ \d+ \w+ \d+, \d\d:\d\d\. All times are in Europe\/Ams/,
  )
  t.match(out, '- Contact in Chatwoot: 777. Conversations: 51, 50, 49, 48.\n')
  t.match(out, /Not in here:\n\n- What Chatwoot keeps: .*\n- What Stripe keeps: /)
  t.match(
    out,
    /## Lessons\n\n- \w+ \d+ \w+ \d+, \d\d:\d\d–\d\d:\d\d: Maths, Erasmus, booked, 60.00 EUR, pi_9 \(order A, conv/,
  )
  t.match(out, '- Erasmus, 600 min, of which 600 are left, 500.00 EUR, pi_P (order P)\n')
  t.match(out, '  - Mon 23 Nov 2026, 11:01 -60 min, lesson, by student, order A\n')
  t.match(out, /60 min, corrected, by tutor: Erasmus was ill\n/)
  t.match(out, /: message_created \(chatwoot\)\n\n.*: my name is Erasmus \\`\n\n- id /)
  t.match(out, /\n- .* dead \(attempt 1\): Erasmus failed\n/)
  t.match(out, '```json\n{\n  ')
  t.match(
    out,
    new RegExp(`### Mon 23 Nov 2026, 11:00: ${said.id}:reply\n\n\`\`\`json\n{\n  "content": "Hello Erasmus"`),
  )
  t.match(out, /## Every week\n\n- since Tue 24 Nov 2026, 17:00, 60 min: Maths, Erasmus \(order W\)\n/)
  t.match(out, /That is all\.$/)
  const paid = await run(env(url), 'export', '--value', 'Someone', 'evt_1')
  t.match(paid.out, '- What contains: Someone\n- What contains: evt_1\n')
  t.match(paid.out, '## Lessons\n\nNone.\n')
})

tap.test('--output: a new file for one reader, or none at all', async t => {
  const url = sqlite(t)
  await fill(t, url)
  const dir = dirname(url)
  const file = join(dir, 'erasmus.json')
  const written = await run(env(url), 'export', ...contact, '--json', '--output', file)
  t.match(written, { code: 0, out: '', err: `written to ${file}` })
  t.equal(statSync(file).mode & 0o777, 0o600)
  t.same(JSON.parse(readFileSync(file, 'utf8')).deliveries.length, 2)
  writeFileSync(file, 'mine')
  const again = await run(env(url), 'export', ...contact, '--output', file)
  t.match(again, { code: 1, err: /^export: could not write .*erasmus.json: it exists already: choose another name$/ })
  t.equal(readFileSync(file, 'utf8'), 'mine')
  const nowhere = await run(env(url), 'export', ...contact, '--output', join(dir, 'no', 'such'))
  t.match(nowhere, { code: 1, err: /^export: could not write .*ENOENT/ })
  const unknown = await run(env(url), 'export', '--contact', '999', '--output', join(dir, 'unknown'))
  t.match(unknown, { code: 1, err: /nothing is kept about this person/ })
  t.notOk(existsSync(join(dir, 'unknown')))
  t.match(await run(env(url), 'export', '--contact', 'Renée'), { code: 2, err: /Renée is not a Chatwoot id/ })
  t.match(await run(env(url), 'export'), { code: 2, err: /give a --contact, a --value, or both/ })
})

tap.test('a disk that is full leaves no half of it', async t => {
  const url = sqlite(t)
  await fill(t, url)
  const file = join(dirname(url), 'erasmus.md')
  const shell = 'ulimit -f 4 && exec'
  const ran = await cli(env(url), ['export', ...contact, '--output', file], { shell })
  t.match(ran, { code: 1, err: /could not write .*EFBIG/ })
  t.notOk(existsSync(file))
  const db = new DatabaseSync(url)
  db.exec("UPDATE step SET result = '{'")
  db.close()
  t.match(await run(env(url), 'export', ...contact, '--output', file), { code: 1, err: /JSON/ })
  t.notOk(existsSync(file), 'nor does what can’t be read')
})

tap.test('lessons that are in Google’s calendar are said to be there', async t => {
  const url = sqlite(t)
  const store = await opened(t, url)
  await store.insert(ofChatwoot(chatwoot.incoming({ ...own, message: 1 })), false)
  const google = { GCAL_CALENDAR_ID: 'tutor@example.com', GCAL_SERVICE_ACCOUNT_JSON: '{}' }
  t.match((await run({ ...env(url), ...google }, 'export', ...contact)).out, /- The lessons in the Google calendar\./)
  t.match((await run(env(url), 'export', ...contact)).out, /- Lessons: .* can't be opened as a calendar .* once\./)
})

tap.test('a database that is away is no store without lessons', async t => {
  await t.rejects(openLessons(`${await (STORES.PostgreSQL as () => Promise<string>)()}_away`), TransientError)
})

tap.test('a handler that is at work keeps its steps', async t => {
  const url = sqlite(t)
  const { store, said } = await fill(t, url)
  await store.take(said.orderingKey, Date.now())
  t.match(await run(env(url), 'forget', ...contact), { code: 1, err: /1 being handled/ })
  t.same(await store.claimStep(`${said.id}:reply`, 1), { result: { content: 'Hello Erasmus' } })
})
