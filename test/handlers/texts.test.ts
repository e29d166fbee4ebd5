import t from 'tap'
import { languageOf, TEXTS } from '../../handlers/texts/index.ts'

t.test('every language says everything, and puts in what it is given', async t => {
  const keys = Object.keys(TEXTS.en).sort()
  for (const [language, texts] of Object.entries(TEXTS)) {
    t.strictSame(Object.keys(texts).sort(), keys, language)
    t.equal(Object.values(texts).includes(''), false)
    t.strictSame(Object.keys(texts.choices).sort(), Object.keys(TEXTS.en.choices).sort())
    t.equal(texts.when('A', 'B', null).includes('('), false)
    t.match(texts.when('A', 'B', 'C'), /^A .*B \(C\)$/)
    t.match(texts.chooseTime(90), /90/)
    t.match(texts.payFirst('A', 'https://pay', 'C'), /A .*C.* https:\/\/pay$/)
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
    ] as const) {
      t.match(texts[name]('XYZ'), /XYZ/, name)
    }
    t.match(texts.prices([texts.price(60, '60.00 EUR'), 'another line']), /60 .*60\.00 EUR\nanother line$/)
    t.match(texts.paid('60.00 EUR'), /60\.00 EUR/)
  }
})

t.test('no menu item has the title of another, in any language: a title is an answer', async t => {
  const titles = Object.values(TEXTS).flatMap(({ choices }) => Object.values(choices).map(title => title.toLowerCase()))
  t.equal(new Set(titles).size, titles.length)
  // WhatsApp's limits for a list: https://developers.facebook.com/docs/whatsapp/guides/interactive-messages
  for (const title of titles) t.ok(title.length <= 24, title)
})

t.test('the contact’s language, else the browser’s if that is English, else Dutch', async t => {
  t.equal(languageOf({ language: 'nl' }, { browser_language: 'en' }), 'nl')
  t.equal(languageOf({ language: 'en' }, {}), 'en')
  t.equal(languageOf({ language: 'fr' }, { browser_language: 'en-US' }), 'en')
  t.equal(languageOf({}, { browser_language: 'EN' }), 'en')
  for (const browser_language of ['fr', 'eno', '', null, undefined, 7])
    t.equal(languageOf({}, { browser_language }), 'nl')
})
