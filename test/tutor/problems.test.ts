import t from 'tap'
import { readTutorFile } from '../../tutor/file.ts'
import type { TutorSettings } from '../../tutor/settings.ts'
import { pricesByName, tutorOf } from '../../tutor/tutor.ts'

/** Each bad input gets a line that names its place and says how to fix it. */

const settle = (settings: unknown) => () => tutorOf(settings as TutorSettings, 'Europe/Amsterdam')
const hours = (...monday: unknown[]) => ({ planning: { all: { hours: { monday } } } })

const CASES: [settings: unknown, message: string | RegExp][] = [
  [{ planing: {} }, 'tutor.planing is not a setting (did you mean planning?)'],
  [{ zzz: 1 }, /^tutor\.zzz is not a setting: there are \$schema, name, languages, /],
  [{ planning: { nieuw: {} } }, /^tutor\.planning\.nieuw is not a setting: there are all, new, /],
  [{ planning: { new: { leadMinute: 5 } } }, /\.leadMinute .*\(did you mean planning\.new\.leadMinutes\?\)$/],
  [['x'], 'tutor must be an object'],
  [{ planning: 5 }, /^tutor\.planning must be an object, not 5 \(When lessons can be had\)$/],
  [{ closed: '2026-12-25' }, /^tutor\.closed must be a list, not "2026-12-25" \(/],
  [{ closed: [20261225] }, /^tutor\.closed\[0\] must be a text, not 20261225 \(a day/],
  [
    { closed: ['25-12-2026'] },
    /^tutor\.closed\[0\] is not in the right form, not "25-12-2026" \(a day \("2026-12-25"\)/,
  ],
  [{ closed: ['2026-02-30'] }, 'tutor.closed[0] has a day or a time that there is not, 2026-02-30'],
  [{ closed: ['2026-12-24T25:00/2026-12-25'] }, /^tutor\.closed\[0\] has a day or a time that there is not/],
  [{ closed: ['2026-12-24T12:00'] }, 'tutor.closed[0] has no end, 2026-12-24T12:00: add it, as in 2026-12-24T12:00/…'],
  [
    { closed: ['2026-12-25', '2026-07-31/2026-07-01'] },
    'tutor.closed[1] ends before it begins, 2026-07-31/2026-07-01: write its first day first',
  ],
  [
    { planning: { new: { leadMinutes: '12' } } },
    /^tutor\.planning\.new\.leadMinutes must be a whole number, not "12" \(/,
  ],
  [{ planning: { new: { leadMinutes: -1 } } }, /leadMinutes must be at least 0, not -1 \(Minutes from now/],
  [{ planning: { new: { daysAhead: 400 } } }, /daysAhead must be at most 90, not 400 \(/],
  [hours('20:00-09:00'), /^tutor\.planning\.all\.hours\.monday\[0\] ends before it begins, 20:00-09:00: begin with/],
  [hours('09:00-09:00'), /ends before it begins/],
  [hours('9-17'), /^tutor\.planning\.all\.hours\.monday\[0\] is not in the right form, not "9-17" \(from and to/],
  [
    hours('09:00-24:01'),
    'tutor.planning.all.hours.monday[0] is no span, 09:00-24:01: a day has times from 00:00 to 24:00',
  ],
  [hours('09:60-12:00'), /is no span/],
  [
    hours('09:00-12:00', '11:30-14:00'),
    'tutor.planning.all.hours.monday[1] overlaps 09:00-12:00, 11:30-14:00: make one span of them, or end one before the other begins',
  ],
  [hours(), 'tutor.planning.all.hours has no hours: give at least one span of one weekday'],
  [
    { subjects: ['=wiskunde'] },
    /^tutor\.subjects\[0\] is not in the right form, not "=wiskunde" \(a subject of plain words/,
  ],
  [{ subjects: [{ name: 'Fysica', words: [] }] }, /^tutor\.subjects\[0\]\.words must have at least 1 \(How students/],
  [{ subjects: [{ words: ['fysica'] }] }, /^tutor\.subjects\[0\] lacks name \(/],
  [{ lessons: [] }, /^tutor\.lessons must have at least 1 \(The lessons that there are/],
  [{ lessons: Array(7).fill({ minutes: 60 }) }, /^tutor\.lessons must have at most 6 \(/],
  [{ lessons: [{ trial: false }] }, 'tutor.lessons[0] lacks minutes (a lesson)'],
  [{ lessons: [{ minutes: 60, trial: 'no' }] }, /^tutor\.lessons\[0\]\.trial must be true or false, not "no" \(/],
  [{ lessons: [{ minutes: 30, trial: true }] }, /^tutor\.lessons has trial lessons only: add one that is sold/],
  [
    { lessons: [{ minutes: 60 }, { minutes: 30, trial: true }, { minutes: 20, trial: true }] },
    'tutor.lessons[2] is a second trial lesson, after lessons[1]: leave one',
  ],
  [{ lessons: [{ minutes: 60 }, { minutes: 60 }] }, 'tutor.lessons[1] has the minutes of lessons[0], 60: leave one'],
  [
    { lessons: [{ minutes: 60 }, { minutes: 30, trial: true, prices: { all: 'price_1' } }] },
    'tutor.lessons[1].prices must be empty: a trial lesson is free',
  ],
  [
    { lessons: [{ minutes: 60, link: 'https://meet.example.com', place: 'Meir 1' }] },
    'tutor.lessons[0] has a link and a place: leave one',
  ],
  [{ lessons: [{ minutes: 60, link: 'meet.example.com' }] }, /^tutor\.lessons\[0\]\.link is not in the right form/],
  [{ lessons: [{ minutes: 60, place: 'x'.repeat(201) }] }, /\.place must have at most 200 characters/],
  [
    { lessons: [{ minutes: 60, prices: { all: 45 } }] },
    /\.prices\.all must be a text or an object, not 45 \(For every/,
  ],
  [
    { lessons: [{ minutes: 60, prices: { weekends: 'x' } }] },
    /weekends is .*\(did you mean lessons\[0\]\.prices\.weekend\?\)/,
  ],
  [
    { lessons: [{ minutes: 60, prices: { all: { price: 'x' } } }] },
    /prices\.all lacks id .*\n.*\.all\.price is not a setting/,
  ],
  [
    { lessons: [{ minutes: 60, prices: { all: { id: 'price_1', amount: 4500 } } }] },
    'tutor.lessons[0].prices.all has an amount but no currency: add it, as in "currency": "eur"',
  ],
  [
    { lessons: [{ minutes: 60, prices: { all: { id: 'price_1', currency: 'eur' } } }] },
    'tutor.lessons[0].prices.all has a currency but no amount: add it, in the smallest unit, as in "amount": 4500',
  ],
  [
    { lessons: [{ minutes: 60, packages: [{ lessons: 10 }] }] },
    'tutor.lessons[0].packages[0] lacks prices (a package, with lessons and prices)',
  ],
  [
    { lessons: [{ minutes: 60, packages: [{ lessons: 10, prices: {} }] }] },
    'tutor.lessons[0].packages[0].prices has no price: add one, as in { "all": "price_…" }',
  ],
  [
    { lessons: [{ minutes: 60, packages: [{ lessons: 10, prices: { all: { id: 'price_1', amount: 4500 } } }] }] },
    /^tutor\.lessons\[0\]\.packages\[0\]\.prices\.all has an amount but no currency/,
  ],
  [
    { lessons: [{ minutes: 60, packages: [{ lessons: 1, prices: { all: 'x' } }] }] },
    /\.lessons must be at least 2, not 1/,
  ],
  [
    { lessons: [{ minutes: 60, packages: [5, 5].map(lessons => ({ lessons, prices: { all: 'price_1' } })) }] },
    'tutor.lessons[0].packages[1] has the lessons of packages[0], 5: leave one',
  ],
  [
    {
      lessons: [{ minutes: 60 }, { minutes: 30, trial: true, packages: [{ lessons: 5, prices: { all: 'price_1' } }] }],
    },
    'tutor.lessons[1].packages must be empty: a trial lesson is free',
  ],
  [{ name: ' ' }, /^tutor\.name is not in the right form, not " " \(The tutor’s name/],
  [{ languages: ['nl', 'fr'] }, 'tutor.languages[1] must be one of de, en, nl, not "fr" (a language that has texts)'],
  [{ languages: ['nl', 'nl'] }, /^tutor\.languages has one of them twice: leave one \(In which/],
  [{ languages: ['nl'], defaultLanguage: 'en' }, 'tutor.defaultLanguage must be one of languages, nl, not "en"'],
  [{ texts: { nl: { menuu: 'Dag' } } }, 'tutor.texts.nl.menuu is not a setting (did you mean texts.nl.menu?)'],
  [{ texts: { fr: {} } }, /^tutor\.texts\.fr is not a setting: there are de, en, nl$/],
  [{ texts: { nl: { menu: '' } } }, /^tutor\.texts\.nl\.menu is not in the right form, not "" \(can have \{tutor\}\)$/],
  [
    { texts: { nl: { booked: 'Tot {wen}!' } } },
    'tutor.texts.nl.booked has {wen}, which is not known there (did you mean when?)',
  ],
  [
    { texts: { nl: { price: '{prijs}' } } },
    'tutor.texts.nl.price has {prijs}, which is not known there: it can have {minutes}, {amount}, {tutor}',
  ],
  [
    { texts: { nl: { payFirst: 'Betaal {amount}' } } },
    'tutor.texts.nl.payFirst lacks {url}: without it a student can’t go on',
  ],
  [{ texts: { nl: { menu: 'Dag, ik ben {tutor}' } } }, 'tutor.texts.nl.menu has {tutor}, but name is not set'],
  [
    { texts: { nl: { choices: { book: 'Een heel lange keuze voor een les' } } } },
    /choices\.book must have at most 24 char/,
  ],
  [
    { texts: { nl: { choices: { book: 'prijzen' } } } },
    'tutor.texts.nl.choices.prices is the same as texts.nl.choices.book: a student could not choose',
  ],
  [{ menu: ['book'] }, 'tutor.menu lacks "human": whoever can’t go on must be able to ask for a person'],
  [
    { menu: ['human', 'boek'] },
    /^tutor\.menu\[1\] is not in the right form, not "boek" \(one of book, trial, packages, prices, my_lesson, human, or an/,
  ],
  [{ menu: ['human', 'human'] }, 'tutor.menu[1] is there twice: leave one'],
  [{ menu: ['human', { id: 'x' }] }, /^tutor\.menu\[1\] lacks title \(/],
  [
    { languages: ['nl', 'en'], menu: ['human', { id: 'x', title: { nl: 'X' }, answer: { en: 'Y' } }] },
    'tutor.menu[1].title lacks en: students are answered in that too\ntutor.menu[1].answer lacks nl: students are answered in that too',
  ],
  [
    { languages: ['nl'], menu: ['human', { id: 'x', title: { nl: 'X' } }] },
    'tutor.menu[1] must have an answer, or "person": true',
  ],
  [
    { languages: ['nl'], menu: ['human', { id: 'x', title: { nl: 'X' }, answer: { nl: 'Y' }, person: true }] },
    'tutor.menu[1] must have an answer, or "person": true',
  ],
  [
    { languages: ['nl'], menu: ['human', { id: 'x', title: { nl: 'Prijzen' }, person: true }] },
    'tutor.menu[1].title.nl is the same as texts.nl.choices.prices: a student could not choose',
  ],
  [{ payment: { minutesToPay: 35 } }, /^tutor\.payment\.minutesToPay must be at least 36, not 35 \(Minutes for which/],
  [
    { payment: { settleDays: { sepa: 14 } } },
    /^tutor\.payment\.settleDays\.sepa is not a setting: there are acss_debit, /,
  ],
  [{ payment: { settleDays: { sepa_debit: 0 } } }, 'tutor.payment.settleDays.sepa_debit must be at least 1, not 0'],
  [
    { cancellation: { untilHours: '24' } },
    /^tutor\.cancellation\.untilHours must be a number, not "24" \(Hours before a lesson until which the student can cancel/,
  ],
  [{ cancellation: { untilHours: -1 } }, /^tutor\.cancellation\.untilHours must be at least 0, not -1 \(/],
  [{ cancellation: { untilHours: null } }, /^tutor\.cancellation\.untilHours must be a number \(Hours before/],
  [
    { cancellation: { refund: 'always' } },
    /^tutor\.cancellation\.refund must be one of ask, automatic, none, not "always" \(What happens/,
  ],
  [
    { cancellation: { maxRefundsPerDay: 2.5 } },
    /^tutor\.cancellation\.maxRefundsPerDay must be a whole number, not 2\.5/,
  ],
  [
    { cancellation: { until: 24 } },
    'tutor.cancellation.until is not a setting: there are untilHours, refund, maxRefundsPerDay',
  ],
  [{ moving: { untilHours: 9_000 } }, /^tutor\.moving\.untilHours must be at most 8760, not 9000 \(/],
  [{ moving: { maxTimes: -1 } }, /^tutor\.moving\.maxTimes must be at least 0, not -1 \(How often/],
  [{ moving: { maxTime: 1 } }, 'tutor.moving.maxTime is not a setting (did you mean moving.maxTimes?)'],
  [{ reminders: { hours: 24 } }, /^tutor\.reminders\.hours must be a list, not 24 \(Hours before a lesson at which/],
  [{ reminders: { hours: [0] } }, 'tutor.reminders.hours[0] must be above 0, not 0 (hours before the lesson)'],
  [{ reminders: { hours: [337] } }, 'tutor.reminders.hours[0] must be at most 336, not 337 (hours before the lesson)'],
  [{ reminders: { hours: ['1 day'] } }, /^tutor\.reminders\.hours\[0\] must be a number, not "1 day" \(hours/],
  [{ reminders: { hours: [24, 24] } }, /^tutor\.reminders\.hours has one of them twice: leave one \(/],
  [{ reminders: { hours: [1, 2, 3, 4, 5, 6] } }, /^tutor\.reminders\.hours must have at most 5 \(/],
  [{ handOver: { hours: 0 } }, /^tutor\.handOver\.hours must be above 0, not 0 \(Hours after/],
  [{ handOver: { hours: '2' } }, /^tutor\.handOver\.hours must be a number, not "2"/],
  [{ words: { nl: { boek: [] } } }, 'tutor.words.nl.boek is not a setting (did you mean words.nl.book?)'],
  [
    { words: { nl: { book: ['les  boeken'] } } },
    /^tutor\.words\.nl\.book\[0\] is not in the right form, .*\(words with single/,
  ],
  [{ words: { nl: { book: ['le*'] } } }, /is not in the right form/],
  [{ words: { nl: { book: ['les ..'] } } }, /is not in the right form/],
  [{ planning: { new: { hours: { maandag: [] } } } }, /hours\.maandag is not a setting: there are monday, tuesday/],
]

for (const [settings, message] of CASES) {
  t.test(JSON.stringify(settings), async t => {
    t.throws(settle(settings), { message })
  })
}

t.test('all problems are said, a line each', async t => {
  const settings = { planing: 1, closed: [5, 'x'] }
  t.throws(settle(settings), { message: /^tutor\.planing .*\ntutor\.closed\[0\] .*\ntutor\.closed\[1\] .*$/ })
})

t.test('a file: missing, not JSON, wrong', async t => {
  const folder = t.testdir({ 'a.json': '{ "closed": ', 'b.json': '{"closed":[5]}', 'c.json': '[]' })
  const read = (name: string) => () => readTutorFile(`${folder}/${name}`)
  t.throws(read('none.json'), { message: /none\.json can't be read \(ENOENT.*\): give another path \(TUTOR_FILE\)$/ })
  t.throws(read('a.json'), { message: /a\.json is not JSON \(/ })
  t.throws(read('b.json'), { message: /b\.json: closed\[0\] must be a text/ })
  t.throws(read('c.json'), { message: /c\.json must be an object$/ })
})

t.test('spans in any order, with spaces and dashes; what is undefined is left out', async t => {
  const { planning } = settle({
    planning: { all: { hours: { monday: ['13:00 – 17:00', '9:00-12:00', '12:00-13:00'] }, leadMinutes: undefined } },
    closed: undefined,
  })()
  t.strictSame(planning.new.hours, {
    1: [
      [540, 720],
      [720, 780],
      [780, 1020],
    ],
  })
  t.equal(planning.new.leadMinutes, 720)
})

t.test('a segment’s own value counts before that for all, and that before the default', async t => {
  const { planning } = settle({ planning: { all: { daysAhead: 5, leadMinutes: 60 }, weekend: { daysAhead: 9 } } })()
  t.strictSame(
    Object.values(planning).map(({ daysAhead, leadMinutes }) => [daysAhead, leadMinutes]),
    [
      [5, 60],
      [5, 60],
      [5, 60],
      [9, 60],
      [5, 60],
    ],
  )
})

t.test('each rule for booked lessons that is not set has its default', async t => {
  const { cancellation, moving, reminders } = settle({
    cancellation: { refund: 'automatic' },
    moving: { maxTimes: 0 },
  })()
  t.strictSame(cancellation, { untilHours: 24, refund: 'automatic', maxRefundsPerDay: 5 })
  t.strictSame(moving, { untilHours: 24, maxTimes: 0 })
  t.strictSame(reminders, { hours: [24] })
  t.strictSame(settle({ reminders: { hours: [] } })().reminders, { hours: [] }, 'none')
})

t.test('closed days are the tutor’s, and end with the last one', async t => {
  const { planning } = settle({
    closed: ['2026-12-25', '2026-03-28/2026-03-29', '2026-12-24T12:00/2026-12-26T09:00'],
  })()
  const iso = ({ start, end }: { start: number; end: number }) =>
    [start, end].map(at => new Date(at).toISOString().slice(0, 16))
  t.strictSame(planning.trial.closed.map(iso), [
    ['2026-12-24T23:00', '2026-12-25T23:00'],
    ['2026-03-27T23:00', '2026-03-29T22:00'],
    ['2026-12-24T11:00', '2026-12-26T08:00'],
  ])
})

t.test('prices: a segment’s own, else the one for all; those of the environment count before them', async t => {
  const lessons = [
    { minutes: 60, prices: { all: 'price_all', new: { id: 'price_new', amount: 1, currency: 'EUR' } } },
    { minutes: 45, prices: { new: 'price_45' } },
    { minutes: 75 },
    { minutes: 90 },
  ]
  const tutor = tutorOf({ lessons }, 'Europe/Amsterdam', { weekend60: 'price_w', standard90: 'price_s' })
  const [hour] = tutor.lessons
  t.strictSame(hour.prices, {
    new: { id: 'price_new', from: 'lessons[0].prices.new', money: { amount: 1, currency: 'EUR' } },
    existing: { id: 'price_all', from: 'lessons[0].prices.all' },
    returning_broadcast: { id: 'price_all', from: 'lessons[0].prices.all' },
    weekend: { id: 'price_w', from: 'WEEKEND_PRICE_ID_60' },
  })
  t.strictSame(
    [...pricesByName(tutor)].filter(([, price]) => price === undefined).map(([name]) => name),
    [
      'lessons[2].prices',
      'lessons[1].prices.existing',
      'lessons[1].prices.returning_broadcast',
      'lessons[1].prices.weekend',
      'WEEKEND_PRICE_ID_90',
    ],
    'what is not set',
  )
})

t.test('prices of packages: a segment’s own, else the one for all, and never those of the environment', async t => {
  const packages = [
    { lessons: 10, prices: { all: 'price_10', new: { id: 'price_new', amount: 1, currency: 'EUR' } } },
    { lessons: 5, prices: { existing: 'price_5' } },
  ]
  const tutor = tutorOf({ lessons: [{ minutes: 60, packages }] }, 'Europe/Amsterdam', { standard60: 'price_s' })
  const [{ packages: ten }] = tutor.lessons
  t.match(ten, [
    { lessons: 10, prices: { new: { id: 'price_new', money: { amount: 1 } }, weekend: { id: 'price_10' } } },
    { lessons: 5 },
  ])
  t.strictSame(ten[1]?.prices, { existing: { id: 'price_5', from: 'lessons[0].packages[1].prices.existing' } })
  const names = [...pricesByName(tutor).keys()]
  t.strictSame(
    names.filter(name => name.includes('packages')),
    [
      'lessons[0].packages[0].prices.new',
      'lessons[0].packages[0].prices.all',
      'lessons[0].packages[1].prices.existing',
    ],
  )
})
