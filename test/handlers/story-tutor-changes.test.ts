import tap from 'tap'
import { lessonChangeHandlers } from '../../handlers/lesson-changes.ts'
import type { LessonToAdd } from '../../handlers/lesson-requests.ts'
import { changeOf } from '../../operator/lessons/changes.ts'
import { begin } from '../../sandbox/payments.ts'
import { MINUTE, reserved } from '../helpers/lesson-story.ts'
import { started } from '../helpers/tutor-changes.ts'

/** The tutor adds, moves and cancels lessons; the student reads it in the chat. */

const signal = new AbortController().signal

tap.test('a paid lesson is moved: the student reads it, the order and the payment stay', async t => {
  const { move, booked, lessons } = await started(t)
  const { renee, order } = await booked()
  const { length } = renee.read()
  t.match(await move(order.slice(0, 12), { start: '2026-11-27T17:30' }), {
    order,
    state: 'done',
    why: 'moved from Tuesday 24 November at 10:00 to Friday 27 November at 17:30',
    trouble: null,
  })
  t.strictSame(renee.read().slice(length), [
    'Je les van dinsdag 24 november om 10:00 is verzet naar vrijdag 27 november om 17:30. Tot dan!',
  ])
  t.equal(
    renee.notes().at(-1),
    `Lesson moved by the tutor: Tuesday 24 November at 10:00 → Friday 27 November at 17:30, order ${order}`,
  )
  t.match(renee.conversation, {
    labels: ['payment:paid', 'status:booked'],
    custom_attributes: { order_id: order, lesson_start: '2026-11-27T17:30:00+01:00', payment_status: 'paid' },
  })
  t.match(await lessons(), [{ order, sequence: 2, start: Date.parse('2026-11-27T16:30Z'), payment: /pi_/ }])
})

tap.test('whoever has the conversation: it is a fact; after WhatsApp’s 24 hours by a template', async t => {
  const templates = { moved: { name: 'lesson_moved', languages: { nl: 'nl' } } }
  const { move, cancel, booked, chatwoot } = await started(t, { templates })
  const { renee, order } = await booked()
  Object.assign(renee.conversation, { status: 'open', assignee: { id: 7 } })
  const { length } = renee.read()
  await move(order, { start: '2026-11-27T17:30' })
  t.equal(renee.read().length, length + 1)
  Object.assign(renee.conversation, { can_reply: false })
  await move(order, { start: '2026-11-28T17:30' })
  const [sent] = chatwoot
    .called(/^POST .*messages/)
    .slice(-2)
    .map(({ body }) => body)
    .filter(body => 'template_params' in body)
  t.match(sent, {
    template_params: { name: 'lesson_moved', processed_params: { body: { 1: /27 november/, 2: /28 november/ } } },
  })
  await cancel(order, false)
  t.match(renee.notes().at(-1), /gaat niet door/, 'without a template the tutor is told')
})

tap.test('a lesson is cancelled, with and without money back', async t => {
  const { cancel, booked, lessons } = await started(t)
  const { renee, order } = await booked()
  const { length } = renee.read()
  t.match(await cancel(order, true), {
    state: 'done',
    why: 'cancelled on Tuesday 24 November at 10:00; 60.00 EUR paid back',
  })
  t.strictSame(renee.read().slice(length), [
    'Je les op dinsdag 24 november om 10:00 gaat niet door.\nJe betaling van € 60,00 is terugbetaald.',
  ])
  t.match(
    renee.notes().at(-1),
    `Lesson cancelled by the tutor: Tuesday 24 November at 10:00, order ${order}, 60.00 EUR paid back`,
  )
  t.same(renee.conversation.labels, ['payment:paid'], 'Stripe reports the refund by itself')
  t.match(renee.conversation.custom_attributes, { order_id: null, lesson_start: null })
  t.same(await lessons(), [])
})

for (const [intent_status, becomes] of [
  ['requires_capture', 'its payment, which was under way, is stopped'],
  ['processing', 'its payment is under way, and is paid back when it arrives'],
] as const) {
  tap.test(`a payment under way is stopped, or paid back when it arrives: ${intent_status}`, async t => {
    const tutor = await started(t)
    await reserved(tutor)
    await tutor.deliver(begin(tutor.session(), tutor.clock.now()))
    Object.assign(tutor.session(), { intent_status })
    const [held] = (await tutor.lessons()) ?? []
    t.match(await tutor.cancel(`${held?.order}`, true), {
      state: 'done',
      why: `cancelled on Tuesday 24 November at 10:00; ${becomes}`,
    })
    t.same(await tutor.lessons(), [])
  })
}

tap.test('what was not paid by Stripe is a person’s; other lessons keep the label', async t => {
  const { add, cancel, student, lessons } = await started(t)
  const bob = student('widget')
  const conversation = bob.conversation.id
  const first = await add({ start: '2026-11-25T16:00', conversation, payment: 'cash' })
  t.match(first, { state: 'done', why: 'added on Wednesday 25 November at 16:00', order: /^4100042-[0-9a-f]{8}$/ })
  const second = await add({
    start: '2026-11-26T16:00',
    minutes: 90,
    conversation: `${conversation}`,
    student: 'Bobby',
    service: 'Natuurkunde',
  })
  t.strictSame(bob.read(), [
    'Je les staat vast: woensdag 25 november om 16:00. Tot dan!',
    'Je les staat vast: donderdag 26 november om 16:00. Tot dan!',
  ])
  t.equal(bob.notes()[0], `Lesson added by the tutor: Wednesday 25 November at 16:00, order ${first.order}`)
  t.match(bob.conversation, {
    labels: ['status:booked'],
    custom_attributes: { order_id: first.order, lesson_start: '2026-11-25T16:00:00+01:00' },
  })
  t.match(await lessons(), [
    { student: 'Renée', service: 'Bijles', payment: 'cash', conversation: '4100042', contact: '4100001' },
    {
      student: 'Bobby',
      service: 'Natuurkunde',
      payment: 'arranged with the tutor',
      end: Date.parse('2026-11-26T16:30Z'),
    },
  ])
  const cancelled = await cancel(first.order, true)
  t.match(
    cancelled.why,
    /^cancelled on Wednesday 25 November at 16:00; not paid back: It was not paid by Stripe \("cash"\)/,
  )
  t.equal(bob.read().at(-1), 'Je les op woensdag 25 november om 16:00 gaat niet door.')
  t.match(bob.notes().at(-1), /order 4100042-\w+\. Not paid back: It was not paid by Stripe/)
  t.same(bob.conversation.labels, ['status:booked'])
  t.match(await cancel(second.order, false), { why: 'cancelled on Thursday 26 November at 16:00' })
  t.same(bob.conversation.labels, [])
})

tap.test('what the student is in the middle of is left alone', async t => {
  const tutor = await started(t)
  const renee = await reserved(tutor)
  const before = { ...renee.conversation.custom_attributes }
  const { order } = await tutor.add({ start: '2026-11-27T16:00', conversation: renee.conversation.id })
  t.strictSame(renee.conversation.custom_attributes, before)
  t.same(renee.conversation.labels, ['status:awaiting_pay', 'status:booked'])
  await tutor.cancel(order, false)
  t.strictSame(renee.conversation.custom_attributes, before)
})

tap.test('without a conversation nobody is told, and nothing of Chatwoot is needed', async t => {
  const { add, move, cancel, chatwoot, lessons } = await started(t)
  const { order } = await add({ start: '2026-11-25T16:00', student: 'Zoë' })
  t.match(order, /^tutor-/)
  t.match(await move(order, { start: '2026-11-25T18:00' }), { state: 'done' })
  t.match(await lessons(), [{ student: 'Zoë', conversation: '', start: Date.parse('2026-11-25T17:00Z') }])
  t.match(await cancel(order, false), { state: 'done' })
  t.equal(chatwoot.calls.length, 0)
})

tap.test('refused, and said why: what is gone, begun, taken, changed, not here', async t => {
  const { add, insist, cancel, move, booked, desk, clock } = await started(t)
  const { order } = await booked()
  const free = {
    end: Date.parse('2026-11-25T16:00Z'),
    start: Date.parse('2026-11-25T15:00Z'),
    student: 'x',
    service: 'y',
    payment: 'z',
    conversation: '',
  }
  const other = await add({ start: '2026-11-25T16:00', student: 'Zoë' })
  const start = Date.parse('2026-11-24T09:00Z')
  const seen = { order, start, sequence: 1, conversation: '' }
  for (const [event, payload, why] of [
    ['add', { ...free, order: 'a', start: clock.now() }, 'Monday 23 November at 11:00 has passed'],
    [
      'add',
      { ...free, order: 'a' } satisfies LessonToAdd,
      'Wednesday 25 November at 16:00 is not free: another lesson, a reservation or a blocked time is there',
    ],
    ['add', { ...free, order: 'a', conversation: '999' }, 'there is no conversation 999 in Chatwoot'],
    ['move', { ...seen, order: 'gone', to: free.start }, 'there is no such lesson any more'],
    ['move', { ...seen, to: clock.now() }, 'Monday 23 November at 11:00 has passed'],
    [
      'move',
      { ...seen, to: free.start + 30 * MINUTE },
      'Wednesday 25 November at 16:30 is not free: another lesson, a reservation or a blocked time is there',
    ],
    ['move', { ...seen, sequence: 2, to: free.start }, 'it has been moved or cancelled meanwhile: look at it again'],
    [
      'cancel',
      { ...seen, start: start - 1, refund: false },
      'it has been moved or cancelled meanwhile: look at it again',
    ],
  ] as const) {
    t.match(await insist(event, payload), { state: 'refused', why }, `${event}: ${why}`)
  }
  await cancel(other.order, false)
  t.match(
    await insist('cancel', { order: other.order, start: free.start, sequence: 1, conversation: '', refund: true }),
    { why: 'it is cancelled' },
  )
  await t.rejects(cancel(other.order, false), { message: 'The lesson is cancelled', statusCode: 409 })
  clock.advance(24 * 60 * MINUTE)
  t.match(await insist('cancel', { ...seen, refund: false }), { state: 'refused', why: 'it has begun' })
  await t.rejects(move(order, { start: '2026-11-28T10:00' }), { message: 'The lesson has begun' })
  t.equal(await changeOf(desk, 'unknown'), null)
})

tap.test('a conversation that is gone: the lesson is moved, and that nobody was told is noted', async t => {
  const { app, move } = await started(t)
  const start = Date.parse('2026-11-27T09:00Z')
  const lesson = { order: 'gone', start, end: start + 60 * MINUTE, student: 'x', service: 'y', payment: null }
  await app.webhooks.calendar.book({ ...lesson, conversation: '999' }, signal)
  const { delivery, state } = await move('gone', { start: '2026-11-28T10:00' })
  t.equal(state, 'done')
  const notes = (await app.webhooks.inbox.history(delivery)).map(({ detail }) => detail)
  t.match(notes, [/^Done: moved/, 'The student was not told: there is no conversation 999'])
  await app.webhooks.calendar.keep(
    { ...lesson, order: 'held', start: start + 9e7, end: start + 9e7 + 6e4, conversation: '998' },
    signal,
  )
  await t.rejects(move('held', { start: '2026-11-29T10:00' }), { message: /payment is under way/ })
})

tap.test('calendars of hosts, and what happens between two looks', async t => {
  const { services, app, student } = await started(t)
  const start = Date.parse('2026-11-27T09:00Z')
  const lesson = { order: 'a', start, end: start + 60 * MINUTE, conversation: '', payment: null, sequence: 1 }
  const seen = { order: 'a', start, sequence: 1, conversation: '', to: start + 60 * MINUTE, refund: false }
  const said = async (event: string, calendar: object, payload: object = seen) => {
    const notes: string[] = []
    const once = async (_key: string, step: (mayHaveActed: boolean) => unknown) => step(false)
    const note = async (text: string) => void notes.push(text)
    const context = { once, note, signal, log: app.log, run: 'r' } as never
    const pair = lessonChangeHandlers({ ...services, calendar: calendar as never })[`tutorbot.lesson_${event}`]
    const delivery = { id: 'd', payload } as never
    await pair?.handle(delivery, context)
    await pair?.gaveUp(delivery, context)
    return notes
  }
  t.match(await said('move', {}), [/^Refused: this calendar can’t move lessons/])
  t.match(await said('cancel', {}), [/^Refused: this calendar can’t say what lesson/])
  const lessonOf = async () => lesson
  t.match(await said('move', { lessonOf, move: async () => 'changed' }), [
    /^Refused: it has been moved or cancelled meanwhile/,
  ])
  t.match(await said('move', { lessonOf: async () => ({ ...lesson, isHeld: true }), move: async () => 'moved' }), [
    /payment is under way/,
  ])
  const bob = student('widget', { labels: ['status:booked'] })
  const conversation = `${bob.conversation.id}`
  await said('cancel', { lessonOf: async () => ({ ...lesson, conversation }), cancel: async () => lesson })
  t.match(bob.read(), [/gaat niet door/], 'it can’t say what other lessons a student has')
  t.same(bob.conversation.labels, [])
  const answers = [lesson, null]
  t.match(await said('cancel', { lessonOf: async () => answers.shift(), cancel: async () => null }), [/meanwhile/])
})
