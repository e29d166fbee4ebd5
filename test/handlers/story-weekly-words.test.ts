import t, { type Test } from 'tap'
import { setUp } from '../helpers/lesson-story.ts'

/** What students write about weekly lessons, beside a day and a time: a start, another time, a length, an end. */

const QUESTIONS = {
  nl: /^Elke (\S+) om (\S+), (\d+) minuten, de eerste keer (.*)\. Zal ik dat elke week/m,
  en: /^Every (\S+) at (\S+), (\d+) minutes, the first time on (.*)\. Shall I book that/m,
  de: /^Jeden (\S+) um (\S+) Uhr, (\d+) Minuten, das erste Mal (.*)\. Soll ich das jede/m,
}
type Language = keyof typeof QUESTIONS

async function start(t: Test, language: Language = 'nl', options: Parameters<typeof setUp>[1] = {}) {
  const tutor = await setUp(t, {
    ...options,
    tutor: { reminders: { hours: [] }, payment: { linkHours: [] }, ...options.tutor },
  })
  const one = tutor.student('widget', {}, { language })
  await one.says('Hallo')
  return { ...tutor, one }
}

/** `dinsdag 17:00 60: dinsdag 1 december om 17:00`: what was asked last. */
function askedIn(text: string | undefined, language: Language): string {
  const [, day, time, minutes, first] = QUESTIONS[language].exec(text ?? '') ?? []
  return `${day} ${time} ${minutes}: ${first}`
}

const STARTS: [Language, string, string, day: string][] = [
  ['nl', 'Vanaf volgende week elke dinsdag 17:00', 'dinsdag 17:00 60: dinsdag 1 december om 17:00', '2026-12-01'],
  [
    'nl',
    'elke dinsdag 17:00, te beginnen op 1 december',
    'dinsdag 17:00 60: dinsdag 1 december om 17:00',
    '2026-12-01',
  ],
  ['nl', 'vanaf morgen elke week 17:00', 'dinsdag 17:00 60: dinsdag 24 november om 17:00', '2026-11-24'],
  ['en', 'starting next week every Tuesday at 5pm', 'Tuesday 17:00 60: Tuesday 1 December at 17:00', '2026-12-01'],
  [
    'de',
    'ab nächster Woche jeden Dienstag 17 Uhr',
    'Dienstag 17:00 60: Dienstag, 1. Dezember um 17:00 Uhr',
    '2026-12-01',
  ],
]
for (const [language, text, asked, day] of STARTS) {
  t.test(`it begins when it was said: ${text}`, async t => {
    const { one, lessons } = await start(t, language)
    await one.says(text)
    t.equal(askedIn(one.read().at(-1), language), asked)
    await one.says('ja')
    const [first] = (await lessons()) ?? []
    t.equal(first && new Date(first.start).toISOString(), `${day}T16:00:00.000Z`)
  })
}

t.test('too far ahead to begin: until when it can, and nothing is asked', async t => {
  const { one, lessons } = await start(t)
  for (const text of ['vanaf januari elke dinsdag 17:00', 'elke dinsdag 17:00 vanaf 2 december']) {
    t.match(await one.says(text), [
      /^Een vaste les kan beginnen tot en met donderdag 3 december\. Voor een later begin/,
    ])
    t.notOk(one.choices().includes('Elke week'))
    t.ok(one.choices().includes('Iemand spreken'))
  }
  await one.says('elke dinsdag 17:00')
  t.match(await one.says('ja, vanaf januari'), [/^Een vaste les kan beginnen tot en met donderdag 3 december/])
  await one.says('ja')
  t.strictSame(await lessons(), [])
})

const CHANGES: [Language, string, string, string][] = [
  ['nl', 'elke dinsdag 17:00', 'ja maar dan om 18:00', 'dinsdag 18:00 60: dinsdag 24 november om 18:00'],
  ['nl', 'elke dinsdag 17:00', 'toch liever woensdag', 'woensdag 17:00 60: woensdag 25 november om 17:00'],
  ['nl', 'elke dinsdag 17:00', 'liever woensdag 16:00', 'woensdag 16:00 60: woensdag 25 november om 16:00'],
  ['nl', 'elke dinsdag 17:00', 'ja graag, vanaf volgende week', 'dinsdag 17:00 60: dinsdag 1 december om 17:00'],
  ['nl', 'elke dinsdag 17:00', 'kan het ook 90 minuten?', 'dinsdag 17:00 90: dinsdag 24 november om 17:00'],
  ['en', 'every Tuesday 5 pm', 'yes but at 6pm', 'Tuesday 18:00 60: Tuesday 24 November at 18:00'],
  ['de', 'jeden Dienstag 17 Uhr', 'ja aber um 18 Uhr', 'Dienstag 18:00 60: Dienstag, 24. November um 18:00 Uhr'],
]
for (const [language, text, change, asked] of CHANGES) {
  t.test(`the question again, for each week: ${change}`, async t => {
    const { one, lessons } = await start(t, language)
    await one.says(text)
    await one.says(change)
    t.equal(askedIn(one.read().at(-1), language), asked)
    t.strictSame(await lessons(), [])
    await one.says('ja')
    const made = (await lessons()) ?? []
    t.ok(made.length >= 3)
    t.ok(made.every(lesson => (lesson.end - lesson.start) / 60_000 === Number(/ (\d+):/.exec(asked.slice(10))?.[1])))
  })
}

t.test('what is said beside it: the question again; no: other times, and yes to nothing', async t => {
  const { one, lessons } = await start(t)
  for (const [text, asked] of [
    ['elke dinsdag 17:00', /^Elke dinsdag om 17:00, .*Zal ik dat elke week/],
    ['menu', /^Hoi/],
    ['dinsdag 17:00', /^dinsdag 24 november om 17:00 is vrij/],
  ] as const) {
    t.match(await one.says(text), [asked])
    if (text === 'menu') continue
    const again = new RegExp(`\n\n${asked.source.slice(1)}`)
    t.match(await one.says('wat kost het?'), [again], 'prices')
    t.match(await one.says('ja, voor Emma'), [again], 'a pupil')
    t.match(await one.says('nee'), [/^Wanneer wil je je les/])
    t.notOk(one.choices().includes('Elke week'))
    t.match(await one.says('ja'), [/^Wanneer wil je je les/])
  }
  t.strictSame(await lessons(), [])
})

for (const [language, weekly, yes] of [
  ['nl', 'elke dinsdag 17:00', 'ja, elke dinsdag 17:00'],
  ['nl', 'elke dinsdag 17:00', 'Ja graag, elke dinsdag.'],
  ['en', 'every Tuesday 5 pm', 'yes please, every Tuesday at 5pm'],
  ['de', 'jeden Dienstag 17 Uhr', 'ja, jeden Dienstag um 17 Uhr'],
] as const) {
  t.test(`yes in more words: ${yes}`, async t => {
    const { one, lessons } = await start(t, language)
    for (const text of [weekly, yes]) await one.says(text)
    t.equal((await lessons())?.length, 4)
  })
}

t.test('what is no yes in more words: another time, a question, no yes at all', async t => {
  const { one, lessons } = await start(t)
  await one.says('elke dinsdag 17:00')
  for (const text of ['ja, elke dinsdag 18:00', 'ja, elke dinsdag 18:00?', 'elke dinsdag', 'ja maar elke dinsdag?']) {
    t.match(await one.says(text), [/Zal ik dat elke week/], text)
  }
  t.strictSame(await lessons(), [])
})

t.test('only once after all: single lessons', async t => {
  const { one } = await start(t)
  for (const [weekly, text] of [
    ['elke dinsdag 17:00', 'alleen deze week'],
    ['elke week dinsdag 17:00', 'nee, alleen dinsdag'],
    ['iedere dinsdag 17:00', 'een losse les op dinsdag 17:00'],
  ] as const) {
    await one.says(weekly)
    t.match(await one.says(text), [/^Wanneer wil je je les/], text)
    t.ok(one.choices().includes('di 24 nov 17:00'))
    t.notOk(one.choices().includes('Elke week'))
  }
})

for (const [language, weekly, text] of [
  ['nl', 'elke dinsdag 17:00', 'nee, alleen deze keer'],
  ['nl', 'elke dinsdag 17:00', 'nee één keer'],
  ['en', 'every Tuesday 5 pm', 'no just once'],
  ['en', 'every Tuesday 5 pm', 'just this once please'],
  ['de', 'jeden Dienstag 17 Uhr', 'nein, nur einmal'],
] as const) {
  t.test(`only once after all: that time, as one lesson: ${text}`, async t => {
    const { one, lessons } = await start(t, language)
    await one.says(weekly)
    await one.says(text)
    const [only, ...others] = one.choices()
    t.match(only, /^(di|Tue|Di).*24.*17:00/)
    t.notMatch(others.join(), /17:00|Elke week|Every week|Jede Woche/)
    t.strictSame(await lessons(), [])
  })
}

t.test('what is asked about a time at which one can’t come is no wish for one lesson', async t => {
  const { one } = await start(t)
  await one.says('elke dinsdag 17:00')
  for (const text of ['wat als we een keer niet kunnen?', 'deze keer niet']) {
    await one.says(text)
    t.ok(one.choices().includes('Elke week'), text)
  }
})

for (const [language, single, text] of [
  ['nl', 'dinsdag 17:00', 'elke week'],
  ['nl', 'dinsdag 17:00', 'ja elke week graag'],
  ['en', 'Tuesday 5 pm', 'every week please'],
  ['de', 'Dienstag 17 Uhr', 'jede Woche bitte'],
] as const) {
  t.test(`every week after all: ${text}`, async t => {
    const { one, lessons } = await start(t, language)
    await one.says(single)
    await one.says(text)
    t.match(askedIn(one.read().at(-1), language), / 17:00 60: .*24/)
    t.strictSame(await lessons(), [])
    await one.says('ja')
    t.equal((await lessons())?.length, 4)
  })
}

t.test('a length that is sold, and one that is not', async t => {
  const { one } = await start(t)
  await one.says('elke dinsdag 90 minuten 17:00')
  t.equal(askedIn(one.read().at(-1), 'nl'), 'dinsdag 17:00 90: dinsdag 24 november om 17:00')
  await one.chooses('Liever 60 minuten')
  t.equal(askedIn(one.read().at(-1), 'nl'), 'dinsdag 17:00 60: dinsdag 24 november om 17:00')
  await one.chooses('Liever 90 minuten')
  t.match(await one.says('elke dinsdag 45 minuten 17:00'), [
    /^Een les duurt 60 of 90 minuten\.\nElke dinsdag om 17:00, 90 min/,
  ])
})

t.test('several times: one by one; Monday on a Monday is one time', async t => {
  const { one } = await start(t, 'nl', { tutor: { planning: { all: { leadMinutes: 0 } } } })
  for (const text of ['elke dinsdag en donderdag 17:00', 'elke dinsdag 17:00 en donderdag 16:00']) {
    t.match(await one.says(text), [/^Vaste momenten gaan één voor één: schrijf er eerst één/], text)
  }
  await one.says('elke maandag 17:00')
  t.equal(askedIn(one.read().at(-1), 'nl'), 'maandag 17:00 60: maandag 23 november om 17:00')
})

const ENDS: [Language, string, string][] = [
  ['nl', 'elke dinsdag 17:00', 'mijn vaste les stoppen'],
  ['nl', 'elke dinsdag 17:00', 'ik wil mijn wekelijkse lessen annuleren'],
  ['nl', 'elke dinsdag 17:00', 'kan mijn vaste les naar donderdag'],
  ['nl', 'elke dinsdag 17:00', 'kan mijn vaste les vanaf volgende week naar donderdag 17:00?'],
  ['nl', 'elke dinsdag 17:00', 'Hoi, ik wil graag stoppen'],
  ['nl', 'elke dinsdag 17:00', 'we stoppen ermee'],
  ['en', 'every Tuesday 5 pm', 'I’d like to stop please'],
  ['de', 'jeden Dienstag 17 Uhr', 'ich möchte gerne aufhören'],
  ['de', 'jeden Dienstag 17 Uhr', 'Wir wollen stoppen'],
  ['en', 'every Tuesday 5 pm', 'stop my weekly lesson'],
  ['en', 'every Tuesday 5 pm', 'cancel my weekly lessons'],
  ['en', 'every Tuesday 5 pm', 'cancel all'],
  ['en', 'every Tuesday 5 pm', 'can my weekly lesson move to Thursday'],
  ['de', 'jeden Dienstag 17 Uhr', 'meine wöchentlichen Stunden kündigen'],
  ['de', 'jeden Dienstag 17 Uhr', 'alle absagen'],
  ['de', 'jeden Dienstag 17 Uhr', 'kann meine feste Stunde auf Donnerstag?'],
]
const ABOUT = {
  nl: /wil een vaste les stoppen of verplaatsen.*:\n".*"\nHet gaat om de vaste les elke dinsdag om 17:00 \(order 4100042-\w{8}\)\./,
  en: /wants to end or to move a weekly lesson.*:\n".*"\nIt is about the weekly lesson every Tuesday at 17:00 \(order 4100042-\w{8}\)\./,
  de: /möchte eine feste Stunde beenden oder verlegen.*:\n".*"\nEs geht um die feste Stunde jeden Dienstag um 17:00 Uhr \(Bestellung 4100042-\w{8}\)\./,
}
for (const [language, weekly, text] of ENDS) {
  t.test(`all of them are ended or moved by a person, with a note that names them: ${text}`, async t => {
    const { one, lessons } = await start(t, language)
    for (const said of [weekly, 'ja', text]) await one.says(said)
    t.match(one.notes().at(-1), ABOUT[language])
    t.match(one.conversation, { status: 'open', labels: ['status:booked', 'intent:handoff'] })
    t.equal((await lessons())?.length, 4, 'nothing is done by itself')
  })
}

t.test('one of them is cancelled and moved as any lesson', async t => {
  const { one } = await start(t)
  for (const text of ['elke dinsdag 17:00', 'ja']) await one.says(text)
  t.match(await one.says('mijn vaste les van komende dinsdag annuleren'), [/^Wil je je les van dinsdag 24 november om/])
  await one.chooses('Niets veranderen')
  t.match(await one.says('kan mijn vaste les deze week naar donderdag?'), [/^Welke les bedoel je\?/])
})

const FROM_TO: [Language, string, string, RegExp][] = [
  ['nl', 'elke dinsdag 17:00', 'de les van 1 december verzetten naar woensdag 2 december 16:00', /2 december om 16:00/],
  ['nl', 'elke dinsdag 17:00', 'kan de les van dinsdag naar donderdag 16:00?', /donderdag 26 november om 16:00/],
  ['nl', 'elke dinsdag 17:00', 'kan de les van dinsdag 17:00 naar 18:00?', /dinsdag 24 november om 18:00/],
  [
    'en',
    'every Tuesday 5 pm',
    'I want to move the lesson of December 1 to Wednesday December 2 at 4 pm',
    /2 December at 16:00/,
  ],
  [
    'de',
    'jeden Dienstag 17 Uhr',
    'die Stunde vom 1. Dezember auf Mittwoch, 2. Dezember 16 Uhr verschieben',
    /2\. Dezember um 16:00/,
  ],
]
for (const [language, weekly, text, to] of FROM_TO) {
  t.test(`the lesson and its new time in one sentence: ${text}`, async t => {
    const { one, lessons } = await start(t, language)
    for (const said of [weekly, 'ja', text]) await one.says(said)
    t.match(one.read().at(-1), to)
    await one.says(language === 'en' ? 'yes' : 'ja')
    t.match(one.read().at(-1), to)
    t.equal(new Set((await lessons())?.map(({ start }) => (start / 3_600_000) % 168)).size, 2, 'one is moved')
  })
}

for (const [language, weekly, later, earlier, times] of [
  ['nl', 'elke dinsdag 17:00', 'maar een uur later', 'toch twee uur eerder', ['dinsdag 18:00 60', 'dinsdag 16:00 60']],
  ['en', 'every Tuesday 5 pm', 'but an hour later', 'two hours earlier', ['Tuesday 18:00 60', 'Tuesday 16:00 60']],
  [
    'de',
    'jeden Dienstag 17 Uhr',
    'aber eine Stunde später',
    'zwei Stunden früher bitte',
    ['Dienstag 18:00 60', 'Dienstag 16:00 60'],
  ],
] as const) {
  t.test(`an hour later than the time that was asked about: ${language}`, async t => {
    const { one } = await start(t, language)
    await one.says(weekly)
    for (const [index, text] of [later, earlier].entries()) {
      await one.says(text)
      t.equal(askedIn(one.read().at(-1), language)?.split(':').slice(0, 2).join(':'), times[index])
    }
  })
}

for (const texts of [
  ['kan de les van dinsdag een uur later?'],
  ['kan de les van 1 december een uur later?'],
  ['mijn les verzetten', '2', 'gewoon een uurtje later'],
  ['mijn les', '2', 'kan het een uur later?'],
]) {
  t.test(`a lesson an hour later: ${texts.join(', ')}`, async t => {
    const { one } = await start(t, 'nl', { tutor: { payment: { linkHours: [] } } })
    for (const text of ['elke dinsdag 17:00', 'ja', ...texts])
      await one.says(text === '2' ? (one.choices()[1] as string) : text)
    const to = texts[0]?.includes('van dinsdag') ? 'dinsdag 24 november om 18:00' : 'dinsdag 1 december om 18:00'
    t.match(one.read().at(-1), to)
    t.match(await one.says('ja'), [new RegExp(to)])
  })
}

const EXCEPT: [Language, string, string, string[]][] = [
  ['nl', 'elke dinsdag 17:00, maar niet volgende week', 'Een week overslaan kan: zeg', ['ja maar niet volgende week']],
  [
    'en',
    'every Tuesday at 5 pm except December 1',
    'To skip a week, cancel',
    ['but not next week', 'not on December 8'],
  ],
  ['de', 'jeden Dienstag 17 Uhr, aber nicht nächste Woche', 'Eine Woche auslassen', ['ja, aber nicht am 1. Dezember']],
]
for (const [language, text, except, answers] of EXCEPT) {
  t.test(`each week but one is asked back as each week, with how to skip one: ${text}`, async t => {
    const { one } = await start(t, language)
    const first = (await one.says(text))[0]
    t.ok(first?.startsWith(except), text)
    for (const answer of answers) t.strictSame(await one.says(answer), [first], answer)
  })
}

t.test('not that day at all: other times', async t => {
  const { one } = await start(t)
  await one.says('elke dinsdag 17:00')
  t.match(await one.says('nee, niet op dinsdag'), [/^Voor een vast moment elke week: schrijf/])
})

t.test('an hour later on another day: that day is offered', async t => {
  const { one } = await start(t)
  for (const text of ['elke dinsdag 17:00', 'ja', 'mijn les', 'di 24 nov 17:00']) await one.says(text)
  t.match(await one.says('kan de les naar donderdag, een uur later?'), [/dinsdag 24 november om 17:00 verzetten\?/])
  t.ok(one.choices().some(title => title.startsWith('do 26 nov')))
  await one.says('liever vrijdag een uur later')
  t.ok(one.choices().some(title => title.startsWith('vr 27 nov')))
})

t.test('two times of which neither is certain: which one?', async t => {
  const { one } = await start(t)
  for (const text of ['elke dinsdag 17:00', 'ja']) await one.says(text)
  for (const text of ['de les van 17:00 naar donderdag verzetten', 'de les van dinsdag verzetten naar iets anders'])
    t.match(await one.says(text), [/^Welke les bedoel je\?/], text)
  t.match(await one.says('die van 1 december naar 2 december 16:00'), [/2 december om 16:00/])
})

for (const all of ['allemaal', 'allebei', 'both', 'beide']) {
  t.test(`which one? all of them: a person: ${all}`, async t => {
    const { one } = await start(t)
    for (const text of ['elke dinsdag 17:00', 'ja']) await one.says(text)
    t.match(await one.says('annuleren'), [/^Welke les bedoel je\?/])
    await one.says(all)
    t.match(one.notes().at(-1), ABOUT.nl)
  })
}

t.test('not this time: which one?', async t => {
  const { one } = await start(t)
  for (const text of ['elke dinsdag 17:00', 'ja']) await one.says(text)
  for (const text of ['deze keer kan ik niet', "this time I can't", 'diesmal kann ich leider nicht']) {
    t.match(await one.says(text), [/^Welke les bedoel je\?/], text)
    await one.says('laat maar')
  }
})

t.test('who has no weekly lesson: a person, as for any lesson', async t => {
  const { one } = await start(t)
  await one.says('kan mijn vaste les naar donderdag')
  t.match(one.notes().at(-1), /^De leerling wil een les afzeggen, verzetten of overslaan:\n/)
})

for (const hasWeekly of [true, false]) {
  t.test(`who has one lesson, and no weekly one, wants none any more: weekly times ${hasWeekly}`, async t => {
    const { one, app } = await start(t)
    const { calendar } = app.webhooks
    if (!hasWeekly) delete calendar.weekly
    const begin = Date.parse('2026-11-27T10:00+01:00')
    const lesson = { order: '4100042-one', start: begin, end: begin + 3_600_000, student: 'R', service: 'S' }
    await calendar.book({ ...lesson, payment: 'unpaid', conversation: '4100042' }, AbortSignal.timeout(1_000))
    await one.says('ik wil stoppen met bijles')
    t.match(one.notes().at(-1), /^De leerling wil een les afzeggen, verzetten of overslaan:\n/)
    t.notMatch(one.notes().at(-1), /vaste les/)
  })
}

t.test('a time without a day: how to say it, with times to choose from', async t => {
  const { one } = await start(t)
  t.match(await one.says('elke week om 17:00'), [/^Voor een vast moment elke week: schrijf de dag en de tijd/])
})
