import type { Intent, Step } from './dialogue.ts'
import { Phrases, Spelling, splitPhrases, wordsIn } from './phrases.ts'
import { LANGUAGE_CODES, LANGUAGES } from './texts/index.ts'
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
  /** The time that was chosen is not reserved any more: the student was asked whether to choose again. */
  isLapsed?: boolean
}

/** In every language: students mix them. */
const all = (...kinds: Exclude<keyof Wishes, 'fillers'>[]) =>
  new Phrases(LANGUAGE_CODES.flatMap(code => kinds.flatMap(kind => splitPhrases(LANGUAGES[code].wishes[kind]))))

const FILLERS = new Set(LANGUAGE_CODES.flatMap(code => LANGUAGES[code].wishes.fillers.split(' ')))

/** In this order: who is ill may also want to cancel. */
const REASONS: readonly [PersonReason, Phrases][] = (
  ['person', 'ill', 'money', 'complaint', 'invoice', 'cancel', 'lesson'] as const
).map(reason => [reason, all(reason)])
const ABSENT = all('absent')

/** In this order: `hoeveel kost een proefles` asks for the price. */
const STEPS: readonly [Step, Phrases][] = [
  ['pay_link', all('payLink')],
  ['prices', all('prices')],
  ['trial', all('trial')],
  ['other_times', all('otherTimes')],
  ['book', all('book')],
  ['menu', all('menu')],
]

const SPELLING = new Spelling(
  LANGUAGE_CODES.flatMap(code => {
    const { book, trial, prices, menu, otherTimes, payLink } = LANGUAGES[code].wishes
    return [book, trial, prices, menu, otherTimes, payLink].flatMap(splitPhrases)
  }).flatMap(phrase => (phrase.includes('*') ? [] : wordsIn(phrase))),
)

const NEW_LESSON = all('newLesson')
const SEEKING = all('seeking')
const GREETING = all('greeting')
const THANKS = all('thanks')
const BACK = all('back')
const YES = all('yes')
const YES_AND_THANKS = all('yes', 'thanks')
const NO = all('no')
const NO_AND_THANKS = all('no', 'thanks')

const YES_EMOJI = /[👍✅👌🙏]/u
const EMOJI = /\p{Extended_Pictographic}/u

/** What goes to a person at once, and what ends what is under way; undefined: neither. */
export function urgentWishOf(text: string, { intent, isPersonOffered }: WishSituation): Wish | undefined {
  const words = wordsIn(text)
  const isUnderWay = intent === 'slot' || intent === 'pay'
  if (isPersonOffered && isYes(text, words)) return { person: 'person' }
  if (isUnderWay && BACK.isAll(words, FILLERS)) return 'back'
  const [reason] = REASONS.find(([, phrases]) => is(phrases, words)) ?? []
  // `hoe laat was het?` is answered with what awaits the payment.
  if (reason === 'lesson' && intent !== 'menu') return intent === 'pay' ? 'here' : undefined
  if (reason !== undefined) return { person: reason }
  const isChoosing = intent === 'slot' || intent === 'rebook'
  return !isChoosing && is(ABSENT, words) ? { person: 'cancel' } : undefined
}

/** Any other wish. undefined: not understood. */
export function wishOf(text: string, { intent, isPersonOffered, isLapsed = false }: WishSituation): Wish | undefined {
  const words = wordsIn(text)
  if (words.length === 0 && EMOJI.test(text)) return 'nothing'
  if (isPersonOffered && NO_AND_THANKS.isAll(words, FILLERS) && NO.isIn(words)) return 'here'
  if (GREETING.isAll(words, FILLERS)) return 'here'
  if (THANKS.isAll(words, FILLERS)) return 'nothing'
  if (BACK.isAll(words, FILLERS)) return intent === 'rebook' ? { person: 'cancel' } : 'here'
  if (YES_AND_THANKS.isAll(words, FILLERS) || NO_AND_THANKS.isAll(words, FILLERS)) {
    if (intent !== 'menu') return 'here'
    return isLapsed && YES.isIn(words) ? { step: 'book' } : 'nothing'
  }
  const spelled = words.map(word => SPELLING.correct(word))
  const [step, phrases] = STEPS.find(([, phrases]) => is(phrases, spelled)) ?? []
  if (step === undefined || phrases === undefined) return SEEKING.isIn(words) ? 'here' : undefined
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

export function isYes(text: string, words: readonly string[] = wordsIn(text)): boolean {
  if (words.length === 0) return YES_EMOJI.test(text)
  return YES_AND_THANKS.isAll(words, FILLERS) && YES.isIn(words)
}

/** Whether a lesson is meant that there is not yet: `een les`, not `de les`. */
export function asksForNewLesson(text: string): boolean {
  return NEW_LESSON.isIn(wordsIn(text))
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
