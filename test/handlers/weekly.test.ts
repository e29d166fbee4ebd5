import t, { type Test } from 'tap'
import { weeklyHandlers } from '../../handlers/weekly.ts'
import type { HandlerContext } from '../../inbox/drain.ts'
import type { TutorSettings } from '../../tutor/settings.ts'
import { goOn } from '../helpers/later.ts'
import { setUp } from '../helpers/lesson-story.ts'

/** Further lessons of a weekly time, where something is in the way. */

const EVENT = 'tutorbot.weekly_lessons'
const at = (local: string) => Date.parse(`${local}+01:00`)

const DAY = 24 * 60 * 60_000

async function weekly(t: Test, settings: TutorSettings = {}) {
  const tutor = await setUp(t, { tutor: { reminders: { hours: [] }, payment: { linkHours: [] }, ...settings } })
  const renee = tutor.student('widget')
  for (const text of ['Hoi', 'elke dinsdag 17:00', 'ja']) await renee.says(text)
  const { inbox, calendar } = tutor.app.webhooks
  /** The weeks that are to be made. */
  async function scheduled() {
    const due = await inbox.list({ state: 'scheduled', event: EVENT })
    const all = await Promise.all(due.map(async ({ id }) => (await inbox.get(id))?.payload))
    return all as unknown as { weekly: string; from: number; at: number }[]
  }
  const [payload] = (await scheduled()) as [{ weekly: string; from: number; at: number }]
  return {
    ...tutor,
    renee,
    calendar,
    payload,
    scheduled,
    /** When. */
    next: async () => (await scheduled()).map(each => each.at),
    starts: async () => (await tutor.lessons())?.map(({ start }) => new Date(start).toISOString().slice(0, 10)),
    why: () => tutor.log.lines.findLast(({ msg }) => msg.startsWith('no further')),
    pair: (services = tutor.services) => weeklyHandlers(services)[EVENT] as ReturnType<typeof weeklyHandlers>[string],
    context: {
      log: tutor.app.log,
      signal: AbortSignal.timeout(10_000),
      once: async (_, step) => step(false) as never,
      schedule: given => inbox.schedule({ orderingKey: `conversation:1:${renee.conversation.id}`, ...given }),
    } as Partial<HandlerContext> as HandlerContext,
  }
}

t.test('ended: no further ones; those that are booked stay', async t => {
  const { calendar, payload, starts, why, ...tutor } = await weekly(t)
  await calendar.weekly?.end(payload.weekly)
  await goOn(tutor, at('2026-12-01T12:00'))
  t.match(why(), { msg: 'no further weekly lessons: they have been ended' })
  t.equal((await starts())?.length, 4)
  t.strictSame(await tutor.app.webhooks.inbox.list({ state: 'scheduled', event: EVENT }), [])
})

t.test('the conversation is gone: they end, and the tutor learns of it by a dead delivery', async t => {
  const { calendar, payload, why, chatwoot, starts, scheduled, log, ...tutor } = await weekly(t)
  const { inbox } = tutor.app.webhooks
  chatwoot.conversations.delete(4100042)
  await goOn(tutor, at('2026-11-30T12:00'))
  const [dead, ...others] = await inbox.list({ state: 'dead' })
  t.strictSame(others, [])
  const message = `The weekly lessons ${payload.weekly} have ended: there is no conversation 4100042 in Chatwoot.`
  t.match(dead, { event: EVENT, error: `PermanentError: ${message}` })
  t.notMatch(log.text(), 'the gaveUp handler failed')
  t.equal(await calendar.weekly?.get(payload.weekly), null)
  t.equal((await starts())?.length, 4, 'those that are booked stay')
  t.strictSame(await scheduled(), [])
  await inbox.replay([`${dead?.id}`])
  await tutor.ended(`${dead?.id}`, 2)
  t.match(why(), { msg: 'no further weekly lessons: they have been ended' })
})

t.test('the tutor has blocked all of it since it was asked: none, and nothing remains', async t => {
  const tutor = await setUp(t)
  const renee = tutor.student('widget')
  for (const text of ['Hoi', 'elke dinsdag 17:00']) await renee.says(text)
  const { calendar } = tutor.app.webhooks
  await calendar.block?.({ id: 'b', start: at('2026-11-24T00:00'), end: at('2027-02-01T00:00'), reason: 'away' })
  t.match(await renee.says('ja'), [/^Dat moment is helaas niet elke week vrij/])
  t.strictSame(await calendar.weekly?.all(), [])
  t.strictSame(await tutor.lessons(), [])
})

t.test('the service was away for weeks: what has passed is left out', async t => {
  const { starts, renee, ...tutor } = await weekly(t)
  await goOn(tutor, at('2027-01-06T12:00'))
  t.strictSame((await starts())?.slice(4), ['2027-01-12', '2027-01-19', '2027-01-26'], 'as if it had not been')
  t.notMatch(renee.read().at(-1), /kan je vaste les niet/)
})

t.test('again after it was cut off: the same lessons, and none that was cancelled since', async t => {
  const { pair, payload, context, starts, calendar, clock, lessons, next } = await weekly(t)
  clock.advance(7 * 24 * 60 * 60_000)
  const delivery = { id: 'x', key: 'k', payload, orderingKey: 'conversation:1:4100042' } as never
  await pair().handle(delivery, context)
  t.equal((await starts())?.length, 5)
  clock.advance(1_000)
  await pair().handle(delivery, context)
  t.strictSame(await next(), [payload.at + 7 * DAY], 'the weeks go on once, whenever it is tried again')
  await calendar.cancel((await lessons())?.at(-1)?.order as string, context.signal)
  await pair().handle(delivery, context)
  t.equal((await starts())?.length, 4)
})

t.test('given up: tried again the next day, and the tutor hears', async t => {
  const { pair, payload, context, renee, services, next } = await weekly(t)
  const delivery = { id: 'x', key: 'k', payload, orderingKey: 'conversation:1:4100042' }
  const failed = { ...context, error: new Error('no disk') } as never
  await pair().gaveUp(delivery as never, failed)
  t.strictSame(await next(), [payload.at, payload.at + DAY])
  t.equal(
    renee.notes().at(-1),
    `The next weekly lessons could not be booked (${payload.weekly}): Error: no disk. It is tried again tomorrow.`,
  )
  const silent = pair({ ...services, chatwoot: null })
  await silent.gaveUp(delivery as never, failed)
  t.equal(renee.notes().length, 2)
})

t.test('CW_TOKEN is not set, or the calendar is another one for a while: the weeks go on once it is again', async t => {
  const { pair, payload, context, services, next, why } = await weekly(t)
  const due = (days: number) => ({ ...payload, at: payload.at + days * DAY })
  const handle = (given: typeof services, days: number) =>
    pair(given).handle({ id: 'x', key: 'k', payload: due(days) } as never, context)
  await handle({ ...services, chatwoot: null }, 0)
  const { weekly: _, ...calendar } = services.calendar
  await handle({ ...services, calendar }, 1)
  t.match(why(), { msg: /looked at again tomorrow/ })
  t.strictSame(
    await next(),
    [0, 1, 2].map(days => due(days).at),
  )
})

t.test('the tutor has set fewer weeks: what has been told is not looked at again', async t => {
  const { pair, payload, context, services, scheduled } = await weekly(t, { weekly: { weeksAhead: 8 } })
  const tutor = { ...services.tutor, weekly: { offered: true, weeksAhead: 1 } }
  await pair({ ...services, tutor }).handle({ id: 'x', key: 'k', payload } as never, context)
  t.match((await scheduled()).at(-1), { from: payload.from, at: payload.at + 7 * DAY })
})

t.test('students can book further ahead than it reaches: so far, until the next ones are made', async t => {
  const { starts } = await weekly(t, { planning: { all: { daysAhead: 28 } } })
  t.equal((await starts())?.at(-1), '2026-12-29', 'on which others could book next Monday')
})

t.test('an hour that clocks skip is left out, and told', async t => {
  const { pair, context, calendar, clock, renee } = await weekly(t)
  const time = { weekday: 7, time: 150, minutes: 60, first: at('2026-11-29T02:30') }
  await calendar.weekly?.add({ id: '4100042-night', ...time, student: 'R', service: 'S', conversation: '4100042' })
  clock.advance(at('2027-03-24T12:00') - clock.now())
  const payload = { weekly: '4100042-night', from: at('2027-03-24T12:00'), at: clock.now() }
  await pair().handle({ id: 'night', key: 'k', payload, orderingKey: 'conversation:1:4100042' } as never, context)
  t.match(renee.read().at(-1), 'Op deze dagen kan je vaste les niet doorgaan: zondag 28 maart.')
  t.match(renee.notes().at(-1), /Sunday 28 March at 03:30 \(clocks go forward then\)/)
})
