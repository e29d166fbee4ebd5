import tap, { type Test } from 'tap'
import { LESSON_EVENTS } from '../../handlers/lesson-requests.ts'
import { weeklyEndHandlers } from '../../handlers/weekly-end.ts'
import { askToEndWeekly, weeklyViews } from '../../operator/lessons/weekly.ts'
import { pay } from '../../sandbox/payments.ts'
import { goOn } from '../helpers/later.ts'
import { started } from '../helpers/tutor-changes.ts'

/** The tutor ends a weekly time; the student reads it in the chat. */

async function weekly(t: Test, linkHours: number[] = []) {
  const tutor = await started(t, { tutor: { reminders: { hours: [] }, payment: { linkHours } } })
  const renee = tutor.student('widget')
  for (const text of ['Hoi', 'elke dinsdag 17:00', 'ja']) await renee.says(text)
  const [{ id = '' } = {}] = await weeklyViews(tutor.desk)
  return {
    ...tutor,
    renee,
    id,
    end: (which = id, key = 'form') => tutor.outcome(askToEndWeekly(tutor.desk, which, key)),
  }
}

tap.test('unpaid lessons are cancelled, what is paid stays', async t => {
  const { renee, id, end, paid, lessons, desk } = await weekly(t)
  t.match(await weeklyViews(desk), [
    {
      day: 'Tuesday',
      time: '17:00',
      minutes: 60,
      student: 'Renée',
      conversation: '4100042',
      first: '2026-11-24T16:00:00.000Z',
    },
  ])
  await paid(`${id}-20261201`)
  const { length } = renee.read()
  t.match(await end(id.slice(0, 10)), {
    order: id,
    state: 'done',
    why: 'ended; 3 unpaid cancelled, 1 paid stay',
    trouble: null,
  })
  t.strictSame(renee.read().slice(length), [
    'Je vaste les elke dinsdag om 17:00 is gestopt.\nJe les: dinsdag 1 december om 17:00, 60 minuten.',
  ])
  t.equal(renee.notes().at(-1), `Weekly lesson of the tutor ended; 3 unpaid cancelled, 1 paid stay: order ${id}`)
  t.match(await lessons(), [{ order: `${id}-20261201` }])
  t.match(renee.conversation, { labels: ['status:booked'] })
  t.strictSame(await weeklyViews(desk), [])
  await t.rejects(end(id, 'another form'), { message: /no weekly lessons 4100042-/ })
  t.match(await renee.says('elke dinsdag 17:00'), [/de eerste keer dinsdag 24 november/], 'it can be had again')
})

tap.test('all were unpaid: nothing is left; asked twice it is done once', async t => {
  const { renee, id, end, insist, lessons } = await weekly(t)
  await end()
  t.match(renee.conversation, { labels: [], custom_attributes: { order_id: null, payment_status: null } })
  t.strictSame(await lessons(), [])
  const { length } = renee.read()
  t.match(await insist(LESSON_EVENTS.endWeekly, { order: id, conversation: '4100042' }), {
    state: 'refused',
    why: 'there is no such weekly time, or it has ended',
  })
  t.equal(renee.read().length, length)
})

for (const isPaying of [false, true]) {
  const becomes = isPaying ? 'is just being paid: its lesson stays' : 'has been sent: it is ended'
  tap.test(`the first lesson’s link ${becomes}`, async t => {
    const tutor = await weekly(t, [48])
    await goOn(tutor, tutor.clock.now())
    t.match(tutor.renee.read().at(-1), /is nog niet betaald/)
    if (isPaying) pay(tutor.session())
    const left = isPaying ? 1 : 0
    t.match(await tutor.end(), { why: `ended; ${4 - left} unpaid cancelled, ${left} paid stay` })
    t.equal(tutor.session().status, isPaying ? 'complete' : 'expired')
    t.equal((await tutor.lessons())?.length, left)
  })
}

tap.test('the conversation is gone, or no Chatwoot: ended all the same; what fails is told', async t => {
  const { chatwoot, end, log, services, app, id, lessons } = await weekly(t)
  const conversation = chatwoot.conversations.get(4100042)
  chatwoot.conversations.delete(4100042)
  t.match(await end(), { state: 'done' })
  t.ok(log.lines.some(({ msg }) => msg === 'its conversation is gone: nobody was told'))
  t.strictSame(await lessons(), [])
  if (conversation !== undefined) chatwoot.conversations.set(4100042, conversation)
  const pair = (given = services) =>
    weeklyEndHandlers(given)[LESSON_EVENTS.endWeekly] as ReturnType<typeof weeklyEndHandlers>[string]
  const delivery = { id: 'd', payload: { order: id, conversation: '4100042' } } as never
  const context = { log: app.log, signal: AbortSignal.timeout(5_000), error: new Error('no disk') } as never
  const once = async (_: string, step: () => unknown) => step()
  await pair().gaveUp(delivery, Object.assign(context, { once, note: () => {} }))
  t.match(chatwoot.called(/messages/).at(-1)?.body, {
    content: /^Weekly lessons were to be ended .*no disk/,
    private: true,
  })
  const silent = pair({ ...services, chatwoot: null })
  const before = chatwoot.calls.length
  await silent.gaveUp(delivery, context)
  const added = await services.calendar.weekly?.add({
    id: 'other',
    weekday: 3,
    time: 600,
    minutes: 60,
    first: 0,
    student: '',
    service: '',
    conversation: '4100042',
  })
  t.equal(added, 'added')
  await silent.handle({ id: 'd', payload: { order: 'other', conversation: '4100042' } } as never, context)
  t.equal(chatwoot.calls.length, before)
})

tap.test('which one: several fit, none, or the calendar has none', async t => {
  const { renee, desk, end } = await weekly(t)
  for (const text of ['elke woensdag 10:00', 'ja']) await renee.says(text)
  await t.rejects(end('4100042-'), { message: /several/i })
  await t.rejects(end(''), { message: /no weekly lessons/ })
  const { weekly: _, ...calendar } = desk.calendar
  await t.rejects(weeklyViews({ ...desk, calendar }), { message: /calendar in the store/ })
})
