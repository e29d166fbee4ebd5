import { DateTime } from 'luxon'
import t from 'tap'
import { momentOf, offsetAt, wallAt, weekdayOf } from '../../handlers/wall-clock.ts'

/** Clocks, against luxon's own. */

const HOUR = 3_600_000
const DAY = 24 * HOUR
const MINUTE = 60_000

t.test('offsets are those of the zone, minute by minute where clocks change', async t => {
  for (const [zone, change] of [
    ['Europe/Amsterdam', '2026-03-29T01:00:00Z'],
    ['Europe/Amsterdam', '2026-10-25T01:00:00Z'],
    ['Australia/Lord_Howe', '2026-10-03T15:30:00Z'],
    ['America/Sao_Paulo', '2018-11-04T03:00:00Z'],
    ['Pacific/Apia', '2011-12-30T10:00:00Z'],
    ['Asia/Kathmandu', '1985-12-31T18:30:00Z'],
    ['UTC', '2026-01-01T00:00:00Z'],
  ] as const) {
    const at = Date.parse(change)
    const moments = [
      at - 1,
      at,
      at + 1,
      at - DAY,
      at + DAY,
      ...Array.from({ length: 400 }, (_, index) => at + (index - 200) * 7 * MINUTE),
    ]
    for (const moment of moments) {
      const expected = DateTime.fromMillis(moment, { zone }).offset * MINUTE
      if (offsetAt(moment, zone) !== expected) t.equal(offsetAt(moment, zone), expected, `${zone} ${moment}`)
    }
    t.equal(wallAt(at, zone) - at, offsetAt(at, zone), zone)
  }
})

t.test('weekdays, before 1970 too', async t => {
  for (const day of ['1969-12-28', '1969-12-31', '1970-01-01', '2026-11-23', '2026-11-29']) {
    t.equal(weekdayOf(Date.parse(day)), DateTime.fromISO(day, { zone: 'utc' }).weekday, day)
  }
})

t.test('what is remembered is bounded, and learnt again', async t => {
  const [noon, zone] = [Date.parse('2026-07-01T12:00:00Z'), 'Europe/Amsterdam']
  t.equal(offsetAt(noon, zone), 2 * HOUR)
  for (let day = 0; day <= 20_000; day++) offsetAt(day * DAY, 'UTC')
  t.equal(offsetAt(noon, zone), 2 * HOUR)
  t.equal(momentOf(noon, zone), noon - 2 * HOUR)
})
