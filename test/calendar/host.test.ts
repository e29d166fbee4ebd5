import Fastify from 'fastify'
import t from 'tap'
import webhooks, {
  type BookResult,
  type Calendar,
  type Hold,
  type Interval,
  type KeepResult,
  type Lesson,
  PermanentError,
} from '../../app.ts'
import { pay } from '../../sandbox/payments.ts'
import { calendarConformance } from '../helpers/calendar-conformance.ts'
import { testClock } from '../helpers/clock.ts'
import { reserved, setUp } from '../helpers/lesson-story.ts'

/** A host's own calendar, using only the package's public exports. */

interface Slot extends Interval {
  /** undefined: it is a lesson. */
  until?: number
  lesson?: Lesson
}

function checkTime({ start, end }: Interval): void {
  if (Number.isSafeInteger(start) && Number.isSafeInteger(end) && start < end) return
  throw new PermanentError('A time begins before it ends, both in ms')
}

/** Lessons and holds by order. With private fields: only calls on the object itself work. */
class HostCalendar implements Calendar {
  readonly slots: Map<string, Slot>
  #now: () => number

  constructor(now: () => number, slots = new Map<string, Slot>()) {
    this.slots = slots
    this.#now = now
  }

  async busy(from: number, to: number): Promise<Interval[]> {
    checkTime({ start: from, end: to })
    this.#dropLapsed()
    return [...this.slots.values()]
      .filter(({ start, end }) => start < to && end > from)
      .map(({ start, end }) => ({ start, end }))
      .sort((a, b) => a.start - b.start)
  }

  async hold({ order, start, end, until, margin }: Hold): Promise<boolean> {
    const own = this.#ownSlot(order, { start, end })
    if (!Number.isSafeInteger(until) || !(margin.before >= 0) || !(margin.after >= 0)) {
      throw new PermanentError('A hold has an end and margins, ms')
    }
    if (own !== undefined && own.until === undefined) return true
    if (own?.start === start && own.end === end) {
      own.until = Math.max(own.until as number, until)
      return true
    }
    this.slots.delete(order)
    if (this.#isTaken(start - margin.before, end + margin.after)) return false
    this.slots.set(order, { start, end, until })
    return true
  }

  async keep(lesson: Lesson): Promise<KeepResult> {
    const { order, start, end, conversation } = lesson
    const own = this.#slot(order, { start, end })
    if (own !== undefined && own.until === undefined) return 'kept'
    const kept = [...this.slots].find(
      ([, slot]) => slot.until !== undefined && slot.lesson?.conversation === conversation,
    )
    if (kept !== undefined && kept[0] !== order) return 'another'
    this.slots.delete(order)
    if (this.#isTaken(start, end)) return 'taken'
    this.slots.set(order, { start, end, until: start, lesson })
    return 'kept'
  }

  async release(order: string, until: number): Promise<void> {
    if ((this.slots.get(order)?.until ?? Number.POSITIVE_INFINITY) <= until) this.slots.delete(order)
  }

  async book(lesson: Lesson): Promise<BookResult> {
    const { order, start, end } = lesson
    const own = this.#ownSlot(order, { start, end })
    if (own !== undefined && own.until === undefined) return 'booked'
    this.slots.delete(order)
    if (this.#isTaken(start, end)) return 'taken'
    this.slots.set(order, { start, end, lesson })
    return 'booked'
  }

  async has(order: string): Promise<boolean> {
    return this.slots.has(order)
  }

  async find(order: string): Promise<Interval | null> {
    const slot = this.slots.get(order)
    return slot === undefined || slot.until !== undefined ? null : { start: slot.start, end: slot.end }
  }

  async cancel(order: string): Promise<Interval | null> {
    const found = await this.find(order)
    this.slots.delete(order)
    return found
  }

  #slot(order: string, time: Interval): Slot | undefined {
    checkTime(time)
    this.#dropLapsed()
    return this.slots.get(order)
  }

  /** A lesson stays. */
  #ownSlot(order: string, time: Interval): Slot | undefined {
    const own = this.#slot(order, time)
    if (own !== undefined && own.until === undefined && (own.start !== time.start || own.end !== time.end)) {
      throw new PermanentError(`Order ${order} has a lesson at another time`)
    }
    return own
  }

  #isTaken(from: number, to: number): boolean {
    return [...this.slots.values()].some(({ start, end }) => start < to && end > from)
  }

  #dropLapsed(): void {
    for (const [order, { until }] of this.slots) {
      if (until !== undefined && until <= this.#now()) this.slots.delete(order)
    }
  }
}

t.test('a host’s calendar passes the conformance tests', t =>
  calendarConformance(t, async () => {
    const clock = testClock()
    const calendar = new HostCalendar(clock.now)
    return { calendar, clock, again: async () => new HostCalendar(clock.now, calendar.slots) }
  }),
)

t.test('a lesson requested, paid and booked in a host’s calendar', async t => {
  let now = () => 0
  const backend = new HostCalendar(() => now())
  const tutor = await setUp(t, { calendar: { backend } })
  now = tutor.clock.now
  const renee = await reserved(tutor)
  const order = renee.conversation.custom_attributes?.order_id as string
  const at = { start: Date.parse('2026-11-24T10:00:00+01:00'), end: Date.parse('2026-11-24T11:00:00+01:00') }
  t.match(backend.slots.get(order), { ...at, until: Number })
  t.equal(await tutor.deliver(pay(tutor.session()).succeeded), 'webhook handled')
  t.strictSame(backend.slots.get(order), {
    ...at,
    lesson: {
      ...at,
      order,
      student: 'Renée',
      service: 'Bijles',
      payment: '60.00 EUR, pi_cs_test_1',
      conversation: '4100042',
      contact: '4100001',
    },
  })
  t.match(renee.read().at(-1), 'Je les staat vast: dinsdag 24 november om 10:00')
  t.equal(await tutor.lessons(), undefined, 'the feed has no lessons: this calendar gives none')
})

t.test('an object that is no calendar is refused at the start', async t => {
  const register = async (calendar: object) => {
    const app = Fastify()
    t.teardown(() => app.close())
    await app.register(webhooks, { store: `${t.testdir()}/webhooks.db`, calendar })
  }
  const { busy, hold, keep, release, has, find } = HostCalendar.prototype
  await t.rejects(register({ backend: { busy, hold, keep, release, book: 'booked', has, find } }), {
    name: 'TypeError',
    message: 'calendar.backend lacks book(), cancel(): it must have every method of Calendar',
  })
  for (const backend of [null, 'google', () => {}]) {
    await t.rejects(register({ backend }), { message: /^calendar\.backend lacks busy\(\), hold\(\)/ })
  }
  await t.rejects(register({ backend: new HostCalendar(Date.now), google: {} }), {
    message: 'calendar.google and calendar.backend are two calendars: give one',
  })
})
