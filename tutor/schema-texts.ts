import { LANGUAGE_CODES, type LanguageCode, TEXTS } from '../handlers/texts/index.ts'
import type { WishKind } from '../handlers/wishes.ts'
import { DEFAULTS } from './defaults.ts'
import { MENU_STEPS, type OwnItemSettings, type SubjectSettings } from './settings.ts'
import { PLACEHOLDERS, writtenText } from './texts.ts'

/** WhatsApp's limit of a choice, characters. */
const MAX_TITLE = 24
/** Less than WhatsApp's limit: other texts can stand beside it, characters. */
const MAX_TEXT = 700

const textOf = (maxLength: number) => ({ type: 'string', pattern: '\\S', maxLength })

type Placeholders = [keyof typeof PLACEHOLDERS, readonly string[]][]

function ofLanguage(code: LanguageCode) {
  const plain = (Object.entries(PLACEHOLDERS) as Placeholders).map(([name, names]) => {
    const description = `can have ${[...new Set([...names, 'tutor'])].map(each => `{${each}}`).join(', ')}`
    return [name, { ...textOf(MAX_TEXT), description, default: writtenText(code, name) }]
  })
  const group = (texts: object, maxLength: number, description: string) => ({
    type: 'object',
    additionalProperties: false,
    description,
    properties: Object.fromEntries(
      Object.entries(texts).map(([name, preset]) => [name, { ...textOf(maxLength), default: preset }]),
    ),
  })
  const { choices, paidPage } = TEXTS[code]
  return {
    type: 'object',
    additionalProperties: false,
    description: `Texts for students who are answered in ${code}`,
    properties: {
      ...Object.fromEntries(plain),
      choices: group(choices, MAX_TITLE, 'What can be chosen'),
      paidPage: group(paidPage, MAX_TEXT, 'The page that students see after paying'),
    },
  }
}

export const TEXTS_SCHEMA = {
  type: 'object',
  additionalProperties: false,
  default: DEFAULTS.texts,
  description: 'Texts in place of ours, by language. What the bot puts in stands in braces',
  properties: Object.fromEntries(LANGUAGE_CODES.map(code => [code, ofLanguage(code)])),
}

const language = { enum: LANGUAGE_CODES, description: 'a language that has texts' }

export const LANGUAGES_SCHEMA = {
  type: 'array',
  minItems: 1,
  uniqueItems: true,
  default: DEFAULTS.languages,
  description:
    'In which students are answered. Who writes in another one is told once which there are, and then gets a person',
  items: language,
}

export const DEFAULT_LANGUAGE_SCHEMA = {
  ...language,
  default: DEFAULTS.defaultLanguage,
  description: 'For students whose language is not known: one of languages (default: nl, else the first of them)',
}

const byLanguage = (maxLength: number, description: string) => ({
  type: 'object',
  additionalProperties: false,
  description,
  properties: Object.fromEntries(LANGUAGE_CODES.map(code => [code, textOf(maxLength)])),
})

export const MENU_SCHEMA = {
  type: 'array',
  minItems: 1,
  maxItems: 10,
  default: DEFAULTS.menu,
  description:
    'What the menu shows, in order. What a contact can’t have is left out: a trial lesson for a customer, say',
  items: {
    // Either one: pattern is for texts, the rest for objects.
    type: ['string', 'object'],
    pattern: `^(${MENU_STEPS.join('|')})$`,
    additionalProperties: false,
    required: ['id', 'title'],
    description: `one of ${MENU_STEPS.join(', ')}, or an item of your own`,
    properties: {
      id: {
        type: 'string',
        pattern: '^[a-z0-9_]{1,30}$',
        description: 'Names the item in buttons, also in older messages: small letters, digits and _',
      },
      title: byLanguage(MAX_TITLE, 'What is shown, in each of languages'),
      answer: byLanguage(MAX_TEXT, 'What is answered, in each of languages'),
      person: { type: 'boolean', description: 'true: a person answers instead' },
    } satisfies Record<keyof OwnItemSettings, object>,
  },
}

/** What each kind of words asks for. */
const KINDS: Record<WishKind, string> = {
  person: 'a person, at once',
  ill: 'a person: the student is ill, or something has happened',
  cancel: 'a booked lesson to be called off; without one, a person',
  move: 'a booked lesson to be moved; without one, a person',
  quit: 'a person: no lessons any more',
  weeklyLesson: 'beside words of cancel or move: a person, since all lessons of each week are meant',
  myWeekly: 'the same beside words of change and weeklyMoved',
  weeklyMoved: 'beside words of myWeekly: another time for all of them',
  absent: 'the same as cancel or move, but not while a time is being chosen',
  change: 'the same as move, but not while a time is being chosen',
  late: 'a person: the student is late; not while a time is being chosen',
  money: 'a person: money back, or a payment that went wrong',
  complaint: 'a person: a complaint',
  invoice: 'a person: an invoice or a receipt',
  lesson: 'a person: about a lesson that is booked, what the bot does not know',
  seeLesson: 'when a booked lesson is; without one, a person',
  whereLesson: 'where a booked lesson is, if the settings say it, else a person',
  myLesson: 'beside seeLesson or whereLesson while a time is being chosen: one’s own lesson',
  book: 'a lesson',
  newLesson: 'a lesson that there is not yet, beside a time',
  seeking: 'what is looked for: answered with the menu',
  trial: 'a trial lesson',
  prices: 'the prices',
  packages: 'several lessons at once: the payment link of a package',
  lessonsLeft: 'how many paid lessons are left of the packages',
  menu: 'the menu',
  otherTimes: 'other times',
  payLink: 'the payment link again',
  greeting: 'as the whole message: a greeting',
  thanks: 'as the whole message: nothing has to be answered',
  yes: 'as the whole message: yes',
  no: 'as the whole message: no',
  back: 'as the whole message: what is under way shall stop',
  stop: 'as the whole message, while nothing is under way: no more reminders',
  noReminders: 'no more reminders',
  reminders: 'reminders again',
}

const PHRASES =
  'words with single spaces between, anywhere in a message; = before them: as the whole message; * after a word of three letters or more: any ending; ..: up to four words between'
const WORD = '([\\p{L}\\p{N}]{3,}\\*|[\\p{L}\\p{N}]+)'
const PHRASE = `^=?${WORD}( (\\.\\. )?${WORD})*$`

export const WORDS_SCHEMA = {
  type: 'object',
  additionalProperties: false,
  default: DEFAULTS.words,
  description:
    'Words of students that are understood beside ours, by language and by what they ask for. They count in every language',
  properties: Object.fromEntries(
    LANGUAGE_CODES.map(code => [
      code,
      {
        type: 'object',
        additionalProperties: false,
        description: `Words in ${code}`,
        properties: Object.fromEntries(
          Object.entries(KINDS).map(([kind, description]) => [
            kind,
            { type: 'array', description, items: { type: 'string', pattern: PHRASE, description: PHRASES } },
          ]),
        ),
      },
    ]),
  ),
}

const PLAIN_PHRASE = `^${WORD}( (\\.\\. )?${WORD})*$`

export const SUBJECTS_SCHEMA = {
  type: 'array',
  maxItems: 50,
  default: DEFAULTS.subjects,
  description:
    'What is taught: the subject that a student names is in the calendar, with the payment, and in the conversation’s attribute service',
  items: {
    // Either one: pattern is for texts, the rest for objects.
    type: ['string', 'object'],
    pattern: PLAIN_PHRASE,
    additionalProperties: false,
    required: ['name', 'words'],
    description: 'a subject of plain words, such as "wiskunde", or an object with its name and the words for it',
    properties: {
      name: { ...textOf(60), description: 'As the tutor reads it' },
      words: {
        type: 'array',
        minItems: 1,
        description: 'How students name it',
        items: { type: 'string', pattern: PLAIN_PHRASE, description: PHRASES },
      },
    } satisfies Record<keyof SubjectSettings, object>,
  },
}
