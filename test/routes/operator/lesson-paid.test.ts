import tap from 'tap'
import { outcome } from '../../helpers/lesson-forms.ts'
import { startWithLessons } from '../../helpers/lessons.ts'
import { OPERATOR_TOKEN, operator } from '../../helpers/operator.ts'
import { STORES } from '../../helpers/stores.ts'
import { startInWorld } from '../../helpers/world.ts'

/** Lessons that are marked as paid on the operator's page and in the API, over HTTP. */

const hidden = (body: string, name: string) => new RegExp(`name="${name}" value="([^"]*)"`).exec(body)?.[1] as string
const PRICED = { lessons: [{ minutes: 60, prices: { all: { id: 'price_1', amount: 6000, currency: 'eur' } } }] }

for (const [name, store] of Object.entries(STORES)) {
  tap.test(`a lesson is marked as paid on the page: ${name}`, async t => {
    const started = await startWithLessons(t, { store: await store(t), tutor: PRICED })
    const { page, form, signIn, calendar, book } = started
    await signIn()
    await book('42-aaaa', '2026-11-25T09:00:00Z', { payment: 'unpaid', conversation: '' })
    const path = '/dashboard/lessons/42-aaaa'
    const shown = (await page(path)).body
    t.match(shown, /Mark as paid…[\s\S]*name="amount" value="60\.00"[\s\S]*name="currency" value="EUR"/)
    const given = { key: hidden(shown, 'key'), how: 'cash', amount: '45,5', currency: 'EUR', name: 'Mrs <Jansen>' }
    t.match(await form(`${path}/paid`, { ...given, amount: '0', how: 'invoice' }), {
      statusCode: 400,
      body: /Nothing was changed: amount must be[\s\S]*<details open><summary>Mark as paid…[\s\S]*value="invoice" selected[\s\S]*name="amount" value="0"[^>]*aria-invalid="true"[\s\S]*value="Mrs &#60;Jansen&#62;"/,
    })
    const [first, again] = await Promise.all([form(`${path}/paid`, given), form(`${path}/paid`, given)])
    t.equal(again.headers.location, first.headers.location)
    const paid = await outcome(started, first.headers.location as string)
    t.match(paid, /Done: paid: 45\.50 EUR, cash\./)
    t.match(paid, '45.50 EUR, cash, Mrs &#60;Jansen&#62;')
    t.notMatch(paid, 'Mark as paid')
    t.match(await calendar.lessons(0, 8e12), [{ payment: '45.50 EUR, cash, Mrs <Jansen>', sequence: 1 }])
    t.equal((await form(`${path}/paid`, given)).headers.location, first.headers.location, 'asked once')
    t.match(await form(`${path}/paid`, { ...given, key: 'other' }), {
      statusCode: 409,
      body: /It can’t be marked as paid: it is paid already \(45\.50 EUR, cash\)/,
    })
    t.match(await form('/dashboard/lessons/zz/paid', given), { statusCode: 404, body: /There is no lesson zz/ })

    t.match(paid, /Not paid after all…[\s\S]*action="\/dashboard\/lessons\/42-aaaa\/unpaid"/)
    const back = await form(`${path}/unpaid`, { key: hidden(paid, 'key') })
    const open = await outcome(started, back.headers.location as string)
    t.match(open, /Done: not paid after all: 45\.50 EUR, cash is taken back\.[\s\S]*Mark as paid…/)
    t.notMatch(open, 'Not paid after all…')
    t.match(await form(`${path}/unpaid`, { key: 'other' }), {
      statusCode: 409,
      body: /It can’t be marked as not paid: it is not paid anyway/,
    })
  })

  tap.test(`the same in the API: ${name}`, async t => {
    const { api, book, log, calendar } = await startWithLessons(t, { store: await store(t) })
    await book('42-aaaa', '2026-11-22T09:00:00Z', { payment: 'unpaid', conversation: '' })
    await book('42-bbbb', '2026-11-25T09:00:00Z', { payment: null })
    const given = { how: 'transfer', amount: 60, currency: 'EUR', name: 'Mrs Jansen', key: 'mine' }
    const asked = await api('POST', '/lessons/42-a/paid', given)
    t.match(asked, { status: 'asked', id: '42-aaaa', change: /^[\w-]{36}$/ })
    await log.line(line => line.delivery === asked.change && line.attempt === 1 && line.event !== undefined)
    t.match(await api('GET', `/lessons/changes/${asked.change}`), {
      lesson: '42-aaaa',
      state: 'done',
      why: 'paid: 60.00 EUR, transfer',
    })
    t.strictSame(await api('POST', '/lessons/42-aaaa/paid', given), asked, 'the same key')
    t.match(await calendar.lessonOf('42-aaaa', new AbortController().signal), {
      payment: '60.00 EUR, transfer, Mrs Jansen',
    })
    const back = await api('POST', '/lessons/42-a/unpaid', { key: 'mine' })
    await log.line(line => line.delivery === back.change && line.attempt === 1 && line.event !== undefined)
    t.match(await api('GET', `/lessons/changes/${back.change}`), {
      lesson: '42-aaaa',
      state: 'done',
      why: 'not paid after all: 60.00 EUR, transfer is taken back',
    })
    t.strictSame(await api('POST', '/lessons/42-aaaa/unpaid', { key: 'mine' }), back, 'the same key')
    t.match(await api('GET', '/lessons/42-aaaa'), { payment: 'unpaid' })
    t.match(await api('POST', '/lessons/42-bbbb/unpaid', {}), {
      statusCode: 409,
      message: 'It can’t be marked as not paid: it is free: nothing is to be paid',
    })
    t.match(await api('POST', '/lessons/42-gone/unpaid', {}), { statusCode: 404 })
    t.match(await api('POST', '/lessons/42-bbbb/paid', given), {
      statusCode: 409,
      message: 'It can’t be marked as paid: it is free: nothing is to be paid',
    })
    t.match(await api('POST', '/lessons/42-bbbb/paid', { ...given, currency: 'XYZ' }), { statusCode: 400 })
    t.match(await api('POST', '/lessons/42-gone/paid', given), { statusCode: 404 })
  })
}

for (const [name, store] of Object.entries(STORES)) {
  tap.test(`what is open is listed with its sum, and a month is a CSV: ${name}`, async t => {
    const { page, api, signIn, book, calendar } = await startWithLessons(t, { store: await store(t), tutor: PRICED })
    await signIn()
    t.notMatch((await page('/dashboard/lessons')).body, 'open=yes', 'nothing is')
    await book('42-aaaa', '2025-11-25T09:00:00Z', { payment: 'unpaid', student: 'Bob' })
    await book('42-bbbb', '2026-11-25T09:00:00Z', { payment: 'unpaid', student: '=Zoë' })
    await book('42-cccc', '2026-11-26T09:00:00Z', { payment: '60.00 EUR, cash, Mrs Jansen' })
    await book('42-dddd', '2026-11-27T09:00:00Z')
    await calendar.cancel('42-dddd', new AbortController().signal)
    const week = (await page('/dashboard/lessons')).body
    t.match(week, /<a href="\/dashboard\/lessons\/list\?open=yes">2 open: 120\.00 EUR<\/a>/)
    const list = (await page('/dashboard/lessons/list?open=yes')).body
    t.match(list, /2 lessons, in order[\s\S]*In all 2 open: 120\.00 EUR\.[\s\S]*Bob[\s\S]*&#61;Zoë/)
    t.match(list, '<option value="yes" selected>Open</option>')
    t.notMatch(list, '42-cccc')
    t.match(await page('/dashboard/lessons/list?open=no'), {
      statusCode: 400,
      body: /id="open-error">open must be yes/,
    })
    const paged = await page('/dashboard/lessons/list?open=yes&limit=1')
    t.match(paged.body, /1 lesson, in order[\s\S]*open&#61;yes[^"]*limit&#61;1[^"]*cursor&#61;/)
    t.match(await api('GET', '/lessons?open=yes&student=bob'), {
      lessons: [{ id: '42-aaaa', payment: 'unpaid' }],
      open: { count: 2, isMore: false, sums: ['120.00 EUR'], unpriced: 0 },
    })
    t.equal((await api('GET', '/lessons')).open, undefined)

    const link = /<a href="([^"]+)" download>November 2026 as CSV/.exec(week)?.[1] as string
    const csv = await page(link)
    t.match(csv.headers, {
      'content-type': 'text/csv; charset=utf-8',
      'content-disposition': 'attachment; filename="lessons-2026-11.csv"',
    })
    t.equal(
      csv.body,
      `\ufeff${[
        'date,time,minutes,student,state,paid,amount,currency,reference,order,conversation',
        "2026-11-25,10:00,60,'=Zoë,booked,open,,,,42-bbbb,42",
        '2026-11-26,10:00,60,Renée,booked,cash,60.00,EUR,Mrs Jansen,42-cccc,42',
        '2026-11-27,10:00,60,Renée,cancelled,Stripe,60.00,EUR,pi_1,42-dddd,42',
        '',
      ].join('\r\n')}`,
    )
    t.match(await page('/dashboard/lessons.csv?month=x'), { statusCode: 400, body: /month must be a month such as/ })
  })
}

tap.test('a lesson that has begun can be paid, and nothing else', async t => {
  const { page, signIn, book } = await startWithLessons(t)
  await signIn()
  await book('42-aaaa', '2026-11-22T09:00:00Z', { payment: 'unpaid' })
  const { body } = await page('/dashboard/lessons/42-aaaa')
  t.match(body, /Mark as paid…[\s\S]*name="amount" value=""/, 'no price is known')
  t.notMatch(body, /Move…|Cancel…/)
})

tap.test('an order whose time is only reserved has its page, to mark it as paid', async t => {
  const { world, app, log, conversation, clock } = await startInWorld(t, {}, { operator: { token: OPERATOR_TOKEN } })
  const { page, form, signIn } = operator(app)
  await signIn()
  const id = world.addStudent({ name: 'Renée', channel: 'whatsapp', language: 'nl' })
  const { calendar } = app.webhooks
  const order = `${id}-aaaa`
  const start = Date.parse('2026-11-25T09:00Z')
  const until = clock.now() + 3_600_000
  const margin = { before: 0, after: 0 }
  await calendar.hold({ order, start, end: start + 3_600_000, until, margin }, AbortSignal.timeout(5_000))
  conversation(id).custom_attributes = {
    order_id: order,
    pending_intent: 'pay',
    checkout_session: 'cs_gone',
    lesson_start: '2026-11-25T10:00:00+01:00',
  }
  const path = `/dashboard/lessons/${order}`
  const { body } = await page(path)
  t.match(body, new RegExp(`A time is reserved for the order ${order}[\\s\\S]*Mark as paid…`))
  const given = { key: hidden(body, 'key'), how: 'cash', amount: '60', currency: 'EUR' }
  t.match(await form(`${path}/paid`, { ...given, currency: '' }), {
    statusCode: 400,
    body: /currency is missing[\s\S]*Mark as paid…/,
  })
  const { headers } = await form(`${path}/paid`, given)
  t.match(headers.location, new RegExp(`^${path}\\?asked=`))
  t.match(await outcome({ page, log }, headers.location as string), /Not done: .*cs_gone/)
})

tap.test('a host’s calendar that can’t say how a lesson is paid', async t => {
  const { app, api, book } = await startWithLessons(t)
  await book('42-aaaa', '2026-11-25T09:00:00Z', { payment: 'unpaid' })
  Object.assign(app.webhooks.calendar, { setPayment: undefined })
  const refused = { statusCode: 409, message: 'This calendar can’t say how a lesson is paid: write it there' }
  t.match(await api('POST', '/lessons/42-aaaa/paid', { how: 'cash', amount: '60', currency: 'EUR' }), refused)
  t.match(await api('POST', '/lessons/42-aaaa/unpaid', {}), refused)
})
