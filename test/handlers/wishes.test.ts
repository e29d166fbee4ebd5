import fc from 'fast-check'
import t from 'tap'
import { Phrases, Spelling, splitPhrases, wordsIn } from '../../handlers/phrases.ts'
import { LANGUAGE_CODES, LANGUAGES } from '../../handlers/texts/index.ts'
import { isYes, OUR_WORDS, placeIn, urgentWishOf, wishOf } from '../../handlers/wishes.ts'

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
  t.strictSame(wordsIn('hoooi, de zeeën'), ['hoi', 'de', 'zeeen'], 'what is drawn out is shortened')
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

t.test('no to a time that was asked about is to others', async t => {
  const wish = (text: string, isTimeAsked: boolean) =>
    wishOf(text, { intent: 'slot', isPersonOffered: false, isTimeAsked })
  for (const text of ['nee', 'nee bedankt', 'no thanks', 'nein']) {
    t.strictSame(wish(text, true), { step: 'other_times' }, text)
    t.equal(wish(text, false), 'here', text)
  }
  t.equal(wish('ok', true), 'nothing')
})

t.test('all lessons of each week, or one of them', async t => {
  const wish = (text: string, more: object = {}) =>
    urgentWishOf(text, { intent: 'menu', isPersonOffered: false, mayHaveLesson: true, ...more })
  const all = [
    'kan mijn vaste les naar donderdag',
    'kan onze wekelijkse les een uur later?',
    'Ik wil de wekelijkse lessen annuleren',
    'al mijn lessen annuleren',
    'ik kan niet meer elke dinsdag',
    'mag ik mijn vaste les pauzeren',
    'stoppen met bijles',
    'can we switch my regular slot to Wednesday',
    'please cancel all my lessons',
    'I don’t want weekly lessons anymore',
    'können wir den festen Termin verlegen',
    'ich will keine feste Stunde mehr',
    'kann meine wöchentliche Stunde donnerstags sein?',
  ]
  for (const text of all) {
    t.strictSame(wish(text), { lesson: 'weekly' }, text)
    t.strictSame(wish(text, { mayHaveLesson: false }), { person: 'cancel' }, text)
  }
  for (const text of ['alle', 'allemaal aub', 'all of them', 'mijn vaste les']) {
    t.strictSame(wish(text, { intent: 'lessons', isWhichAsked: true }), { lesson: 'weekly' }, text)
    t.equal(wish(text), undefined, `${text}: to nothing`)
  }
  const isOneMeant = true
  t.strictSame(wish('kan mijn vaste les naar donderdag', { isOneMeant }), { lesson: 'move' })
  t.strictSame(wish('mijn vaste les annuleren', { isOneMeant }), { lesson: 'cancel' })
  t.strictSame(wish('mijn vaste les', { isOneMeant }), undefined)
  t.strictSame(wish('mijn les annuleren'), { lesson: 'cancel' })
  t.strictSame(wish('ik ben ziek, kan mijn vaste les naar donderdag'), { person: 'ill' })
  for (const text of [
    'een vaste tijd op een andere dag',
    'ik wil een vaste tijd, liever later',
    'a weekly lesson on Thursday',
  ]) {
    t.equal(wish(text), undefined, `${text}: a new one`)
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
    'maths is my worst subject',
    'we moeten een presentatie voorbereiden',
    'Where are you located?',
    'ich kann dienstags nicht, lieber mittwochs',
  ]
  for (const text of texts) {
    t.equal(urgentWishOf(text, { intent: 'menu', isPersonOffered: false }), undefined, text)
  }
})

t.test('who thinks it over, or is fine without, neither accepts nor lets go', async t => {
  for (const text of ['I’m good', 'ja helaas', 'ok maybe', 'ja leider']) t.notOk(isYes(text, OUR_WORDS), text)
  for (const text of ['ok, let me think about it', 'oké ik denk er nog over na', 'ich melde mich', 'momentje']) {
    t.notOk(isYes(text, OUR_WORDS), text)
    t.equal(wishOf(text, { intent: 'pay', isPersonOffered: false }), 'here', text)
  }
  t.ok(isYes('jaaaa graag!!', OUR_WORDS))
})

t.test('each word of a message is compared a bounded number of times, whatever is in it', async t => {
  // As endOf does: a gap is tried with each number of words in it, so two in one phrase would multiply.
  const MAX_WORDS_IN_GAP = 4
  const byBeginning = new Map<string, number>()
  for (const code of LANGUAGE_CODES) {
    const { fillers: _, ...kinds } = LANGUAGES[code].wishes
    for (const phrase of Object.values(kinds).flatMap(splitPhrases)) {
      const parts = phrase.replace('=', '').split(' ')
      const gaps = parts.filter(part => part === '..').length
      if (gaps > 1) t.fail(`${phrase}: ${gaps} gaps`)
      const beginning = parts[0]?.slice(0, 3) as string
      const comparisons = (MAX_WORDS_IN_GAP + 1) ** gaps * parts.length
      byBeginning.set(beginning, (byBeginning.get(beginning) ?? 0) + comparisons)
    }
  }
  t.ok(Math.max(...byBeginning.values()) <= 510, 'phrases that begin alike: nearly all words have none')
})

t.test('whatever is written is a wish or none', async t => {
  const parts = [
    'les ',
    'kan ',
    'link ',
    'ik wil ',
    'boekn ',
    '! ',
    '1 ',
    'é',
    "'ll",
    'kan niet ',
    '👍',
    '\u0301',
    'geld ',
  ]
  const text = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 300 }),
    fc.array(fc.constantFrom(...parts), { maxLength: 100 }).map(words => words.join('')),
    fc.constantFrom(...parts).map(part => part.repeat(300).slice(0, 300)),
  )
  const isWish = (wish: ReturnType<typeof wishOf>) =>
    typeof wish === 'object'
      ? 'step' in wish || 'person' in wish
      : [undefined, 'here', 'back', 'nothing'].includes(wish)
  fc.assert(
    fc.property(text, fc.constantFrom(...SITUATIONS), fc.boolean(), (text, situation, isNumberPlace) => {
      const place = placeIn(text, isNumberPlace)
      return (
        isWish(urgentWishOf(text, situation)) &&
        isWish(wishOf(text, situation)) &&
        (place === undefined || Number.isInteger(place))
      )
    }),
    { numRuns: 500 },
  )
  t.pass()
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

t.test('other times, while a booked lesson is shown: it shall be moved', async t => {
  const situation = { intent: 'lesson', isPersonOffered: false } as const
  for (const text of ['andere tijden', 'other times please', 'gibt es andere zeiten?']) {
    t.same(
      urgentWishOf(text, { ...situation, mayHaveLesson: true }) ?? wishOf(text, situation),
      { lesson: 'move' },
      text,
    )
  }
})
