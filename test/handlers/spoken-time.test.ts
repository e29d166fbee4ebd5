import t from 'tap'
import { type SpokenTime, spokenTime } from '../../handlers/spoken-time.ts'
import type { Reader } from '../../handlers/times.ts'

/** A Monday, 11:00 in Amsterdam. */
const NOW = Date.parse('2026-11-23T10:00:00Z')
const nl: Reader = { language: 'nl', zone: 'Europe/Amsterdam', tutorZone: 'Europe/Amsterdam' }
const en: Reader = { ...nl, language: 'en' }
const de: Reader = { ...nl, language: 'de' }
const at = (local: string) => Date.parse(`${local}+01:00`)

t.test('times as students write them', async t => {
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
    ['dinsdag na 15 uur om half 5', ['2026-11-24T16:30'], ['2026-11-24T04:30', '2026-11-24T15:00']],
    ['dinsdag voor 12 uur om 10 uur', ['2026-11-24T10:00'], ['2026-11-24T22:00', '2026-11-24T09:00']],
  ]
  for (const [text, meant, others] of cases) {
    const { isMeant } = spokenTime(text, NOW, nl) as SpokenTime
    for (const time of meant) t.ok(isMeant(at(time)), `${text}: ${time}`)
    for (const time of others) t.notOk(isMeant(at(time)), `${text}: not ${time}`)
  }
})

t.test('texts without a time', async t => {
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
    t.equal(spokenTime(text, NOW, nl), undefined, text)
  }
})

t.test('a plain time is certain; a date, a second time or an emoji that may mean no is not', async t => {
  const certain = (text: string) => spokenTime(text, NOW, nl)?.isCertain
  for (const text of ['dinsdag 17:00', 'di 24 nov 17:00 graag', 'dinsdag 17:00 👍']) t.equal(certain(text), true, text)
  for (const text of ['dinsdag 24.11', 'dinsdag 1.12', 'dinsdag 17:00 ❌', 'dinsdag 17:00 👎', 'dinsdag 17:00 18:00']) {
    t.equal(certain(text), false, text)
  }
})

t.test('times in words, in Dutch', async t => {
  const cases: [string, string[], string[]][] = [
    ['dinsdag half drie', ['2026-11-24T14:30', '2026-11-24T02:30'], ['2026-11-24T15:30', '2026-11-24T15:00']],
    ['half 5', ['2026-11-24T16:30'], ['2026-11-24T17:30', '2026-11-24T17:00']],
    ['half een', ['2026-11-24T12:30', '2026-11-24T00:30'], ['2026-11-24T13:30', '2026-11-24T13:00']],
    ['half één', ['2026-11-24T12:30'], ['2026-11-24T13:00']],
    ['half 12', ['2026-11-24T11:30'], ['2026-11-24T12:30']],
    ['half 0', ['2026-11-24T23:30'], ['2026-11-24T11:30']],
    ['morgen om kwart over drie', ['2026-11-24T15:15'], ['2026-11-24T15:00', '2026-11-25T15:15']],
    ['kwart na drie', ['2026-11-24T15:15'], ['2026-11-24T15:00']],
    ['kwart voor vier', ['2026-11-24T15:45'], ['2026-11-24T16:00', '2026-11-24T16:15']],
    ['om vijf voor half drie', ['2026-11-24T14:25'], ['2026-11-24T14:30']],
    ['tien over half 3', ['2026-11-24T14:40'], ['2026-11-24T14:30', '2026-11-24T15:10']],
    ['om drie uur', ['2026-11-24T15:00'], ['2026-11-24T13:00']],
    ['om een uur', ['2026-11-24T13:00'], ['2026-11-24T15:00']],
    ['om 15', ['2026-11-24T15:00'], ['2026-11-24T03:00']],
    ['dinsdag een uur', ['2026-11-24T09:00', '2026-11-24T13:00'], ['2026-11-25T13:00']],
    ['dinsdag morgen 9 uur', ['2026-11-24T09:00'], ['2026-11-25T09:00']],
  ]
  for (const [text, meant, others] of cases) {
    const { isMeant } = spokenTime(text, NOW, nl) as SpokenTime
    for (const time of meant) t.ok(isMeant(at(time)), `${text}: ${time}`)
    for (const time of others) t.notOk(isMeant(at(time)), `${text}: not ${time}`)
  }
  const isCertain = (text: string) => spokenTime(text, NOW, nl)?.isCertain
  for (const text of ['morgen om half drie graag', 'dinsdag half 5', 'di 24 nov kwart voor vier', 'dinsdag drie uur']) {
    t.equal(isCertain(text), true, text)
  }
  for (const text of [
    'dinsdag half drie kan niet',
    'dinsdag half drie of half vier',
    'dinsdag over drie uur',
    'dinsdag na half drie',
    'dinsdag rond half drie',
    'dinsdag een uur',
    'dinsdag een half uur',
    'dinsdag morgen om half drie',
    'half past 2 dinsdag',
  ]) {
    t.equal(isCertain(text), false, text)
  }
  for (const text of ['een uur', 'één uur les', 'een half uur', 'half uur', 'anderhalf uur', 'drie']) {
    t.equal(isCertain(text), undefined, text)
  }
})

t.test('times in words, in English', async t => {
  const cases: [string, string[], string[]][] = [
    ['Tuesday half past two', ['2026-11-24T14:30', '2026-11-24T02:30'], ['2026-11-24T13:30', '2026-11-24T14:00']],
    ['half two', ['2026-11-24T14:30'], ['2026-11-24T13:30', '2026-11-24T14:00']],
    ['tomorrow at half past 2 pm', ['2026-11-24T14:30'], ['2026-11-24T02:30']],
    ['half past twelve', ['2026-11-24T12:30'], ['2026-11-24T11:30']],
    ['quarter past three', ['2026-11-24T15:15'], ['2026-11-24T15:00']],
    ['a quarter to four', ['2026-11-24T15:45'], ['2026-11-24T16:00', '2026-11-24T16:15']],
    ['quarter to 1 pm', ['2026-11-24T12:45'], ['2026-11-24T13:00', '2026-11-24T00:45']],
    ['twenty to five', ['2026-11-24T16:40'], ['2026-11-24T17:00']],
    ['at three', ['2026-11-24T15:00'], ['2026-11-24T13:00']],
    ["five o'clock", ['2026-11-24T17:00'], ['2026-11-24T17:30']],
    ['5 o’clock', ['2026-11-24T17:00'], ['2026-11-24T17:30']],
  ]
  for (const [text, meant, others] of cases) {
    const { isMeant } = spokenTime(text, NOW, en) as SpokenTime
    for (const time of meant) t.ok(isMeant(at(time)), `${text}: ${time}`)
    for (const time of others) t.notOk(isMeant(at(time)), `${text}: not ${time}`)
  }
  const isCertain = (text: string) => spokenTime(text, NOW, en)?.isCertain
  for (const text of ['Tuesday half past two', 'tomorrow at quarter past 3 please', "Tuesday at five o'clock"]) {
    t.equal(isCertain(text), true, text)
  }
  for (const text of [
    // 1:30 to a student who thinks in Dutch or German.
    'Tuesday half two',
    'Tuesday at half 2',
    // From ten to three?
    'Tuesday ten to three',
    'Tuesday after half past two',
    'Tuesday half past two or three',
    'Tuesday half an hour',
    'dinsdag half drie',
  ]) {
    t.equal(isCertain(text), false, text)
  }
  for (const text of ['half an hour', 'one hour', 'two', 'half drie', 'past two']) {
    t.equal(isCertain(text), undefined, text)
  }
})

t.test('times as students write them in German', async t => {
  const cases: [string, string[], string[]][] = [
    ['morgen um halb drei', ['2026-11-24T14:30', '2026-11-24T02:30'], ['2026-11-24T15:30', '2026-11-25T14:30']],
    ['Dienstag Viertel nach zwei', ['2026-11-24T14:15'], ['2026-11-24T14:00']],
    ['um viertel vor 3', ['2026-11-24T14:45', '2026-11-27T14:45'], ['2026-11-24T15:00']],
    ['dreiviertel drei', ['2026-11-24T14:45'], ['2026-11-24T15:45']],
    ['viertel drei', ['2026-11-24T14:15'], ['2026-11-24T15:15']],
    ['um fünf vor halb sechs', ['2026-11-24T17:25'], ['2026-11-24T17:30']],
    ['zehn nach vier', ['2026-11-24T16:10'], ['2026-11-24T04:00']],
    ['um drei', ['2026-11-24T15:00'], ['2026-11-24T13:00']],
    ['um 15', ['2026-11-24T15:00'], ['2026-11-24T03:00']],
    ['halb eins', ['2026-11-24T12:30'], ['2026-11-24T13:30']],
    ['halb 0', ['2026-11-24T23:30'], ['2026-11-24T11:30']],
    ['zwei Uhr', ['2026-11-24T14:00'], ['2026-11-24T14:30']],
    ['zwölf Uhr', ['2026-11-24T12:00'], ['2026-11-24T14:00']],
    ['14 Uhr', ['2026-11-24T14:00'], ['2026-11-24T14:30']],
    ['14 Uhr 30', ['2026-11-24T14:30'], ['2026-11-24T14:00']],
    ['14h', ['2026-11-24T14:00'], ['2026-11-24T16:00']],
    ['14.30 Uhr', ['2026-11-24T14:30'], ['2026-11-24T14:00']],
    ['Mo.', ['2026-11-23T12:00', '2026-11-30T09:00'], ['2026-11-24T09:00']],
    ['Mi um 14 Uhr', ['2026-11-25T14:00'], ['2026-11-24T14:00']],
    ['So 11 Uhr', ['2026-11-29T11:00'], ['2026-11-28T11:00']],
    ['nächsten Dienstag', ['2026-11-24T09:00'], ['2026-11-25T09:00']],
    ['übermorgen', ['2026-11-25T09:00'], ['2026-11-24T09:00']],
    ['heute 18 Uhr', ['2026-11-23T18:00'], ['2026-11-24T18:00']],
    ['am 24.11. um 17 Uhr', ['2026-11-24T17:00'], ['2026-11-25T17:00', '2026-12-24T17:00']],
    ['Mi, 2.12.2026, 10:00', ['2026-12-02T10:00'], ['2026-11-25T10:00']],
    ['2.12.26 17 Uhr', ['2026-12-02T17:00'], ['2026-12-02T12:00']],
    ['24. November', ['2026-11-24T09:00'], ['2026-11-23T09:00']],
    ['3. März', ['2027-03-03T09:00'], ['2027-03-04T09:00']],
    ['Dienstag Morgen um 9', ['2026-11-24T09:00'], ['2026-11-25T09:00']],
    ['5 Uhr am Dienstag', ['2026-11-24T17:00', '2026-11-24T05:00'], ['2026-11-25T17:00']],
    ['tuesday 5 pm', ['2026-11-24T17:00'], ['2026-11-24T05:00']],
    ['Dienstag 5 am', ['2026-11-24T17:00'], ['2026-11-25T17:00']],
  ]
  for (const [text, meant, others] of cases) {
    const { isMeant } = spokenTime(text, NOW, de) as SpokenTime
    for (const time of meant) t.ok(isMeant(at(time)), `${text}: ${time}`)
    for (const time of others) t.notOk(isMeant(at(time)), `${text}: not ${time}`)
  }
})

t.test('what is certain in German, and what is asked back', async t => {
  const isCertain = (text: string) => spokenTime(text, NOW, de)?.isCertain
  for (const text of [
    'morgen um halb drei',
    'Geht Dienstag um 17 Uhr?',
    'Di, 24.11., 17:00 Uhr',
    'am Mittwoch um drei bitte',
    'Mi um 14h 👍',
    'am 24.11. um Viertel nach zwei',
    'kommenden Dienstag, 17 Uhr passt mir gut',
  ]) {
    t.equal(isCertain(text), true, text)
  }
  for (const text of [
    'Dienstag 17 Uhr geht nicht',
    'nächsten Dienstag 17 Uhr',
    'nächste Woche Dienstag um 17 Uhr',
    'Dienstag ab 17 Uhr',
    'Dienstag vor 17 Uhr',
    'Dienstag nach drei Uhr',
    'Dienstag 16 Uhr oder 17 Uhr',
    'zwischen drei und um vier',
    'Dienstag Morgen um 9',
    'am 24.11. oder 25.11. um 17 Uhr',
    'am 24.11. 25.11. 17 Uhr',
    'Dienstag 24.11',
    'jeden Dienstag 17 Uhr',
    'nicht morgen, übermorgen um 17 Uhr',
  ]) {
    t.equal(isCertain(text), false, text)
  }
  for (const text of ['Hallo', 'wo?', 'zwei Kinder', 'so viel?', 'Mai', '12', '25']) {
    t.equal(isCertain(text), undefined, text)
  }
})

t.test('words shared by two languages mean what they do in the student’s own', async t => {
  // Sunday in German, and a word of its own in Dutch and English.
  for (const reader of [nl, en]) t.equal(spokenTime('so', NOW, reader), undefined)
  t.ok(spokenTime('so', NOW, de)?.isMeant(at('2026-11-29T10:00')))
  // Wednesday in Dutch, `where` in German.
  t.ok(spokenTime('wo', NOW, nl)?.isMeant(at('2026-11-25T10:00')))
  t.equal(spokenTime('wo', NOW, de), undefined)
  t.equal(spokenTime('morgen 17:00', NOW, en)?.isCertain, true, 'English students may write Dutch words')
  t.equal(spokenTime('halb drei', NOW, nl), undefined, 'but not German ones')
})
