import fc from 'fast-check'
import { DateTime } from 'luxon'
import t, { type Test } from 'tap'
import type { Interval } from '../../calendar/contract.ts'
import { type PlanningProfile, profileOf } from '../../handlers/planning.ts'
import { freeSlots, pickSlots } from '../../handlers/slots.ts'
import type { HourSpan } from '../../tutor/days.ts'
import { tutorOf } from '../../tutor/tutor.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
const AMSTERDAM = 'Europe/Amsterdam'
const TUTOR = tutorOf({}, AMSTERDAM)

/** Every hour of every day, from now on: what a test is about is set apart from this. */
const ANY_TIME: PlanningProfile = {
  minutes: 60,
  hours: daily([0, 24]),
  closed: [],
  leadMinutes: 0,
  bufferBefore: 0,
  bufferAfter: 0,
  daysAhead: 0,
  stepMinutes: 60,
  maxPerDay: Infinity,
}

/** On every day, from and to in hours. */
function daily(...spans: [from: number, to: number][]): PlanningProfile['hours'] {
  const inMinutes = spans.map(([from, to]) => [from * 60, to * 60] as const)
  return Object.fromEntries([1, 2, 3, 4, 5, 6, 7].map(day => [day, inMinutes]))
}

const ms = (iso: string) => Date.parse(iso)
const interval = (start: string, end: string): Interval => ({ start: ms(start), end: ms(end) })

/** Slots as a student reads them: `Mon 1 Jun 10:00`, with the offset where a test is about clocks that change. */
const shown = (slots: Interval[], format = 'ccc d LLL HH:mm', zone = AMSTERDAM) =>
  slots.map(({ start }) => DateTime.fromMillis(start, { zone, locale: 'en' }).toFormat(format))

t.test('a workday of the calendar, with the lead time of new students', async t => {
  const profile = profileOf(TUTOR, 'new', { type: 'regular', minutes: 60 })
  const slots = freeSlots(profile, [], ms('2026-06-01T23:30:00+02:00'), AMSTERDAM)
  t.strictSame(
    shown(slots).slice(0, 9),
    ['12:00', '13:00', '14:00', '15:00', '16:00', '17:00', '18:00', '19:00']
      .map(time => `Tue 2 Jun ${time}`)
      .concat('Wed 3 Jun 10:00'),
    'from 12 hours after now, until 20:00',
  )
  t.equal(shown(slots).at(-1), 'Thu 11 Jun 19:00', 'ten days after today, which is Monday the 1st until midnight')
  t.notOk(shown(slots).some(slot => /Sat|Sun/.test(slot)))
})

t.test('a slot may begin exactly when the lead time is over', async t => {
  const profile = { ...ANY_TIME, leadMinutes: 60, hours: daily([0, 12]) }
  const first = (now: string) => shown(freeSlots(profile, [], ms(now), AMSTERDAM), 'HH:mm')[0]
  t.equal(first('2026-06-01T09:00:00.000+02:00'), '10:00')
  t.equal(first('2026-06-01T09:00:00.001+02:00'), '11:00')
})

t.test('weekend students get weekend slots', async t => {
  const profile = profileOf(TUTOR, 'weekend', { type: 'regular', minutes: 90 })
  const slots = freeSlots(profile, [], ms('2026-06-06T11:00:00+02:00'), AMSTERDAM)
  t.strictSame(shown(slots), [
    'Sat 6 Jun 14:00',
    'Sat 6 Jun 15:00',
    'Sat 6 Jun 16:00',
    ...['10', '11', '12', '13', '14', '15', '16'].map(hour => `Sun 7 Jun ${hour}:00`),
    ...['10', '11', '12', '13', '14', '15', '16'].map(hour => `Sat 13 Jun ${hour}:00`),
  ])
})

t.test('trial lessons begin every half hour', async t => {
  const slots = freeSlots(
    profileOf(TUTOR, 'weekend', { type: 'trial', minutes: 30 }),
    [],
    ms('2026-06-05T05:30+02:00'),
    AMSTERDAM,
  )
  t.strictSame(shown(slots).slice(0, 4), ['Fri 5 Jun 17:30', 'Fri 5 Jun 18:00', 'Fri 5 Jun 18:30', 'Mon 8 Jun 17:00'])
})

t.test('buffers may touch busy times, not overlap them', async t => {
  const profile = { ...ANY_TIME, hours: daily([12, 13]), bufferBefore: 15, bufferAfter: 10 }
  const isFree = (...busy: Interval[]) => freeSlots(profile, busy, ms('2026-06-01T00:00:00Z'), 'UTC').length === 1
  t.ok(isFree())
  t.ok(isFree(interval('2026-06-01T10:00:00Z', '2026-06-01T11:45:00Z')), 'ends where the buffer begins')
  t.notOk(isFree(interval('2026-06-01T10:00:00Z', '2026-06-01T11:45:00.001Z')))
  t.ok(isFree(interval('2026-06-01T13:10:00Z', '2026-06-01T14:00:00Z')), 'begins where the buffer ends')
  t.notOk(isFree(interval('2026-06-01T13:09:59.999Z', '2026-06-01T14:00:00Z')))
  t.notOk(isFree(interval('2026-06-01T12:20:00Z', '2026-06-01T12:30:00Z')), 'within the slot')
  t.notOk(isFree(interval('2026-05-31T12:00:00Z', '2026-06-02T12:00:00Z')), 'around the slot')
  t.ok(isFree(interval('2026-06-01T12:30:00Z', '2026-06-01T12:30:00Z')), 'empty')
  t.ok(isFree(interval('2026-06-01T12:40:00Z', '2026-06-01T12:20:00Z')), 'ends before it begins')
  const [late, early] = [
    interval('2026-06-01T15:00:00Z', '2026-06-01T16:00:00Z'),
    interval('2026-06-01T08:00:00Z', '2026-06-01T12:01:00Z'),
  ]
  t.notOk(isFree(late, early, early), 'in any order')
})

t.test('a lesson may last until midnight, not beyond it', async t => {
  const evening = { ...ANY_TIME, hours: daily([22, 24]) }
  const starts = (profile: PlanningProfile) =>
    shown(freeSlots(profile, [], ms('2026-06-01T12:00:00+02:00'), AMSTERDAM), 'd HH:mm')
  t.strictSame(starts(evening), ['1 22:00', '1 23:00'])
  t.strictSame(starts({ ...evening, minutes: 90 }), ['1 22:00'])
})

t.test('today ends at midnight of the zone', async t => {
  const morning = { ...ANY_TIME, hours: daily([9, 10]), daysAhead: 1 }
  const starts = (now: string) => shown(freeSlots(morning, [], ms(now), AMSTERDAM), 'd HH:mm')
  t.strictSame(starts('2026-06-01T23:59:59.999+02:00'), ['2 09:00'])
  t.strictSame(starts('2026-06-02T00:00:00.000+02:00'), ['2 09:00', '3 09:00'])
})

t.test('when clocks go forward, the skipped hour has no slot', async t => {
  const night = { ...ANY_TIME, hours: daily([0, 5]) }
  const starts = (profile: PlanningProfile) =>
    shown(freeSlots(profile, [], ms('2026-03-29T00:00:00+01:00'), AMSTERDAM), 'HH:mm Z')
  t.strictSame(starts(night), ['00:00 +1', '01:00 +1', '03:00 +2', '04:00 +2'])
  t.strictSame(starts({ ...night, minutes: 90 }), ['00:00 +1', '01:00 +1', '03:00 +2'], 'from 01:00 to 03:30')
  t.strictSame(
    starts({ ...night, minutes: 90, hours: daily([0, 3]) }),
    ['00:00 +1'],
    'from 01:00 to 03:30 is too late for three o’clock',
  )
  t.strictSame(starts({ ...night, hours: daily([0, 2]) }), ['00:00 +1', '01:00 +1'], 'until two, when it is three')
})

t.test('when clocks go back, a repeated hour is offered once, the first time', async t => {
  const night = { ...ANY_TIME, hours: daily([0, 5]) }
  const starts = (profile: PlanningProfile, now = '2026-10-25T00:00:00+02:00') =>
    shown(freeSlots(profile, [], ms(now), AMSTERDAM), 'HH:mm Z')
  t.strictSame(starts(night), ['00:00 +2', '01:00 +2', '02:00 +2', '03:00 +1', '04:00 +1'])
  t.strictSame(starts(night, '2026-10-25T02:30:00+02:00'), ['03:00 +1', '04:00 +1'], 'also when that has passed')
  t.strictSame(
    starts({ ...night, minutes: 90, hours: daily([0, 3]) }),
    ['00:00 +2', '01:00 +2', '02:00 +2'],
    'from 02:00 to 02:30, which lasts 90 minutes',
  )
  t.strictSame(starts({ ...night, minutes: 90, hours: daily([0, 2]) }), ['00:00 +2'], 'from 01:00 on it is past two')
})

t.test('a day may begin or end with a clock change', async t => {
  const lateNight = { ...ANY_TIME, hours: daily([22, 24]), daysAhead: 1 }
  const starts = (zone: string, now: string, profile: PlanningProfile) =>
    shown(freeSlots(profile, [], ms(now), zone), 'd HH:mm Z', zone)
  t.strictSame(
    starts('America/Nuuk', '2026-03-27T23:30:00-02:00', lateNight),
    ['28 22:00 -2'],
    'Saturday ends an hour early: at 23:00 it is Sunday',
  )
  t.strictSame(
    starts('America/Sao_Paulo', '2018-11-04T12:00:00-02:00', { ...ANY_TIME, hours: daily([0, 2]), daysAhead: 1 }),
    ['5 00:00 -2', '5 01:00 -2'],
  )
  t.strictSame(
    starts('America/Sao_Paulo', '2018-11-03T22:00:00-03:00', { ...ANY_TIME, hours: daily([0, 2]), daysAhead: 1 }),
    ['4 01:00 -2'],
    'Sunday begins at one o’clock',
  )
  t.strictSame(
    starts('America/Sao_Paulo', '2018-11-03T12:00:00-03:00', { ...lateNight, daysAhead: 0 }),
    ['3 22:00 -3', '3 23:00 -3'],
    'until midnight, when it is one o’clock',
  )
})

t.test('regression: clocks go back: no lesson lasts over the end of the hours, and into them again', async t => {
  const hours = { 6: [[22 * 60 + 15, 23 * 60 + 45] as HourSpan] }
  const profile = { ...ANY_TIME, hours, stepMinutes: 15, minutes: 60, daysAhead: 0 }
  // On this day, 23:00 to 24:00 comes twice.
  const zone = 'America/Sao_Paulo'
  const slots = freeSlots(profile, [], ms('2019-02-16T12:00:00-02:00'), zone)
  t.strictSame(shown(slots, 'd HH:mm Z', zone), ['16 22:15 -2', '16 22:30 -2', '16 22:45 -2'])
})

// Properties. Clocks are read with Intl here, minute by minute, so that neither luxon nor any arithmetic with wall
// times is trusted.

/** What clocks in a zone show. */
interface Reading {
  /** The day, as the Unix ms of its midnight in UTC. */
  day: number
  weekday: number
  /** Since midnight, as shown: 13:30 is 810. */
  minute: number
}

const clocks = new Map<string, (moment: number) => Reading>()

/** Reads clocks of a zone; keeps what it read, as the properties look at the same minutes often. */
function clockIn(zone: string): (moment: number) => Reading {
  const known = clocks.get(zone)
  if (known) return known
  const format = new Intl.DateTimeFormat('en', {
    timeZone: zone,
    calendar: 'gregory',
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
  })
  const readings = new Map<number, Reading>()
  const read = (moment: number): Reading => {
    const known = readings.get(Math.floor(moment / MINUTE))
    if (known) return known
    const parts = Object.fromEntries(format.formatToParts(moment).map(({ type, value }) => [type, Number(value)]))
    const { year = NaN, month = NaN, day = NaN, hour = NaN, minute = NaN } = parts
    const midnight = Date.UTC(year, month - 1, day)
    const reading = { day: midnight, weekday: new Date(midnight).getUTCDay() || 7, minute: hour * 60 + minute }
    readings.set(Math.floor(moment / MINUTE), reading)
    return reading
  }
  clocks.set(zone, read)
  return read
}

interface Case {
  zone: string
  profile: PlanningProfile
  busy: Interval[]
  now: number
}

/** Zones, and a time of theirs about which to look: changes of clocks in both directions, and ordinary days. */
const AROUND: [zone: string, iso: string][] = [
  [AMSTERDAM, '2026-03-29T01:00:00Z'],
  [AMSTERDAM, '2026-10-25T01:00:00Z'],
  ['America/New_York', '2026-03-08T07:00:00Z'],
  ['America/New_York', '2026-11-01T06:00:00Z'],
  ['Australia/Lord_Howe', '2026-04-04T15:00:00Z'],
  ['Australia/Lord_Howe', '2026-10-03T15:30:00Z'],
  ['America/Sao_Paulo', '2018-11-04T03:00:00Z'],
  ['America/Sao_Paulo', '2019-02-17T02:00:00Z'],
  ['America/Sao_Paulo', '2026-06-01T03:00:00Z'],
  ['America/Nuuk', '2026-03-29T01:00:00Z'],
  ['America/Nuuk', '2026-10-25T01:00:00Z'],
  ['Asia/Kathmandu', '2026-12-31T18:15:00Z'],
  ['UTC', '2028-02-29T00:00:00Z'],
]

const minutes = (values: number[], max: number) => fc.oneof(fc.constantFrom(...values), fc.nat(max))

/** Often about midnight and the hours in which clocks change; minutes of the day. */
const span = fc
  .oneof(
    { arbitrary: fc.constant([0, 24] as const), weight: 2 },
    fc.tuple(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 4, max: 6 })),
    fc.tuple(fc.integer({ min: 0, max: 2 }), fc.integer({ min: 1, max: 3 })).filter(([from, to]) => from < to),
    fc.tuple(fc.integer({ min: 20, max: 23 }), fc.constant(24)),
    fc.tuple(fc.nat(11), fc.integer({ min: 12, max: 24 })),
  )
  .map(([from, to]): HourSpan => [from * 60, to * 60])

/** One or two spans; a second one begins later than the first one ends, or at that time. */
const spans = fc.tuple(span, fc.nat(4), fc.integer({ min: 1, max: 8 })).map(([first, pause, length]): HourSpan[] => {
  const from = first[1] + pause * 15
  const to = Math.min(from + length * 30, 24 * 60)
  return from < to ? [first, [from, to]] : [first]
})

const hours = fc
  .tuple(fc.subarray([1, 2, 3, 4, 5, 6, 7], { minLength: 3 }), fc.array(spans, { minLength: 7, maxLength: 7 }))
  .map(([days, ofDays]) => Object.fromEntries(days.map(day => [day, ofDays[day - 1] as HourSpan[]])))

const profiles = fc.record({
  minutes: fc.constantFrom(15, 30, 45, 60, 90, 120),
  hours,
  leadMinutes: minutes([0, 60, 180, 720], DAY / MINUTE),
  bufferBefore: minutes([0, 10, 15, 30], 90),
  bufferAfter: minutes([0, 10, 15, 30], 90),
  daysAhead: fc.nat(3),
  stepMinutes: fc.constantFrom(15, 20, 30, 45, 60, 90),
  maxPerDay: fc.oneof({ arbitrary: fc.constant(Infinity), weight: 3 }, fc.integer({ min: 1, max: 4 })),
})

const closed = (at: number) =>
  fc.array(
    fc
      .tuple(fc.integer({ min: -48, max: 72 }), fc.integer({ min: 1, max: 30 }))
      .map(([from, hours]) => ({ start: at + from * HOUR, end: at + (from + hours) * HOUR })),
    { maxLength: 2 },
  )

const cases: fc.Arbitrary<Case> = fc
  .constantFrom(...AROUND)
  .chain(around =>
    fc.record({
      around: fc.constant(around),
      profile: profiles,
      closed: closed(Math.floor(ms(around[1]) / HOUR) * HOUR),
      ago: fc.oneof(
        fc.integer({ min: -12, max: 72 }).map(hours => hours * HOUR),
        fc.integer({ min: -DAY / 2, max: 3 * DAY }),
      ),
      busy: fc.array(
        fc.record({
          from: fc.integer({ min: -4 * 24 * 12, max: 4 * 24 * 12 }).map(units => units * 5 * MINUTE),
          lasts: fc.oneof(
            { arbitrary: fc.integer({ min: 1, max: 36 }).map(units => units * 5 * MINUTE), weight: 4 },
            fc.integer({ min: -2 * HOUR, max: 2 * HOUR }),
            fc.constant(0),
          ),
          // Just too early or too late.
          off: fc.constantFrom(0, 0, MINUTE, -MINUTE, 1, -1),
        }),
        { maxLength: 12 },
      ),
    }),
  )
  .map(({ around: [zone, iso], profile, closed, ago, busy }) => ({
    zone,
    profile: { ...profile, closed },
    now: ms(iso) - ago,
    busy: busy.map(({ from, lasts, off }) => ({ start: ms(iso) + from + off, end: ms(iso) + from + off + lasts })),
  }))

/** Checks what must hold of the free slots of any case, and that the cases have slots at all. */
function holds(t: Test, check: (slots: Interval[], given: Case) => boolean): void {
  let found = 0
  const property = fc.property(cases, given => {
    const slots = freeSlots(given.profile, given.busy, given.now, given.zone)
    found += slots.length
    return check(slots, given)
  })
  fc.assert(property, { numRuns: 300 })
  t.ok(found > 1000, `${found} slots`)
}

const isLateEnough = ({ start }: Interval, { profile, now }: Case) => start - now >= profile.leadMinutes * MINUTE

/** Whether nothing is taken of a slot and its buffers, and the day may have one more lesson. */
const isFree = (slot: Interval, { profile, busy, zone }: Case) => {
  const taken = busy.filter(({ start, end }) => start < end)
  const read = clockIn(zone)
  const ofDay = taken.filter(({ start }) => read(start).day === read(slot.start).day)
  return (
    ofDay.length < profile.maxPerDay &&
    !taken.some(
      ({ start, end }) =>
        slot.start - profile.bufferBefore * MINUTE < end && start < slot.end + profile.bufferAfter * MINUTE,
    )
  )
}

/** The span of the day's hours in which a slot begins. */
function spanOf({ start }: Interval, { profile, zone }: Case): HourSpan | undefined {
  const { weekday, minute } = clockIn(zone)(start)
  return profile.hours[weekday]?.find(([from, to]) => from <= minute && minute < to)
}

/** Whether every minute of a slot is within one span of the hours of one day that is planned, and not closed. */
function isInHours(slot: Interval, given: Case): boolean {
  const { profile, now, zone } = given
  const read = clockIn(zone)
  const first = read(slot.start)
  const ahead = (first.day - read(now).day) / DAY
  const span = spanOf(slot, given)
  if (ahead < 0 || ahead > profile.daysAhead || span === undefined) return false
  for (let moment = slot.start; moment < slot.end; moment += MINUTE) {
    const { day, minute } = read(moment)
    if (day !== first.day || minute >= span[1]) return false
    if (minute < span[0] && !isRepeated(moment, read)) return false
    if (profile.closed.some(({ start, end }) => start <= moment && moment < end)) return false
  }
  return true
}

/** Whether clocks have gone back, and have shown this before. */
function isRepeated(moment: number, read: (moment: number) => Reading): boolean {
  const { day, minute } = read(moment)
  return [HOUR / 2, HOUR].map(ago => read(moment - ago)).some(before => before.day === day && before.minute === minute)
}

/** Whether a slot begins on a step, at a whole minute that clocks had not shown before: they go back by half hours. */
function isOnStep(slot: Interval, given: Case): boolean {
  const { start } = slot
  const read = clockIn(given.zone)
  const { day, minute } = read(start)
  const [from = NaN] = spanOf(slot, given) ?? []
  if (start % MINUTE !== 0 || (minute - from) % given.profile.stepMinutes !== 0) return false
  for (let before = start - 3 * HOUR; before < start; before += HOUR / 2)
    if (read(before).day === day && read(before).minute === minute) return false
  return true
}

const isInOrder = (slots: Interval[]) =>
  slots.every(({ start }, index) => index === 0 || start > (slots[index - 1]?.start ?? Infinity))

t.test('no slot begins in the past or within the lead time', async t => {
  holds(t, (slots, given) => slots.every(slot => slot.start >= given.now && isLateEnough(slot, given)))
})

t.test('no slot touches a busy time, nor do its buffers', async t => {
  holds(t, (slots, given) => slots.every(slot => isFree(slot, given)))
})

t.test('every slot is within the hours, on a weekday and a day that are planned', async t => {
  holds(t, (slots, given) => slots.every(slot => isInHours(slot, given)))
})

t.test('every slot begins on a step, at its first occurrence', async t => {
  holds(t, (slots, given) => slots.every(slot => isOnStep(slot, given)))
})

t.test('every slot is as long as the lesson', async t => {
  holds(t, (slots, { profile }) => slots.every(({ start, end }) => end - start === profile.minutes * MINUTE))
})

t.test('slots are in order, without duplicates', async t => {
  holds(t, isInOrder)
})

t.test('no slot is missing', async t => {
  holds(t, (slots, given) => {
    const { profile, now } = given
    const starts = new Set(slots.map(slot => slot.start))
    const from = Math.floor(now / MINUTE) * MINUTE
    for (let start = from; start < from + (profile.daysAhead + 2) * DAY; start += MINUTE) {
      const slot = { start, end: start + profile.minutes * MINUTE }
      if (starts.has(start) || !isLateEnough(slot, given)) continue
      if (isOnStep(slot, given) && isInHours(slot, given) && isFree(slot, given)) return false
    }
    return true
  })
})

t.test('the first slots are offered: two per day, one in the afternoon, and then those furthest from them', async t => {
  const { 6: _, 7: __, ...workdays } = daily([9, 20])
  const profile = { ...profileOf(TUTOR, 'existing', { type: 'regular', minutes: 60 }), hours: workdays }
  const slots = freeSlots(profile, [], ms('2026-06-01T00:00:00+02:00'), AMSTERDAM)
  const pick = (count: number, shown: Interval[] = []) =>
    pickSlots(slots, count, AMSTERDAM, new Set(shown.map(({ start }) => start)))
  const titles = (slots: Interval[]) => shown(slots, 'd HH:mm')
  t.strictSame(titles(pick(6)), ['1 09:00', '1 16:00', '2 09:00', '2 16:00', '3 09:00', '3 16:00'])
  t.strictSame(titles(pick(3)), ['1 09:00', '1 16:00', '2 16:00'])
  t.strictSame(titles(pick(0)), [])
  t.strictSame(titles(pick(6, pick(6))), ['4 09:00', '4 16:00', '5 09:00', '5 16:00', '8 09:00', '8 16:00'])
  t.strictSame(titles(pick(4, pick(22))), ['1 12:00', '1 19:00', '2 12:00', '2 19:00'])
  t.strictSame(pick(6, slots), [], 'there are no others')
})

t.test('every slot is offered once, whatever the others are', async () => {
  const property = fc.property(cases, fc.integer({ min: 1, max: 8 }), (given, count) => {
    const slots = freeSlots(given.profile, given.busy, given.now, given.zone)
    const all = new Set<number>()
    for (let round = 0; round < Math.ceil(slots.length / count); round++) {
      const offer = pickSlots(slots, count, given.zone, all)
      if (offer.length === 0 || offer.some(({ start }) => all.has(start))) return false
      for (const { start } of offer) all.add(start)
    }
    return all.size === slots.length
  })
  fc.assert(property, { numRuns: 300 })
})

t.test('more per day are offered if there are too few days', async t => {
  const hours = [9, 10, 11, 12, 13].map(hour => hour * HOUR)
  const slots = [ms('2026-06-01'), ms('2026-06-02')].flatMap(day =>
    hours.map(hour => ({ start: day + hour, end: day + hour + HOUR })),
  )
  const pick = (count: number) => shown(pickSlots(slots, count, 'UTC'), 'd HH', 'UTC')
  t.strictSame(pick(6), ['1 09', '1 10', '1 11', '1 13', '2 09', '2 13'])
  t.equal(pick(12).length, 10)
})

t.test('days are in the zone', async t => {
  const slots = ['1T20', '1T21', '1T22', '2T10'].map(time => interval(`2026-06-0${time}:00Z`, `2026-06-0${time}:30Z`))
  const pick = (zone: string) => shown(pickSlots(slots, 3, zone), 'd HH', zone)
  t.strictSame(pick('UTC'), ['1 20', '1 22', '2 10'])
  t.strictSame(pick(AMSTERDAM), ['1 22', '1 23', '2 12'])
})

t.test('an offer is in order, and has a third slot of a day only if no other day has more to offer', async t => {
  let crowded = 0
  const property = fc.property(cases, fc.nat(8), (given, count) => {
    const { profile, busy, now, zone } = given
    const slots = freeSlots(profile, busy, now, zone)
    const offer = pickSlots(slots, count, zone)
    const byDay = (slots: Interval[]) => Map.groupBy(slots, ({ start }) => clockIn(zone)(start).day)
    const days = byDay(slots)
    const offered = byDay(offer)
    const isCrowded = [...offered.values()].some(ofDay => ofDay.length > 2)
    if (isCrowded) crowded++
    return (
      offer.length === Math.min(count, slots.length) &&
      isInOrder(offer) &&
      (!isCrowded || [...days].every(([day, all]) => (offered.get(day)?.length ?? 0) >= Math.min(2, all.length)))
    )
  })
  fc.assert(property, { numRuns: 300 })
  t.ok(crowded > 10, `${crowded} offers with three of a day`)
})
