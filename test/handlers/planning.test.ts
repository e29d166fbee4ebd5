import t from 'tap'
import { profileOf } from '../../handlers/planning.ts'
import type { Segment } from '../../handlers/segment.ts'

const SEGMENTS: Segment[] = ['new', 'existing', 'returning_broadcast', 'weekend']
const WORKDAYS = [1, 2, 3, 4, 5]

t.test('a regular lesson is planned by segment', async t => {
  const existing = { earliestHour: 9, latestHour: 21, leadMinutes: 360, bufferBefore: 10, bufferAfter: 10 }
  const lesson = { type: 'regular', minutes: 60 } as const
  t.strictSame(profileOf('new', lesson), {
    minutes: 60,
    earliestHour: 10,
    latestHour: 20,
    leadMinutes: 720,
    bufferBefore: 15,
    bufferAfter: 15,
    daysAhead: 10,
    stepMinutes: 60,
    weekdays: WORKDAYS,
  })
  for (const segment of ['existing', 'returning_broadcast'] as const)
    t.strictSame(
      profileOf(segment, lesson),
      { ...existing, minutes: 60, daysAhead: 14, stepMinutes: 60, weekdays: WORKDAYS },
      segment,
    )
  t.strictSame(profileOf('weekend', lesson), {
    minutes: 60,
    earliestHour: 10,
    latestHour: 18,
    leadMinutes: 180,
    bufferBefore: 10,
    bufferAfter: 10,
    daysAhead: 7,
    stepMinutes: 60,
    weekdays: [6, 7],
  })
})

t.test('a longer lesson only takes longer', async t => {
  for (const segment of SEGMENTS) {
    const hour = profileOf(segment, { type: 'regular', minutes: 60 })
    t.strictSame(profileOf(segment, { type: 'regular', minutes: 90 }), { ...hour, minutes: 90 }, segment)
  }
})

t.test('a trial is half an hour on a workday between 17 and 19, for every segment and length', async t => {
  const trial = {
    minutes: 30,
    earliestHour: 17,
    latestHour: 19,
    leadMinutes: 720,
    bufferBefore: 15,
    bufferAfter: 15,
    daysAhead: 10,
    stepMinutes: 30,
    weekdays: WORKDAYS,
  }
  for (const segment of SEGMENTS) t.strictSame(profileOf(segment, { type: 'trial', minutes: 60 }), trial, segment)
})
