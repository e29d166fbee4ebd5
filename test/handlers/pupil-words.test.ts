import t from 'tap'
import { isNothingElse, MAX_NAME_LENGTH, namesAnswered, pupilsSaidIn } from '../../handlers/pupil-words.ts'
import { subjectIn } from '../../handlers/subject.ts'
import { LANGUAGES, type LanguageCode } from '../../handlers/texts/index.ts'
import { tutorOf } from '../../tutor/tutor.ts'

/** What students and parents write of pupils; and what names nobody, though it begins with `voor`. */

const tutor = tutorOf(
  { subjects: ['Wiskunde', 'Natuurkunde', 'Maths', 'Physics', 'Mathe', 'Physik'] },
  'Europe/Amsterdam',
)

const contextOf = (language: LanguageCode, known: readonly string[] = []) => ({
  known,
  isSubject: (text: string) => subjectIn({ tutor }, text) !== undefined,
  hasCapitalNouns: LANGUAGES[language].pupils.hasCapitalNouns,
})

/** `Bob, Emma`; `?`: somebody unnamed; `+`: another one; `Bob>Rob`: renamed; a `!` after a name that may be none. What is left follows `|`. */
function said(text: string, language: LanguageCode, known?: readonly string[]): string {
  const found = pupilsSaidIn(text, contextOf(language, known))
  if (found === undefined) return 'nobody'
  const { names, isUnnamed, isOther, renamed, rest } = found
  const all = [
    ...names.map(({ name, is }) => (is === 'maybe' ? `${name}!` : name)),
    ...(isUnnamed ? ['?'] : []),
    ...(isOther ? ['+'] : []),
    ...(renamed ? [`${renamed.from}>${renamed.to}`] : []),
  ]
  return `${all.join(', ')} | ${rest}`
}

const NAMED: Record<LanguageCode, Record<string, string>> = {
  nl: {
    'voor mijn zoon Bob': 'Bob | ',
    'Ik zoek bijles voor mijn dochter Emma': 'Emma | Ik zoek bijles',
    'les voor Tim en Anna': 'Tim!, Anna! | les',
    'het is voor mijn kind': '? | het is',
    'voor mijn zoon van 14': '? | ',
    'voor mijn zoon van 14 dinsdag 17:00': '? | dinsdag 17:00',
    'mijn zoon Bob van 14 wil dinsdag om 17:00 les': 'Bob | mijn zoon wil dinsdag om 17:00 les',
    'mijn dochter Emma (16) zoekt bijles': 'Emma | mijn dochter zoekt bijles',
    'voor mijn zoon van 14 tot 16 uur': '? | van 14 tot 16 uur',
    'voor mijn 14-jarige zoon': '? | ',
    'mijn 14-jarige dochter Lotte': 'Lotte | mijn dochter',
    'mijn zoon heet Bobbie': 'Bobbie | mijn zoon',
    'voor mijn zoon en dochter Bob en Emma': 'Bob, Emma | ',
    'mijn zoon Bob en mijn dochter Emma': 'Bob, Emma | mijn zoon en mijn dochter',
    'bijles voor mijn dochter emma graag': 'Emma | bijles graag',
    'voor m’n zoon Mees van der Berg, donderdag': 'Mees van der Berg | , donderdag',
    'voor mijn zoon Jan': 'Jan | ',
    'voor mijn zoon van 14 jaar oud om 14:00': '? | om 14:00',
    'mijn zoon van 14. Dinsdag 15 uur': ' | mijn zoon . Dinsdag 15 uur',
    'voor mijn zoon (14), dinsdag 17.00': '? | , dinsdag 17.00',
    'VOOR BOB': 'Bob! | ',
    'voor onze oudste zoon': '? | ',
    'mijn zoon is Bob': 'Bob | mijn zoon',
    'voor mijn zusje Sara': 'Sara | ',
    'voor Bob en Bob': 'Bob! | ',
    'Les voor Max': 'Max! | Les',
    'voor Jan': 'nobody',
    'voor mijn zoon quirijn': '? | quirijn',
    'voor mijn zoon ADHD': '? | ADHD',
    'voor mijn 12 kinderen': 'nobody',
  },
  en: {
    'for my son Bob': 'Bob | ',
    'for my daughter Emma': 'Emma | ',
    'for my 14 year old son': '? | ',
    'my son is called Bob': 'Bob | my son',
    'my son’s name is Bob': 'Bob | my son’s',
    'for my son, aged 14, on Tuesday at 5': '? | , on Tuesday at 5',
    'for my son of 14 until 16': '? | of 14 until 16',
    'for Tim and Anna': 'Tim!, Anna! | ',
    'for my son Bob Tuesday 5pm': 'Bob | Tuesday 5pm',
    'it is for my child': '? | it is',
    'I need a tutor for our daughter Zoë-Marie': 'Zoë-Marie | I need a tutor',
    'tutoring for my kids Max and Ella please': 'Max, Ella | tutoring please',
    'for my niece Ella': 'Ella | ',
    'lessons for my daughter, 15': '? | lessons , 15',
  },
  de: {
    'für meine Tochter Emma': 'Emma | ',
    'für meinen Sohn': '? | ',
    'mein Sohn Tim, 14 Jahre': 'Tim | mein Sohn',
    'für meinen 14-jährigen Sohn': '? | ',
    'für meinen Sohn Freitag um 17 Uhr': '? | Freitag um 17 Uhr',
    'für meinen Sohn Nachhilfe in Mathe': '? | Nachhilfe in Mathe',
    'mein Sohn heißt Korbinian': 'Korbinian | mein Sohn',
    'für Tim und Anna': 'Tim!, Anna! | ',
    'für meine Tochter von 16': '? | ',
    'fuer mein Kind': '? | ',
    'Ich suche Unterricht für unsere Tochter Lena': 'Lena | Ich suche Unterricht',
    'für meinen Sohn Max': 'Max | ',
  },
}

const NOBODY: Record<LanguageCode, string[]> = {
  nl: `voor vrijdag; voor 5 uur; voor morgen; voor volgende week; voor de toets; voor wiskunde; Voor Wiskunde; Voor Vrijdag graag; voor Engels;
    voor natuurkunde; mijn zoon is ziek; mijn zoon heeft dinsdag voetbal; kan ik voor Max 1 uur; voor jan 5; ik ben vrij voor 14 uur; niet voor Bob;
    voor de examens van mei; kan het voor Kerst; voor VWO 4; is er plek voor een leerling?; heb je korting voor een andere leerling;
    voor het examen; voor mij; voor mezelf; voor twee personen; voor statistiek; Voor Statistiek; mijn broer Tom had ook les bij je;
    liefst voor 17:00; voor maandag 12 januari; dank voor de les; voor hoeveel euro; voor het einde van de week; voor die tijd; voor havo 5;
    voor 60 minuten; voor online les; ik heb voor dinsdag een toets; van 14 tot 16 uur`
    .split(';')
    .map(text => text.trim()),
  en: `for maths; for Maths; For English; for Friday; for next week; for 5 pm; for tomorrow; for the test; for me; for myself; for max 1 hour;
    I need it for May 5; my brother recommended you; my son is ill; for my exam; for GCSE; for A-levels; for an hour; for two people;
    thanks for the lesson; for the whole week; for how much; for beginners; for Christmas; for 90 minutes; for Year 9; for Cambridge; not for Bob;
    is there a discount for another student; before 5; for physics on Tuesday; for example Monday`
    .split(';')
    .map(text => text.trim()),
  de: `für Mathe; für Physik; Nachhilfe für Statistik; für Freitag; für morgen um 17 Uhr; für nächste Woche; für die Prüfung; für das Abitur;
    für Anfänger; für mich; für eine Stunde; für zwei Personen; für 17 Uhr; für den Test; für Englisch; für Bruchrechnung; für Weihnachten;
    mein Sohn ist krank; mein Sohn hat Dienstag Fußball; nicht für Tim; für Klasse 9; für die Schule; für heute; für Sonntag; danke für die Stunde;
    für wie viel; für Montag, 12. Januar; für Ende Mai; Hilfe für Klausuren; mein Bruder Tom war auch bei dir`
    .split(';')
    .map(text => text.trim()),
}

for (const [language, cases] of Object.entries(NAMED) as [LanguageCode, Record<string, string>][]) {
  t.test(`who is named: ${language}`, async t => {
    for (const [text, expected] of Object.entries(cases)) t.equal(said(text, language), expected, text)
  })
  t.test(`nobody: ${language}`, async t => {
    for (const text of NOBODY[language]) t.equal(said(text, language), 'nobody', text)
  })
}

t.test('where there are pupils', async t => {
  const cases: Record<string, string> = {
    'andere leerling': '+ | ',
    'voor een andere leerling': '+ | ',
    'voor Emma deze keer': 'Emma | deze keer',
    'niet Bob maar Emma': 'Emma | ',
    'niet voor Bob maar voor Piet': 'Piet! | ',
    'niet voor Bob': 'nobody',
    'Bob heet eigenlijk Rob': 'Bob>Rob | ',
    'Bob heet eigenlijk': 'nobody',
    'voor Piet': 'Piet! | ',
    'voor Quirijn': 'Quirijn! | ',
    'emma graag': 'Emma | ',
    'Emma en Bob': 'Emma, Bob | ',
    'dinsdag 17:00 voor emma': 'Emma | dinsdag 17:00',
    'Bob kan niet op dinsdag': 'nobody',
    'annuleer de les van Bob': 'nobody',
    'voor Statistiek': 'nobody',
    'voor morgen': 'nobody',
  }
  for (const [text, expected] of Object.entries(cases)) t.equal(said(text, 'nl', ['Bob', 'Emma']), expected, text)
  t.equal(said('not Tim but Anna', 'en', ['Tim', 'Anna']), 'Anna | ')
  t.equal(said('Tim is actually called Jim', 'en', ['Tim']), 'Tim>Jim | ')
  t.equal(said('for someone else', 'en', ['Tim']), '+ | ')
  t.equal(said('nicht für Tim, sondern für Anna', 'de', ['Tim', 'Anna']), 'Anna | ')
  t.equal(said('Tim heißt eigentlich Jim', 'de', ['Tim']), 'Tim>Jim | ')
  t.equal(said('für Statistik', 'de', ['Tim', 'Anna']), 'nobody', 'nouns have capitals')
  t.equal(said('für jemand anderes', 'de', ['Tim']), '+ | ')
})

t.test('an answer with a name: letters only, and no longer than a choice’s title', async t => {
  const names = (text: string) => namesAnswered(text, contextOf('nl'))
  for (const text of [
    'Bob',
    'bob',
    'BOB',
    'hij heet Bob',
    'Zijn naam is Bob.',
    'naam: Bob',
    'his name is Bob',
    'er heißt Bob!',
  ]) {
    t.strictSame(names(text), ['Bob'], text)
  }
  t.strictSame(names('Bob en Anna-Lena'), ['Bob', 'Anna-Lena'])
  t.strictSame(names("Mees van 't Hoff"), [])
  t.strictSame(names('Bob van der Velden'), ['Bob van der Velden'])
  for (const text of [
    'ja',
    'morgen',
    'https://evil.example',
    'dinsdag 17:00',
    '<b>Bob</b>',
    'x'.repeat(MAX_NAME_LENGTH + 1),
    '',
    '{name}',
    '14',
    'B',
  ]) {
    t.strictSame(names(text), [], text)
  }
})

t.test('words that say nothing else', async t => {
  for (const text of ['', 'het is', 'deze keer graag!', 'this time, please']) t.ok(isNothingElse(text), text)
  for (const text of ['dinsdag', 'Les boeken', 'wat kost het']) t.notOk(isNothingElse(text), text)
})
