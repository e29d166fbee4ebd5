import t, { type Test } from 'tap'
import { urgentWishOf, wishOf } from '../../handlers/wishes.ts'
import { pay } from '../../sandbox/payments.ts'
import { goOn } from '../helpers/later.ts'
import { contactOf, reserved, setUp } from '../helpers/lesson-story.ts'

/** Students turn reminders off and on, in their own words. */

const REMINDED = /^Herinnering: je hebt les op woensdag 25 november/
const OFF = 'Je krijgt geen herinneringen meer. Wil je ze terug? Schrijf dan “herinneringen aan”.'
const ON = 'Je krijgt weer een herinnering voor je les.'

/** Renée has booked the lesson of Wednesday, 10:00. */
async function booked(t: Test, options: Parameters<typeof setUp>[1] = {}) {
  const tutor = await setUp(t, options)
  const renee = tutor.student('widget')
  for (const text of ['Les boeken', 'Les boeken']) await renee.says(text)
  await renee.chooses('wo 25 nov 10:00')
  await tutor.deliver(pay(tutor.session()).completed)
  return {
    ...tutor,
    renee,
    /** What is said on the day before. */
    async reminded() {
      const before = renee.read().length
      await goOn(tutor, Date.parse('2026-11-24T10:00+01:00'))
      return renee.read().slice(before)
    },
  }
}

t.test('stop, after the booking: one short word, and no reminder; they can come back', async t => {
  const tutor = await booked(t)
  const { renee, reminded } = tutor
  t.strictSame(await renee.says('STOP'), [OFF])
  t.match(renee.conversation, { status: 'pending', custom_attributes: { reminders: 'off' } })
  t.match(contactOf(tutor), { reminders: 'off' })
  t.strictSame(await reminded(), [])
  t.match(tutor.log.lines.findLast(({ msg }) => msg.startsWith('no reminder'))?.msg, /does not want any/)
  t.strictSame(await renee.says('herinneringen aan'), [ON])
  t.match(contactOf(tutor), { reminders: 'on' })
})

t.test('stop answers the reminder, not the lesson that was looked at before it', async t => {
  const { renee, reminded } = await booked(t)
  await renee.says('wanneer is mijn les?')
  t.match(renee.conversation.custom_attributes?.my_lesson, /^lesson /)
  t.match(await reminded(), [REMINDED])
  t.strictSame(await renee.says('stop'), [OFF])
})

t.test('nor the lessons that were listed before it', async t => {
  const tutor = await booked(t)
  const { renee, reminded } = tutor
  for (const text of ['Les boeken', 'vrijdag 15:00']) await renee.says(text)
  await tutor.deliver(pay(tutor.session(2)).completed)
  await renee.says('wanneer zijn mijn lessen?')
  t.match(renee.conversation.custom_attributes?.my_lesson, /^lessons /)
  t.match(await reminded(), [REMINDED])
  t.strictSame(await renee.says('stop'), [OFF])
})

t.test('the question when the lesson shall be instead stays open', async t => {
  const { renee, reminded } = await booked(t)
  await renee.says('ik wil mijn les verzetten')
  t.match(await reminded(), [REMINDED])
  t.match(renee.conversation.custom_attributes?.my_lesson, /^move /)
})

t.test('off and on again before it is due: it comes', async t => {
  const { renee, reminded } = await booked(t)
  await renee.says('ik wil geen herinneringen meer')
  await renee.says('zet de herinneringen maar weer aan')
  t.match(await reminded(), [REMINDED])
})

t.test('the tutor’s own word on the contact counts before the conversation’s', async t => {
  for (const [contact, count] of [
    ['off', 0],
    [false, 0],
    ['on', 1],
  ] as const) {
    t.test(`${contact}`, async t => {
      const { chatwoot, renee, reminded } = await booked(t)
      const { custom_attributes } = chatwoot.contacts.get(renee.conversation.contact) as { custom_attributes: object }
      Object.assign(custom_attributes, { reminders: contact })
      Object.assign(renee.conversation.custom_attributes ?? {}, { reminders: contact === 'on' ? 'off' : 'on' })
      t.equal((await reminded()).length, count)
    })
  }
})

t.test('a bot’s token may not write the contact: the conversation remembers it', async t => {
  const { renee, reminded } = await booked(t, { admin: false })
  t.strictSame(await renee.says('stop'), [OFF])
  t.strictSame(await reminded(), [])
})

t.test('in a choice, stop keeps its meaning; words that name reminders do not depend on it', async t => {
  t.test('a lesson that awaits its payment', async t => {
    const tutor = await setUp(t)
    const renee = await reserved(tutor)
    t.match(await renee.says('geen herinneringen meer'), [
      /^Je krijgt geen herinneringen meer\. .*\n\nJe les op dinsdag 24 november .* wacht op je betaling/,
    ])
    t.match(renee.choices(), ['Link opnieuw sturen'])
    t.match(await renee.says('stop'), [/^Hoi! Waarmee/])
    t.strictSame(await tutor.busy(), [])
    t.match(await renee.says('herinneringen aan'), [ON])
  })
  t.test('a time is chosen', async t => {
    const tutor = await setUp(t)
    const renee = tutor.student()
    await renee.says('Les boeken')
    await renee.says('Les boeken')
    t.match(await renee.says('stop'), [/^Hoi! Waarmee/])
    t.equal(renee.conversation.custom_attributes?.reminders, undefined)
  })
})

t.test('the tutor has none: nothing to turn on', async t => {
  const { renee } = await booked(t, { tutor: { reminders: { hours: [] } } })
  t.match(await renee.says('herinneringen aan'), [/^Hoi! Waarmee/])
})

const MENU = { intent: 'menu', isPersonOffered: false } as const
const wish = (text: string) => urgentWishOf(text, MENU) ?? wishOf(text, MENU)

t.test('in many words, in each language', async t => {
  const off = [
    'stop',
    'Stop maar',
    'geen herinneringen meer aub',
    'stop met herinneren',
    'ik wil stoppen met herinneringen',
    'zet de herinneringen uit',
    'ik hoef niet meer herinnerd te worden, bedankt',
    'stop met die herinneringen',
    'herinner me er niet meer aan',
    'no more reminders please',
    'Please stop reminding me',
    'I don’t want any reminders',
    'turn off the reminders',
    'stop sending me reminders',
    'keine Erinnerungen mehr',
    'Bitte keine Erinnerungen',
    'Erinnerungen bitte ausschalten',
    'hör auf, mich zu erinnern',
    'ich möchte nicht mehr erinnert werden',
    'stopp',
  ]
  for (const text of off) t.strictSame(wish(text), { reminders: 'off' }, text)
  const on = [
    'herinneringen aan',
    'zet de herinneringen weer aan',
    'ik wil weer een herinnering',
    'stuur me weer herinneringen',
    'reminders on',
    'turn reminders back on',
    'please send me reminders again',
    'I would like reminders',
    'Erinnerungen an',
    'Bitte wieder Erinnerungen',
    'Erinnerungen wieder einschalten',
  ]
  for (const text of on) t.strictSame(wish(text), { reminders: 'on' }, text)
  const others: [string, unknown][] = [
    ['laat maar', 'here'],
    ['stoppen met bijles', { person: 'cancel' }],
    ['ik wil stoppen', { person: 'cancel' }],
    ['I want to stop', { person: 'cancel' }],
    ['ich möchte stoppen', { person: 'cancel' }],
    ['ik wil de herinneringen stoppen', { reminders: 'off' }],
    ['ik ben ziek, en geen herinneringen meer', { person: 'ill' }],
    ['annuleer mijn les en stuur geen herinneringen meer', { person: 'cancel' }],
    ['stop met die bot', { person: 'person' }],
    ['bedankt voor de herinnering', 'nothing'],
    ['danke für die Erinnerung', 'nothing'],
    ['thanks for the reminder', 'nothing'],
  ]
  for (const [text, expected] of others) t.strictSame(wish(text), expected, text)
})
