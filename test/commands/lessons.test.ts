import { DateTime } from 'luxon'
import tap from 'tap'
import { openBackend, openCalendar } from '../../backends/index.ts'
import { systemClock } from '../../inbox/contracts.ts'
import type { BlockView, LessonView } from '../../operator/lessons/view.ts'
import { startChatwootApi } from '../../sandbox/chatwoot-api.ts'
import { type Environment, run, runJson } from '../helpers/cli.ts'
import { booking, signal } from '../helpers/lessons.ts'
import { weeklyTime } from '../helpers/local-calendar-conformance.ts'
import { captureLog } from '../helpers/log.ts'
import { startServer } from '../helpers/server-process.ts'
import { STORES } from '../helpers/stores.ts'
import { until } from '../helpers/wait.ts'

/** `lessons` on a real store, with and without its server. */

const ZONE = 'Europe/Amsterdam'
/** The time of day of a day from today, in ISO 8601. */
const at = (days: number, hour = 10) =>
  DateTime.now().setZone(ZONE).startOf('day').plus({ days }).set({ hour }).toUTC().toISO() as string

/** A store as a server leaves it. */
async function made(store: string): Promise<Environment> {
  const { store: made } = await openBackend(store, {
    log: captureLog() as never,
    clock: systemClock,
    onCommit: () => {},
  })
  const calendar = await openCalendar(store, Date)
  await calendar.close()
  await made.close()
  return { DATABASE_URL: store, TZ: ZONE, CW_URL: 'https://chat.example.com', CW_ACC_ID: '1' }
}

for (const [name, store] of Object.entries(STORES)) {
  tap.test(`lists: ${name}`, async t => {
    const where = await store(t)
    const env = await made(where)
    t.match(await run(env, 'lessons', 'list'), { code: 0, out: 'no lessons' })
    const calendar = await openCalendar(where, Date)
    const { book } = booking(calendar)
    await book('42-aaaa', at(1))
    await book('42-bbbb', at(2), { student: 'Bob', payment: null, conversation: '' })
    await book('42-cccc', at(-1))
    await calendar.cancel('42-bbbb', signal)
    await calendar.close()
    const { code, out, err } = await run({ ...env, STRIPE_SECRET_KEY: 'sk_live_x' }, 'lessons', 'list', '--limit', '1')
    t.equal(code, 0)
    const [heading, line, ...rest] = out.split('\n')
    t.match(heading, /^when \(Europe\/Amsterdam\) +state +student +service +payment +conversation +id$/)
    t.match(line, /^\w{3} \d{4}-\d\d-\d\d 10:00-11:00 +booked +Renée +Wiskunde B +60\.00 EUR, pi_1 +42 +42-aaaa$/)
    t.same(rest, [])
    const cursor = /^for more lessons: --cursor (\S+)$/.exec(err)?.[1] as string
    const next = await runJson<{ lessons: LessonView[]; next: null }>(env, 'lessons', 'list', '--cursor', cursor)
    t.match(next.result, { lessons: [{ id: '42-bbbb', state: 'cancelled', payment: null }], next: null })
    t.match((await run(env, 'lessons', 'list', '--cursor', cursor)).out, /cancelled +Bob +Wiskunde B +free +42-bbbb$/m)
    t.match((await run(env, 'lessons', 'list', '--from', at(-2), '--student', 'renee')).out.split('\n'), { length: 3 })
    t.match(await run(env, 'lessons', 'list', '--state', 'x'), {
      code: 2,
      err: /^lessons: state must be one of booked/,
    })
  })
}

for (const [name, store] of Object.entries(STORES)) {
  tap.test(`lists what is open, and exports a month: ${name}`, async t => {
    const where = await store(t)
    const env = await made(where)
    t.match(await run(env, 'lessons', 'list', '--open'), { code: 0, out: 'no lessons\n\n0 open' })
    const calendar = await openCalendar(where, Date)
    const { book } = booking(calendar)
    await book('42-aaaa', at(-40), { payment: 'unpaid' })
    await book('42-bbbb', at(-41), { payment: '45.00 EUR, transfer, Mrs "J"' })
    await calendar.close()
    const { out, code } = await run(env, 'lessons', 'list', '--open')
    t.equal(code, 0)
    t.match(out, / booked +Renée +Wiskunde B +unpaid +42 +42-aaaa\n\n1 open: 1 whose price is not known$/)
    t.match((await runJson(env, 'lessons', 'list', '--open')).result, {
      lessons: [{ id: '42-aaaa' }],
      open: { count: 1, unpriced: 1 },
    })
    const rows = async (day: string) => (await run(env, 'lessons', 'export', '--month', day.slice(0, 7))).out
    t.match(await rows(at(-40, 12)), /^date,time,.*\r\n[\s\S]*,10:00,60,Renée,booked,open,,,,42-aaaa,42/)
    t.match(await rows(at(-41, 12)), /,booked,transfer,45\.00,EUR,"Mrs ""J""",42-bbbb,42/)
    t.match(await run(env, 'lessons', 'export'), { code: 0, out: /^date,time,minutes,student/ })
    t.match(await run(env, 'lessons', 'export', '--month', 'x'), { code: 2, err: /month must be a month such as/ })
  })
}

for (const [name, store] of Object.entries(STORES)) {
  tap.test(`blocks and unblocks: ${name}`, async t => {
    const where = await store(t)
    const env = await made(where)
    t.match(await run(env, 'lessons', 'block'), { code: 0, out: 'nothing is blocked' })
    const calendar = await openCalendar(where, Date)
    t.teardown(() => calendar.close())
    await booking(calendar).book('42-aaaa', at(1))
    const day = at(1, 12).slice(0, 10)
    const blocked = await run(env, 'lessons', 'block', day, '--reason', 'dentist')
    t.match(blocked, {
      code: 0,
      out: /^blocked \w{3} \S+ 00:00 to \w{3} \S+ 00:00, id \w{12}\nstays: .* 10:00 Renée, id 42-aaaa$/,
    })
    const hours = await runJson<BlockView & { lessons: [] }>(env, 'lessons', 'block', `${day}T13:00`, `${day}T15:00`)
    t.match(hours, {
      code: 0,
      result: { id: /^\w{12}$/, start: at(1, 13).replace('+00:00', 'Z'), reason: '', lessons: [] },
    })
    const [heading, first, second] = (await run(env, 'lessons', 'block')).out.split('\n')
    t.match(heading, /^from \(Europe\/Amsterdam\) +to +reason +id$/)
    t.match([first, second], [/ 00:00 +\w{3} \S+ 00:00 +dentist +\w{12}$/, / 13:00 +\w{3} \S+ 15:00 +\w{12}$/])
    t.match(await run(env, 'lessons', 'unblock', hours.result.id.slice(0, 8)), {
      code: 0,
      out: /^unblocked .* 13:00 to .* 15:00$/,
    })
    t.match(await run(env, 'lessons', 'unblock', hours.result.id), { code: 1, err: /There is no blocked time \w{12}/ })
    t.match((await runJson(env, 'lessons', 'block')).result, { blocks: [{ reason: 'dentist' }] })
    const rest = await calendar.blocks(0, Date.now() + 9 * 24 * 60 * 60_000)
    t.match((await runJson(env, 'lessons', 'unblock', `${rest[0]?.id}`)).result, { status: 'unblocked' })
    t.match(await run(env, 'lessons', 'block', 'soon'), { code: 2, err: /^lessons: to is missing/ })
    t.match(await run(env, 'lessons', 'block', day, at(0).slice(0, 10)), { code: 2, err: /to must be after from/ })
  })
}

for (const [name, store] of Object.entries(STORES)) {
  tap.test(`lists and ends weekly times: ${name}`, async t => {
    const where = await store(t)
    const env = await made(where)
    t.match(await run(env, 'lessons', 'weekly'), { code: 0, out: 'no weekly lessons' })
    const calendar = await openCalendar(where, Date)
    await calendar.weekly.add({ ...weeklyTime('42-aaaa', 2, '17:00'), conversation: '42' })
    await calendar.close()
    const [heading, line] = (await run(env, 'lessons', 'weekly')).out.split('\n')
    t.match(heading, /^when +minutes +student +service +conversation +id$/)
    t.match(line, /^Tuesday 17:00 +60 +Sanne +Maths +42 +42-aaaa$/)
    t.match((await runJson(env, 'lessons', 'weekly')).result, { weekly: [{ id: '42-aaaa', day: 'Tuesday' }] })
    t.match(await run(env, 'lessons', 'end-weekly', 'zz'), { code: 1, err: 'lessons: There are no weekly lessons zz' })
    t.match(await run(env, 'lessons', 'end-weekly', '42-a', '--no-wait'), { code: 0, out: '42-aaaa: asked' })
  })
}

for (const [name, store] of Object.entries(STORES)) {
  tap.test(`the running server adds, moves and cancels: ${name}`, async t => {
    const where = await store(t)
    const env = await made(where)
    const server = await startServer(env)
    t.teardown(() => server.end('SIGKILL'))
    const day = at(2, 12).slice(0, 10)
    const lesson = ['lessons', 'add', '--start', `${day}T16:00`, '--student', 'Zoë', '--minutes', '45']
    const added = await run(env, ...lesson)
    t.match(added, { code: 0, out: /^tutor-\w{8}: done: added on \w+ \d+ \w+ at 16:00$/, err: '' })
    const [id = ''] = added.out.split(':')
    t.match(await run(env, ...lesson), { code: 1, err: /^lessons: That time is not free: the lesson of Zoë/ })
    const moved = await runJson(env, 'lessons', 'move', id.slice(0, 10), '--start', `${day}T17:00`)
    t.match(moved, {
      code: 0,
      result: { lesson: id, state: 'done', why: /^moved from .* 16:00 to .* 17:00$/, trouble: null },
    })
    t.match(await run(env, 'lessons', 'move', id, '--start', at(-1)), { code: 2, err: /start is in the past/ })
    const cash = ['--how', 'cash', '--amount', '60.00', '--currency', 'EUR', '--name', 'Mrs Jansen']
    const paid = await run(env, 'lessons', 'paid', id.slice(0, 10), ...cash)
    t.match(paid, { code: 0, out: `${id}: done: paid: 60.00 EUR, cash`, err: '' })
    t.match(await run(env, 'lessons', 'list'), { out: /booked +Zoë .* 60\.00 EUR, cash, Mrs Jansen +tutor-/ })
    t.match(await run(env, 'lessons', 'paid', id, ...cash), { code: 1, err: /it is paid already \(60\.00 EUR, cash\)/ })
    t.match(await run(env, 'lessons', 'paid', id, '--how', 'gold'), { code: 2, err: /how must be one of cash,/ })
    t.match(await run(env, 'lessons', 'unpaid', id.slice(0, 10)), {
      code: 0,
      out: `${id}: done: not paid after all: 60.00 EUR, cash is taken back`,
      err: '',
    })
    t.match(await run(env, 'lessons', 'unpaid', id), { code: 1, err: /can’t be marked as not paid: it is not paid/ })
    t.match(await run(env, 'lessons', 'cancel', id), { code: 2, err: /say --refund or --no-refund/ })
    t.match(await run(env, 'lessons', 'cancel', id, '--no-refund'), { code: 0, out: /: done: cancelled on .* 17:00$/ })
    t.match(await run(env, 'lessons', 'cancel', id, '--refund'), { code: 1, err: /The lesson is cancelled/ })
    t.match(await run(env, 'lessons', 'cancel', 'zz', '--refund'), { code: 1, err: /There is no lesson zz/ })
    t.match(await run(env, ...lesson, '--conversation', '42'), {
      code: 1,
      out: /^42-\w{8}: refused: the student can’t be told: set CW_TOKEN/,
      err: 'lessons: not done',
    })
  })
}

tap.test('without a server it is kept, and done when there is one', async t => {
  const env = await made(await (STORES.SQLite as (t: unknown) => string)(t))
  const lesson = ['lessons', 'add', '--start', at(2, 16), '--student', 'Zoë']
  t.match(await run(env, ...lesson, '--no-wait'), { code: 0, out: /^tutor-\w{8}: asked$/ })
  const waited = await run(env, 'lessons', 'add', '--start', at(3, 16), '--student', 'Bob')
  t.match(waited, {
    code: 1,
    out: /: asked$/,
    err: /not done within 10 s: start the server, or see why it waits: show [\w-]{36}/,
  })
  const server = await startServer(env)
  t.teardown(() => server.end('SIGKILL'))
  const areThere = async () => (await runJson<{ lessons: LessonView[] }>(env, 'lessons', 'list')).result.lessons[1]
  await until('both lessons to be booked', areThere)
})

tap.test('while Chatwoot is away, what is not done yet is said, and why', async t => {
  const chatwoot = await startChatwootApi()
  t.teardown(() => chatwoot.close())
  const env = {
    ...(await made(await (STORES.SQLite as (t: unknown) => string)(t))),
    CW_URL: chatwoot.url,
    CW_ACC_ID: chatwoot.accountId,
    CW_TOKEN: chatwoot.tokens.bot,
  }
  const server = await startServer(env)
  t.teardown(() => server.end('SIGKILL'))
  for (const id of [42, 43]) chatwoot.addConversation({ id })
  const away = { status: 503, body: {} }
  // The lesson of 42 is added at the second attempt, which can't tell the student; that of 43 at none. Which of the two
  // causes is the last one depends on whether a later attempt has met the breaker.
  const cause = '(Chatwoot answered 503|chatwoot is unavailable)'
  chatwoot.fail(/^GET .*conversations\/42$/, away)
  chatwoot.fail(/^POST .*conversations\/42\b/, away, 99)
  chatwoot.fail(/^GET .*conversations\/43$/, away, 99)
  const add = (hour: number, conversation: string) =>
    run(env, 'lessons', 'add', '--start', at(2, hour), '--conversation', conversation)
  // One after the other: what fails for 43 would open the breaker, and hold the second attempt of 42.
  const told = await add(16, '42')
  t.match(told, {
    code: 0,
    out: /: done: added on/,
    err: new RegExp(`^the student has not been told yet: .*${cause}`),
  })
  const asked = await add(18, '43')
  t.match(asked, {
    code: 1,
    out: /: asked$/,
    err: new RegExp(`^not done yet: .*${cause}.*\nlessons: not done within 10 s`),
  })
})

tap.test('lessons in a Google calendar are not in the store', async t => {
  const env = await made(await (STORES.SQLite as (t: unknown) => string)(t))
  const google = { ...env, GCAL_CALENDAR_ID: 'me@example.com', GCAL_SERVICE_ACCOUNT_JSON: '{}' }
  t.match(await run(google, 'lessons', 'list'), {
    code: 1,
    err: /in the Google calendar me@example.com: see them there/,
  })
})

tap.test('help, and what is wrong', async t => {
  t.match(await run({}, 'lessons', '--help'), { code: 0, out: /list \[options\]/ })
  t.match(await run({}, 'lessons', 'list', '--help'), {
    code: 0,
    out: /\$ tutorbot-webhooks lessons list --student renee/,
  })
  t.match(await run({}, 'lessons', 'lost'), { code: 2 })
  t.match(await run({ DATABASE_URL: '/nowhere/x.db' }, 'lessons', 'list'), { code: 1, err: /does not exist/ })
})
