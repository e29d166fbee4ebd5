import { readdirSync } from 'node:fs'
import t from 'tap'
import { splitPhrases } from '../../handlers/phrases.ts'
import { LANGUAGE_CODES, LANGUAGES, languageOf, TEXTS } from '../../handlers/texts/index.ts'

t.test('every language has all texts, with their parameters', async t => {
  const keys = Object.keys(TEXTS.en).sort()
  for (const [language, texts] of Object.entries(TEXTS)) {
    t.strictSame(Object.keys(texts).sort(), keys, language)
    t.equal(Object.values(texts).includes(''), false)
    t.strictSame(Object.keys(texts.choices).sort(), Object.keys(TEXTS.en.choices).sort())
    t.equal(texts.when('A', 'B', null).includes('('), false)
    t.match(texts.when('A', 'B', 'C'), /^A .*B \(C\)$/)
    t.match(texts.chooseTime(90), /90/)
    t.match(texts.payFirst('A', 'https://pay', 'C', 'D'), /A .*D .*C.* https:\/\/pay$/)
    for (const name of [
      'trialBooked',
      'booked',
      'paid',
      'expired',
      'refunded',
      'cancelled',
      'timeKept',
      'timeNotKept',
      'refundFailed',
      'awaitsPayment',
      'reminder',
    ] as const) {
      t.match(texts[name]('XYZ'), /XYZ/, name)
    }
    t.match(texts.onDays('A'), / A/)
    t.match(texts.dayRange('A', 'B'), / A .* B/)
    t.match(texts.hourRange('A', 'B'), / A .* B/)
    t.match(texts.linkExpires('A', 'B', 'https://pay'), /B.* A .*https:\/\/pay$/)
    t.match(texts.prices([texts.price(60, '60.00 EUR'), 'another line']), /60 .*60\.00 EUR\nanother line$/)
    t.match(texts.paid('60.00 EUR'), /60\.00 EUR/)
    const { aboutLesson, wayBack } = LANGUAGES[language as keyof typeof LANGUAGES]
    t.match(aboutLesson('A', 'OPL-1'), / A .*OPL-1/)
    t.match(wayBack.onPage('https://page'), /: https:\/\/page$/)
    t.match(wayBack.byItself(24), / 24 /)
    t.ok(texts.weekly.includes(texts.choices.human), 'the choice that it names is one')
    t.ok(texts.weeklyTooFar('A').includes(texts.choices.human))
    t.match(texts.lessonsAndMinutes(0, 60, 30), /^30 \w+$/)
    t.match(texts.lessonsAndMinutes(1, 60, 0), /^1 .*60 \w+$/)
    t.match(texts.lessonsAndMinutes(2, 60, 30), /^2 .*60 .*30 \w+$/)
    t.not(texts.lessonsAndMinutes(1, 60, 0).slice(1), texts.lessonsAndMinutes(2, 60, 0).slice(1))
  }
})

t.test('every language has time words, and what Stripe and the calendar need', async t => {
  const files = readdirSync(new URL('../../handlers/texts', import.meta.url))
  const ofLanguages = files.filter(file => /^[a-z]{2,3}(-\w+)?\.ts$/.test(file)).map(file => file.replace('.ts', ''))
  t.strictSame(ofLanguages, [...LANGUAGE_CODES], 'each file is in languages.ts, under its own name')
  const codes = LANGUAGE_CODES.flatMap(code => LANGUAGES[code].codes)
  t.equal(new Set(codes).size, codes.length, 'a code means one language')
  for (const code of LANGUAGE_CODES) {
    const { codes, locale, stripeLocale, personWords, times } = LANGUAGES[code]
    t.ok(codes.includes(code), code)
    t.strictSame(Intl.DateTimeFormat.supportedLocalesOf(locale), [locale])
    t.not(stripeLocale, 'auto')
    t.notMatch(personWords.flags, /[gy]/, 'it has no state')
    t.ok(Object.values(times.inDays).includes(0) && times.words.morning !== '', 'today and tomorrow')
    t.ok(times.words.filler.split(', ').length > 5)
    for (const [kind, phrases] of Object.entries(times.words)) {
      for (const phrase of splitPhrases(phrases)) t.equal(phrase, phrase.trim().toLowerCase(), kind)
    }
  }
})

t.test('a person can be requested in any language', async t => {
  const asks = (text: string) => LANGUAGE_CODES.some(code => LANGUAGES[code].personWords.test(text))
  for (const text of [
    'Mensch',
    'jemand?',
    'Lehrer',
    'eine Person',
    'ein echter Mensch',
    'Ich möchte mit jemandem sprechen',
    'Kann ich mit einem Menschen reden?',
    'kann ich den Lehrer sprechen',
    'ich will einen Mitarbeiter',
    'Mit jemandem von euch sprechen',
    'gibt es hier echte Menschen',
  ]) {
    t.equal(asks(text), true, text)
  }
  for (const text of [
    'Ich suche jemanden, der Mathe kann',
    'Was kostet es pro Person?',
    'Kann mir jemand helfen?',
    'Ich brauche einen Lehrer für Mathe',
    'unmenschlich',
    'Jemand hat mir das empfohlen',
  ]) {
    t.equal(asks(text), false, text)
  }
})

t.test('menu titles are unique across languages, since a title is an answer', async t => {
  const titles = Object.values(TEXTS).flatMap(({ choices }) => Object.values(choices).map(title => title.toLowerCase()))
  t.equal(new Set(titles).size, titles.length)
  // WhatsApp's limits for a list: https://developers.facebook.com/docs/whatsapp/guides/interactive-messages
  for (const title of titles) t.ok(title.length <= 24, title)
})

t.test('the contact’s language, else the browser’s, if there are texts for it, else Dutch', async t => {
  t.equal(languageOf({ language: 'nl' }, { browser_language: 'en' }), 'nl')
  t.equal(languageOf({ language: 'en' }, {}), 'en')
  t.equal(languageOf({ language: 'de' }, { browser_language: 'nl' }), 'de')
  t.equal(languageOf({}, { browser_language: 'de-AT' }), 'de')
  t.equal(languageOf({ language: 'fr' }, { browser_language: 'en-US' }), 'en')
  t.equal(languageOf({}, { browser_language: 'EN' }), 'en')
  for (const browser_language of ['fr', 'eno', '', null, undefined, 7])
    t.equal(languageOf({}, { browser_language }), 'nl')
})
