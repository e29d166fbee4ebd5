import { setImmediate } from 'node:timers/promises'
import tap from 'tap'
import { webhookApp } from '../../helpers/app.ts'
import { outcome } from '../../helpers/lesson-forms.ts'
import { MINUTE } from '../../helpers/lesson-story.ts'
import { startWithLessons } from '../../helpers/lessons.ts'
import { OPERATOR_TOKEN, operator } from '../../helpers/operator.ts'
import { STORES } from '../../helpers/stores.ts'
import { chat, startInWorld } from '../../helpers/world.ts'

/** The tutor adds, moves and cancels lessons on the operator's page and in the API, over HTTP. */

const hidden = (body: string, name: string) => new RegExp(`name="${name}" value="([^"]*)"`).exec(body)?.[1] as string

for (const [name, store] of Object.entries(STORES)) {
  tap.test(`a lesson is added, moved and cancelled on the page: ${name}`, async t => {
    const started = await startWithLessons(t, { store: await store(t) })
    const { page, form, signIn, calendar } = started
    await signIn()
    const lessons = () => calendar.lessons(0, 8e12, { withCancelled: true })
    const empty = (await page('/dashboard/lessons/new?day=2026-11-25')).body
    t.match(empty, /name="start" value="2026-11-25T10:00" type="datetime-local" required/)
    t.match(empty, /name="minutes" value="60"[\s\S]*name="service" value="Bijles"/)
    t.match((await page('/dashboard/lessons/new')).body, 'name="start" value=""')

    const fields = {
      key: hidden(empty, 'key'),
      start: '2026-11-25T10:00',
      minutes: '90',
      student: '<Bob>',
      payment: 'cash',
    }
    const [first, again] = await Promise.all([
      form('/dashboard/lessons/new', fields),
      form('/dashboard/lessons/new', fields),
    ])
    const location = first.headers.location as string
    t.match(location, /^\/dashboard\/lessons\/tutor-[0-9a-f]{8}\?asked=[\w-]{36}$/)
    t.equal(again.headers.location, location)
    const added = await outcome(started, location)
    t.match(
      added,
      /Done: added on Wednesday 25 November at 10:00\.[\s\S]*Lesson: &#60;Bob&#62;|Lesson: &#60;Bob&#62;[\s\S]*Done: added on Wednesday 25 November at 10:00/,
    )
    t.notMatch(added, 'http-equiv="refresh"')
    t.equal((await form('/dashboard/lessons/new', fields)).headers.location, location, 'once, however often it is sent')
    t.match(await lessons(), [{ student: '<Bob>', end: Date.parse('2026-11-25T10:30Z'), payment: 'cash' }])
    t.equal((await lessons()).length, 1)

    const overlapping = await form('/dashboard/lessons/new', {
      ...fields,
      key: 'k',
      start: '2026-11-25T11:00',
      student: 'Zoë',
    })
    t.match(overlapping, {
      statusCode: 409,
      body: /Nothing was added: That time is not free: the lesson of &#60;Bob&#62; \(tutor-\w+\) begins on Wed 25 Nov 2026, 10:00/,
    })
    t.match(overlapping.body, /name="student" value="Zoë"/, 'nothing is lost')
    for (const [given, problem] of [
      [
        { start: '2026-11-23T09:00' },
        /start is in the past[\s\S]*name="start" value="2026-11-23T09:00" type="datetime-local" required aria-invalid/,
      ],
      [{ start: 'soon' }, /start must be a time such as[\s\S]*value="soon" type="text"/],
      [{ start: '2026-11-26' }, /start must be a time such as 2026-11-25T10:00, not a date/],
      [{ minutes: '0' }, /minutes must be a whole number from 1 to 1440/],
      [{ student: '' }, /student is missing/],
      [{ conversation: 'x' }, /conversation must be a number, as shown in Chatwoot/],
    ] as const) {
      t.match(await form('/dashboard/lessons/new', { ...fields, ...given }), { statusCode: 400, body: problem })
    }

    const path = location.split('?')[0] as string
    const shown = (await page(path)).body
    t.match(shown, /Move…[\s\S]*name="start" type="datetime-local" value="2026-11-25T10:00"/)
    t.match(shown, /Cancel…[\s\S]*<input type="hidden" name="refund" value="no">/, 'nothing was paid by Stripe')
    const seen = { key: hidden(shown, 'key'), seen: hidden(shown, 'seen') }
    const wrong = await form(`${path}/move`, { ...seen, start: '2026-11-22T10:00' })
    t.match(wrong, {
      statusCode: 400,
      body: /Nothing was changed: start is in the past[\s\S]*<details open><summary>Move…/,
    })
    t.match(await form(`${path}/move`, { ...seen, start: '2026-11-25T10:00' }), {
      statusCode: 409,
      body: /It begins then already/,
    })
    const moved = await form(`${path}/move`, { ...seen, start: '2026-11-25T10:30' })
    t.match(
      await outcome(started, moved.headers.location as string),
      /Done: moved from Wednesday 25 November at 10:00 to Wednesday 25 November at 10:30/,
    )
    t.equal(
      (await form(`${path}/move`, { ...seen, start: '2026-11-25T10:30' })).headers.location,
      moved.headers.location,
    )
    const stale = await form(`${path}/move`, { ...seen, start: '2026-11-26T10:00' })
    t.match(stale, { statusCode: 409, body: /has been changed meanwhile: it is on Wed 25 Nov 2026, 10:30 now/ })
    t.match(await form(`${path}/move`, { ...seen, seen: 'x', start: '2026-11-26T10:00' }), {
      statusCode: 400,
      body: /seen must be as/,
    })

    const now = (await page(path)).body
    const cancel = { key: hidden(now, 'key'), seen: hidden(now, 'seen') }
    t.match(await form(`${path}/cancel`, cancel), {
      statusCode: 400,
      body: /refund must be said[\s\S]*<details open><summary>Cancel…/,
    })
    t.equal((await form(`${path}/cancel`, { ...cancel, form: 'x', refund: 'no' })).statusCode, 403)
    const cancelled = await form(`${path}/cancel`, { ...cancel, refund: 'no' })
    const over = await outcome(started, cancelled.headers.location as string)
    t.match(over, /Done: cancelled on Wednesday 25 November at 10:30/)
    t.notMatch(over, 'What you can do')
    t.match(await lessons(), [{ cancelledAt: Number, sequence: 3 }])
    t.match(await form(`${path}/cancel`, { ...cancel, key: 'other', refund: 'no' }), {
      statusCode: 409,
      body: /The lesson is cancelled/,
    })
    t.match(await form('/dashboard/lessons/zz/move', { start: '2026-11-26T10:00' }), {
      statusCode: 404,
      body: /There is no lesson zz/,
    })
  })

  tap.test(`the same in the API: ${name}`, async t => {
    const { api, book, keep, calendar, log } = await startWithLessons(t, { store: await store(t) })
    const done = async (change: string) => {
      await log.line(line => line.delivery === change && line.attempt === 1 && line.event !== undefined)
      return api('GET', `/lessons/changes/${change}`)
    }
    const given = { start: '2026-11-25T10:00', minutes: 45, student: 'Zoë', key: 'mine' }
    const added = await api('POST', '/lessons', given)
    t.match(added, { status: 'asked', id: /^tutor-/, change: /^[\w-]{36}$/ })
    t.match(await done(added.change), {
      id: added.change,
      lesson: added.id,
      state: 'done',
      why: /^added on/,
      trouble: null,
    })
    t.strictSame(await api('POST', '/lessons', given), added, 'the same key')
    t.match(await api('POST', '/lessons', { ...given, key: 'other' }), {
      statusCode: 409,
      message: /^That time is not free/,
    })
    const start = '2026-11-26T10:00+01:00'
    const moved = await api('POST', `/lessons/${added.id.slice(0, 10)}/move`, { start })
    t.match(await done(moved.change), { state: 'done', why: /^moved from/ })
    const seen = `${Date.parse('2026-11-25T09:00Z')}.1`
    t.match(await api('POST', `/lessons/${added.id}/move`, { start: '2026-11-27T10:00', seen }), {
      statusCode: 409,
      code: 'OPERATOR_CONFLICT',
    })
    t.match(await api('POST', `/lessons/${added.id}/cancel`), { statusCode: 400, message: /^refund must be said/ })
    const cancelled = await api('POST', `/lessons/${added.id}/cancel`, { refund: false })
    t.match(await done(cancelled.change), { state: 'done', why: 'cancelled on Thursday 26 November at 10:00' })
    t.match(await api('GET', `/lessons/${added.id}`), { state: 'cancelled' })

    await keep('43-cccc', '2026-11-27T09:00:00Z', { conversation: '43' })
    t.match(await api('POST', '/lessons/43-cccc/move', { start: '2026-11-28T10:00' }), {
      statusCode: 409,
      message: /payment is under way/,
    })
    await calendar.block({
      id: 'x',
      start: Date.parse('2026-11-28T09:00Z'),
      end: Date.parse('2026-11-28T10:00Z'),
      reason: 'gym',
    })
    await book('44-dddd', '2026-11-29T09:00:00Z')
    t.match(await api('POST', '/lessons/44-dddd/move', { start: '2026-11-28T10:00' }), {
      statusCode: 409,
      message: 'That time is blocked (gym): unblock it first, or take another',
    })
    t.match(await api('POST', '/lessons/44-dddd/move', { start: '2027-03-28T02:30' }), {
      statusCode: 400,
      message: /clocks go forward/,
    })
    const lonely = await api('POST', '/lessons', { start, conversation: 42 })
    t.match(await done(lonely.change), { state: 'refused', why: /^the student can’t be told: set CW_TOKEN/ })
    t.match(await api('GET', '/lessons/changes/nothing'), { statusCode: 404, code: 'OPERATOR_UNKNOWN_CHANGE' })
  })
}

tap.test('while Chatwoot is away the calendar changes at once; the students are told afterwards', async t => {
  const { world, app, log, clock, conversation } = await startInWorld(t, {}, { operator: { token: OPERATOR_TOKEN } })
  const { api, page, signIn } = operator(app)
  const { calendar } = app.webhooks
  const signal = new AbortController().signal
  const ids = ['Renée', 'Zoë'].map(name => world.addStudent({ name, channel: 'whatsapp', language: 'nl' }))
  const [first, second] = ids as [number, number]
  for (const [index, id] of ids.entries()) {
    const start = Date.parse('2026-11-25T09:00Z') + index * 60 * MINUTE
    const lesson = { order: `${id}-aaaa`, start, end: start + 60 * MINUTE, student: 'x', service: 'y', payment: null }
    await calendar.book({ ...lesson, conversation: `${id}` }, signal)
  }
  await signIn()
  world.setFaults({ chatwoot: 'down' })
  /** Lets time pass until something is so. */
  const until = async (isSo: () => boolean | Promise<boolean>) => {
    while (!(await isSo())) {
      clock.advance(1_000)
      await setImmediate()
    }
  }
  const move = async (id: number, start: string) => {
    const { change } = await api('POST', `/lessons/${id}-aaaa/move`, { start })
    await until(async () => (await api('GET', `/lessons/changes/${change}`)).state === 'done')
    return change as string
  }
  const told = (id: number) => chat(conversation(id)).some(text => /is verzet naar donderdag 26 november/.test(text))
  const change = await move(first, '2026-11-26T10:00')
  await log.line(line => line.delivery === change && line.attempt === 1 && line.event !== undefined)
  t.match(
    (await page(`/dashboard/lessons/${first}-aaaa?asked=${change}`)).body,
    /Done: moved from [^.]*\. The student has not been told yet: .*Chatwoot answered 502/,
  )
  const ahead = await move(second, '2026-11-26T12:00')
  await log.line(({ msg, delivery }) => msg === 'done before its turn' && delivery === ahead)
  t.match(await calendar.lessons?.(0, 8e12), [
    { start: Date.parse('2026-11-26T09:00Z') },
    { start: Date.parse('2026-11-26T11:00Z') },
  ])
  t.notOk(told(first) || told(second))
  world.setFaults({ chatwoot: 'none' })
  await until(() => told(first) && told(second))
  t.match(await api('GET', `/lessons/changes/${ahead}`), { state: 'done', why: /^moved from/ })
})

tap.test('what fails for good is a person’s', async t => {
  const { world, app, log, conversation } = await startInWorld(t, {}, { operator: { token: OPERATOR_TOKEN } })
  const { api, page, signIn } = operator(app)
  await signIn()
  const id = world.addStudent({ name: 'Renée', channel: 'whatsapp', language: 'nl' })
  world.chatwoot.fail(/^GET .*conversations/, { status: 403, body: { error: 'no' } })
  const { id: order, change } = await api('POST', '/lessons', { start: '2026-11-26T10:00', conversation: id })
  await log.line(line => line.delivery === change && line.event !== undefined && line.attempt === 1)
  t.match(await api('GET', `/lessons/changes/${change}`), { state: 'failed', why: /Chatwoot answered 403/ })
  t.match(
    (await page(`/dashboard/lessons/${order}?asked=${change}`)).body,
    /Not done: .*Chatwoot answered 403[\s\S]*Its delivery/,
  )
  t.match(conversation(id).messages.at(-1), {
    private: true,
    content: new RegExp(`A lesson was to be added .*order ${order}.*403`),
  })
  const lonely = await api('POST', '/lessons', { start: '2026-11-26T10:00', conversation: 999 })
  await log.line(line => line.delivery === lonely.change && line.event !== undefined)
  t.match(await api('GET', `/lessons/changes/${lonely.change}`), {
    state: 'refused',
    why: 'there is no conversation 999 in Chatwoot',
  })
  t.equal((await page(`/dashboard/lessons/${lonely.id}?asked=${lonely.change}`)).statusCode, 200)
  t.equal((await page(`/dashboard/lessons/${lonely.id}?asked=nothing`)).statusCode, 404)

  world.chatwoot.fail(/^GET .*conversations/, { status: 503 })
  const again = await api('POST', '/lessons', { start: '2026-11-28T10:00', conversation: id })
  await log.line(line => line.delivery === again.change && line.event !== undefined)
  t.match(
    (await page(`/dashboard/lessons/${again.id}?asked=${again.change}`)).body,
    /Asked: it is being done, .* It has not worked yet: .*Chatwoot answered 503/,
  )

  const start = Date.parse('2026-11-27T09:00Z')
  const lesson = {
    order: 'aaaa',
    start,
    end: start + MINUTE,
    student: '',
    service: 'y',
    payment: null,
    conversation: '',
  }
  await app.webhooks.calendar.book(lesson, new AbortController().signal)
  const later = { key: 'k', event: 'tutorbot.lesson_move', orderingKey: 'o', payload: { order: 'aaaa' }, at: 8e12 }
  await app.webhooks.inbox.schedule(later)
  const { deliveries } = await api('GET', '/deliveries?state=scheduled')
  t.match(await page(`/dashboard/lessons/aaaa?asked=${deliveries[0].id}`), {
    body: /http-equiv="refresh"[\s\S]*Asked: it is being done, [^.]*\. This page looks again by itself\. <a/,
  })
  await app.webhooks.inbox.forget([change])
  t.match(await api('GET', `/lessons/changes/${change}`), { lesson: null, state: 'failed', why: null })
  t.match(await page(`/dashboard/lessons/aaaa?asked=${change}`), { body: /Not done: it was given up\./ })
})

tap.test('a host’s calendar that can’t move lessons: they are moved there, and cancelled here', async t => {
  const start = Date.now() + 48 * 60 * MINUTE
  const lesson = { order: 'aaaa', start, end: start + 60 * MINUTE, student: 'x', service: 'y', payment: null }
  const names = ['busy', 'hold', 'keep', 'release', 'book', 'has', 'find', 'cancel']
  const backend = {
    ...Object.fromEntries(names.map(name => [name, async () => null])),
    lessonOf: async (order: string) =>
      order === lesson.order ? { ...lesson, conversation: '', changedAt: null, sequence: 1 } : null,
  } as never
  const { app } = await webhookApp(t, { operator: { token: OPERATOR_TOKEN }, calendar: { backend } })
  await app.ready()
  const { page, api, signIn } = operator(app)
  await signIn()
  t.match(await page('/dashboard/lessons/aaaa'), {
    body: /It can’t be moved here, as this calendar can’t do that: move it there\.[\s\S]*Yes, cancel it/,
  })
  t.match(await api('GET', '/lessons/aaaa'), { id: 'aaaa', changedAt: null, conversation: null })
  t.match(await api('POST', '/lessons/aaaa/move', { start: new Date(start + MINUTE).toISOString() }), {
    statusCode: 409,
    message: 'This calendar can’t move lessons: move it there',
  })
})

tap.test('our own errors say nothing of themselves on the page', async t => {
  const { app, form, signIn } = await startWithLessons(t)
  await signIn()
  Object.assign(app.webhooks.inbox, { get: () => Promise.reject(new Error('a secret of the disk')) })
  const answer = await form('/dashboard/lessons/new', { start: '2026-11-25T10:00', student: 'Zoë' })
  t.equal(answer.statusCode, 500)
  t.notMatch(answer.body, 'secret')
})

tap.test('a time that is taken by what has no name', async t => {
  const { book, calendar, api } = await startWithLessons(t)
  await book('42-aaaa', '2026-11-25T09:00:00Z', { student: '' })
  const day = Date.parse('2026-11-26T09:00Z')
  await calendar.block({ id: 'x', start: day, end: day + 60 * MINUTE, reason: '' })
  for (const [start, message] of [
    ['2026-11-25T10:00', /the lesson of no name \(42-aaaa\)/],
    ['2026-11-26T10:00', 'That time is blocked (x): unblock it first, or take another'],
  ] as const) {
    t.match(await api('POST', '/lessons', { start, student: 'Zoë' }), { statusCode: 409, message })
  }
})
