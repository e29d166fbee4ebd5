import type { Intent, Step } from './dialogue.ts'
import { Phrases, Spelling, splitPhrases, wordsIn } from './phrases.ts'
import { LANGUAGE_CODES, LANGUAGES, type LanguageCode } from './texts/index.ts'
import type { Wishes } from './texts/language.ts'

/** What students write in their own words, beside the choices that they are shown. */

/** Why a conversation goes to a person. */
export type PersonReason = 'person' | 'ill' | 'cancel' | 'money' | 'complaint' | 'invoice' | 'lesson' | 'weekly'

/**
 * What is wanted of a lesson that is booked; `change`: to move or to cancel it; `weekly`: to end, or to move, those of each
 * week.
 */
export type LessonWish = 'see' | 'where' | 'pay' | 'move' | 'cancel' | 'change' | 'weekly'

/**
 * - `step`: one of the dialogue's
 * - `lesson`: only of who may have one
 * - `reminders`: of lessons, for good
 * - `here`: the question again
 * - `back`: what is under way is not wanted any more
 * - `nothing`: needs no answer
 */
export type Wish =
  | { step: Step }
  | { lesson: LessonWish }
  | { person: PersonReason }
  | { reminders: 'on' | 'off' }
  | 'here'
  | 'back'
  | 'nothing'

export interface WishSituation {
  intent: Intent
  /** The last question was whether the student wants a person. */
  isPersonOffered: boolean
  /** Default: ours. */
  known?: WishWords
  /** The time that was chosen is not reserved any more: the student was asked whether to choose again. */
  isLapsed?: boolean
  /** The student may have a lesson: what is said about one is a wish. Default: it goes to a person. */
  mayHaveLesson?: boolean
  /** One lesson is meant, whatever is said of those each week. Default: not so. */
  isOneMeant?: boolean
  /** The question is whether it shall be one time: no is to others. Default: not so. */
  isTimeAsked?: boolean
  /** The question is which lesson shall be changed: `alle` are those of each week. Default: not so. */
  isWhichAsked?: boolean
}

/** Phrases that a tutor adds, by language. */
export type AddedWords = { [Code in LanguageCode]?: { [Kind in WishKind]?: readonly string[] } }

export type WishKind = Exclude<keyof Wishes, 'fillers'>

/** In this order: who is ill may also want to cancel. */
const REASONS = [
  ['person', 'person'],
  ['ill', 'ill'],
  ['money', 'money'],
  ['complaint', 'complaint'],
  ['invoice', 'invoice'],
  ['cancel', 'quit', 'weekly'],
  ['cancel', 'cancel', 'cancel'],
  ['cancel', 'move', 'move'],
  ['lesson', 'lesson'],
  ['lesson', 'whereLesson', 'where'],
  ['lesson', 'seeLesson', 'see'],
] as const satisfies [PersonReason, WishKind, LessonWish?][]

/** The same in words that mean something else while a time is being chosen. Who is late also says what else to do. */
const ABSENT = [
  ['cancel', 'late'],
  ['cancel', 'change', 'move'],
  ['cancel', 'absent', 'change'],
] as const satisfies [PersonReason, WishKind, LessonWish?][]

/** In this order: `hoeveel kost een proefles` asks for the price. */
const STEPS = [
  ['pay_link', 'payLink'],
  ['prices', 'prices'],
  ['packages', 'packages'],
  ['trial', 'trial'],
  ['other_times', 'otherTimes'],
  ['book', 'book'],
  ['menu', 'menu'],
] as const satisfies [Step, WishKind][]

const WEEKLY = LANGUAGE_CODES.flatMap(code => splitPhrases(LANGUAGES[code].times.words.weekly))

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
    reasons: REASONS.map(([reason, kind, lesson]) => ({ reason, lesson, phrases: all(kind) })),
    absent: ABSENT.map(([reason, kind, lesson]) => ({ reason, lesson, phrases: all(kind) })),
    cancel: all('cancel'),
    myLesson: all('myLesson'),
    weeklyLesson: all('weeklyLesson'),
    myWeekly: all('myWeekly'),
    weeklyMoved: all('weeklyMoved', 'change'),
    changes: all('cancel', 'move'),
    otherTimes: all('otherTimes'),
    steps: STEPS.map(([step, kind]) => [step, all(kind)] as const),
    spelling: new Spelling(inSteps.flatMap(phrase => (phrase.includes('*') ? [] : wordsIn(phrase)))),
    lessonsLeft: all('lessonsLeft'),
    newLesson: all('newLesson'),
    seeking: all('seeking'),
    greeting: all('greeting'),
    thanks: all('thanks'),
    back: all('back'),
    stop: all('stop'),
    reminders: [
      ['off', all('noReminders')],
      ['on', all('reminders')],
    ] as const,
    yes: all('yes'),
    yesAndThanks: all('yes', 'thanks'),
    weekly: new Phrases(WEEKLY),
    yesAndWeekly: new Phrases([...phrasesOf('yes', 'thanks'), ...WEEKLY]),
    no: all('no'),
    noAndThanks: all('no', 'thanks'),
  }
}

/** Where the tutor adds nothing. */
export const OUR_WORDS = wishWords()

const FILLERS = new Set(LANGUAGE_CODES.flatMap(code => LANGUAGES[code].wishes.fillers.split(' ')))

const YES_EMOJI = /[👍✅👌🙏]/u
const EMOJI = /\p{Extended_Pictographic}/u

/** What goes to a person at once, what is wanted of a lesson, and what ends what is under way or reminders. */
export function urgentWishOf(text: string, situation: WishSituation): Wish | undefined {
  const { intent, isPersonOffered, mayHaveLesson = false, known = OUR_WORDS } = situation
  const words = wordsIn(text)
  if (isPersonOffered && isYes(text, known, words)) return { person: 'person' }
  const back = known.back.isAll(words, FILLERS) ? backFrom(situation, known.cancel.isIn(words)) : undefined
  if (back !== undefined) return back
  // Before `lessen heb ik`, which asks when.
  if (known.lessonsLeft.isIn(words)) return { step: 'lessons_left' }
  // `stoppen met herinneringen` is not `stoppen met bijles`.
  const [reminders] = known.reminders.find(([, phrases]) => phrases.isAll(words, FILLERS)) ?? []
  if (reminders !== undefined) return { reminders }
  const isChoosing = intent === 'slot' || intent === 'rebook' || intent === 'move'
  const { reason, lesson } = known.reasons.find(({ phrases }) => is(phrases, words)) ?? {}
  const isOther = reason !== undefined && reason !== 'cancel' && reason !== 'lesson'
  const ofWeekly = isOther ? undefined : weeklyWish(words, situation)
  if (ofWeekly !== undefined) return mayHaveLesson ? { lesson: ofWeekly } : { person: 'cancel' }
  const isWish = mayHaveLesson && lesson !== undefined
  if (reason === 'lesson' && isChoosing) {
    // `volgende les` is when the next one shall be.
    return isWish && known.myLesson.isIn(words) ? { lesson } : undefined
  }
  if (isWish) return { lesson }
  // `hoe laat was het?` is answered with what awaits the payment.
  if (reason === 'lesson' && intent === 'pay') return 'here'
  if (reason !== undefined) return { person: reason }
  if (isChoosing) return undefined
  const absent = known.absent.find(({ phrases }) => is(phrases, words))
  if (mayHaveLesson && absent?.lesson !== undefined) return { lesson: absent.lesson }
  if (absent !== undefined) return { person: absent.reason }
  return intent === 'lesson' && is(known.otherTimes, words) ? { lesson: 'move' } : undefined
}

/** `mijn vaste les naar donderdag`: all of them are meant, unless one is named. undefined: nothing of the kind. */
function weeklyWish(
  words: readonly string[],
  { isOneMeant = false, isWhichAsked = false, known = OUR_WORDS }: WishSituation,
): 'weekly' | 'move' | undefined {
  const isMoved = known.myWeekly.isIn(words) && known.weeklyMoved.isIn(words)
  if (isOneMeant) return isMoved ? 'move' : undefined
  const isChanged = isWhichAsked || known.changes.isIn(words)
  return isMoved || (isChanged && is(known.weeklyLesson, words)) ? 'weekly' : undefined
}

/** What is not wanted any more. undefined: nothing is under way. @param isCancel the word is one for calling off too */
function backFrom({ intent, mayHaveLesson = false }: WishSituation, isCancel: boolean): Wish | undefined {
  switch (intent) {
    case 'slot':
    case 'pupil':
      return 'back'
    case 'pay':
      // The lesson that is booked may be meant.
      return isCancel && mayHaveLesson ? { lesson: 'cancel' } : 'back'
    case 'cancel':
      return isCancel ? 'here' : { step: 'keep_lesson' }
    case 'move':
      return isCancel ? { lesson: 'change' } : { step: 'keep_lesson' }
    case 'lesson':
    case 'lessons':
      return isCancel ? { lesson: 'cancel' } : { step: 'menu' }
    default:
      return undefined
  }
}

/** Any other wish. undefined: not understood. */
export function wishOf(text: string, situation: WishSituation): Wish | undefined {
  const { intent, isPersonOffered, known = OUR_WORDS } = situation
  const { greeting, thanks, back, stop, no, noAndThanks, spelling, steps, seeking } = known
  const words = wordsIn(text)
  // Silence would be taken for a yes.
  if (intent === 'cancel' && isYes(text, known, words)) return 'here'
  if (words.length === 0 && EMOJI.test(text)) return 'nothing'
  if (isPersonOffered && noAndThanks.isAll(words, FILLERS) && no.isIn(words)) return 'here'
  if (greeting.isAll(words, FILLERS)) return 'here'
  if (thanks.isAll(words, FILLERS)) return 'nothing'
  if (intent === 'menu' && stop.isAll(words, FILLERS)) return { reminders: 'off' }
  if (back.isAll(words, FILLERS)) return intent === 'rebook' ? { person: 'cancel' } : 'here'
  const answer = yesOrNo(words, situation)
  if (answer !== undefined) return answer
  const [reminders] = known.reminders.find(([, phrases]) => phrases.isIn(words)) ?? []
  if (reminders !== undefined) return { reminders }
  const spelled = words.map(word => spelling.correct(word))
  const [step, phrases] = steps.find(([, phrases]) => is(phrases, spelled)) ?? []
  if (step === undefined || phrases === undefined) return seeking.isIn(words) ? 'here' : undefined
  return stepIn(situation, step, phrases.isAll(spelled, FILLERS))
}

function yesOrNo(
  words: readonly string[],
  { intent, isLapsed = false, isTimeAsked = false, known = OUR_WORDS }: WishSituation,
) {
  const { yes, yesAndThanks, no, noAndThanks } = known
  const isNo = noAndThanks.isAll(words, FILLERS)
  if (!isNo && !yesAndThanks.isAll(words, FILLERS)) return undefined
  if (isNo && no.isIn(words) && intent === 'cancel') return { step: 'keep_lesson' } as const
  if (isNo && no.isIn(words) && isTimeAsked) return { step: 'other_times' } as const
  if (intent !== 'menu' && intent !== 'lesson') return 'here'
  return intent === 'menu' && isLapsed && yes.isIn(words) ? ({ step: 'book' } as const) : 'nothing'
}

/** @param isAll the message says nothing else */
function stepIn({ intent, mayHaveLesson = false }: WishSituation, step: Step, isAll: boolean): Wish | undefined {
  if (step === 'prices' || step === 'packages') return { step }
  if (step === 'pay_link') {
    if (intent === 'pay') return { step }
    // Where nothing awaits its payment, it is the link of a lesson.
    if (intent !== 'menu' && intent !== 'lesson') return 'here'
    return mayHaveLesson ? { lesson: 'pay' } : { person: 'lesson' }
  }
  switch (intent) {
    case 'menu':
    case 'pupil':
    case 'lesson':
    case 'lessons':
      return { step: step === 'other_times' ? 'book' : step }
    case 'cancel':
      return step === 'menu' ? { step } : 'here'
    case 'move':
      return step === 'menu' || step === 'other_times' ? { step } : 'here'
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

/** Whether it says yes, beside something else. */
export function hasYes(text: string, { yes, no }: WishWords): boolean {
  const words = wordsIn(text)
  return yes.isIn(words) && !no.isIn(words)
}

/** Whether it says yes to a lesson each week: `ja`, `elke week graag`. */
export function isYesToWeekly(text: string, known: WishWords): boolean {
  const words = wordsIn(text)
  if (isYes(text, known, words)) return true
  return known.yesAndWeekly.isAll(words, FILLERS) && known.weekly.isIn(words) && !known.no.isIn(words)
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
