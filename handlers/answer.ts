import type { BookedLesson } from '../calendar/contract.ts'
import { asText, type Json } from '../sources/json.ts'
import { askedTimeOf, isWeeklyAsked, offeredOf } from './asked-time.ts'
import { hasLesson, readerOf, situationOf } from './booking.ts'
import type { Conversation } from './conversation.ts'
import {
  choiceAt,
  type Intent,
  intentOf,
  isNumberPlace,
  type Meaning,
  type Situation,
  type Step,
  UNSOLD,
  understand,
  understandOlder,
} from './dialogue.ts'
import { handOverFor, NO_MISSES } from './hand-over.ts'
import { answerOtherLanguage, type LanguageSaid, languageSaidIn } from './language.ts'
import { kindOf } from './lesson-kind.ts'
import { isRepeated } from './loops.ts'
import { aboutLesson } from './my-lesson.ts'
import { confirmCancel, confirmedIn } from './my-lesson-cancel.ts'
import { whileMoving } from './my-lesson-move.ts'
import { lessonDialogueOf } from './my-lesson-state.ts'
import { askAgain, showMenu } from './question.ts'
import type { Reply } from './reply.ts'
import type { Services } from './services.ts'
import type { TimeSaid } from './spoken-offer.ts'
import { exactTime, type SpokenTime, type SpokenTimes, spokenTime, spokenTimes } from './spoken-time.ts'
import {
  answerSaid,
  changeToSpokenTime,
  chooseSpokenTime,
  chooseTime,
  setReminders,
  startAt,
  stopBooking,
  takeStep,
  whereWeAre,
} from './steps.ts'
import { shiftIn } from './time-shift.ts'
import { parseTime, type Reader } from './times.ts'
import { type Turn, textsOf, writtenAt } from './turn.ts'
import { askHost } from './understand.ts'
import { lessonsOfStudent } from './whose-lesson.ts'
import {
  asksForNewLesson,
  hasYes,
  isYes,
  isYesToWeekly,
  type LessonWish,
  placeIn,
  urgentWishOf,
  type Wish,
  type WishSituation,
  wishOf,
} from './wishes.ts'

/** At the second misunderstood message in a row a person is offered, at the next the conversation is a person's. */
const OFFER_PERSON_AT = 2

/** What a message says about the language. A choice says nothing: its title is the bot's own text. */
export function languageOfTurn(turn: Turn): LanguageSaid {
  const { services, conversation, text } = turn
  if (choiceIn(turn, situationOfTurn(turn)) === null) return languageSaidIn(services, text, conversation)
  return { language: conversation.language, kept: {}, isAsked: false, isOther: false }
}

/**
 * The answer to a student's message, in its conversation's language; null: none is needed.
 * @param files what is attached: a voice message with its text is `heard`
 * @throws {PermanentError} if it can't be done: the student is handed over
 */
export async function answerTo(
  turn: Turn,
  { isAsked, isOther }: Pick<LanguageSaid, 'isAsked' | 'isOther'>,
  files: 'none' | 'heard' | 'unseen',
): Promise<Reply | null> {
  const { services, conversation } = turn
  const confirmed = confirmedIn(turn)
  if (confirmed !== undefined) return withoutMisses(conversation, await confirmCancel(turn, confirmed))
  const { understood, lessons } = await findOfStudent(turn)
  const isNothingElse = understood === undefined || understood === 'nothing'
  const known = isAsked && isNothingElse ? 'here' : understood
  const found = known ?? (files === 'unseen' ? undefined : ((await askHost(turn, situationOfTurn(turn))) ?? undefined))
  if (isOther && mayBeAnyLanguage(found)) return answerOtherLanguage(services, conversation, turn.text)
  if (found === 'nothing') return null
  if (!isChoice(found) && (await isRepeated(turn)))
    return handOverFor(services, 'repeated', textsOf(turn), conversation)
  if (found === undefined && files !== 'none') return handOverFor(services, 'file', textsOf(turn), conversation)
  if (found === undefined) return answerMisunderstood(turn)
  return withoutMisses(conversation, await replyTo(turn, found, lessons))
}

/** It is understood. */
function withoutMisses({ attributes }: Conversation, reply: Reply): Reply {
  if (reply.handsOver || !attributes.misunderstood) return reply
  return { ...reply, attributes: { ...NO_MISSES, ...reply.attributes } }
}

type Found =
  | Exclude<Meaning, null>
  | Wish
  | { lesson: LessonWish; time: TimeSaid }
  | { lesson: LessonWish; names: TimeSaid }
  | (TimeSaid & { isTrial: boolean })
  | { said: SpokenTimes }

/** What a message means; what is wanted of a booked lesson only if the student has one. */
async function findOfStudent(turn: Turn): Promise<{ understood: Found | undefined; lessons?: BookedLesson[] }> {
  const understood = find(turn)
  if (!isAboutLesson(understood)) return { understood }
  const lessons = await lessonsOfStudent(turn)
  return lessons.length > 0 ? { understood, lessons } : { understood: find(turn, false) }
}

function isAboutLesson(found: Found | undefined): found is { lesson: LessonWish } {
  return typeof found === 'object' && 'lesson' in found
}

/**
 * What a message means; undefined: it is not understood. Of several, what is urgent in any of them; else what they mean
 * together; else the last one that is understood by itself.
 */
export function find(turn: Turn, mayHaveLesson = true): Found | undefined {
  const texts = turn.heard ?? textsOf(turn)
  if (texts.length < 2) return findOne(turn, mayHaveLesson)
  const each = texts.map(text => findOne({ ...turn, text }, mayHaveLesson))
  const urgent = each.find(found => typeof found === 'object' && 'person' in found) ?? each.find(isAboutLesson)
  return urgent ?? findOne(turn, mayHaveLesson) ?? each.findLast(found => found !== undefined)
}

function findOne(turn: Turn, mayHaveLesson: boolean): Found | undefined {
  const { services, conversation, text } = turn
  const { attributes } = conversation
  const situation = situationOfTurn(turn)
  const choice = choiceIn(turn, situation)
  if (choice !== null) return choice
  const intent = intentOfWishes(situation)
  const wishes: WishSituation = {
    intent,
    isPersonOffered: Number(attributes.misunderstood) >= OFFER_PERSON_AT,
    known: services.tutor.words,
    isLapsed: attributes.lesson_type != null && attributes.order_id == null && attributes.payment_status == null,
    mayHaveLesson,
    isTimeAsked: (intent === 'slot' || intent === 'move') && askedTimeOf(conversation) !== undefined,
    isWhichAsked: isWhichAsked(attributes),
  }
  const isHourAsked = intent === 'slot' || intent === 'rebook' || intent === 'move'
  const said = timesIn(turn, isHourAsked)
  if (isHourAsked && isWeeklyConfirmed(turn, said)) return { step: 'every_week' }
  const urgent = urgentWishOf(text, { ...wishes, intent: situation.intent, isOneMeant: said.isOne })
  if (isAboutLesson(urgent)) return withTime(urgent, said)
  if (urgent !== undefined) return urgent
  const shifted = shiftedIn(turn, said)
  if (shifted !== undefined) return shifted
  const wish = wishOf(text, wishes)
  if (isAboutLesson(wish)) return wish
  const { time: spoken, minutes, wants } = said
  if (spoken !== undefined && maySpeak(intent, spoken, wish)) return timeIn(turn, { spoken, said }, wish, mayHaveLesson)
  const isSaid = minutes !== undefined ? stepOf(wish) === undefined : wants !== undefined && wish === undefined
  const isRhythm = said.isOtherRhythm && (wish === undefined || stepOf(wish) === 'book')
  if (isHourAsked && (isSaid || isRhythm)) return { said }
  // `liever woensdag` while a lesson awaits its payment: nothing is let go before that is sure.
  if (intent === 'pay' && spoken !== undefined && wish === undefined) return 'here'
  if (typeof wish !== 'object' || !('step' in wish)) return wish
  return situation.without.has(wish.step) && !UNSOLD.has(wish.step) ? 'here' : wish
}

/** What a message says about times, beside what was asked. */
function timesIn({ services, conversation, text, delivery }: Turn, isHourAsked: boolean): SpokenTimes {
  const reader = readerOf(conversation, services)
  const at = writtenAt(delivery)
  if (!isHourAsked) return spokenTimes(text, at, reader)
  const weekly = isWeeklyAsked(conversation) ? askedTimeOf(conversation) : undefined
  const before = weekly === undefined ? askedBefore(conversation.attributes, reader) : exactTime(weekly, reader.zone)
  const said = spokenTimes(text, at, reader, { isHourAsked, before, isWeeklyAsked: weekly !== undefined })
  // `elke week graag`: the time that was asked about, but for one lesson.
  const isSame = said.time === undefined && said.isWeekly && isYesToWeekly(text, services.tutor.words)
  const asked = isSame ? askedTimeOf(conversation) : undefined
  return asked === undefined ? said : { ...said, time: exactTime(asked, reader.zone) }
}

/** `ja, elke dinsdag 17:00`: the time that was asked about. */
function isWeeklyConfirmed({ services, conversation, text }: Turn, { time, isOnlyWeekly }: SpokenTimes): boolean {
  const asked = isWeeklyAsked(conversation) ? askedTimeOf(conversation) : undefined
  return asked !== undefined && isOnlyWeekly && time?.isMeant(asked) === true && hasYes(text, services.tutor.words)
}

/** `een uur later`: than the time that was asked about, or than the lesson that is shown or moved. */
function shiftedIn({ services, conversation, text, delivery }: Turn, said: SpokenTimes): Found | undefined {
  const shift = shiftIn(text)
  const reader = readerOf(conversation, services)
  const { attributes } = conversation
  const intent = intentOf(attributes)
  const isOfLesson = intent === 'lesson' || intent === 'move'
  const asked = intent === 'slot' || intent === 'move' ? askedTimeOf(conversation) : undefined
  const from = asked ?? (isOfLesson ? lessonDialogueOf(attributes)?.lessons[0].start : undefined)
  if (shift === undefined || from === undefined) return undefined
  // `donderdag een uur later`: another day.
  if (spokenTime(text, writtenAt(delivery), reader)?.wanted.some(({ days }) => days !== undefined)) return undefined
  const at = from + shift * 60_000
  if (isOfLesson) return { moveTo: at }
  // `een uur` is how much later, not how long.
  const { minutes: _, ...others } = said
  return { spoken: exactTime(at, reader.zone), said: others, isTrial: false }
}

/** `kan mijn les naar vrijdag` */
function withTime({ lesson }: { lesson: LessonWish }, said: SpokenTimes): Found {
  return said.time === undefined ? { lesson } : { lesson, time: { spoken: said.time, said } }
}

/** Whether the question is which lesson shall be changed. */
function isWhichAsked(attributes: Json): boolean {
  const { intent, wish } = lessonDialogueOf(attributes) ?? {}
  return intent === 'lessons' && (wish === 'cancel' || wish === 'move' || wish === 'change')
}

/** While a booked lesson is shown, what else is open can be answered too. */
function intentOfWishes({ intent, base = 'menu' }: Situation): Intent {
  const isShown = intent === 'lesson' || intent === 'lessons'
  return isShown && (base === 'pay' || base === 'rebook') ? base : intent
}

/** What was said before about when: `dinsdag`, which `17:00` completes. */
function askedBefore({ asked_time }: Json, reader: Reader): SpokenTime | undefined {
  const [, at = '', text = ''] = /^(\S+) (.*)$/.exec(asText(asked_time) ?? '') ?? []
  const written = parseTime(at)
  return written === undefined ? undefined : spokenTime(text, written, reader, { isHourAsked: true })
}

/** Whether a time in a message says when a lesson is wanted. */
function maySpeak(intent: Intent, { isCertain }: SpokenTime, wish: Wish | undefined): boolean {
  if (isCertain) return true
  if (intent === 'pay' || intent === 'cancel' || wish === 'nothing') return false
  return wish === undefined || wish === 'here' || stepOf(wish) !== 'prices'
}

function stepOf(wish: Wish | undefined): Step | undefined {
  return typeof wish === 'object' && 'step' in wish ? wish.step : undefined
}

/** Who has a lesson may want to move it. */
function timeIn(turn: Turn, said: TimeSaid, wish: Wish | undefined, mayHaveLesson: boolean): Found {
  const { services, conversation } = turn
  const step = stepOf(wish)
  const isNew =
    step === 'book' ||
    step === 'trial' ||
    said.said.isWeekly ||
    said.said.isOtherRhythm ||
    asksForNewLesson(turn.text, services.tutor.words)
  const intent = intentOf(conversation.attributes)
  const named = lessonDialogueOf(conversation.attributes)
  if (named?.intent === 'lessons') {
    return mayHaveLesson ? { lesson: named.wish as LessonWish, names: said } : { person: 'lesson' }
  }
  const isShown = intent === 'lesson' || intent === 'cancel'
  const isOfLesson = isShown || (intent === 'menu' && hasLesson(conversation, services))
  if (isOfLesson && !isNew) return mayHaveLesson ? { lesson: 'move', time: said } : { person: 'lesson' }
  return { ...said, isTrial: step === 'trial' }
}

export function situationOfTurn({ services, conversation, kind }: Turn): Situation {
  return situationOf({ services, conversation, kind }, intentOf(conversation.attributes), offeredOf(conversation))
}

/** Whether a message makes a choice that is offered. */
export function isChoiceNow(services: Services, conversation: Conversation, text: string): boolean {
  const booking = { services, conversation, kind: kindOf(conversation, services) }
  const { attributes } = conversation
  return understand(text, situationOf(booking, intentOf(attributes), offeredOf(conversation))) !== null
}

/** Whether it may have been found by mere likeness of words. */
function mayBeAnyLanguage(found: Found | undefined): boolean {
  if (found === undefined || typeof found === 'string') return true
  return 'spoken' in found && !found.spoken.isCertain
}

/** `here`: one that can't be made now. */
export function choiceIn({ services, conversation, text }: Turn, situation: Situation): Meaning | 'here' {
  const choice = understand(text, situation)
  if (choice !== null) return choice
  const place = placeIn(text, isNumberPlace(situation))
  const named = place === undefined ? null : choiceAt(place, situation)
  if (named !== null) return named
  const isAsked = situation.intent === 'slot' || situation.intent === 'move'
  const asked = isAsked ? askedTimeOf(conversation) : undefined
  const { words } = services.tutor
  if (isWeeklyAsked(conversation) && isYesToWeekly(text, words)) return { step: 'every_week' }
  if (asked === undefined || !isYesToWeekly(text, words)) return understandOlder(text, situation)
  return isYes(text, words) ? { time: asked } : null
}

/** Choices may be made again and again. */
function isChoice(found: Found | undefined): boolean {
  if (found === undefined || typeof found === 'string') return false
  if ('lesson' in found) return false
  return 'time' in found || 'moveTo' in found || ('step' in found && found.step !== 'prices' && found.step !== 'menu')
}

async function replyTo(
  turn: Turn,
  found: Exclude<Found, 'nothing'>,
  lessons: BookedLesson[] | undefined,
): Promise<Reply> {
  if (found === 'here') return asFirst(turn, await whereWeAre(turn))
  if (found === 'back') return stopBooking(turn)
  if ('person' in found) return handOverFor(turn.services, found.person, textsOf(turn), turn.conversation)
  if ('reminders' in found) return setReminders(turn, found.reminders)
  if ('lesson' in found) return aboutLesson(turn, found, lessons)
  if ('moveTo' in found) return aboutLesson(turn, { lesson: 'move', moveTo: found.moveTo })
  const dialogue = lessonDialogueOf(turn.conversation.attributes)
  const isOfTime = !('step' in found) || found.step === 'other_times'
  if (dialogue?.intent === 'move' && isOfTime) {
    return whileMoving(turn, dialogue.lessons[0], moving => answerChoice(moving, found))
  }
  return answerChoice(turn, found)
}

type Chosen = { step: Step } | { time: number } | (TimeSaid & { isTrial: boolean }) | { said: SpokenTimes }

function answerChoice(turn: Turn, found: Chosen): Promise<Reply> | Reply {
  if ('spoken' in found) return answerTime(turn, found)
  if ('said' in found) return answerSaid(turn, found.said)
  if ('time' in found) return chooseTime(turn, found.time)
  return takeStep(turn, found.step)
}

function answerTime(turn: Turn, { isTrial, ...time }: TimeSaid & { isTrial: boolean }): Promise<Reply> | Reply {
  switch (intentOf(turn.conversation.attributes)) {
    case 'menu':
    case 'pupil':
      return startAt(turn, time, isTrial && !situationOfTurn(turn).without.has('trial'))
    case 'pay':
      return changeToSpokenTime(turn, time.spoken)
    default:
      return chooseSpokenTime(turn, time)
  }
}

/** From now on what is not understood is said to be. */
function asFirst({ conversation }: Turn, reply: Reply): Reply {
  if (conversation.attributes.misunderstood != null) return reply
  return { ...reply, attributes: { ...reply.attributes, misunderstood: 0 } }
}

/** A first message gets the menu, whatever it says. */
async function answerMisunderstood(turn: Turn): Promise<Reply> {
  const { services, conversation } = turn
  const text = textsOf(turn).join(' ')
  const { attributes, language } = conversation
  if (attributes.misunderstood == null && intentOf(attributes) === 'menu') return asFirst(turn, showMenu(turn))
  const misunderstood = (Number(attributes.misunderstood) || 0) + 1
  const written = [...(asText(attributes.misunderstood_texts)?.split('\n') ?? []), text.replaceAll('\n', ' ')]
  if (misunderstood > OFFER_PERSON_AT) return handOverFor(services, 'misunderstood', written, conversation)
  const texts = services.tutor.texts[language]
  const sorry = misunderstood < OFFER_PERSON_AT ? texts.notUnderstood : texts.offerPerson
  const missed = { misunderstood, misunderstood_texts: written.join('\n').toWellFormed() }
  if (lessonDialogueOf(attributes) === undefined && intentOf(attributes) !== 'pupil')
    return { ...askAgain(turn, sorry), attributes: missed }
  // Whole: its choices are nothing without it.
  const question = await whereWeAre(turn)
  return {
    ...question,
    content: [sorry, question.content].join('\n'),
    attributes: { ...question.attributes, ...missed },
  }
}
