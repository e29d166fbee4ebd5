import t from 'tap'
import { outsideQuietHours } from '../../handlers/quiet-hours.ts'

const AMSTERDAM = 'Europe/Amsterdam'
const at = (text: string) => Date.parse(text)

/** When it is due, when the lesson begins, what time it is now; and when it is sent, `no`: not at all. */
const CASES: [due: string, start: string, now: string, sent: string, zone?: string][] = [
  ['2026-11-24T08:00+01:00', '2026-11-24T10:00+01:00', '2026-11-20T10:00Z', '2026-11-24T08:00+01:00'],
  ['2026-11-24T21:59+01:00', '2026-11-25T10:00+01:00', '2026-11-20T10:00Z', '2026-11-24T21:59+01:00'],
  ['2026-11-24T22:00+01:00', '2026-11-25T10:00+01:00', '2026-11-20T10:00Z', '2026-11-24T21:55+01:00'],
  ['2026-11-25T07:59+01:00', '2026-11-25T10:00+01:00', '2026-11-20T10:00Z', '2026-11-24T21:55+01:00'],
  // The evening is over: in the morning, if the lesson is not too soon after it.
  ['2026-11-24T23:30+01:00', '2026-11-25T10:00+01:00', '2026-11-24T21:55+01:00', '2026-11-25T08:00+01:00'],
  ['2026-11-25T00:30+01:00', '2026-11-25T08:30+01:00', '2026-11-25T00:30+01:00', '2026-11-25T08:00+01:00'],
  ['2026-11-25T07:30+01:00', '2026-11-25T08:29+01:00', '2026-11-25T00:30+01:00', 'no'],
  ['2026-11-25T03:00+01:00', '2026-11-25T04:00+01:00', '2026-11-25T00:30+01:00', 'no'],
  // The clocks change in that night.
  ['2026-03-29T07:00+02:00', '2026-03-29T10:00+02:00', '2026-03-28T12:00Z', '2026-03-28T21:55+01:00'],
  ['2026-10-25T07:00+01:00', '2026-10-25T10:00+01:00', '2026-10-24T23:30+02:00', '2026-10-25T08:00+01:00'],
  // Where the student is.
  [
    '2026-11-24T09:00+01:00',
    '2026-11-25T09:00+01:00',
    '2026-11-20T10:00Z',
    '2026-11-23T21:55-05:00',
    'America/New_York',
  ],
  ['2026-11-24T04:00+01:00', '2026-11-25T04:00+01:00', '2026-11-20T10:00Z', '2026-11-24T04:00+01:00', 'Asia/Kolkata'],
]

for (const [due, start, now, sent, zone = AMSTERDAM] of CASES) {
  t.test(`due ${due}, at ${now} in ${zone}`, async t => {
    const found = outsideQuietHours(at(due), at(start), zone, at(now))
    t.equal(found && new Date(found).toISOString(), sent === 'no' ? undefined : new Date(at(sent)).toISOString())
  })
}
