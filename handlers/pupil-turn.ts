import type { Json } from '../sources/json.ts'
import { answerTo, choiceIn, find, situationOfTurn } from './answer.ts'
import { hasLesson, isReserved } from './booking.ts'
import { lessonDialogueOf } from './my-lesson-state.ts'
import { askForWhom, askOtherName } from './pupil-question.ts'
import { isNothingElse, namesAnswered, type PupilContext, type PupilsSaid, pupilsSaidIn } from './pupil-words.ts'
import { MAX_PUPILS, pupilAsked, pupilOf, pupilQuestionOf, pupilsOf, pupilsToChoose } from './pupils.ts'
import type { Reply } from './reply.ts'
import { reserveForPupil, whereWeAre } from './steps.ts'
import { subjectIn } from './subject.ts'
import { LANGUAGES } from './texts/index.ts'
import { type Turn, textsOf, writtenAt } from './turn.ts'

/** What a message says about pupils, and the answer to the rest of it. Who has mentioned none is asked nothing. */

type Rest = Parameters<typeof answerTo>
/** Answers a message that says nothing about pupils. */
type Answer = (turn: Turn) => Promise<Reply | null>

/** The answer to a student's message, as `answerTo` gives it, for the pupil that is named in it. */
export async function answerForPupil(turn: Turn, said: Rest[1], files: Rest[2]): Promise<Reply | null> {
  const heard = hear(turn)
  const answer: Answer = rest => answerTo(rest, said, files)
  if (heard === undefined) return afterNameQuestion(turn, await answer(turn))
  return answerHeard({ ...turn, text: heard.rest, heard: heard.rests }, heard, answer)
}

/** The name was asked for, and is not given: it is not asked again. */
function afterNameQuestion({ conversation }: Turn, reply: Reply | null): Reply | null {
  if (reply === null || pupilQuestionOf(conversation.attributes)?.is !== 'name') return reply
  return { ...reply, attributes: { pupil_asked: 'asked', ...reply.attributes } }
}

interface Heard extends PupilsSaid {
  /** Of each message. */
  rests: readonly string[]
}

const NOTHING: Heard = { rest: '', rests: [''], names: [], isUnnamed: false, isOther: false, isInstead: false }

/** What it says about pupils; undefined: nothing. */
function hear(turn: Turn): Heard | undefined {
  const { services, conversation } = turn
  const context: PupilContext = {
    known: pupilsToChoose(conversation.attributes),
    isSubject: text => subjectIn(services, text) !== undefined,
    hasCapitalNouns: LANGUAGES[conversation.language].pupils.hasCapitalNouns,
  }
  const question = pupilQuestionOf(conversation.attributes)
  const texts = textsOf(turn)
  const chosen = [...texts, turn.text].map(text => chosenIn({ ...turn, text }))
  const pupil = chosen.findLast(each => typeof each === 'string')
  if (pupil !== undefined) return { ...NOTHING, names: [{ name: pupil, is: 'known' }] }
  if (chosen.at(-1) === null) return undefined
  const each = texts.map(text => pupilsSaidIn(text, context))
  if (each.some(said => said !== undefined))
    return together(each.map((said, at) => said ?? { ...NOTHING, rest: texts[at] as string }))
  // What is understood as something else is no name.
  const given = question !== undefined && find(turn) === undefined ? namesAnswered(turn.text, context) : []
  const is = question?.is === 'name' ? 'said' : 'maybe'
  return given.length === 0 ? undefined : { ...NOTHING, names: given.map(name => ({ name, is })) }
}

/** A pupil that is chosen by value, name or number; null: another choice is made. An older question's stay clickable. */
function chosenIn(turn: Turn): string | null | undefined {
  const { attributes } = turn.conversation
  const older = pupilsOf(attributes).find(name => turn.text.trim() === `pupil_${name}`)
  if (older !== undefined) return older
  const choice = choiceIn(turn, situationOfTurn(turn))
  if (choice === null) return undefined
  return choice !== 'here' && 'step' in choice ? (/^pupil_(.*)$/.exec(choice.step)?.[1] ?? null) : null
}

function together(each: readonly PupilsSaid[]): Heard {
  const rests = each.map(({ rest }) => rest)
  const renamed = each.findLast(said => said.renamed !== undefined)?.renamed
  return {
    rest: rests.join('\n').trim(),
    rests,
    names: [...new Map(each.flatMap(({ names }) => names).map(each => [each.name, each])).values()],
    isUnnamed: each.some(({ isUnnamed }) => isUnnamed),
    isOther: each.some(({ isOther }) => isOther),
    isInstead: each.some(({ isInstead }) => isInstead),
    ...(renamed && { renamed }),
  }
}

/** @param turn its text is what is left */
async function answerHeard(turn: Turn, heard: Heard, answer: Answer): Promise<Reply | null> {
  const { names, renamed } = heard
  const pupils = pupilsOf(turn.conversation.attributes)
  const all = [...new Set([...pupils, ...names.map(({ name }) => name)])]
  if (renamed !== undefined) return rename(turn, renamed)
  if (all.length > MAX_PUPILS) return { content: textsIn(turn).tooManyPupils }
  const unknown = pupils.length === 0 ? undefined : names.find(({ is }) => is === 'maybe')?.name
  if (unknown !== undefined) return askForWhom(turn, waitingText(turn), unknown)
  if (names.length > 0) return answerNamed(turn, heard, all, answer)
  if (!heard.isOther) return answerUnnamed(turn, answer)
  if (pupils.length > 1) return askForWhom(turn, waitingText(turn))
  return askOtherName(
    withAttributes(turn, pupilAsked({ is: 'name', at: writtenAt(turn.delivery), text: waitingText(turn) })),
  )
}

/** What is to be answered once it is known for whom: this message, or the one before the question. */
function waitingText({ conversation, text }: Turn): string {
  return isNothingElse(text) ? (pupilQuestionOf(conversation.attributes)?.text ?? '') : text
}

async function answerNamed(turn: Turn, heard: Heard, all: string[], answer: Answer): Promise<Reply | null> {
  const { attributes } = turn.conversation
  const names = heard.names.map(({ name }) => name)
  const pupil = names.length === 1 ? (names[0] as string) : null
  const texts = textsIn(turn)
  const told = pupil === null ? texts.pupilsSet(listOf(turn, names)) : texts.pupilSet(pupil)
  const changed: Json = { pupils: all.join(', '), pupil, ...(attributes.pupil_asked != null && { pupil_asked: null }) }
  const of = withAttributes(turn, changed)
  const isOfOther = pupil !== null && pupil !== pupilOf(attributes)
  const question = pupilQuestionOf(attributes)
  if (!isNothingElse(turn.text)) {
    const reply = await answer(of)
    // What is said of a lesson that is booked is not for whom the next one is.
    if (reply !== null && isOfBooked(reply))
      return { ...reply, attributes: { pupils: changed.pupils, ...reply.attributes } }
    const isReservedAnew = reply?.attributes?.checkout_session !== undefined
    if (isReservedAnew || !isOfOther || !isReserved(turn.conversation)) return confirmed(reply, changed, told)
  }
  if (question?.text) return confirmed(await answer(resumed(of, question.text, question.at)), changed, told)
  if (isOfOther && isReserved(turn.conversation)) return confirmed(await reserveForPupil(of), changed, told)
  const open = await whereWeAre(of)
  return heard.isInstead
    ? confirmed({ ...open, ...tellTutor(of) }, changed, told + bookedLine(of))
    : confirmed(open, changed, told)
}

/** A message that was written before a question, to be answered now. */
function resumed(turn: Turn, text: string, at: number): Turn {
  const { heard: _, ...rest } = turn
  const { delivery } = turn
  return { ...rest, text, written: [{ id: delivery.id, text }], delivery: { ...delivery, receivedAt: at } }
}

/** `voor mijn zoon`: his name is asked for, once. */
async function answerUnnamed(turn: Turn, answer: Answer): Promise<Reply | null> {
  const { attributes } = turn.conversation
  const isAlone = isNothingElse(turn.text)
  const reply = isAlone ? await whereWeAre(turn) : await answer(turn)
  const isAsked = attributes.pupil_asked != null || pupilsOf(attributes).length > 0
  if (isAsked || reply === null || reply.handsOver || reply.content === undefined) return reply
  const asked = pupilAsked({ is: 'name', at: writtenAt(turn.delivery), text: '' })
  const content = [reply.content, textsIn(turn).pupilName].join('\n\n')
  return { ...reply, content, attributes: { ...reply.attributes, ...asked } }
}

/** `Bob heet eigenlijk Rob` */
async function rename(turn: Turn, { from, to }: { from: string; to: string }): Promise<Reply> {
  const { conversation, services, signal } = turn
  const { attributes, id } = conversation
  const { calendar, now } = services
  const names = pupilsOf(attributes).map(name => (name === from ? to : name))
  const pupil = attributes.pupil === from ? to : (attributes.pupil ?? null)
  const changed: Json = { pupils: [...new Set(names)].join(', '), pupil }
  const of = withAttributes(turn, changed)
  const told = textsIn(turn).pupilRenamed(to)
  await calendar.renameStudent?.({ conversation: id, from, to }, now(), signal)
  if (pupilOf(attributes) === from && isReserved(conversation))
    return confirmed(await reserveForPupil(of), changed, told) as Reply
  if (calendar.renameStudent !== undefined)
    return confirmed({ ...(await whereWeAre(of)), ...tellTutor(of, RENAMED) }, changed, told) as Reply
  return confirmed({ ...(await whereWeAre(of)), ...tellTutor(of) }, changed, told + bookedLine(of)) as Reply
}

const NAME_KEPT = 'A lesson that is booked keeps its name: change it if needed.'
const RENAMED = 'Lessons to come that are booked have the new name, and those of a weekly time too.'

/** For the tutor. @param booked what it is to lessons that are booked */
function tellTutor(turn: Turn, booked = NAME_KEPT): Pick<Reply, 'note'> {
  const { conversation, services } = turn
  if (!hasLesson(conversation, services)) return {}
  const written = textsOf(turn).join(' ')
  return { note: `The student has changed a pupil ("${written}"). ${booked}` }
}

function bookedLine(turn: Turn): string {
  return hasLesson(turn.conversation, turn.services) ? `\n${textsIn(turn).pupilBooked}` : ''
}

function isOfBooked({ handsOver, attributes }: Reply): boolean {
  return handsOver === true || lessonDialogueOf(attributes ?? {}) !== undefined
}

/** Adds to a reply what is known now. What it decides itself comes first. */
function confirmed(reply: Reply | null, changed: Json, told: string): Reply {
  const content = [told, reply?.content].filter(Boolean).join('\n\n')
  return { ...reply, content, attributes: { ...changed, ...reply?.attributes } }
}

function withAttributes(turn: Turn, changed: Json): Turn {
  const { conversation } = turn
  return { ...turn, conversation: { ...conversation, attributes: { ...conversation.attributes, ...changed } } }
}

function textsIn({ services, conversation }: Turn) {
  return services.tutor.texts[conversation.language]
}

function listOf({ conversation }: Turn, names: readonly string[]): string {
  const { locale } = LANGUAGES[conversation.language]
  return new Intl.ListFormat(locale, { type: 'conjunction' }).format(names)
}
