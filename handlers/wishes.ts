import type { Intent, Step } from './dialogue.ts'
import { Phrases, Spelling, splitPhrases, wordsIn } from './phrases.ts'
import { LANGUAGE_CODES, LANGUAGES, type LanguageCode } from './texts/index.ts'
import type { Wishes } from './texts/language.ts'

/** What students write in their own words, beside the choices that they are shown. */

/** Why a conversation goes to a person. */
export type PersonReason = 'person' | 'ill' | 'cancel' | 'money' | 'complaint' | 'invoice' | 'lesson'

/**
 * - `step`: one of the dialogue's
 * - `here`: the question again
 * - `back`: what is under way is not wanted any more
 * - `nothing`: needs no answer
 */
export type Wish = { step: Step } | { person: PersonReason } | 'here' | 'back' | 'nothing'

export interface WishSituation {
  intent: Intent
  /** The last question was whether the student wants a person. */
  isPersonOffered: boolean
  /** Default: ours. */
  known?: WishWords
  /** The time that was chosen is not reserved any more: the student was asked whether to choose again. */
  isLapsed?: boolean
}

/** Phrases that a tutor adds, by language. */
export type AddedWords = { [Code in LanguageCode]?: { [Kind in WishKind]?: readonly string[] } }

export type WishKind = Exclude<keyof Wishes, 'fillers'>

/** In this order: who is ill may also want to cancel. */
const REASONS = ['person', 'ill', 'money', 'complaint', 'invoice', 'cancel', 'lesson'] as const

/** In this order: `hoeveel kost een proefles` asks for the price. */
const STEPS = [
  ['pay_link', 'payLink'],
  ['prices', 'prices'],
  ['trial', 'trial'],
  ['other_times', 'otherTimes'],
  ['book', 'book'],
  ['menu', 'menu'],
] as const satisfies [Step, WishKind][]

/** What students' words are compared with: in every language, as they mix them. */
export type WishWords = ReturnType<typeof wishWords>

export function wishWords(added: AddedWords = {}) {
  const phrasesOf = (...kinds: WishKind[]) =>
    LANGUAGE_CODES.flatMap(code =>
      kinds.flatMap(kind => [...splitPhrases(LANGUAGES[code].wishes[kind]), ...(added[code]?.[kind] ?? [])]),
    )
  const all = (...kinds: WishKind[]) => new Phrases(phrasesOf(...kinds))
  const inSteps = phrasesOf(...STEPS.map(([, kind]) => kind))
  return {
    reasons: REASONS.map(reason => [reason, all(reason)] as const),
    absent: all('absent'),
    steps: STEPS.map(([step, kind]) => [step, all(kind)] as const),
    spelling: new Spelling(inSteps.flatMap(phrase => (phrase.includes('*') ? [] : wordsIn(phrase)))),
    newLesson: all('newLesson'),
    seeking: all('seeking'),
    greeting: all('greeting'),
    thanks: all('thanks'),
    back: all('back'),
    yes: all('yes'),
    yesAndThanks: all('yes', 'thanks'),
    no: all('no'),
    noAndThanks: all('no', 'thanks'),
  }
}

/** Where the tutor adds nothing. */
export const OUR_WORDS = wishWords()

const FILLERS = new Set(LANGUAGE_CODES.flatMap(code => LANGUAGES[code].wishes.fillers.split(' ')))

const YES_EMOJI = /[👍✅👌🙏]/u
const EMOJI = /\p{Extended_Pictographic}/u

/** What goes to a person at once, and what ends what is under way; undefined: neither. */
export function urgentWishOf(
  text: string,
  { intent, isPersonOffered, known = OUR_WORDS }: WishSituation,
): Wish | undefined {
  const words = wordsIn(text)
  const isUnderWay = intent === 'slot' || intent === 'pay'
  if (isPersonOffered && isYes(text, known, words)) return { person: 'person' }
  if (isUnderWay && known.back.isAll(words, FILLERS)) return 'back'
  const [reason] = known.reasons.find(([, phrases]) => is(phrases, words)) ?? []
  // `hoe laat was het?` is answered with what awaits the payment.
  if (reason === 'lesson' && intent !== 'menu') return intent === 'pay' ? 'here' : undefined
  if (reason !== undefined) return { person: reason }
  const isChoosing = intent === 'slot' || intent === 'rebook'
  return !isChoosing && is(known.absent, words) ? { person: 'cancel' } : undefined
}

/** Any other wish. undefined: not understood. */
export function wishOf(text: string, situation: WishSituation): Wish | undefined {
  const { intent, isPersonOffered, isLapsed = false, known = OUR_WORDS } = situation
  const { greeting, thanks, back, yes, yesAndThanks, no, noAndThanks, spelling, steps, seeking } = known
  const words = wordsIn(text)
  if (words.length === 0 && EMOJI.test(text)) return 'nothing'
  if (isPersonOffered && noAndThanks.isAll(words, FILLERS) && no.isIn(words)) return 'here'
  if (greeting.isAll(words, FILLERS)) return 'here'
  if (thanks.isAll(words, FILLERS)) return 'nothing'
  if (back.isAll(words, FILLERS)) return intent === 'rebook' ? { person: 'cancel' } : 'here'
  if (yesAndThanks.isAll(words, FILLERS) || noAndThanks.isAll(words, FILLERS)) {
    if (intent !== 'menu') return 'here'
    return isLapsed && yes.isIn(words) ? { step: 'book' } : 'nothing'
  }
  const spelled = words.map(word => spelling.correct(word))
  const [step, phrases] = steps.find(([, phrases]) => is(phrases, spelled)) ?? []
  if (step === undefined || phrases === undefined) return seeking.isIn(words) ? 'here' : undefined
  return stepIn(intent, step, phrases.isAll(spelled, FILLERS))
}

/** @param isAll the message says nothing else */
function stepIn(intent: Intent, step: Step, isAll: boolean): Wish | undefined {
  if (step === 'prices') return { step }
  if (step === 'pay_link') {
    if (intent === 'pay') return { step }
    // Where nothing awaits its payment, it is the link of a lesson.
    return intent === 'menu' ? { person: 'lesson' } : 'here'
  }
  switch (intent) {
    case 'menu':
      return { step: step === 'other_times' ? 'book' : step }
    case 'slot':
      return step === 'book' ? 'here' : { step }
    case 'rebook':
      return step === 'other_times' ? { step } : 'here'
    case 'pay':
      // Releases what is reserved: only if that is beyond doubt.
      return step === 'other_times' && isAll ? { step: 'other_time' } : 'here'
  }
}

export function isYes(
  text: string,
  { yes, yesAndThanks, no }: WishWords,
  words: readonly string[] = wordsIn(text),
): boolean {
  if (words.length === 0) return YES_EMOJI.test(text)
  // `I'm good` refuses.
  return yesAndThanks.isAll(words, FILLERS) && yes.isIn(words) && !no.isIn(words)
}

/** Whether a lesson is meant that there is not yet: `een les`, not `de les`. */
export function asksForNewLesson(text: string, { newLesson }: WishWords): boolean {
  return newLesson.isIn(wordsIn(text))
}

function is(phrases: Phrases, words: readonly string[]): boolean {
  return phrases.isIn(words) || phrases.isAll(words, FILLERS)
}

const CARDINALS = new Map(
  LANGUAGE_CODES.flatMap(code => Object.entries(LANGUAGES[code].times.hours)).map(([word, number]) => [
    wordsIn(word)[0],
    number,
  ]),
)
const ORDINALS = new Map(LANGUAGE_CODES.flatMap(code => Object.entries(LANGUAGES[code].numbers.ordinals)))
const MARKERS = new Set(LANGUAGE_CODES.flatMap(code => LANGUAGES[code].numbers.markers))
const NUMBER_FILLERS = new Set(LANGUAGE_CODES.flatMap(code => LANGUAGES[code].numbers.fillers.split(' ')))
/** Anything else beside a number may make it a time, a sum or a negative. */
const NUMBER_TEXT = /^[\p{L}\d\s().,!?#:👍✅👌🙏😀😊🙂]*$/u
/** Without `optie` before it, a larger number is rather an hour. */
const MAX_BARE_NUMBER = 6

/**
 * The place of the choice that is named by it: `optie 2`, `(1)`, `1️⃣`, `de eerste graag`. undefined: none is.
 * @param isNumberPlace a number alone is one too: `1 graag`
 */
export function placeIn(text: string, isNumberPlace: boolean): number | undefined {
  const plain = text.replace(/(\d)\uFE0F?\u20E3/g, ' ($1) ')
  if (!NUMBER_TEXT.test(plain)) return undefined
  const words = wordsIn(plain).filter(word => !NUMBER_FILLERS.has(word))
  const others = words.filter(word => !MARKERS.has(word))
  const isMarked = others.length < words.length || /\(\d\)|#\d/.test(plain)
  const [word, ...more] = others
  if (word === undefined || more.length > 0) return undefined
  const isPlace = isMarked || (isNumberPlace && Number(word) <= MAX_BARE_NUMBER)
  if (/^\d{1,2}$/.test(word)) return isPlace ? Number(word) : undefined
  return ORDINALS.get(word) ?? (isMarked ? CARDINALS.get(word) : undefined)
}
