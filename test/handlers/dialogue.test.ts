import t from 'tap'
import {
  choiceAt,
  choicesOf,
  DIALOGUE,
  type Intent,
  intentOf,
  packageStep,
  type Situation,
  type Step,
  understand,
  understandOlder,
} from '../../handlers/dialogue.ts'
import { TEXTS } from '../../handlers/texts/index.ts'
import { tutorOf } from '../../tutor/tutor.ts'

const ZONE = 'Europe/Amsterdam'
const TIMES = ['2026-11-24T09:00:00Z', '2026-11-24T10:00:00Z'].map(Date.parse)

const situation = (parts: Partial<Situation> = {}): Situation => ({
  intent: 'slot',
  offered: TIMES,
  tutor: tutorOf({}, ZONE),
  without: new Set<Step>(['minutes_60']),
  reader: { language: 'nl', zone: ZONE, tutorZone: ZONE },
  ...parts,
})

t.test('the choices of a situation, in their order', async t => {
  t.strictSame(choicesOf(situation()), [
    { title: 'di 24 nov 10:00', value: '2026-11-24T09:00:00.000Z' },
    { title: 'di 24 nov 11:00', value: '2026-11-24T10:00:00.000Z' },
    { title: 'Andere tijden', value: 'other_times' },
    { title: 'Liever 90 minuten', value: 'minutes_90' },
    { title: 'Terug naar het menu', value: 'menu' },
    { title: 'Iemand spreken', value: 'human' },
  ])
  t.strictSame(
    choicesOf(situation({ intent: 'menu' })).map(({ value }) => value),
    ['book', 'trial', 'prices', 'my_lesson', 'human'],
    'times that were offered before are no answer to another question',
  )
})

t.test('an answer is understood by its value, or its title in any language', async t => {
  const [first, second] = TIMES as [number, number]
  const cases: [string, object][] = [
    ['2026-11-24T10:00:00.000Z', { time: second }],
    ['di 24 nov 10:00', { time: first }],
    [' DI 24 NOV 10:00. ', { time: first }],
    ['Tue 24 Nov 10:00', { time: first }],
    ['andere tijden!', { step: 'other_times' }],
    ['Other times', { step: 'other_times' }],
    ['minutes_90', { step: 'minutes_90' }],
  ]
  for (const [text, meaning] of cases) t.strictSame(understand(text, situation()), meaning, text)
})

t.test(
  'a number is a choice’s place where the choices were numbered; else it is an hour where times are asked for',
  async t => {
    const [first, second] = TIMES as [number, number]
    const places: [string, object][] = [
      ['1', { time: first }],
      ['2)', { time: second }],
      ['3', { step: 'other_times' }],
    ]
    for (const [text, meaning] of places) {
      t.strictSame(understand(text, situation({ numbersShown: true })), meaning, text)
      t.equal(understand(text, situation()), null, text)
      t.equal(understand(text, situation({ intent: 'rebook' })), null, text)
    }
    t.strictSame(understand('1', situation({ intent: 'menu' })), { step: 'book' }, 'nothing else has a number there')
    t.equal(understand('7', situation({ numbersShown: true })), null)
    t.equal(understand('1', situation({ intent: 'pay' })), null)
    t.strictSame(choiceAt(2, situation()), { time: second }, 'as in `option 2`')
    t.equal(choiceAt(9, situation()), null)
    t.equal(choiceAt(1, situation({ intent: 'pay' })), null)
    t.strictSame(choiceAt(1, situation({ intent: 'pay', numbersShown: true })), { step: 'pay_link' })
  },
)

t.test('only offered choices are understood; a person can be asked for anywhere', async t => {
  for (const text of ['', '0', '7', '-1', 'minutes_60', 'book', 'Les boeken', 'blub']) {
    t.equal(understand(text, situation()), null, text)
  }
  const asking = [
    'human',
    'Mag ik een mens spreken?',
    'can I talk to a real person',
    'medewerker',
    'iemand spreken aub',
  ]
  for (const text of asking) t.strictSame(understand(text, situation({ intent: 'pay' })), { step: 'human' }, text)
  for (const text of ['menselijk', 'iemand die wiskunde geeft', 'agenda']) {
    t.equal(understand(text, situation()), null, text)
  }
})

t.test('every question offers a person, and its answers fit WhatsApp', async t => {
  for (const [intent, { times = false }] of Object.entries(DIALOGUE)) {
    const choices = choicesOf(situation({ intent: intent as Intent, offered: [] })).map(({ value }) => value)
    t.ok(choices.includes('human'), intent)
    // Of a list: https://developers.facebook.com/docs/whatsapp/cloud-api/messages/interactive-list-messages
    t.ok(choices.length + (times ? 6 : 0) <= 10, `${intent}: one of the two lengths is always left out`)
  }
  for (const { choices } of Object.values(TEXTS)) {
    for (const title of Object.values(choices)) t.ok(title.length <= 24, title)
  }
})

t.test('an unknown intent means the menu', async t => {
  t.equal(intentOf({ pending_intent: 'rebook' }), 'rebook')
  for (const pending_intent of ['book', '', null, undefined, 7, 'toString'])
    t.equal(intentOf({ pending_intent }), 'menu')
})

t.test('an older choice of a package: that one, or which there are once it is not sold any more', async t => {
  const tutor = tutorOf({ lessons: [{ minutes: 60, packages: [{ lessons: 10, prices: { all: 'price_1' } }] }] }, ZONE)
  const step = packageStep(60, 10)
  t.strictSame(understandOlder(step, situation({ tutor, without: new Set() })), { step })
  t.strictSame(understandOlder(step, situation({ tutor, without: new Set([step]) })), { step: 'packages' })
})
