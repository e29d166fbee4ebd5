import t from 'tap'
import { LANGUAGE_CODES, type LanguageCode } from '../../handlers/texts/index.ts'
import { askedFor, languageNames, writtenIn } from '../../handlers/texts/recognise.ts'
import { contactOf, setUp } from '../helpers/lesson-story.ts'

/** Students are answered in the language that they write in or ask for; who writes another gets a person. */

t.test('the language of a text', async t => {
  const cases: [LanguageCode | 'other', string[]][] = [
    ['nl', ['Ik wil graag een les', 'Goedemorgen', 'Kan ik dinsdag om 17:00 een les?', 'hoe laat is het?']],
    ['en', ['Hello', 'Good morning', 'I would like a lesson', 'tomorrow if possible', 'for my son', 'how much']],
    ['de', ['Guten Tag', 'Hallo, ich suche Nachhilfe in Mathe', 'Wie viel kostet das?']],
    [
      'other',
      [
        'Bonjour, je voudrais réserver un cours',
        'Hola, quiero una clase',
        'Buongiorno, vorrei prenotare una lezione',
        'Olá, gostaria de marcar uma aula',
        'Dzień dobry, chciałbym zarezerwować lekcję',
        'Merhaba, ders almak istiyorum',
        'Boa tarde, procuro explicações de matemática',
        'Czy mówi pan po polsku?',
        'مرحبا أريد درسا',
        'Добрий день, мені потрібен урок',
      ],
    ],
  ]
  for (const [language, texts] of cases) for (const text of texts) t.equal(writtenIn(text), language, text)
})

t.test('what is short, a name, or in two languages tells no language', async t => {
  for (const text of ['', 'ok', '👍', '17:00', 'Hi', 'Hoi', 'Hallo', 'Jan de Vries', 'Maria', 'dinsdag 17:00', 'merci'])
    t.equal(writtenIn(text), undefined, text)
  for (const text of ['thanks!', 'Friday 5 pm', 'bijles Nachhilfe']) t.equal(writtenIn(text), undefined, text)
})

t.test('the language that is asked for', async t => {
  const cases: [LanguageCode | 'other', string[]][] = [
    ['en', ['English please', 'Do you speak English?', 'in English', 'English', 'Kunnen we in het Engels verder?']],
    ['en', ['Sorry, could we do this in English? I would like a lesson', 'Engels graag', 'I don’t speak Dutch']],
    ['nl', ['kan het in het Nederlands?', 'Nederlands', 'Spreek je ook Nederlands?', 'ik spreek geen Engels']],
    [
      'de',
      ['auf Deutsch bitte', 'Sprechen Sie Deutsch?', 'mag het ook in het duits', 'Ich spreche kein Niederländisch'],
    ],
    ['other', ['Do you speak French?', 'Türkçe', 'kan het in het Pools?', 'polski']],
  ]
  for (const [language, texts] of cases) for (const text of texts) t.equal(askedFor(text), language, text)
})

t.test('a language that is the subject is not asked for', async t => {
  for (const text of [
    'bijles Engels',
    'les in het Engels',
    'I am bad in English',
    'Ik wil Engels leren',
    'Engels',
    'Frans',
  ])
    t.equal(askedFor(text), undefined, text)
})

t.test('the languages that there are, in each of them', async t => {
  t.equal(languageNames('nl', LANGUAGE_CODES), 'Duits, Engels en Nederlands')
  t.equal(languageNames('en', LANGUAGE_CODES), 'German, English, and Dutch')
  t.equal(languageNames('de', LANGUAGE_CODES), 'Deutsch, Englisch und Niederländisch')
})

t.test('what is written decides where nothing is known of the contact, and is kept', async t => {
  const tutor = await setUp(t)
  const ann = tutor.student('widget', { additional_attributes: { browser_language: 'nl' } }, { language: null })
  t.strictSame(await ann.says('Hello, I would like a lesson for my son'), [
    'When would you like your lesson of 60 minutes? You can also write a day and a time.\n\nWhat is the pupil’s name? I will book the lesson in that name.',
  ])
  t.match(contactOf(tutor), { language: 'en' })
  t.match(ann.conversation.custom_attributes, { language: 'en' })
  t.match(await ann.says('Hi'), [/^When would you like/], 'a short text changes nothing')
  t.match(await ann.says('How much does a lesson cost?'), [/^Our prices/])
  t.match(await ann.says('Ik wil graag een ander moment'), [/^Wanneer wil je/], 'it was found by what is written')
  t.match(contactOf(tutor), { language: 'nl' })
})

t.test('a bot’s token may not write the contact: the conversation remembers', async t => {
  const tutor = await setUp(t)
  const ann = tutor.student('whatsapp', {}, { language: null })
  await ann.says('Hello, what is the price of a lesson?')
  Object.assign(contactOf(tutor) as object, { language: null })
  t.match(await ann.says('menu'), ['Hi! What can I do for you?'])
})

t.test('a contact’s own language changes only if that is asked for', async t => {
  const tutor = await setUp(t)
  const renee = tutor.student()
  t.match(await renee.says('I would like to book a lesson'), [/^Wanneer wil je/])
  t.match(await renee.says('Do you speak English?'), [/^When would you like/], 'with the question, in any state')
  t.match(contactOf(tutor), { language: 'en' })
  t.match(renee.choices().at(-1), 'Talk to a person')
  t.match(await renee.says('Ik wil graag een ander moment'), [/^When would you like/], 'and then stays so')
  t.match(await renee.says('auf Deutsch bitte'), [/^Wann möchtest du/])
  t.match(
    await renee.says('Nederlands graag, wat kost het?'),
    [/^Onze prijzen[\s\S]*Wanneer wil je/],
    'with what else is asked',
  )
})

t.test('while a lesson awaits its payment too', async t => {
  const tutor = await setUp(t)
  const renee = tutor.student()
  for (const text of ['Hoi', 'Les boeken', 'optie 1']) await renee.says(text)
  t.match(await renee.says('English please'), [/^Your lesson on Tuesday 24 November at 10:00 is reserved/])
})

t.test('a choice is the bot’s own text, and tells no language', async t => {
  const tutor = await setUp(t)
  const ann = tutor.student('whatsapp', {}, { language: null })
  await ann.says('Hi')
  t.match(await ann.says('Les boeken'), [/^Wanneer/])
  t.equal(ann.conversation.custom_attributes?.language, undefined)
  t.match(await ann.says('tomorrow at 3 pm if possible please'), [/^Your lesson|^When/])
})

t.test('in a language without texts: which there are, once; then a person', async t => {
  const tutor = await setUp(t)
  const lea = tutor.student('whatsapp', {}, { language: null })
  const [told, ...more] = await lea.says('Bonjour, je voudrais réserver un cours pour mon fils')
  t.strictSame(more, [])
  t.match(
    told,
    /I only read and write German, English, and Dutch\.[\s\S]*Ik lees en schrijf alleen Duits, Engels en Nederlands\./,
  )
  t.equal(lea.conversation.custom_attributes?.language_prompted, true)
  t.notOk(lea.conversation.custom_attributes?.misunderstood, 'which is no miss')
  t.match(await lea.says('Je ne parle pas anglais, avec vous en français ?'), [/^Een ogenblik/])
  t.match(lea.notes().at(-1), /TutorBot niet kent:\n"Je ne parle pas anglais/)
  t.equal(lea.conversation.status, 'open')
})

t.test('who goes on in one of the languages has chosen it', async t => {
  const tutor = await setUp(t)
  const lea = tutor.student()
  t.match(await lea.says('Do you speak French?'), [/^I only read and write/])
  t.match(await lea.says('I would like to book a lesson'), [/^When would you like/])
  t.match(lea.conversation.custom_attributes, { language_asked: 'en' })
  t.match(await lea.says('Mit jemandem sprechen'), [/^One moment please/], 'a choice stays a choice')
})

t.test('what is ill, or a choice, is that in the midst of any language', async t => {
  const tutor = await setUp(t)
  const lea = tutor.student()
  await lea.says('Hoi')
  t.match(await lea.says('optie 1'), [/^Wanneer/])
  t.match(await lea.says('Bonjour, vous avez mardi 15:00 avec vous?'), [/^I only read/], 'no time is reserved')
})
