import t from 'tap'
import { exactTime, spokenTime, spokenTimes } from '../../../handlers/spoken-time.ts'
import type { LanguageCode } from '../../../handlers/texts/index.ts'

/** A Monday, 11:00 in Amsterdam. */
const NOW = Date.parse('2026-11-23T10:00:00Z')
const at = (local: string) => Date.parse(`${local}+01:00`)
const read = (text: string, language: LanguageCode = 'nl') =>
  spokenTime(text, NOW, { zone: 'Europe/Amsterdam', language })

t.test('a day and then an hour, or an hour and then a day', async t => {
  const locale = { zone: 'Europe/Amsterdam', language: 'nl' } as const
  const hour = spokenTimes('17:00', NOW, locale, { before: read('dinsdag') }).time
  t.ok(hour?.isCertain)
  t.ok(hour?.isMeant(at('2026-11-24T17:00')))
  const day = spokenTimes('woensdag', NOW, locale, { before: read('na 16:00') }).time
  t.ok(day?.isMeant(at('2026-11-25T17:00')))
  t.notOk(day?.isMeant(at('2026-11-25T15:00')))
  t.notOk(spokenTimes('niet om 17:00', NOW, locale, { before: read('dinsdag') }).time?.isCertain)
})

t.test('a denial that follows, and a range that ends in the evening', async t => {
  const cases: [string, LanguageCode, string[], string[]][] = [
    // What is refused, what goes.
    ['dinsdag 17:00, dat lukt niet', 'nl', ['2026-11-24T17:00'], ['2026-11-24T16:00', '2026-11-25T17:00']],
    ['dinsdag voor 16:00 kan ik niet', 'nl', ['2026-11-24T15:00', '2026-11-25T17:00'], ['2026-11-24T16:00']],
    ['dinsdag na 16:00 kan ik niet', 'nl', ['2026-11-24T16:00', '2026-11-25T15:00'], ['2026-11-24T15:00']],
    ['dinsdag van 19:00 tot 9 uur', 'nl', ['2026-11-24T18:00', '2026-11-24T21:00'], ['2026-11-24T20:00']],
  ]
  for (const [text, language, refused, meant] of cases) {
    const spoken = read(text, language)
    t.notOk(spoken?.isCertain, text)
    for (const time of refused) t.notOk(spoken?.isMeant(at(time)), `${text}: not ${time}`)
    for (const time of meant) t.ok(spoken?.isMeant(at(time)), `${text}: ${time}`)
  }
})

t.test('an hour in words with odd minutes is no time: the day alone is read', async t => {
  const spoken = read('Dienstag um drei Uhr 17', 'de')
  t.notOk(spoken?.isCertain)
  for (const time of ['10:00', '15:00']) t.ok(spoken?.isMeant(at(`2026-11-24T${time}`)), time)
  t.notOk(spoken?.isMeant(at('2026-11-25T15:00')))
})

t.test('how far a time is away', async t => {
  const spoken = read('dinsdag half 5')
  t.equal(spoken?.distance(at('2026-11-24T16:30')), 0)
  t.equal(spoken?.distance(at('2026-11-24T16:00')), 30)
  t.equal(spoken?.distance(at('2026-11-24T17:00')), 30)
  t.equal(spoken?.distance(at('2026-11-25T16:30')), 150)
  t.equal(read('dinsdag kan ik niet')?.distance(at('2026-11-25T16:30')), 0)
})

t.test('what is no time', async t => {
  for (const text of [
    '13 pm',
    '24:07 uur',
    'in one',
    'Nov',
    'June',
    '5,5 uur les',
    'over 3 euro',
    'over mij',
    '300 minuten',
    'elke 5',
  ]) {
    t.notOk(read(text)?.isCertain, text)
    t.notOk(read(text, 'en')?.isCertain, text)
  }
  t.strictSame(read('30 februari')?.wanted, [{ days: [], isUnsure: false, isRefused: false }])
  t.equal(read('over 3 weken')?.isMeant(at('2026-12-15T10:00')), true)
  t.equal(read('Nov. 24 17:00', 'en')?.isMeant(at('2026-11-24T17:00')), true)
  for (const text of [
    'les van',
    'vis of do',
    'nee',
    'niet, nee',
    'dinsdag, 2',
    'tussen 3',
    '5 < 6',
    '3 tot nu',
    'volgende',
  ])
    t.notOk(read(text)?.isCertain, text)
  t.ok(read('dinsdag of do')?.isMeant(at('2026-11-26T10:00')))
  t.ok(read('na 22:00')?.isMeant(at('2026-11-26T22:30')))
  t.equal(read('ein', 'de'), undefined)
  t.equal(read('two dogs', 'en'), undefined)
  t.equal(read('24 Nov 2026', 'en')?.isMeant(at('2026-11-24T10:00')), true)
  t.equal(read('17 Uhr 25. November', 'de')?.isMeant(at('2026-11-25T17:00')), true)
})

t.test('regression: tomorrow is the day after it was written, also when it is handled after midnight', async t => {
  const written = at('2026-11-23T23:59:58')
  for (const [text, language] of [
    ['morgen 17:00', 'nl'],
    ['tomorrow 17:00', 'en'],
    ['morgen 17:00', 'de'],
  ] as const) {
    const spoken = spokenTime(text, written, { zone: 'Europe/Amsterdam', language })
    t.ok(spoken?.isCertain, language)
    t.ok(spoken?.isMeant(at('2026-11-24T17:00')), language)
    t.notOk(spoken?.isMeant(at('2026-11-25T17:00')), language)
  }
})

t.test('limits of days', async t => {
  const days = (text: string, language: LanguageCode = 'nl') => read(text, language)?.wanted[0]?.days?.length
  t.equal(days('tot vandaag'), 1)
  t.equal(days('before today', 'en'), 0)
  t.equal(days('vanaf donderdag of dinsdag'), 61 - 3 + 1)
  t.equal(days('to Thursday', 'en'), 1, '`move it to Thursday` is no range')
  t.ok(read('tot donderdag 17:00')?.isMeant(at('2026-11-26T17:00')), 'an hour of that day')
  t.notOk(read('tot donderdag kan ik niet')?.isMeant(at('2026-11-25T17:00')))
  t.ok(read('tot donderdag kan ik niet')?.isMeant(at('2026-11-27T17:00')))
  t.notOk(read('vanaf donderdag')?.isCertain)
})

const ZONE = 'Europe/Amsterdam'
const dateOf = (day = Number.NaN) => new Date(day * 24 * 60 * 60_000).toISOString().slice(0, 10)

t.test('when lessons each week begin: months, the new year, no such date, a weekday, and what is left out', async t => {
  const cases: [string, string, LanguageCode?][] = [
    ['elke dinsdag 17:00 vanaf januari', '2027-01-05'],
    ['vanaf november elke dinsdag 17:00', '2026-11-24'],
    ['elke dinsdag 17:00 na december', '2027-01-05'],
    ['elke dinsdag 17:00 in januari', '2027-01-05'],
    ['volgend jaar elke dinsdag 17:00', '2027-01-05'],
    ['vanaf 2027 elke dinsdag 17:00', '2027-01-05'],
    ['na de kerstvakantie elke dinsdag 17:00', '2027-01-05'],
    ['every Tuesday 5pm after new year', '2027-01-05', 'en'],
    ['im neuen Jahr jeden Dienstag 17 Uhr', '2027-01-05', 'de'],
    ['elke dinsdag 17:00 vanaf over twee weken', '2026-12-08'],
    ['elke dinsdag 17:00 vanaf 30 februari', '2026-11-24'],
    ['vanaf woensdag elke dinsdag 17:00', '2026-12-01'],
    ['vanaf dinsdag 1 december elke week om 17:00', '2026-12-01'],
    ['elke dinsdag vanaf woensdag 25 november 17:00', '2026-12-01'],
    ['elke week vanaf 1 december', '2026-12-01'],
    ['elke dinsdag 17:00 van 1 december tot 1 maart', '2026-12-01'],
    ['elke dinsdag 17:00, maar niet volgende week', '2026-11-24'],
  ]
  for (const [text, first, language = 'nl'] of cases) {
    const { isWeekly, time } = spokenTimes(text, NOW, { zone: ZONE, language })
    t.ok(isWeekly, text)
    t.equal(dateOf(time?.wanted[0]?.days?.[0]), first, text)
  }
})

t.test('after the question for each week: what is not said stays, and one lesson is not each week', async t => {
  const before = exactTime(at('2026-11-24T17:00'), ZONE)
  const answer = (text: string, language: LanguageCode = 'nl') =>
    spokenTimes(text, NOW, { zone: ZONE, language }, { isHourAsked: true, before, isWeeklyAsked: true })
  const cases: [string, string, LanguageCode?][] = [
    ['ja maar dan om 18:00', '2026-11-24T18:00'],
    ['18', '2026-11-24T18:00'],
    ['toch liever woensdag', '2026-11-25T17:00'],
    ['ja graag, vanaf volgende week', '2026-12-01T17:00'],
    ['pas vanaf 2 december', '2026-12-08T17:00'],
    ['liever 2 december', '2026-12-02T17:00'],
    ['kan het ook 90 minuten?', '2026-11-24T17:00'],
    ['yes but at 6pm', '2026-11-24T18:00', 'en'],
    ['ja, aber erst ab Dezember', '2026-12-01T17:00', 'de'],
  ]
  for (const [text, time, language] of cases) {
    const said = answer(text, language)
    t.ok(said.isWeekly, text)
    t.ok(said.time?.isMeant(at(time)), `${text}: ${time}`)
    t.equal(said.time?.wanted.length, 1, text)
  }
  for (const text of ['alleen deze week', 'nee, alleen dinsdag', 'een losse les dinsdag 17:00', 'om de week']) {
    t.notOk(answer(text).isWeekly, text)
  }
  t.equal(answer('bedankt').time, undefined)
})

t.test('whether one lesson is meant', async t => {
  const isOne = (text: string) => spokenTimes(text, NOW, { zone: ZONE, language: 'nl' }).isOne
  for (const text of [
    'komende dinsdag',
    'volgende dinsdag',
    'deze week',
    'van 1 december',
    'deze keer',
    'alleen morgen',
  ])
    t.ok(isOne(`mijn vaste les ${text} annuleren`), text)
  for (const text of ['van dinsdag', 'vanaf volgende week', 'vanaf 1 december', 'volgende']) {
    t.notOk(isOne(`mijn vaste les ${text} annuleren`), text)
  }
})
