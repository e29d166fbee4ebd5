import { asText, type Json } from '../sources/json.ts'
import { readerOf, situationOf } from './booking.ts'
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
import { askedTimeOf, offeredOf } from './offers.ts'
import type { Reply } from './reply.ts'
import type { Services } from './services.ts'
import { type SpokenTime, type SpokenTimes, spokenTime, spokenTimes } from './spoken-time.ts'
import {
  answerSaid,
  askAgain,
  changeToSpokenTime,
  chooseSpokenTime,
  chooseTime,
  hasLesson,
  showMenu,
  startAt,
  stopBooking,
  type TimeSaid,
  type Turn,
  takeStep,
  textsOf,
  whereWeAre,
  writtenAt,
} from './steps.ts'
import { parseTime, type Reader } from './times.ts'
import { askHost } from './understand.ts'
import { asksForNewLesson, isYes, placeIn, urgentWishOf, type Wish, type WishSituation, wishOf } from './wishes.ts'

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
  const understood = find(turn)
  const isNothingElse = understood === undefined || understood === 'nothing'
  const known = isAsked && isNothingElse ? 'here' : understood
  const found = known ?? (files === 'unseen' ? undefined : ((await askHost(turn, situationOfTurn(turn))) ?? undefined))
  if (isOther && mayBeAnyLanguage(found)) return answerOtherLanguage(services, conversation, turn.text)
  if (found === 'nothing') return null
  if (!isChoice(found) && (await isRepeated(turn)))
    return handOverFor(services, 'repeated', textsOf(turn), conversation)
  if (found === undefined && files !== 'none') return handOverFor(services, 'file', textsOf(turn), conversation)
  if (found === undefined) return answerMisunderstood(turn)
  const reply = await replyTo(turn, found)
  if (reply.handsOver || !conversation.attributes.misunderstood) return reply
  return { ...reply, attributes: { ...NO_MISSES, ...reply.attributes } }
}

type Found = Exclude<Meaning, null> | Wish | (TimeSaid & { isTrial: boolean }) | { said: SpokenTimes }

/**
 * What a message means; undefined: it is not understood. Of several, what is urgent in any of them; else what they mean
 * together; else the last one that is understood by itself.
 */
export function find(turn: Turn): Found | undefined {
  const texts = textsOf(turn)
  if (texts.length < 2) return findOne(turn)
  const each = texts.map(text => findOne({ ...turn, text }))
  const urgent = each.find(found => typeof found === 'object' && 'person' in found)
  return urgent ?? findOne(turn) ?? each.findLast(found => found !== undefined)
}

function findOne(turn: Turn): Found | undefined {
  const { services, conversation, text } = turn
  const { attributes } = conversation
  const intent = intentOf(attributes)
  const situation = situationOfTurn(turn)
  const choice = choiceIn(turn, situation)
  if (choice !== null) return choice
  const wishes: WishSituation = {
    intent,
    isPersonOffered: Number(attributes.misunderstood) >= OFFER_PERSON_AT,
    known: services.tutor.words,
    isLapsed: attributes.lesson_type != null && attributes.order_id == null && attributes.payment_status == null,
  }
  const urgent = urgentWishOf(text, wishes)
  if (urgent !== undefined) return urgent
  const isHourAsked = intent === 'slot' || intent === 'rebook'
  const reader = readerOf(conversation, services)
  const before = isHourAsked ? askedBefore(attributes, reader) : undefined
  const said = spokenTimes(text, writtenAt(turn.delivery), reader, { isHourAsked, before })
  const wish = wishOf(text, wishes)
  const { time: spoken, minutes, wants } = said
  if (spoken !== undefined && maySpeak(intent, spoken, wish)) return timeIn(turn, { spoken, said }, wish)
  const isSaid = minutes !== undefined ? stepOf(wish) === undefined : wants !== undefined && wish === undefined
  if (isHourAsked && isSaid) return { said }
  // `liever woensdag` while a lesson awaits its payment: nothing is let go before that is sure.
  if (intent === 'pay' && spoken !== undefined && wish === undefined) return 'here'
  if (typeof wish !== 'object' || !('step' in wish)) return wish
  return situation.without.has(wish.step) && !UNSOLD.has(wish.step) ? 'here' : wish
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
  if (intent === 'pay' || wish === 'nothing') return false
  return wish === undefined || wish === 'here' || stepOf(wish) !== 'prices'
}

function stepOf(wish: Wish | undefined): Step | undefined {
  return typeof wish === 'object' && 'step' in wish ? wish.step : undefined
}

/** Who has a lesson may want to move it, which a person does. */
function timeIn(turn: Turn, said: TimeSaid, wish: Wish | undefined): Found {
  const step = stepOf(wish)
  const isNew = step === 'book' || step === 'trial' || asksForNewLesson(turn.text, turn.services.tutor.words)
  const isOfMenu = intentOf(turn.conversation.attributes) === 'menu'
  if (isOfMenu && !isNew && hasLesson(turn)) return { person: 'lesson' }
  return { ...said, isTrial: step === 'trial' }
}

function situationOfTurn({ services, conversation, kind }: Turn): Situation {
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
function choiceIn({ services, conversation, text }: Turn, situation: Situation): Meaning | 'here' {
  const choice = understand(text, situation)
  if (choice !== null) return choice
  const place = placeIn(text, isNumberPlace(situation))
  const named = place === undefined ? null : choiceAt(place, situation)
  if (named !== null) return named
  const asked = situation.intent === 'slot' ? askedTimeOf(conversation) : undefined
  return asked !== undefined && isYes(text, services.tutor.words) ? { time: asked } : understandOlder(text, situation)
}

/** Choices may be made again and again. */
function isChoice(found: Found | undefined): boolean {
  if (found === undefined || typeof found === 'string') return false
  return 'time' in found || ('step' in found && found.step !== 'prices' && found.step !== 'menu')
}

async function replyTo(turn: Turn, found: Exclude<Found, 'nothing'>): Promise<Reply> {
  if (found === 'here') return asFirst(turn, whereWeAre(turn))
  if (found === 'back') return stopBooking(turn)
  if ('person' in found) return handOverFor(turn.services, found.person, textsOf(turn), turn.conversation)
  if ('spoken' in found) return answerTime(turn, found)
  if ('said' in found) return answerSaid(turn, found.said)
  if ('time' in found) return chooseTime(turn, found.time)
  return takeStep(turn, found.step)
}

function answerTime(turn: Turn, { isTrial, ...time }: TimeSaid & { isTrial: boolean }): Promise<Reply> | Reply {
  switch (intentOf(turn.conversation.attributes)) {
    case 'menu':
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
function answerMisunderstood(turn: Turn): Reply {
  const { services, conversation, text } = turn
  const { attributes, language } = conversation
  if (attributes.misunderstood == null && intentOf(attributes) === 'menu') return asFirst(turn, showMenu(turn))
  const misunderstood = (Number(attributes.misunderstood) || 0) + 1
  const written = [...(asText(attributes.misunderstood_texts)?.split('\n') ?? []), text.replaceAll('\n', ' ')]
  if (misunderstood > OFFER_PERSON_AT) return handOverFor(services, 'misunderstood', written, conversation)
  const texts = services.tutor.texts[language]
  const sorry = misunderstood < OFFER_PERSON_AT ? texts.notUnderstood : texts.offerPerson
  return {
    ...askAgain(turn, sorry),
    attributes: { misunderstood, misunderstood_texts: written.join('\n').toWellFormed() },
  }
}
