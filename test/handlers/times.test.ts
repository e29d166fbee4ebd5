import t from 'tap'
import {
  choiceTitle,
  isoTime,
  parseTime,
  type Reader,
  type SpokenTime,
  sayTime,
  sayWhen,
  spokenTime,
  zoneOf,
} from '../../handlers/times.ts'

const AMSTERDAM = 'Europe/Amsterdam'
/** A Monday, 11:00 in Amsterdam. */
const NOW = Date.parse('2026-11-23T10:00:00Z')
const nl: Reader = { language: 'nl', zone: AMSTERDAM, tutorZone: AMSTERDAM }
const en: Reader = { ...nl, language: 'en' }

t.test('times as students read them', async t => {
  t.equal(choiceTitle(NOW, nl), 'ma 23 nov 11:00')
  t.equal(choiceTitle(NOW, en), 'Mon 23 Nov 11:00')
  t.equal(sayWhen(NOW, nl), 'maandag 23 november om 11:00')
  t.equal(sayWhen(NOW, { ...en, zone: 'Europe/London' }), 'Monday 23 November at 10:00 (Europe/London)')
  t.equal(sayWhen(NOW, { ...nl, zone: 'Asia/Kathmandu' }), 'maandag 23 november om 15:45 (Asia/Kathmandu)')
  t.equal(sayTime(Date.parse('2026-07-01T10:05:00Z'), nl), '12:05')
  const day = 24 * 60 * 60_000
  for (let at = NOW; at < NOW + 366 * day; at += day) {
    for (const reader of [nl, en]) {
      const title = choiceTitle(at, reader)
      t.ok(title.length <= 24, title)
    }
  }
})

t.test('the zone of a contact, if it is one', async t => {
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

t.test('times as students write them', async t => {
  const at = (local: string) => Date.parse(`${local}+01:00`)
  const cases: [string, string[], string[]][] = [
    ['dinsdag 17:00', ['2026-11-24T17:00'], ['2026-11-24T16:00', '2026-12-01T17:00', '2026-11-25T17:00']],
    ['Di. 17.00 uur', ['2026-11-24T17:00'], ['2026-11-24T17:30']],
    ['op woensdag', ['2026-11-25T09:00', '2026-11-25T20:00'], ['2026-12-02T09:00']],
    ['maandag', ['2026-11-23T12:00', '2026-11-30T09:00'], ['2026-12-07T09:00']],
    ['maandag 7 december', ['2026-12-07T09:00'], ['2026-11-30T09:00']],
    ['24 nov', ['2026-11-24T09:00'], ['2026-12-24T09:00', '2026-11-23T09:00']],
    ['Nov 24, 5 pm', ['2026-11-24T17:00'], ['2026-11-24T05:00']],
    ['12 pm', ['2026-11-24T12:00'], ['2026-11-24T00:00']],
    ['9 am', ['2026-11-24T09:00'], ['2026-11-24T21:00']],
    ['9 uur', ['2026-11-24T09:00', '2026-11-24T21:00'], ['2026-11-24T09:30']],
    ['14:30', ['2026-11-24T14:30', '2026-11-29T14:30'], ['2026-11-24T02:30', '2026-11-24T14:00']],
    ['vandaag 15u30', ['2026-11-23T15:30'], ['2026-11-24T15:30']],
    ['tomorrow', ['2026-11-24T08:00'], ['2026-11-25T08:00']],
    ['overmorgen', ['2026-11-25T08:00'], ['2026-11-24T08:00']],
    ['zo', ['2026-11-29T10:00'], ['2026-11-28T10:00']],
    ['dinsdag 05:30', ['2026-11-24T05:30'], ['2026-11-24T17:30']],
  ]
  for (const [text, meant, others] of cases) {
    const { isMeant } = spokenTime(text, NOW, AMSTERDAM) as SpokenTime
    for (const time of meant) t.ok(isMeant(at(time)), `${text}: ${time}`)
    for (const time of others) t.notOk(isMeant(at(time)), `${text}: not ${time}`)
  }
})

t.test('what says nothing about a time', async t => {
  for (const text of [
    '',
    'Hoi',
    'zo laat al?',
    'what do you mean',
    'mei',
    'may I',
    'goedemorgen',
    'constructor',
    '25 uur',
    '12',
    '06-12345678',
  ]) {
    t.equal(spokenTime(text, NOW, AMSTERDAM), undefined, text)
  }
})

t.test('a plain time is certain; a date, a second time or a picture that may say no is not', async t => {
  const certain = (text: string) => spokenTime(text, NOW, AMSTERDAM)?.isCertain
  for (const text of ['dinsdag 17:00', 'di 24 nov 17:00 graag', 'dinsdag 17:00 👍']) t.equal(certain(text), true, text)
  for (const text of ['dinsdag 24.11', 'dinsdag 1.12', 'dinsdag 17:00 ❌', 'dinsdag 17:00 👎', 'dinsdag 17:00 18:00']) {
    t.equal(certain(text), false, text)
  }
})
