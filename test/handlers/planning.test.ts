import t from 'tap'
import { profileOf } from '../../handlers/planning.ts'
import type { Segment } from '../../handlers/segment.ts'
import { tutorOf } from '../../tutor/tutor.ts'

const SEGMENTS: Segment[] = ['new', 'existing', 'returning_broadcast', 'weekend']
const TUTOR = tutorOf({}, 'Europe/Amsterdam')

const onDays = (days: number[], from: number, to: number) =>
  Object.fromEntries(days.map(day => [day, [[from * 60, to * 60]]]))
const onWorkdays = (from: number, to: number) => onDays([1, 2, 3, 4, 5], from, to)

t.test('a regular lesson is planned by segment', async t => {
  const existing = { leadMinutes: 360, bufferBefore: 10, bufferAfter: 10, stepMinutes: 60 }
  const any = { minutes: 60, closed: [], maxPerDay: Infinity }
  const lesson = { type: 'regular', minutes: 60 } as const
  t.strictSame(profileOf(TUTOR, 'new', lesson), {
    ...any,
    hours: onWorkdays(10, 20),
    leadMinutes: 720,
    bufferBefore: 15,
    bufferAfter: 15,
    daysAhead: 10,
    stepMinutes: 60,
  })
  for (const segment of ['existing', 'returning_broadcast'] as const)
    t.strictSame(
      profileOf(TUTOR, segment, lesson),
      { ...any, ...existing, hours: onWorkdays(9, 21), daysAhead: 14 },
      segment,
    )
  t.strictSame(profileOf(TUTOR, 'weekend', lesson), {
    ...any,
    ...existing,
    hours: onDays([6, 7], 10, 18),
    leadMinutes: 180,
    daysAhead: 7,
  })
})

t.test('a longer lesson only takes longer', async t => {
  for (const segment of SEGMENTS) {
    const hour = profileOf(TUTOR, segment, { type: 'regular', minutes: 60 })
    t.strictSame(profileOf(TUTOR, segment, { type: 'regular', minutes: 90 }), { ...hour, minutes: 90 }, segment)
  }
})

t.test('a trial is half an hour on a workday between 17 and 19, for every segment', async t => {
  const trial = {
    minutes: 30,
    hours: onWorkdays(17, 19),
    closed: [],
    leadMinutes: 720,
    bufferBefore: 15,
    bufferAfter: 15,
    daysAhead: 10,
    stepMinutes: 30,
    maxPerDay: Infinity,
  }
  for (const segment of SEGMENTS)
    t.strictSame(profileOf(TUTOR, segment, { type: 'trial', minutes: 30 }), trial, segment)
})
