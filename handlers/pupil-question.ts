import { situationOf } from './booking.ts'
import { choicesOf } from './dialogue.ts'
import { type PupilQuestion, pupilAsked, pupilQuestionOf } from './pupils.ts'
import type { Reply } from './reply.ts'
import { type Turn, writtenAt } from './turn.ts'

/** The questions for whom a lesson is. */

/**
 * Asks for whom it is; what was written is answered after that.
 * @param text what was written; default: this message
 * @param added a name that is not known yet, which can be chosen
 */
export function askForWhom(turn: Turn, text: string = turn.text, added?: string): Reply {
  const { services, conversation, delivery } = turn
  const texts = services.tutor.texts[conversation.language]
  const at = writtenAt(delivery)
  const attributes = pupilAsked({ is: 'which', at, text, ...(added !== undefined && { added }) })
  const asking = { ...conversation, attributes: { ...conversation.attributes, ...attributes } }
  return {
    content: added === undefined ? texts.forWhom : texts.pupilUnknown(added),
    items: choicesOf(situationOf({ ...turn, conversation: asking }, 'pupil', [])),
    attributes,
  }
}

/** Asks for another pupil's name. What was written before goes on after it. */
export function askOtherName(turn: Turn): Reply {
  const { services, conversation } = turn
  // It is a choice of the question for whom it is; or the message itself is what goes on.
  const { text, at } = pupilQuestionOf(conversation.attributes) as PupilQuestion
  return {
    content: services.tutor.texts[conversation.language].otherPupilName,
    attributes: pupilAsked({ is: 'name', at, text }),
  }
}

/** The question for whom it is, if the student has not answered it yet. */
export function pupilQuestion(turn: Turn): Reply | undefined {
  const question = pupilQuestionOf(turn.conversation.attributes)
  if (question?.is !== 'which') return undefined
  const reply = askForWhom(turn, question.text, question.added)
  return { ...reply, attributes: pupilAsked(question) }
}
