import t from 'tap'
import type { ConversationState } from '../../sandbox/chatwoot-state.ts'
import { pay } from '../../sandbox/payments.ts'
import type { Session } from '../../sandbox/stripe-api.ts'
import { booked, setUp } from '../helpers/lesson-story.ts'
import type { Student } from '../helpers/story.ts'

/** A parent writes, and pays, for a pupil or for several. */

type Tutor = Awaited<ReturnType<typeof setUp>>

const HANDOFF = 'Een ogenblik: iemand van ons neemt dit gesprek over.'
const WHEN = 'Wanneer wil je je les van 60 minuten? Je kunt ook zelf een dag en een tijd schrijven.'
const FOR_WHOM = 'Voor wie is de les?'
const NAME = 'Hoe heet de leerling? Dan zet ik de les op die naam.'

const attributesOf = ({ conversation }: Student) => conversation.custom_attributes as Record<string, unknown>
const sessionsOf = ({ stripe }: Tutor) => [...stripe.sessions.values()] as Session[]
const names = async (tutor: Tutor) => (await tutor.lessons())?.map(({ student }) => student)
const payLast = (tutor: Tutor) => tutor.deliver(pay(sessionsOf(tutor).at(-1) as Session).completed)

/** A parent of these pupils. */
const parent = (tutor: Tutor, pupils: string, parts: Partial<ConversationState> = {}) =>
  tutor.student('whatsapp', { custom_attributes: { pupils, pending_intent: 'menu', misunderstood: 0 }, ...parts })

t.test('a pupil is named: the lesson has the pupil’s name, the payment the payer’s too', async t => {
  const tutor = await setUp(t)
  const renee = tutor.student()
  t.match(await renee.says('Ik zoek bijles voor mijn dochter Emma'), [/^Goed, voor Emma\.\n\n/])
  t.match(attributesOf(renee), { pupils: 'Emma', pupil: 'Emma' })
  await renee.says('Les boeken')
  t.match(await renee.says('di 24 nov 16:00'), [/^Je les op/], 'who has one pupil is asked nothing')
  const [session] = sessionsOf(tutor)
  t.match(session?.metadata, { student_name: 'Emma', payer_name: 'Renée' })
  t.match(session?.intent_metadata, { student_name: 'Emma', payer_name: 'Renée' })
  await payLast(tutor)
  t.match(await tutor.lessons(), [{ student: 'Emma' }])
  t.match(attributesOf(renee), { pupils: 'Emma', pupil: null })
})

t.test('who names nobody is asked nothing, and is the student', async t => {
  const tutor = await setUp(t)
  const renee = tutor.student()
  await booked(tutor, 'di 24 nov 16:00', renee)
  t.match(await names(tutor), ['Renée'])
  t.match(sessionsOf(tutor)[0]?.metadata, { student_name: 'Renée', payer_name: 'Renée' })
  t.notMatch(renee.read().join('\n'), /leerling|Voor wie/i)
  for (const name of ['pupils', 'pupil', 'pupil_asked']) t.notOk(name in attributesOf(renee), name)
})

t.test('a child without a name: the name is asked once, and nothing waits for it', async t => {
  const tutor = await setUp(t)
  const renee = tutor.student()
  const THIS = 'dinsdag 24 november om 17:00 is vrij voor een les van 60 minuten. Zal ik die tijd voor je vastleggen?'
  t.strictSame(await renee.says('voor mijn zoon van 14 morgen om 17:00'), [`${THIS}\n\n${NAME}`], '14 is his age')
  t.match(await renee.says('ja'), [/^Je les op dinsdag 24 november om 17:00/])
  t.notMatch(await renee.says('het is voor mijn zoon'), [NAME])
  const other = tutor.student('whatsapp', { id: 4_300_001, contact: 4_300_001 })
  t.match(await other.says('het is voor mijn kind'), [new RegExp(`${NAME.replace('?', '\\?')}$`)])
  t.match(await other.says('hij heet bob'), [/^Goed, voor Bob\.\n\nHoi!/])
  t.match(attributesOf(other), { pupils: 'Bob', pupil: 'Bob', pupil_asked: null })
  t.notMatch(await other.says('voor mijn zoon'), [NAME], 'there is one')
  const third = tutor.student('whatsapp', { id: 4_300_002, contact: 4_300_002 })
  await third.says('het is voor mijn kind')
  await third.says('https://evil.example')
  t.equal(attributesOf(third).pupil_asked, 'asked', 'that is no name')
  const ill = tutor.student('whatsapp', { id: 4_300_003, contact: 4_300_003 })
  t.strictSame(await ill.says('ik ben ziek, ik schrijf voor mijn zoon'), [HANDOFF])
})

t.test('with several pupils each new lesson asks for whom: by name, number or in words', async t => {
  const tutor = await setUp(t)
  const renee = tutor.student()
  t.match(await renee.says('les voor Tim en Anna'), [/^Goed, de leerlingen zijn Tim en Anna\./])
  for (const [answer, name] of [
    ['Anna', 'Anna'],
    ['1', 'Tim'],
    ['voor anna graag', 'Anna'],
  ] as const) {
    t.strictSame(await renee.says('Les boeken'), [FOR_WHOM])
    t.strictSame(renee.choices(), ['Tim', 'Anna', 'Andere leerling', 'Iemand spreken'])
    t.strictSame(await renee.says(answer), [`Goed, voor ${name}.\n\n${WHEN}`])
    t.match(await renee.chooses(1), [new RegExp(`^Leerling: ${name}\\.\nJe les op`)])
    await payLast(tutor)
    t.match(renee.read().at(-1), new RegExp(`\nLeerling: ${name}\\.`))
  }
  t.strictSame((await names(tutor))?.sort(), ['Anna', 'Anna', 'Tim'])
  await renee.says('Les boeken')
  t.match(await renee.chooses('Tim'), [/^Goed, voor Tim\./], 'pressed')
  t.match(await renee.says('pupil_Anna'), [/^Goed, voor Anna\./], 'pressed later')
  t.match(await renee.says('pupil_Nobody'), [/^Sorry/])
})

t.test('a time that is written before the question is not forgotten', async t => {
  const tutor = await setUp(t)
  const renee = parent(tutor, 'Bob, Emma')
  t.strictSame(await renee.says('kan het woensdag om 17:00?'), [FOR_WHOM])
  t.strictSame(await renee.says('dat weet ik niet'), [`Sorry, dat begreep ik niet.\n${FOR_WHOM}`])
  t.match(await renee.says('Emma'), [/^Goed, voor Emma\.\n\nwoensdag 25 november om 17:00 is vrij/])
  t.match(await renee.says('ja'), [/^Leerling: Emma\.\nJe les op woensdag/])
  const other = parent(tutor, 'Bob, Emma', { id: 4_300_004, contact: 4_300_004 })
  t.match(await other.says('donderdag 17:00 voor bob'), [/^Goed, voor Bob\.\n\ndonderdag 26 november om 17:00 is vrij/])
  const third = parent(tutor, 'Bob, Emma', { id: 4_300_005, contact: 4_300_005 })
  await third.says('Les boeken')
  t.strictSame(await third.says('vrijdag 17:00'), [FOR_WHOM], 'a time is no answer, but is kept')
  t.match(await third.says('bob'), [/^Goed, voor Bob\.\n\nvrijdag 27 november om 17:00 is vrij/])
  const fourth = parent(tutor, 'Bob, Emma', { id: 4_300_006, contact: 4_300_006 })
  await fourth.says('Gratis proefles')
  t.match(await fourth.says('2'), [/^Goed, voor Emma\./])
  t.match(await fourth.says('vrijdag 17:30'), [/^Je gratis proefles staat vast.*\nLeerling: Emma\./])
  t.match(attributesOf(fourth), { pupil: null })
})

t.test('a pupil that there is not is added if it is chosen', async t => {
  const tutor = await setUp(t)
  const renee = parent(tutor, 'Bob, Emma')
  t.match(await renee.says('dinsdag 17:00 voor Piet'), [/^Piet ken ik nog niet\./])
  t.strictSame(renee.choices(), ['Piet', 'Bob', 'Emma', 'Andere leerling', 'Iemand spreken'])
  t.match(attributesOf(renee), { pupils: 'Bob, Emma' }, 'not yet')
  t.match(await renee.chooses('Piet'), [/^Goed, voor Piet\.\n\ndinsdag 24 november om 17:00 is vrij/])
  t.match(attributesOf(renee), { pupils: 'Bob, Emma, Piet', pupil: 'Piet', pupil_asked: null })
  const other = parent(tutor, 'Bob, Emma', { id: 4_300_004, contact: 4_300_004 })
  await other.says('Les boeken')
  t.match(await other.says('Quirijn'), [/^Quirijn ken ik nog niet\./], 'an answer too')
  t.match(await other.says('Bob'), [/^Goed, voor Bob\.\n\nWanneer/], 'what was begun goes on')
  t.match(await other.says('voor Piet'), [/^Piet ken ik nog niet/])
  t.match(await other.says('wo 25 nov 10:00'), [/^Voor wie is de les/], 'nothing is booked for whom it may not be')
  t.match(await other.says('Emma'), [/^Goed, voor Emma\.\n\nLeerling: Emma\.\nJe les op woensdag/])
})

t.test('another pupil: with one there is, their name is asked; with more, which', async t => {
  const tutor = await setUp(t)
  const renee = parent(tutor, 'Bob')
  t.strictSame(await renee.says('dinsdag 17:00 voor een andere leerling'), ['Hoe heet de andere leerling?'])
  t.match(await renee.says('Quirijn'), [/^Goed, voor Quirijn\.\n\ndinsdag 24 november om 17:00 is vrij/])
  t.strictSame(await renee.says('iemand anders'), [FOR_WHOM])
  t.strictSame(await renee.chooses('Andere leerling'), ['Hoe heet de andere leerling?'])
  t.match(await renee.says('Saar'), [/^Goed, voor Saar\./])
  t.match(attributesOf(renee), { pupils: 'Bob, Quirijn, Saar', pupil: 'Saar' })
  await renee.says('Bob en Saar')
  t.match(attributesOf(renee), { pupil: null })
  await renee.says('iemand anders')
  t.match(await renee.says('laat maar'), [/^Hoi!/])
  t.equal(attributesOf(renee).pupil_asked, null)
  await renee.says('iemand anders')
  t.strictSame(await renee.says('Iemand spreken'), [HANDOFF])
  t.equal(attributesOf(renee).pupil_asked, null)
})

t.test('not Bob but Emma: what awaits its payment is reserved anew; what is booked keeps its name', async t => {
  const tutor = await setUp(t)
  const renee = parent(tutor, 'Bob, Emma')
  await renee.says('voor Bob')
  await renee.says('Les boeken')
  await renee.chooses(1)
  t.match(await renee.says('niet Bob maar Emma'), [
    /^Goed, voor Emma\.\n\nLeerling: Emma\.\nJe les op dinsdag 24 november/,
  ])
  t.strictSame(
    sessionsOf(tutor).map(({ metadata, status }) => [metadata?.student_name, status]),
    [
      ['Bob', 'expired'],
      ['Emma', 'open'],
    ],
  )
  t.match(
    await renee.says('voor Bob, hoeveel kost het?'),
    [/^Goed, voor Bob\.\n\nLeerling: Bob\./],
    'the link is for Bob',
  )
  t.match(await renee.says('voor Bob, hoeveel kost het?'), [/^Goed, voor Bob\.\n\nOnze prijzen/])
  await payLast(tutor)
  t.match(await names(tutor), ['Bob'])
  t.match(await renee.says('niet Bob maar Emma'), [/^Goed, voor Emma\.\nEen les die al geboekt is, houdt zijn naam\./])
  t.match(renee.notes().at(-1), /^The student has changed a pupil \("niet Bob maar Emma"\)/)
  t.match(await renee.says('Bob heet eigenlijk Rob'), [/^Goed, voortaan schrijf ik Rob\.\n\nHoi!/])
  t.match(await names(tutor), ['Rob'], 'who has another name has it in the calendar too')
  t.match(renee.notes().at(-1), /^The student has changed a pupil .* Lessons to come that are booked have the new name/)
  t.match(attributesOf(renee), { pupils: 'Rob, Emma', pupil: 'Emma' })
  const early = parent(tutor, 'Bob, Emma', { id: 4_300_005, contact: 4_300_005 })
  t.match(await early.says('niet Bob maar Emma'), [/^Goed, voor Emma\.\n\nHoi!/], 'nothing is booked')
  t.match(await early.says('Bob heet eigenlijk Rob'), [/^Goed, voortaan schrijf ik Rob\.\n\nHoi!/])
  t.match(await early.says('Emma heet eigenlijk Emily'), [/^Goed, voortaan schrijf ik Emily/])
  t.match(attributesOf(early), { pupils: 'Rob, Emily', pupil: 'Emily' })
  t.strictSame(early.notes(), [])
  const other = parent(tutor, 'Bob', { id: 4_300_004, contact: 4_300_004 })
  await other.says('Les boeken')
  await other.chooses(1)
  t.match(await other.says('Bob heet eigenlijk Rob'), [/^Goed, voortaan schrijf ik Rob\.\n\nJe les op/])
  t.equal(sessionsOf(tutor).at(-1)?.metadata?.student_name, 'Rob')
})

t.test('where the calendar can’t rename, a booked lesson keeps its name, and the tutor is told', async t => {
  const tutor = await setUp(t)
  const renee = parent(tutor, 'Bob')
  await booked(tutor, 'di 24 nov 16:00', renee)
  Object.assign(tutor.app.webhooks.calendar, { renameStudent: undefined })
  t.match(await renee.says('Bob heet eigenlijk Rob'), [/^Goed, voortaan schrijf ik Rob\.\nEen les die/])
  t.match(renee.notes().at(-1), /A lesson that is booked keeps its name: change it if needed\.$/)
  t.match(await names(tutor), ['Bob'])
})

t.test('what is said of a booked lesson is not for whom the next one is', async t => {
  const tutor = await setUp(t)
  const renee = parent(tutor, 'Bob, Emma')
  await renee.says('voor Bob')
  await booked(tutor, 'do 26 nov 16:00', renee)
  t.match(await renee.says('wanneer is mijn les?'), [/^Je les: donderdag.*\nLeerling: Bob\./])
  t.match(await renee.says('annuleer de les voor Emma'), [/annuleren\?\nLeerling: Bob\./], 'it says whose it is')
  t.equal(attributesOf(renee).pupil, null)
  t.strictSame(await renee.says('geld terug voor Emma'), [HANDOFF])
})

t.test('a pupil who is named beside a wish for a lesson: theirs is meant, and the list says whose each is', async t => {
  const tutor = await setUp(t)
  const renee = parent(tutor, 'Bob, Emma')
  for (const [pupil, times] of [
    ['Emma', ['do 26 nov 16:00']],
    ['Bob', ['wo 25 nov 10:00', 'vr 27 nov 10:00']],
  ] as const) {
    for (const time of times) {
      await renee.says(`voor ${pupil}`)
      await booked(tutor, time, renee)
    }
  }
  t.match(await renee.says('annuleer Emma’s les'), [/^Wil je je les van donderdag 26 november .*\nLeerling: Emma\./])
  t.strictSame(await renee.says('en wanneer is de les van Bob?'), [
    'Je les: woensdag 25 november om 10:00, 60 minuten. Leerling: Bob.\nJe les: vrijdag 27 november om 10:00, 60 minuten. Leerling: Bob.\nWelke les bedoel je?',
  ])
  await renee.says('menu')
  t.strictSame(await renee.says('Bobs les afzeggen'), [
    'Je les: woensdag 25 november om 10:00, 60 minuten. Leerling: Bob.\nJe les: vrijdag 27 november om 10:00, 60 minuten. Leerling: Bob.\nWelke les bedoel je?',
  ])
  t.strictSame(renee.choices().slice(0, 2), ['wo 25 nov 10:00', 'vr 27 nov 10:00'])
  await renee.says('menu')
  t.match(await renee.says('les van Bob op vrijdag annuleren'), [/^Wil je je les van vrijdag 27 november/])
  await renee.says('laat maar')
  t.match(await renee.says('annuleren'), [
    /^Je les: woensdag .* Leerling: Bob\.\nJe les: donderdag .* Leerling: Emma\.\nJe les: vrijdag .*\nWelke les bedoel je\?$/,
  ])
})

t.test('a lesson every week, and one from a package, are the pupil’s too', async t => {
  const tutor = await setUp(t, {
    tutor: {
      lessons: [
        { minutes: 60, packages: [{ lessons: 10, prices: { all: 'price_ten' } }] },
        { minutes: 30, trial: true },
      ],
      // The last payment link is the package's.
      payment: { linkHours: [] },
    },
  })
  tutor.stripe.addPrice('price_ten', 50_000)
  const renee = parent(tutor, 'Bob, Emma')
  t.strictSame(await renee.says('elke week dinsdag 17:00'), [FOR_WHOM])
  t.match(await renee.says('Emma'), [/^Goed, voor Emma\.\n\nElke dinsdag om 17:00/])
  t.match(await renee.says('ja graag'), [/^Je vaste les staat: elke dinsdag.*\nLeerling: Emma\./])
  t.strictSame([...new Set(await names(tutor))], ['Emma'])
  t.equal(attributesOf(renee).pupil, null)
  const other = parent(tutor, 'Bob, Emma', { id: 4_300_004, contact: 4_300_004 })
  await other.says('lespakket')
  await payLast(tutor)
  t.strictSame(await other.says('Les boeken'), [FOR_WHOM])
  await other.says('Bob')
  t.match(await other.says('wo 25 nov 10:00'), [/^Je les staat vast: woensdag.*\nLeerling: Bob\./])
  t.ok((await names(tutor))?.includes('Bob'))
})

t.test('who is named only after a time every week was asked back', async t => {
  const tutor = await setUp(t)
  const renee = parent(tutor, 'Bob')
  await renee.says('elke week dinsdag 17:00')
  await renee.says('mijn zoon Bob en mijn dochter Emma')
  t.strictSame(await renee.says('Elke week'), [FOR_WHOM])
  t.match(await renee.says('Emma'), [/^Goed, voor Emma\.\n\nJe vaste les staat: elke dinsdag.*\nLeerling: Emma\./])
})

t.test('who is named while times are offered', async t => {
  const tutor = await setUp(t)
  const renee = tutor.student()
  await renee.says('Les boeken')
  await renee.says('Les boeken')
  t.match(await renee.says('mijn zoon Bob en mijn dochter Emma'), [
    /^Goed, de leerlingen zijn Bob en Emma\.\n\nWanneer/,
  ])
  t.strictSame(await renee.chooses(1), [FOR_WHOM])
  t.match(await renee.says('2'), [/^Goed, voor Emma\.\n\nLeerling: Emma\.\nJe les op dinsdag 24 november om 10:00/])
  attributesOf(renee).lesson_start = null
  t.match(await renee.says('niet Emma maar Bob'), [/^Goed, voor Bob\.\n\nHoi!/], 'somebody has changed it by hand')
})

t.test('seven at most; and what a tutor has written by hand is read with care', async t => {
  const tutor = await setUp(t)
  const renee = parent(tutor, 'Aa, Bb, Cc, Dd, Ee, Ff, https://evil.example, Gg, Aa')
  t.match(await renee.says('voor mijn zoon Tim'), [/^Meer dan zeven leerlingen/])
  await renee.says('Les boeken')
  t.strictSame(renee.choices(), ['Aa', 'Bb', 'Cc', 'Dd', 'Ee', 'Ff', 'Gg', 'Andere leerling', 'Iemand spreken'])
})

t.test('in English and German', async t => {
  const tutor = await setUp(t)
  const ann = tutor.student('widget', {}, { language: 'en' })
  t.match(await ann.says('I need lessons for my son Tim and my daughter Zoë'), [
    /^All right, the pupils are Tim and Zoë\./,
  ])
  t.match(await ann.says('Tuesday 5 pm for Zoë please'), [/^All right, for Zoë\.\n\nTuesday 24 November/])
  const lena = tutor.student('whatsapp', { id: 4_300_004, contact: 4_300_004 }, { language: 'de' })
  t.match(await lena.says('Nachhilfe für meinen Sohn'), [/Wie heißt die Schülerin oder der Schüler\?/])
  t.match(await lena.says('Korbinian'), [/^Gut, für Korbinian\./])
  t.match(await lena.says('für Jonas'), [/^Jonas kenne ich noch nicht\./])
  t.match(await lena.says('Jonas'), [/^Gut, für Jonas\./])
})
