import type { Test } from 'tap'
import t from 'tap'
import type { Calendar } from '../../calendar/contract.ts'
import { remind, reminderHandlers } from '../../handlers/reminders.ts'
import type { HandlerContext } from '../../inbox/drain.ts'
import { PermanentError } from '../../inbox/errors.ts'
import type { Channel } from '../../sandbox/chatwoot-people.ts'
import { pay } from '../../sandbox/payments.ts'
import { tutorOf } from '../../tutor/tutor.ts'
import { goOn } from '../helpers/later.ts'
import { MINUTE, refundEvent, setUp } from '../helpers/lesson-story.ts'

/** Students are reminded of their lessons: once, at the right time, and of nothing that has changed. */

const HOUR = 60 * MINUTE
/** In Amsterdam. */
const at = (local: string) => Date.parse(`2026-11-${local}+01:00`)
const LESSON = at('25T10:00')
const EVENT = 'tutorbot.lesson_reminder'
const TEXT =
  'Herinnering: je hebt les op woensdag 25 november om 10:00. Is er iets veranderd? Antwoord dan hier.\nDe les is online: https://meet.example.com/1'

type Options = Parameters<typeof setUp>[1]

/** Renée has booked a lesson of 60 minutes, by default on Wednesday at 10:00. */
async function booked(t: Test, options: Options = {}, { time = 3, channel = 'widget' as Channel, contact = {} } = {}) {
  const lessons = [
    { minutes: 60, link: 'https://meet.example.com/1' },
    { minutes: 30, trial: true, place: 'Meir 1' },
  ]
  const tutor = await setUp(t, { ...options, tutor: { lessons, ...options.tutor } })
  const renee = tutor.student(channel, {}, contact)
  await renee.says('Hoi')
  await renee.says('Les boeken')
  await renee.chooses(time)
  await tutor.deliver(pay(tutor.session()).completed)
  const order = (await tutor.lessons())?.[0]?.order as string
  const { inbox, calendar } = tutor.app.webhooks
  const orderingKey = `conversation:1:${renee.conversation.id}`
  const context = {
    signal: AbortSignal.timeout(10_000),
    log: tutor.app.log,
    schedule: given => inbox.schedule({ orderingKey, ...given }),
  } as Pick<HandlerContext, 'signal' | 'log' | 'schedule'> as HandlerContext
  return {
    ...tutor,
    renee,
    order,
    calendar: calendar as Required<Calendar>,
    context,
    /** When reminders are due. */
    scheduled: async () => {
      const all = await inbox.list({ state: 'scheduled' })
      return all.filter(({ event }) => event === EVENT).map(({ nextAttemptAt }) => nextAttemptAt)
    },
    /** Time goes on. Returns what the student has been told meanwhile. */
    async goOn(until: number) {
      const before = renee.read().length
      await goOn(tutor, until)
      return renee.read().slice(before)
    },
    why: () => tutor.log.lines.findLast(({ msg }) => msg.startsWith('no reminder'))?.msg,
  }
}

t.test('24 hours before, with time and place, once', async t => {
  const { goOn, scheduled } = await booked(t)
  t.strictSame(await scheduled(), [LESSON - 24 * HOUR])
  t.strictSame(await goOn(LESSON - 24 * HOUR - 1), [])
  t.strictSame(await goOn(LESSON - 24 * HOUR), [TEXT])
  t.strictSame(await scheduled(), [])
  t.strictSame(await goOn(LESSON + HOUR), [])
})

t.test('a trial lesson too: it is where that one is', async t => {
  const tutor = await setUp(t, { tutor: { lessons: [{ minutes: 60 }, { minutes: 30, trial: true, place: 'Meir 1' }] } })
  const renee = tutor.student('widget')
  await renee.says('proefles')
  await renee.says('donderdag 17:00')
  const before = renee.read().length
  await goOn(tutor, at('25T17:00'))
  t.strictSame(renee.read().slice(before), [
    'Herinnering: je hebt les op donderdag 26 november om 17:00. Is er iets veranderd? Antwoord dan hier.\nDe les is hier: Meir 1',
  ])
})

t.test('as often as the tutor says; not where it is too late for one already', async t => {
  const { goOn, scheduled } = await booked(t, { tutor: { reminders: { hours: [2, 48, 24] } } })
  t.strictSame(await scheduled(), [LESSON - 24 * HOUR, LESSON - 2 * HOUR])
  t.strictSame(await goOn(LESSON - 24 * HOUR), [TEXT])
  t.strictSame(await goOn(LESSON - 2 * HOUR), [TEXT])
})

t.test('none, if the tutor wants none', async t => {
  const { scheduled } = await booked(t, { tutor: { reminders: { hours: [] } } })
  t.strictSame(await scheduled(), [])
})

t.test('moved by the student: only the new time is reminded of', async t => {
  const { renee, goOn } = await booked(t)
  await renee.says('Ik wil mijn les verzetten')
  await renee.says('donderdag 10:00')
  t.match(renee.read().at(-1), /is verzet naar donderdag 26 november om 10:00/)
  t.strictSame(await goOn(LESSON - 24 * HOUR), [])
  t.match(await goOn(LESSON), [/^Herinnering: je hebt les op donderdag 26 november om 10:00/])
  t.strictSame(await goOn(LESSON + 24 * HOUR), [])
})

t.test('moved before: nothing is said about the old time, and once about the new one', async t => {
  const { services, order, calendar, context, goOn, scheduled, why } = await booked(t)
  const to = { start: LESSON + 24 * HOUR, end: LESSON + 25 * HOUR }
  await calendar.move({ order, from: LESSON, to, margin: { before: 0, after: 0 } }, context.signal)
  await remind(services, order, context)
  await remind(services, order, context)
  t.strictSame(await scheduled(), [LESSON - 24 * HOUR, LESSON])
  t.strictSame(await goOn(LESSON - 24 * HOUR), [])
  t.match(why(), /has been moved/)
  t.match(await goOn(LESSON), [/^Herinnering: je hebt les op donderdag 26 november om 10:00/])
})

t.test('cancelled, refunded, or begun: nothing is said', async t => {
  t.test('cancelled', async t => {
    const { services, order, calendar, context, goOn, why } = await booked(t)
    await calendar.cancel(order, context.signal)
    await remind(services, order, context)
    t.strictSame(await goOn(LESSON), [])
    t.match(why(), /no such lesson to come/)
  })
  t.test('refunded', async t => {
    const { deliver, goOn } = await booked(t)
    await deliver(refundEvent('evt_1', { paymentIntent: 'pi_cs_test_1' }))
    t.strictSame(await goOn(LESSON), [])
  })
  t.test('begun: the service was away', async t => {
    const { goOn } = await booked(t)
    t.strictSame(await goOn(LESSON), [])
  })
})

t.test('after an outage there is one reminder, not all that were missed', async t => {
  const { goOn } = await booked(t, { tutor: { reminders: { hours: [24, 2] } } })
  t.strictSame(await goOn(LESSON - HOUR), [TEXT])
})

t.test('what somebody has moved in the calendar by hand is reminded of for its new time', async t => {
  const moved = async (t: Test, by: number) => {
    const parts = await booked(t)
    const { calendar } = parts
    const { lessonOf } = calendar
    // As Google's: no revision rises.
    calendar.lessonOf = async (order, signal) => {
      const lesson = await lessonOf.call(calendar, order, signal)
      return lesson && { ...lesson, start: lesson.start + by, end: lesson.end + by }
    }
    return parts
  }
  t.test('later', async t => {
    const { goOn, scheduled } = await moved(t, 3 * HOUR)
    t.strictSame(await goOn(LESSON - 24 * HOUR), [])
    t.strictSame(await scheduled(), [LESSON - 21 * HOUR])
    t.match(await goOn(LESSON - 21 * HOUR), [/op woensdag 25 november om 13:00/])
  })
  t.test('earlier: at once', async t => {
    const { goOn } = await moved(t, -3 * HOUR)
    t.match(await goOn(LESSON - 24 * HOUR), [/op woensdag 25 november om 07:00/])
  })
  t.test('begun by then', async t => {
    const { goOn } = await moved(t, -30 * HOUR)
    t.strictSame(await goOn(LESSON), [])
  })
})

t.test('in the quiet hours: the evening before them, or in the morning, or not at all', async t => {
  t.test('the evening before', async t => {
    const { goOn, scheduled } = await booked(t, { tutor: { reminders: { hours: [12, 2.5] } } })
    t.strictSame(await scheduled(), [at('24T21:55')], 'two at the same moment are one')
    t.strictSame(await goOn(at('24T21:54:59')), [])
    t.strictSame(await goOn(at('24T21:55')), [TEXT])
    t.strictSame(await goOn(LESSON), [])
  })
  t.test('where the student is', async t => {
    const zone = { timezone: 'America/New_York' }
    const { scheduled } = await booked(t, { tutor: { reminders: { hours: [20] } } }, { time: 5, contact: zone })
    // The lesson begins at 4:00 there: 20 hours before is 8:00.
    t.strictSame(await scheduled(), [at('25T14:00')])
  })
  t.test('the student has travelled since: in the morning there', async t => {
    const { renee, chatwoot, goOn, scheduled } = await booked(t)
    const contact = chatwoot.contacts.get(renee.conversation.contact)
    Object.assign(contact?.custom_attributes ?? {}, { timezone: 'Pacific/Kiritimati' })
    t.strictSame(await goOn(LESSON - 24 * HOUR), [], '23:00 there')
    t.strictSame(await scheduled(), [at('24T19:00')])
    t.match(await goOn(at('24T19:00')), [/om 23:00 \(Pacific\/Kiritimati\)/])
  })
  t.test('not at all: the lesson begins before they end', async t => {
    const { renee, chatwoot, goOn, why } = await booked(t, { tutor: { reminders: { hours: [2] } } })
    const contact = chatwoot.contacts.get(renee.conversation.contact)
    Object.assign(contact?.custom_attributes ?? {}, { timezone: 'America/New_York' })
    t.strictSame(await goOn(LESSON - 2 * HOUR), [])
    t.match(why(), /in the quiet hours/)
    await goOn(LESSON)
  })
})

t.test('a person has the conversation: the reminder is a note for them', async t => {
  const { renee, goOn } = await booked(t)
  Object.assign(renee.conversation, { status: 'open', assignee: 7 })
  t.strictSame(await goOn(LESSON - 24 * HOUR), [])
  t.equal(renee.notes().at(-1), `TutorBot is silent here, and has not told the student: "${TEXT}"`)
})

t.test('WhatsApp’s 24 hours are over: a template, else a note, and it is counted', async t => {
  t.test('a template', async t => {
    const templates = { reminder: { name: 'lesson_soon', languages: { nl: 'nl' } } }
    const { chatwoot, goOn } = await booked(t, { templates }, { time: 5, channel: 'whatsapp' })
    t.match(await goOn(LESSON), [/^Herinnering: je hebt les op donderdag 26 november/])
    t.match(chatwoot.called(/POST .*messages/).at(-1)?.body, {
      template_params: { name: 'lesson_soon', processed_params: { body: { 1: 'donderdag 26 november om 10:00' } } },
    })
  })
  t.test('none', async t => {
    const { app, renee, goOn } = await booked(t, {}, { time: 5, channel: 'whatsapp' })
    const unsaid: unknown[] = []
    app.webhooks.events.on('undelivered', event => unsaid.push(event))
    t.strictSame(await goOn(LESSON), [])
    t.match(renee.notes().at(-1), /^The channel takes no message now .*: "Herinnering/)
    t.ok(renee.conversation.labels.includes('delivery:failed'))
    t.equal(renee.conversation.status, 'pending')
    t.equal(unsaid.length, 1)
  })
})

t.test('Chatwoot fails while it is sent: it is sent once', async t => {
  const { breaks, goOn, renee, log } = await booked(t)
  const before = renee.read().length
  // Sent, but nobody knows.
  breaks(/POST .*messages/, 'hang')
  await goOn(LESSON - 24 * HOUR)
  t.match(log.lines.at(-1), { event: EVENT, attempt: 1, state: 'pending' })
  await goOn(LESSON - 23 * HOUR)
  t.strictSame(renee.read().slice(before), [TEXT])
})

t.test('a store from a backup does not know that it was sent', async t => {
  const { app, services, chatwoot, context, goOn, renee, order, calendar } = await booked(t)
  await goOn(LESSON - 24 * HOUR)
  const before = chatwoot.called(/POST .*messages/).length
  const [sent] = await app.webhooks.inbox.list({ source: 'inbox' })
  const { sequence } = (await calendar.lessonOf(order, context.signal)) as { sequence: number }
  const payload = { order, sequence, start: LESSON, hours: 24, at: LESSON - 24 * HOUR }
  // Nothing is recorded in it.
  const once: HandlerContext['once'] = async (_, step) => step(false) as never
  const { handle } = reminderHandlers({ ...services, startedAt: LESSON - HOUR })[EVENT] as ReturnType<
    typeof reminderHandlers
  >[string]
  await handle({ ...sent, payload } as never, { ...context, once })
  t.equal(chatwoot.called(/POST .*messages/).length, before)
  t.equal(renee.read().at(-1), TEXT)
})

t.test('what the tutor or the operator has changed since counts', async t => {
  const { services, context, order, calendar, why } = await booked(t)
  const { sequence } = (await calendar.lessonOf(order, context.signal)) as { sequence: number }
  const payload = { order, sequence, start: LESSON, hours: 24, at: LESSON - 24 * HOUR }
  const due = (parts: Partial<typeof services>) => {
    const handler = reminderHandlers({ ...services, ...parts })[EVENT]
    return handler?.handle({ id: 'id', key: 'key', payload } as never, context)
  }
  await due({ tutor: tutorOf({ reminders: { hours: [12] } }, 'Europe/Amsterdam') })
  t.match(why(), /settings have another one, or none/)
  await due({ chatwoot: null })
  t.match(why(), /CW_TOKEN is not set/)
})

t.test('the conversation is gone: nobody is told', async t => {
  const { chatwoot, renee, goOn, why } = await booked(t)
  chatwoot.conversations.delete(renee.conversation.id)
  t.strictSame(await goOn(LESSON - 24 * HOUR), [])
  t.match(why(), /the conversation is gone/)
})

t.test('Chatwoot refuses it: given up, and in the log', async t => {
  const { chatwoot, goOn, log } = await booked(t)
  chatwoot.fail(/GET /, { status: 403, body: { error: 'no' } })
  t.strictSame(await goOn(LESSON - 24 * HOUR), [])
  t.match(log.lines.at(-1), { event: EVENT, state: 'dead' })
})

t.test('a calendar that shows no lessons has no reminders, and one that refuses ends no booking', async t => {
  const { services, order, context, calendar, scheduled, log } = await booked(t, {
    tutor: { reminders: { hours: [1] } },
  })
  const [before] = await scheduled()
  const of = (parts: Partial<Calendar>) => ({
    ...services,
    calendar: { ...parts } as Calendar,
    tutor: tutorOf({ reminders: { hours: [12, 3] } }, 'Europe/Amsterdam'),
  })
  await remind(of({}), order, context)
  await remind(of({ lessonOf: async () => Promise.reject(new PermanentError('a 403')) }), order, context)
  t.match(log.lines.at(-1), { msg: 'no reminders: the calendar does not show the lesson', order })
  await t.rejects(remind(of({ lessonOf: async () => Promise.reject(new Error('away')) }), order, context), {
    message: 'away',
  })
  const lesson = await calendar.lessonOf(order, context.signal)
  await remind(of({ lessonOf: async () => lesson && { ...lesson, isHeld: true } }), order, context)
  await remind(of({ lessonOf: async () => lesson && { ...lesson, conversation: '' } }), order, context)
  t.strictSame(await scheduled(), [before])
})
