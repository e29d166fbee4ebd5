import t from 'tap'
import { Phrases, Spelling, splitPhrases, wordsIn } from '../../handlers/phrases.ts'
import { LANGUAGE_CODES, LANGUAGES } from '../../handlers/texts/index.ts'
import { placeIn, urgentWishOf, wishOf } from '../../handlers/wishes.ts'

const SITUATIONS = (['menu', 'slot', 'pay', 'rebook'] as const).flatMap(intent =>
  [true, false].map(isPersonOffered => ({ intent, isPersonOffered })),
)

t.test('a phrase: whole messages, endings, words between', async t => {
  const phrases = new Phrases(splitPhrases('=stop, annul*, geld .. terug'))
  for (const text of ['Ik annuleer', 'ANNULEREN!', 'geld terug', 'mijn geld dus wel graag even terug']) {
    t.ok(phrases.isIn(wordsIn(text)), text)
  }
  for (const text of ['stop', 'ann', 'terug geld', 'geld een twee drie vier vijf terug', 'geld', '']) {
    t.notOk(phrases.isIn(wordsIn(text)), text)
  }
  const fillers = new Set(['nu', 'aub'])
  for (const text of ['stop', 'Stop nu, aub.']) t.ok(phrases.isAll(wordsIn(text), fillers), text)
  for (const text of ['stop niet', 'nu', '']) t.notOk(phrases.isAll(wordsIn(text), fillers), text)
})

t.test('words: without case, accents, apostrophes', async t => {
  t.strictSame(wordsIn('Oké, können Sie’s? I can’t; I’ll: straße 17:30'), [
    'oke',
    'konnen',
    'sies',
    'i',
    'cant',
    'i',
    'strasse',
    '17',
    '30',
  ])
})

t.test('spelling: one letter wrong, missing, surplus or swapped, but never the first', async t => {
  const spelling = new Spelling(['boeken', 'boeken', 'prijs', 'les'])
  for (const word of ['boeken', 'boekn', 'boeeken', 'boekem', 'beoken', 'boeknen']) {
    t.equal(spelling.correct(word), 'boeken', word)
  }
  for (const word of ['hoeken', 'zoeken', 'boe', 'boemel', 'lse', 'b'.repeat(21)]) t.equal(spelling.correct(word), word)
})

t.test('every phrase can be found, and fillers deny nothing', async t => {
  for (const code of LANGUAGE_CODES) {
    const { fillers, ...kinds } = LANGUAGES[code].wishes
    for (const [kind, phrases] of Object.entries(kinds)) {
      for (const phrase of splitPhrases(phrases)) {
        t.match(phrase, /^=?[a-z0-9]+(\*| [a-z0-9]+\*?| \.\.)*$/, `${code} ${kind}`)
        t.ok(new Phrases([phrase]).isAll(wordsIn(phrase.replaceAll('*', '')), new Set()), phrase)
      }
    }
    t.notOk(/\b(niet|geen|nooit|not|no|never|nicht|kein|keine)\b/.test(fillers), code)
  }
})

t.test('what is no wish for a person', async t => {
  const texts = [
    'I’ll take Tuesday',
    'Hi, I am looking for someone who can help me with maths',
    'Wat kost het per persoon?',
    'Ik snap hoeken en krachten niet',
    'kunnen jullie rekening houden met dyslexie?',
    'dinsdag kan ik niet',
    'Natuurkunde, verplaatsing en snelheid',
    'Ik ben Bill',
    'wie viel kostet das?',
    'mijn dochter zit in 4 havo',
  ]
  for (const text of texts) {
    t.equal(urgentWishOf(text, { intent: 'menu', isPersonOffered: false }), undefined, text)
  }
})

t.test('a message is understood in a millisecond, whatever is in it', async t => {
  const repeated = [
    'les ',
    'kan ',
    'link ',
    'ik wil ',
    'wat ',
    'boekn ',
    '! ',
    '1 ',
    'a',
    'é',
    "'ll",
    'kan niet ',
    '👍',
    '\u0301',
  ]
  const hostile = repeated.map(part => part.repeat(300).slice(0, 300))
  const letters = [...'abcdefghijklmnop qrstuvwxyz .. 123 é’👍']
  let seed = 7
  const random = (below: number) => {
    seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31
    return seed % below
  }
  for (let n = 0; n < 200; n++)
    hostile.push(Array.from({ length: 300 }, () => letters[random(letters.length)]).join(''))
  const readAll = () => {
    for (const text of hostile) {
      for (const situation of SITUATIONS)
        void [urgentWishOf(text, situation), wishOf(text, situation), placeIn(text, false)]
    }
  }
  readAll()
  const before = process.cpuUsage()
  readAll()
  const { user, system } = process.cpuUsage(before)
  const each = (user + system) / 1_000 / (hostile.length * SITUATIONS.length)
  t.comment(`${each.toFixed(3)} ms of CPU for each`)
  // A hundred times what it takes: an explosion would take seconds.
  t.ok(each < 10, `${each} ms`)
})

t.test('a choice by its number: a larger one only where it is said to be one', async t => {
  const cases: [string, number | undefined][] = [
    ['6', 6],
    ['7', undefined],
    ['17 graag', undefined],
    ['optie 7', 7],
    ['2️⃣', 2],
    ['nummer twee', 2],
    ['twee', undefined],
    ['die zweite bitte', 2],
    ['€ 2', undefined],
    ['2 of 3', undefined],
    ['graag', undefined],
  ]
  for (const [text, place] of cases) t.equal(placeIn(text, true), place, text)
  for (const text of ['1', '1 graag', '6', 'de 2 graag'])
    t.equal(placeIn(text, false), undefined, `${text}: may be an hour`)
  for (const text of ['optie 1', '#1', '(1)', '1️⃣', 'de eerste']) t.equal(placeIn(text, false), 1, text)
})
