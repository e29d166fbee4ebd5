import type { ChatwootClient } from '../clients/chatwoot.ts'
import { ChatwootRefusedError } from '../clients/chatwoot-api.ts'
import type { Json } from '../sources/json.ts'
import type { Conversation } from './conversation.ts'
import type { Services } from './services.ts'
import { LANGUAGES, type LanguageCode } from './texts/index.ts'

/** Who has a conversation: a person, and the bot is silent; or the bot. */

/** The attribute may be defined as text in Chatwoot. */
export function isSwitchedOff({ bot_disabled }: Json): boolean {
  return bot_disabled === true || bot_disabled === 'true'
}

/** `unclear`: only the reason why it is open can tell. */
export type Owner = 'bot' | 'person' | 'unclear'

/**
 * A pending conversation is in nobody's queue, even if somebody is still assigned to it, and who has resolved one is done
 * with it. One that was handed over waits for a person without a limit.
 */
export function whoHas(conversation: Conversation, { now, mode, handoffMs }: OwnerSettings): Owner {
  const { attributes, assigned, hasTeam, isHandedOver, personWroteAt, status } = conversation
  if (isSwitchedOff(attributes) || hasTeam) return 'person'
  if (status === 'pending' || status === 'resolved') return 'bot'
  if (personWroteAt !== undefined) return now() - personWroteAt < handoffMs ? 'person' : 'bot'
  if (assigned || isHandedOver) return 'person'
  return mode === 'bot' ? 'unclear' : 'bot'
}

export type OwnerSettings = Pick<Services, 'now' | 'mode' | 'handoffMs' | 'operatorPage'>

/** Whether the bot must be silent. What is unclear is a person's. */
export function isSilent(conversation: Conversation, settings: OwnerSettings): boolean {
  return whoHas(conversation, settings) !== 'bot'
}

/** A hand-over's note, and how the bot gets the conversation back. @param language of the note */
export function withWayBack(
  note: string,
  { id }: Conversation,
  { mode, handoffMs, operatorPage }: OwnerSettings,
  language: LanguageCode = 'en',
): string {
  const hours = handoffMs / 3_600_000
  const { wayBack } = LANGUAGES[language]
  const onPage = operatorPage === undefined ? [] : [wayBack.onPage(`${operatorPage}/conversations/${id}`)]
  return [note, wayBack[mode === 'account' ? 'account' : 'bot'], ...onPage, wayBack.byItself(hours)].join('\n')
}

const ACTIVITY = 2
/** `conversations.activity.agent_bot.error_moved_to_open` of Chatwoot, in English: it marks it in no other way. */
const OPENED_BY_SYSTEM = /marked open by system due to an error with the agent bot/i

/**
 * Whether Chatwoot has opened the conversation because the bot could not be reached, and nobody has done anything with
 * it since. Bots may not read this: then it is a person's.
 */
export async function isOpenedBySystem(client: ChatwootClient, id: string, signal: AbortSignal): Promise<boolean> {
  try {
    const messages = await client.listMessages(id, signal)
    const last = messages.findLast(({ message_type }) => message_type === ACTIVITY)
    return OPENED_BY_SYSTEM.test(last?.content ?? '')
  } catch (error) {
    if (!(error instanceof ChatwootRefusedError)) throw error
    return false
  }
}
