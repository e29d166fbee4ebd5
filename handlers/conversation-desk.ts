import type { ChatwootClient } from '../clients/chatwoot.ts'
import { markUrgent } from '../inbox/pace.ts'
import { utcTime } from '../inbox/utc-time.ts'
import { type Conversation, fetchConversation } from './conversation.ts'
import type { Services } from './services.ts'
import { isSwitchedOff, whoHas } from './who-has-it.ts'

/** What the operator sees of a conversation, and how it is given back to the bot from there. */

/** Who has a conversation, as the operator sees it. */
export interface ConversationView {
  /** Chatwoot's display id. */
  id: string
  /** Chatwoot's: open, pending, resolved or snoozed. */
  status: string
  has: 'person' | 'bot'
  /** Why a person has it. */
  why: keyof typeof WHY | null
  /** The same in words. */
  explanation: string | null
  /** When a person last wrote to the student, ISO 8601. */
  personWroteAt: string | null
  /** Whether it can be given back here: a person's own switch and a team are changed in Chatwoot. */
  canBeGivenBack: boolean
}

/** Calls throw what the Chatwoot client throws. */
export interface ConversationDesk {
  look(id: string, signal: AbortSignal): Promise<ConversationView>
  /** Gives a person's conversation to the bot. Returns how it was before: if it could not be given back, unchanged. */
  giveBack(id: string, signal: AbortSignal): Promise<ConversationView>
}

const WHY = {
  switched_off: 'the bot is switched off in it: clear its attribute bot_disabled in Chatwoot',
  team: 'a team has it: remove the team in Chatwoot',
  wrote: 'a person has written to the student',
  handed_over: 'it was handed over, and no person has written since',
  assigned: 'it is assigned to a person',
  open: 'it is open, which is a person’s sign with CW_MODE=bot',
}

export function createConversationDesk(services: Services, client: ChatwootClient): ConversationDesk {
  return {
    async look(id, signal) {
      return viewOf(await fetchConversation(client, id, signal, services), services)
    },
    async giveBack(id, signal) {
      // A student may be waiting.
      markUrgent(signal)
      const current = await fetchConversation(client, id, signal, services)
      const view = viewOf(current, services)
      if (!view.canBeGivenBack) return view
      const { read } = current
      await client.mergeAttributes(id, { person_wrote_at: null }, signal, read)
      await client.changeLabels(id, { remove: ['intent:handoff'] }, signal, read)
      // Last: with it, the bot answers. Where there is no bot's turn, an assignee would still have it.
      if (services.mode === 'bot') await client.setStatus(id, 'pending', signal)
      else if (current.assigned) await client.assign(id, null, signal)
      return view
    },
  }
}

function viewOf(conversation: Conversation, services: Services): ConversationView {
  const { id, status, personWroteAt } = conversation
  const why = whoHas(conversation, services) === 'bot' ? null : whyPerson(conversation)
  return {
    id,
    status,
    has: why === null ? 'bot' : 'person',
    why,
    explanation: why && WHY[why],
    personWroteAt: personWroteAt === undefined ? null : utcTime(personWroteAt),
    canBeGivenBack: why !== null && why !== 'switched_off' && why !== 'team',
  }
}

function whyPerson({ attributes, hasTeam, personWroteAt, isHandedOver, assigned }: Conversation): keyof typeof WHY {
  if (isSwitchedOff(attributes)) return 'switched_off'
  if (hasTeam) return 'team'
  if (personWroteAt !== undefined) return 'wrote'
  if (isHandedOver) return 'handed_over'
  return assigned ? 'assigned' : 'open'
}
