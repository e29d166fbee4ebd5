import t from 'tap'
import { choiceTitle, formatTime, formatWhen, isoTime, parseTime, type Reader, zoneOf } from '../../handlers/times.ts'

const AMSTERDAM = 'Europe/Amsterdam'
/** A Monday, 11:00 in Amsterdam. */
const NOW = Date.parse('2026-11-23T10:00:00Z')
const nl: Reader = { language: 'nl', zone: AMSTERDAM, tutorZone: AMSTERDAM }
const en: Reader = { ...nl, language: 'en' }
const de: Reader = { ...nl, language: 'de' }

t.test('times as students read them', async t => {
  t.equal(choiceTitle(NOW, nl), 'ma 23 nov 11:00')
  t.equal(choiceTitle(NOW, en), 'Mon 23 Nov 11:00')
  t.equal(choiceTitle(NOW, de), 'Mo, 23.11., 11:00 Uhr')
  t.equal(formatWhen(NOW, nl), 'maandag 23 november om 11:00')
  t.equal(formatWhen(NOW, { ...en, zone: 'Europe/London' }), 'Monday 23 November at 10:00 (Europe/London)')
  t.equal(formatWhen(NOW, { ...nl, zone: 'Asia/Kathmandu' }), 'maandag 23 november om 15:45 (Asia/Kathmandu)')
  t.equal(formatWhen(NOW, de), 'Montag, 23. November um 11:00 Uhr')
  t.equal(formatTime(NOW, de), '11:00 Uhr')
  t.equal(formatTime(Date.parse('2026-07-01T10:05:00Z'), nl), '12:05')
  const day = 24 * 60 * 60_000
  for (let at = NOW; at < NOW + 366 * day; at += day) {
    for (const reader of [nl, en, de]) {
      const title = choiceTitle(at, reader)
      t.ok(title.length <= 24, title)
    }
  }
})

t.test('a contact’s zone, if valid', async t => {
  t.equal(zoneOf('Asia/Kathmandu', AMSTERDAM), 'Asia/Kathmandu')
  for (const none of ['Mars/Olympus', '', 7, null, undefined]) t.equal(zoneOf(none, AMSTERDAM), AMSTERDAM)
})

t.test('ISO times, with an offset only', async t => {
  t.equal(parseTime('2026-11-23T11:00:00+01:00'), NOW)
  t.equal(parseTime('2026-11-23T11:00+01'), NOW)
  t.equal(parseTime('2026-11-23T10:00:00.000Z'), NOW)
  t.equal(parseTime(isoTime(NOW, AMSTERDAM)), NOW)
  t.equal(isoTime(NOW, AMSTERDAM), '2026-11-23T11:00:00+01:00')
  for (const none of ['2026-11-23T11:00:00', '2026-11-23', '2026-02-30T10:00:00Z', 'T+01:00', '', 7, null]) {
    t.equal(parseTime(none), undefined, String(none))
  }
})
