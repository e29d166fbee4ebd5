import t from 'tap'
import { LANGUAGE_CODES, TEXTS } from '../../handlers/texts/index.ts'
import { PLACEHOLDERS, placeholdersIn, textsOf, writtenText } from '../../tutor/texts.ts'
import { tutorOf } from '../../tutor/tutor.ts'

/** Texts that a tutor writes. */

const NAMES = Object.keys(PLACEHOLDERS) as (keyof typeof PLACEHOLDERS)[]

t.test('each text of ours has the parameters that can be named, in every language', async t => {
  for (const name of NAMES) {
    for (const code of LANGUAGE_CODES) {
      t.strictSame(
        [...new Set(placeholdersIn(writtenText(code, name)))].sort(),
        [...PLACEHOLDERS[name]].sort(),
        `${code} ${name}`,
      )
    }
  }
})

t.test('our own texts, written by a tutor, say the same', async t => {
  const own = Object.fromEntries(NAMES.map(name => [name, writtenText('nl', name)]))
  const { nl } = textsOf({ nl: own })
  const given: Record<string, unknown[]> = {
    prices: [['a', 'b']],
    packages: [['a', 'b']],
    otherLengths: [[45, 60, 90]],
  }
  for (const name of NAMES) {
    const [ours, theirs] = [TEXTS.nl[name], nl[name]] as unknown[]
    if (typeof ours !== 'function') {
      t.equal(theirs, ours, name)
      continue
    }
    const values = given[name] ?? ['A', 'B', 'C', 'D', 'E'].slice(0, ours.length)
    if (name !== 'otherLengths') t.equal((theirs as typeof ours)(...values), ours(...values), name)
  }
  t.equal(nl.otherLengths([45, 60, 90]), 'Een les duurt 45, 60 of 90 minuten.')
  t.equal(nl.choices.book, 'Les boeken')
})

t.test('the tutor’s name, and what has braces in it', async t => {
  const { en } = textsOf(
    { en: { booked: '{when}: {tutor}, {when}', menu: 'I am {tutor}', paidPage: { title: 'Hey' } } },
    'Ann',
  )
  t.equal(en.booked('Monday {tutor}'), 'Monday {tutor}: Ann, Monday {tutor}', 'what is put in is not read again')
  t.equal(en.menu, 'I am Ann')
  t.strictSame(en.paidPage, { title: 'Hey', text: TEXTS.en.paidPage.text })
})

t.test('a greeting: with a name, or of one’s own', async t => {
  const greetings = (settings: Parameters<typeof tutorOf>[0]) => tutorOf(settings, 'Europe/Amsterdam').greetings
  t.strictSame(greetings({}), {})
  t.equal(greetings({ name: 'Ann' }).en, 'You are chatting with the digital assistant of Ann.')
  t.strictSame(greetings({ texts: { nl: { greeting: 'Dag!' } } }), { nl: 'Dag!' })
  t.equal(greetings({ name: 'Ann', texts: { nl: { greeting: 'Dag van {tutor}!' } } }).nl, 'Dag van Ann!')
})

t.test('of the languages one is the default', async t => {
  const of = (settings: Parameters<typeof tutorOf>[0]) => tutorOf(settings, 'Europe/Amsterdam').defaultLanguage
  t.equal(of({}), 'nl')
  t.equal(of({ languages: ['de', 'nl'] }), 'nl')
  t.equal(of({ languages: ['de', 'en'] }), 'de')
  t.equal(of({ languages: ['de', 'en'], defaultLanguage: 'en' }), 'en')
})
