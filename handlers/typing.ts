import { LRUCache } from 'lru-cache'
import type { ChatwootClient } from '../clients/chatwoot.ts'
import { ChatwootRefusedError } from '../clients/chatwoot-api.ts'
import type { Delivery } from '../inbox/contracts.ts'
import type { HandlerContext } from '../inbox/drain.ts'
import { type ChatwootMessage, readChatwoot } from '../sources/chatwoot-payloads.ts'
import { toConversation } from './conversation.ts'
import type { Services } from './services.ts'
import { whoHas } from './who-has-it.ts'
import { isFromStudent } from './written-by.ts'

/**
 * Shows students that an answer is coming while their messages wait for quiet. Nothing depends on it: what fails is not
 * tried again, and Chatwoot ends it by itself after 30 s.
 */
export interface Typing {
  /** A message waits. @param delivery its payload as it came in */
  begins(delivery: Delivery): void
  /** It was answered, or needs no answer. */
  ends(conversation: string, context: HandlerContext): Promise<void>
}

/** Not shown again within this time, ms. */
const SHOWN_MS = 20_000
/** A call of its own may take so long, ms. */
const CALL_MS = 2_000
/** Conversations remembered. */
const MAX_SHOWN = 1_000

/** undefined: it is not wanted, or there is no token. */
export function createTyping(services: Services): Typing | undefined {
  const { chatwoot, showsTyping, now } = services
  return chatwoot === null || !showsTyping ? undefined : typingIn(chatwoot, services, now)
}

function typingIn(chatwoot: ChatwootClient, services: Services, now: () => number): Typing {
  const shown = new LRUCache<string, { at: number; ended: Promise<void> }>({ max: MAX_SHOWN })
  let refusal: Error | undefined

  return {
    begins({ event, payload }) {
      const message = readChatwoot(event, payload) as ChatwootMessage
      if (refusal !== undefined || !isFromStudent(event, message)) return
      const conversation = toConversation(message.conversation, services)
      const { id } = conversation
      const before = shown.get(id)
      const isShown = before !== undefined && now() - before.at < SHOWN_MS
      if (isShown || whoHas(conversation, services) !== 'bot') return
      shown.set(id, { at: now(), ended: show(id, true, AbortSignal.timeout(CALL_MS)) })
    },
    async ends(id, { signal, log }) {
      const begun = shown.get(id)
      if (begun === undefined) return
      shown.delete(id)
      await begun.ended
      if (refusal === undefined) return show(id, false, signal)
      log.warn(
        { err: refusal },
        'Chatwoot does not let the bot show that it is typing: it must be of March 2026 or newer',
      )
    },
  }

  async function show(conversation: string, isTyping: boolean, signal: AbortSignal): Promise<void> {
    try {
      await chatwoot.setTyping(conversation, isTyping, signal)
    } catch (error) {
      if (error instanceof ChatwootRefusedError && error.status === 401) refusal = error
    }
  }
}
