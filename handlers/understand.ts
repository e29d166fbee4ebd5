import type { UnderstoodEvent } from '../inbox/events.ts'
import { choicesOf, type Intent, type Meaning, type Situation, understand as understandChoice } from './dialogue.ts'
import type { LanguageCode } from './texts/index.ts'
import type { Turn } from './turn.ts'

/** A host's own understanding, such as a language model, of what the grammar here does not read. */

/** What the host is asked. */
export interface UnderstandQuestion {
  /** What the student wrote, at most 300 characters. */
  text: string
  /** In which the student is answered. */
  language: LanguageCode
  /** What the bot waits for. */
  situation: Intent
  /** What can be answered: steps, and times by their ISO 8601 value. */
  choices: readonly { value: string; title: string }[]
  /** Fires after 3 s, when the answer is not waited for any more. */
  signal: AbortSignal
}

/** Returns the `value` of one of the choices, `human` for a person, or nothing. Anything else is refused and logged. */
export type Understand = (question: UnderstandQuestion) => Promise<string | null | undefined>

const MAX_MS = 3_000
/** Characters of what was returned, in notes and log. */
const MAX_SHOWN = 200

/** Asks the host once per message. null: there is none, or it does not know either, or in time. */
export async function askHost(turn: Turn, situation: Situation): Promise<Meaning> {
  const { services, delivery, log, note, once } = turn
  const { understand, events } = services
  if (understand === undefined) return null
  const value = await once(`${delivery.id}:understood`, async () => {
    const { outcome, value, said } = await ask(understand, turn, situation)
    events.emit('understood', { outcome })
    if (outcome === 'refused' || outcome === 'failed') log.warn(said)
    await note(said)
    return value
  })
  return value === null ? null : understandChoice(value, situation)
}

interface Answer extends UnderstoodEvent {
  value: string | null
  /** For the history and the log. */
  said: string
}

async function ask(
  understand: Understand,
  { text, conversation, signal }: Turn,
  situation: Situation,
): Promise<Answer> {
  const choices = choicesOf(situation)
  const limit = AbortSignal.any([signal, AbortSignal.timeout(MAX_MS)])
  const { language } = conversation
  try {
    const question = { text, language, situation: situation.intent, choices, signal: limit }
    const value: unknown = await Promise.race([aborted(limit), (async () => understand(question))()])
    if (value == null) return { outcome: 'nothing', value: null, said: 'understand: returned nothing' }
    const shown = `${JSON.stringify(value)}`.slice(0, MAX_SHOWN).toWellFormed()
    const isOffered = choices.some(choice => choice.value === value)
    return isOffered
      ? { outcome: 'used', value: value as string, said: `understand: returned ${shown}` }
      : {
          outcome: 'refused',
          value: null,
          said: `understand: returned ${shown}, which is none of the choices: not used`,
        }
  } catch (error) {
    const why = `${(error as Error | undefined)?.message ?? error}`.slice(0, MAX_SHOWN).toWellFormed()
    return { outcome: 'failed', value: null, said: `understand: failed: ${why}` }
  }
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
}
