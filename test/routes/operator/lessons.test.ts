import tap from 'tap'
import { webhookApp } from '../../helpers/app.ts'
import { signal, startWithLessons } from '../../helpers/lessons.ts'
import { OPERATOR_TOKEN, operator } from '../../helpers/operator.ts'
import { STORES } from '../../helpers/stores.ts'

/** The tutor's lessons on the operator's page and in the API, over HTTP. */

const CHATWOOT = { url: 'https://chat.example.com', accountId: '3' }

for (const [name, store] of Object.entries(STORES)) {
  tap.test(`a week, a list and one lesson: ${name}`, async t => {
    const { book, keep, calendar, page, signIn, api } = await startWithLessons(t, {
      store: await store(t),
      chatwoot: CHATWOOT,
      stripe: { secretKey: 'sk_test_x' },
    })
    await book('42-aaaa', '2026-11-25T09:00:00Z')
    await book('42-bbbb', '2026-11-26T22:30:00Z', { student: '<Bob>', payment: null, service: 'Proefles' })
    await keep('43-cccc', '2026-11-27T09:00:00Z', {
      student: 'Zoë',
      conversation: '43',
      payment: '70 EUR, pi_2, under way',
    })
    await book('9-dddd', '2026-11-28T09:00:00Z', { conversation: '', payment: 'cash' })
    await calendar.cancel('9-dddd', signal)
    await book('42-eeee', '2026-12-01T09:00:00Z')
    await calendar.block({
      id: 'x',
      start: Date.parse('2026-11-24T23:00Z'),
      end: Date.parse('2026-11-26T11:00Z'),
      reason: 'away',
    })
    t.match(await page('/dashboard/lessons'), { statusCode: 303 }, 'not before signing in')
    await signIn()

    const { body } = await page('/dashboard/lessons')
    t.match(body, /<a href="\/dashboard\/lessons" aria-current="page">Lessons<\/a>/)
    t.match(body, '23 November to 29 November 2026: 3 lessons')
    t.match(body, /Monday 23 Nov <small>today<\/small>/)
    t.match(
      body,
      /lesson booked"><a href="\/dashboard\/lessons\/42-aaaa"><span class="hours">10:00–11:00<\/span> Renée<\/a>/,
    )
    t.match(body, '23:30–Fri 27 Nov, 00:30</span> &#60;Bob&#62;</a>')
    t.match(body, /lesson held">[\s\S]*Payment under way <small>held/)
    t.match(body, /lesson cancelled">[\s\S]*Cancelled <small>cancelled/)
    t.match(
      body,
      /Wednesday 25 Nov[\s\S]*All day<\/span> Blocked: away[\s\S]*Thursday[\s\S]*00:00–12:00<\/span> Blocked: away/,
    )
    t.notMatch(body, '42-eeee')
    t.match(
      (await page('/dashboard/lessons?week=2026-12-03')).body,
      /30 November to 6 December 2026: 1 lesson<[\s\S]*42-eeee/,
    )
    const past = await page('/dashboard/lessons?week=2026-11-16')
    t.match(past.body, /16 November to 22 November 2026: 0 lessons[\s\S]*<p class="muted">–<\/p>/)
    t.notMatch(past.body, 'today</small>')
    t.match(await page('/dashboard/lessons?week=x'), { statusCode: 400, body: /week must be a date/ })

    const listed = await page('/dashboard/lessons/list')
    t.match(listed.body, '5 lessons, in order')
    t.match(listed.body, /Wednesday 25 November 2026, 10:00–11:00<\/a><br>Renée <small>Wiskunde B · 42-aaaa/)
    t.match(listed.body, '<a href="https://dashboard.stripe.com/test/payments/pi_1" rel="noreferrer">in Stripe</a>')
    t.match(
      listed.body,
      '<a href="https://chat.example.com/app/accounts/3/conversations/43" rel="noreferrer">in Chatwoot</a>',
    )
    t.match(listed.body, '<a href="/dashboard/conversations/43">43</a>')
    const first = await page('/dashboard/lessons/list?limit=2&from=2026-11-01&student=RENEE')
    t.match(first.body, /2 lessons, in order[\s\S]*42-aaaa[\s\S]*9-dddd/)
    const next = /href="(\/dashboard\/lessons\/list\?[^"]*)" rel="next"/
      .exec(first.body)?.[1]
      ?.replace(/&#(\d+);/g, (_, code) => String.fromCharCode(code)) as string
    t.match((await page(next)).body, /1 lesson, in order[\s\S]*42-eeee/)
    t.match((await page('/dashboard/lessons/list?state=held')).body, /1 lesson, in order[\s\S]*Zoë/)
    t.match((await page('/dashboard/lessons/list?from=2026-11-25T10:00Z&to=2026-11-27')).body, /2 lessons, in order/)
    t.match((await page('/dashboard/lessons/list?student=nobody')).body, 'No matching lessons.')
    const wrong = await page('/dashboard/lessons/list?from=soon')
    t.match(wrong, { statusCode: 400, body: /value="soon" aria-invalid="true"[\s\S]*from must be a date/ })
    t.match(await page('/dashboard/lessons/list?cursor=x'), { statusCode: 400, body: /cursor must be that of/ })

    const one = (await page('/dashboard/lessons/42-aaaa')).body
    t.match(one, /Lesson: Renée[\s\S]*Booked[\s\S]*Wednesday 25 November 2026, 10:00–11:00 <small>Europe\/Amsterdam/)
    t.match(one, /60.00 EUR, pi_1 · <a[\s\S]*Last changed[\s\S]*lessons\?week=2026-11-25/)
    t.match((await page('/dashboard/lessons/42-b')).body, /&#60;Bob&#62;[\s\S]*Free/, 'the beginning of its id')
    t.match((await page('/dashboard/lessons/43-cccc')).body, /Held since/)
    t.match(
      (await page('/dashboard/lessons/9-dddd')).body,
      /cash<[\s\S]*Conversation<\/dt><dd>None[\s\S]*Cancelled<\/dt>/,
    )
    t.match(await page('/dashboard/lessons/find?id=+42-aaaa'), {
      statusCode: 303,
      headers: { location: '/dashboard/lessons/42-aaaa' },
    })
    t.match(await page('/dashboard/lessons/find'), { statusCode: 303, headers: { location: '/dashboard/lessons/' } })
    t.match(await page('/dashboard/lessons/zz'), { statusCode: 404, body: /There is no lesson zz/ })
    t.match(await page('/dashboard/lessons/42-'), {
      statusCode: 409,
      body: /42- fits several lessons: 42-aaaa, 42-bbbb, 42-eeee. Give more of the id/,
    })

    const { lessons, next: cursor } = await api('GET', '/lessons?limit=1')
    t.strictSame(lessons, [
      {
        id: '42-aaaa',
        state: 'booked',
        start: '2026-11-25T09:00:00.000Z',
        end: '2026-11-25T10:00:00.000Z',
        student: 'Renée',
        service: 'Wiskunde B',
        payment: '60.00 EUR, pi_1',
        paymentUrl: 'https://dashboard.stripe.com/test/payments/pi_1',
        conversation: '42',
        conversationUrl: 'https://chat.example.com/app/accounts/3/conversations/42',
        changedAt: '2026-11-23T10:00:00.000Z',
        cancelledAt: null,
        sequence: 1,
      },
    ])
    t.match(await api('GET', `/lessons?limit=200&cursor=${cursor}`), { lessons: { length: 4 }, next: null })
    t.match(await api('GET', '/lessons/9-dd'), {
      id: '9-dddd',
      state: 'cancelled',
      conversation: null,
      cancelledAt: String,
    })
    t.match(await api('GET', '/lessons?state=x'), { status: 400, code: 'OPERATOR_BAD_FILTER' })
    t.match(await api('GET', '/lessons/zz'), { status: 404, code: 'OPERATOR_UNKNOWN_LESSON' })
    t.match(await api('GET', '/lessons/4'), { status: 409, code: 'OPERATOR_AMBIGUOUS_ID' })
  })
}

for (const [name, store] of Object.entries(STORES)) {
  tap.test(`hours and days are blocked and unblocked: ${name}`, async t => {
    const { book, calendar, page, form, signIn, api } = await startWithLessons(t, { store: await store(t) })
    await signIn()
    await book('42-aaaa', '2026-11-25T09:00:00Z')
    const empty = (await page('/dashboard/lessons/block?day=2026-11-25')).body
    t.match(empty, /id="days-from" name="from" value="2026-11-25"[\s\S]*id="days-to" name="to" value="2026-11-25"/)
    t.match(empty, /id="hours-from" name="from" value="2026-11-25T09:00"/)
    t.match(empty, 'No time is blocked.')
    t.match((await page('/dashboard/lessons/block')).body, /id="days-from" name="from" value=""/)
    const key = /name="key" value="([\w-]+)"/.exec(empty)?.[1] as string

    const days = { key, from: '2026-11-25', to: '2026-11-26', reason: 'away <3' }
    const done = await form('/dashboard/lessons/block', days)
    t.match(done, { statusCode: 303, headers: { location: '/dashboard/lessons?week=2026-11-25&done=blocked&count=1' } })
    await form('/dashboard/lessons/block', days)
    const [block, ...others] = await calendar.blocks(0, 8e12)
    t.match(
      [block, others],
      [{ start: Date.parse('2026-11-24T23:00Z'), end: Date.parse('2026-11-26T23:00Z') }, []],
      'once',
    )
    const { body } = await page(done.headers.location as string)
    t.match(body, 'Blocked. 1 lesson is booked in that time and stay')
    t.match(body, /All day<\/span> Blocked: away &#60;3 <form/)
    const hours = { key, from: '2026-11-27T10:00', to: '2026-11-27T12:30', reason: '' }
    t.match((await form('/dashboard/lessons/block', hours)).headers.location, /week=2026-11-27&done=blocked&count=0$/)
    t.match((await page('/dashboard/lessons?done=blocked&count=2')).body, '2 lessons are booked in that time and stay')
    const listed = (await page('/dashboard/lessons/block')).body
    t.match(listed, /Wednesday 25 November 2026 to Thursday 26 November 2026: away/)
    t.match(listed, /Friday 27 November 2026, 10:00–12:30 <small>/)

    const wrong = await form('/dashboard/lessons/block', { key, from: '2026-11-25', to: '2026-11-24', reason: 'x' })
    t.match(wrong, {
      statusCode: 400,
      body: /Nothing was blocked: to must be after from[\s\S]*id="days-to" name="to" value="2026-11-24" type="date" required aria-invalid/,
    })
    const past = await form('/dashboard/lessons/block', { from: '2026-11-23T09:00', to: '2026-11-23T10:00' })
    t.match(past, {
      statusCode: 400,
      body: /Nothing was blocked: to is in the past[\s\S]*id="hours-to" name="to" value="2026-11-23T10:00" [^>]*aria-invalid/,
    })
    t.equal((await form('/dashboard/lessons/block', { form: 'x', ...hours })).statusCode, 403)

    t.match(await form(`/dashboard/lessons/blocks/${block?.id}/unblock`), {
      statusCode: 303,
      headers: { location: '/dashboard/lessons?week=2026-11-25&done=unblocked' },
    })
    t.match((await page('/dashboard/lessons?done=unblocked')).body, 'Unblocked: lessons can be had then.')
    t.match(await form(`/dashboard/lessons/blocks/${block?.id}/unblock`), {
      statusCode: 404,
      body: /There is no blocked time/,
    })

    const given = { from: '2026-12-24', reason: 'Christmas', key: 'mine' }
    const made = await api('POST', '/lessons/blocks', given)
    t.match(made, { status: 201, start: '2026-12-23T23:00:00.000Z', end: '2026-12-24T23:00:00.000Z', lessons: [] })
    t.match(await api('POST', '/lessons/blocks', given), { id: made.id })
    await api('POST', '/lessons/blocks', { from: '2026-12-01T09:00+01:00', to: '2026-12-01T10:00' })
    const { blocks } = await api('GET', '/lessons/blocks')
    t.match(blocks, [
      { start: '2026-11-27T09:00:00.000Z' },
      { start: '2026-12-01T08:00:00.000Z' },
      { id: made.id, reason: 'Christmas' },
    ])
    t.match(await api('POST', `/lessons/blocks/${made.id.slice(0, 6)}/unblock`), { status: 'unblocked', id: made.id })
    t.match(await api('POST', `/lessons/blocks/${made.id}/unblock`), {
      statusCode: 404,
      code: 'OPERATOR_UNKNOWN_BLOCK',
    })
    t.match(await api('POST', '/lessons/blocks', { from: 5 }), { statusCode: 400, message: 'from must be a string' })
  })
}

tap.test('more lessons than an error names, and more than a week shows', async t => {
  const { book, page, signIn } = await startWithLessons(t)
  for (let n = 0; n < 6; n++) await book(`42-${n}`, `2026-12-0${n + 1}T09:00:00Z`)
  const start = Date.parse('2026-11-24T00:00Z')
  const many = Array.from({ length: 501 }, (_, n) => ({
    order: `m${n}`,
    start: start + n * 60_000,
    end: start + (n + 1) * 60_000,
  }))
  for (const { order, start, end } of many) await book(order, new Date(start).toISOString(), { end })
  await signIn()
  t.match(await page('/dashboard/lessons/42-'), { body: /42-0, 42-1, 42-2, 42-3, 42-4, …\. Give more/ })
  const { body } = await page('/dashboard/lessons')
  t.match(body, /501 lessons[\s\S]*Only the first 500 are shown/)
  t.notMatch(body, 'lessons/m500"')
})

tap.test('a calendar elsewhere: what is not there is said, and one lesson is found by its id', async t => {
  const backend = {
    ...Object.fromEntries(
      ['busy', 'hold', 'keep', 'release', 'book', 'has', 'find', 'cancel'].map(name => [name, async () => null]),
    ),
  } as never
  const { app } = await webhookApp(t, { operator: { token: OPERATOR_TOKEN }, calendar: { backend } })
  await app.ready()
  const { page, api, signIn } = operator(app)
  await signIn()
  t.match((await page('/dashboard/lessons')).body, /not in this service’s own calendar[\s\S]*A lesson’s id/)
  t.match(await page('/dashboard/lessons/list'), {
    statusCode: 409,
    body: /Not possible now[\s\S]*not in this service’s own/,
  })
  t.match(await api('GET', '/lessons'), { status: 409, code: 'OPERATOR_NOT_IN_THIS_CALENDAR' })
  t.match(await page('/dashboard/lessons/block'), {
    statusCode: 409,
    body: /Times are not blocked here: make an appoint/,
  })
  t.match(await api('GET', '/lessons/x'), { status: 409, message: /can’t say what lesson an order has/ })
})

tap.test('what has no name, no reason and no day of its own is shown as well', async t => {
  const { book, calendar, page, signIn } = await startWithLessons(t)
  await signIn()
  await book('42-aaaa', '2026-11-25T09:00:00Z', { student: '', conversation: 'cal/1' })
  const block = { id: 'x', start: Date.parse('2026-11-25T22:00Z'), end: Date.parse('2026-11-26T02:00Z'), reason: '' }
  await calendar.block(block)
  await calendar.block({
    ...block,
    id: 'y',
    start: Date.parse('2026-11-27T23:00Z'),
    end: Date.parse('2026-11-28T23:00Z'),
  })
  t.match(await page('/dashboard/lessons'), {
    body: /10:00–11:00<\/span> No name<[\s\S]*23:00–[^<]*<\/span> Blocked <form[\s\S]*All day<\/span> Blocked <form/,
  })
  t.match(await page('/dashboard/lessons/list'), { body: /<br>No name <small>[\s\S]*>cal\/1<\/td>/ })
  t.match(await page('/dashboard/lessons/42-aaaa'), { body: /Lesson: no name[\s\S]*<dd>No name<\/dd>/ })
  t.match(await page('/dashboard/lessons/block'), {
    body: /Wed 25 Nov 2026, 23:00 to Thu 26 Nov 2026, 03:00 <small>x<[\s\S]*<li>Saturday 28 November 2026 <small>y</,
  })
})

tap.test('a calendar that can block times and not list its lessons', async t => {
  const names = ['busy', 'hold', 'keep', 'release', 'book', 'has', 'find', 'cancel', 'block', 'unblock']
  const backend = {
    ...Object.fromEntries(names.map(name => [name, async () => null])),
    blocks: async () => [],
  } as never
  const { app } = await webhookApp(t, { operator: { token: OPERATOR_TOKEN }, calendar: { backend } })
  await app.ready()
  const { api } = operator(app)
  const from = `${new Date().getFullYear() + 1}-12-24`
  t.match(await api('POST', '/lessons/blocks', { from }), { status: 201, id: /^\w{12}$/, lessons: [] })
})
