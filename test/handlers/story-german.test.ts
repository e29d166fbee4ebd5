import t from 'tap'
import { pay, sessionEvent } from '../../sandbox/payments.ts'
import { setUp } from '../helpers/lesson-story.ts'

/** A lesson asked for, paid and booked in German, and what else a German student reads. */

const GERMAN = { language: 'de' }

for (const channel of ['widget', 'whatsapp'] as const) {
  t.test(`a lesson requested, paid and booked in German: ${channel}`, async t => {
    const tutor = await setUp(t)
    const lena = tutor.student(channel, {}, GERMAN)
    t.strictSame(await lena.says('Hallo, ich suche Nachhilfe in Mathe'), ['Hallo! Wie kann ich dir helfen?'])
    t.strictSame(lena.choices(), ['Stunde buchen', 'Gratis-Probestunde', 'Preise', 'Jemanden sprechen'])
    t.strictSame(await lena.says('Preise'), ['Unsere Preise:\n60 Minuten: 60,00 €\n90 Minuten: 85,00 €'])
    t.strictSame(await lena.chooses('Stunde buchen'), [
      'Wann möchtest du deine Stunde (60 Minuten)? Du kannst auch einfach einen Tag und eine Uhrzeit schreiben.',
    ])
    t.strictSame(lena.choices(), [
      'Di, 24.11., 10:00 Uhr',
      'Di, 24.11., 16:00 Uhr',
      'Mi, 25.11., 10:00 Uhr',
      'Mi, 25.11., 16:00 Uhr',
      'Do, 26.11., 10:00 Uhr',
      'Do, 26.11., 16:00 Uhr',
      'Andere Zeiten',
      'Lieber 90 Minuten',
      'Zurück zum Menü',
      'Jemanden sprechen',
    ])
    t.strictSame(await lena.chooses('Mi, 25.11., 10:00 Uhr'), [
      `Deine Stunde am Mittwoch, 25. November um 10:00 Uhr ist für dich reserviert. Bitte bezahle 60,00 € bis 11:40 Uhr, damit die Buchung gilt: ${tutor.session().url}`,
    ])
    t.equal(tutor.session().locale, 'de', 'Stripe’s page is in German too')

    const { completed, succeeded } = pay(tutor.session())
    await tutor.deliver(succeeded)
    await tutor.deliver(completed)
    t.equal(
      lena.read().at(-1),
      'Vielen Dank! Deine Zahlung über 60,00 € ist eingegangen.\nDeine Stunde ist gebucht: Mittwoch, 25. November um 10:00 Uhr. Bis dann!',
    )
    t.match(await tutor.lessons(), [{ start: Date.parse('2026-11-25T09:00:00Z'), service: 'Nachhilfe' }])
  })
}

t.test('a time is written in German', async t => {
  const cases = [
    ['Option 2', 'Dienstag, 24. November um 16:00 Uhr'],
    ['Di, 24.11., 16:00 Uhr', 'Dienstag, 24. November um 16:00 Uhr'],
    ['am 2.12. um 19 Uhr', 'Mittwoch, 2. Dezember um 19:00 Uhr'],
    ['Geht Donnerstag um drei?', 'Donnerstag, 26. November um 15:00 Uhr'],
    ['übermorgen 14h', 'Mittwoch, 25. November um 14:00 Uhr'],
    ['Friday 5 pm', 'Freitag, 27. November um 17:00 Uhr'],
  ] as const
  const tutor = await setUp(t)
  for (const [index, [text, when]] of cases.entries()) {
    const lena = tutor.student('whatsapp', { id: 4100100 + index, contact: 4100100 + index }, GERMAN)
    await lena.says('Hallo')
    await lena.says('Stunde buchen')
    t.match((await lena.says(text))[0], `Deine Stunde am ${when} ist für dich reserviert.`, text)
    await lena.says('Ein anderer Termin')
  }
})

t.test('a trial lesson at half past five is asked for as halb sechs', async t => {
  const tutor = await setUp(t)
  const lena = tutor.student('whatsapp', {}, GERMAN)
  await lena.says('Hallo')
  await lena.says('Kostenlose Probestunde')
  t.match(await lena.says('Dienstag um halb sechs geht nicht'), [/^Wann möchtest du/], 'which is no choice')
  t.match(await lena.says('nächsten Dienstag um halb sechs'), [/^Wann möchtest du/], 'nor is this: which Tuesday?')
  t.equal(lena.choices()[0], 'Di, 24.11., 17:30 Uhr')
  t.strictSame(await tutor.lessons(), [])
  t.strictSame(await lena.says('morgen um halb sechs'), [
    'Deine kostenlose Probestunde ist gebucht: Dienstag, 24. November um 17:30 Uhr. Bis dann!',
  ])
  t.match(await tutor.lessons(), [{ start: Date.parse('2026-11-24T16:30:00Z') }])
})

t.test('a German browser gets German, also when the reservation expires', async t => {
  const tutor = await setUp(t)
  const lena = tutor.student('widget', { additional_attributes: { browser_language: 'de-AT' } }, { language: null })
  t.strictSame(await lena.says('Hallo'), ['Hallo! Wie kann ich dir helfen?'])
  await lena.says('Stunde buchen')
  await lena.says('optie 1')
  Object.assign(tutor.session(), { status: 'expired' })
  await tutor.deliver(sessionEvent(tutor.session(), 'expired'))
  t.equal(
    lena.read().at(-1),
    'Deine Reservierung für Dienstag, 24. November um 10:00 Uhr ist verfallen, weil nicht rechtzeitig bezahlt wurde. Möchtest du einen neuen Termin wählen?',
  )
})

t.test('a person can be asked for in German', async t => {
  const tutor = await setUp(t)
  const lena = tutor.student('whatsapp', {}, GERMAN)
  await lena.says('Hallo')
  t.strictSame(await lena.says('blub'), ['Das habe ich leider nicht verstanden.'])
  t.strictSame(await lena.says('Kann ich mit einem Menschen sprechen?'), [
    'Einen Moment bitte: Jemand aus unserem Team übernimmt das Gespräch.',
  ])
  t.match(lena.conversation, { status: 'open', assignee: 7, labels: ['intent:handoff'] })
  t.match(lena.notes(), [
    /^Der Schüler möchte mit einem Menschen sprechen:\n"Kann ich mit einem Menschen sprechen\?"\nSo gibst du/,
  ])
})
