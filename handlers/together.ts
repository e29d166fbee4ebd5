import type { Delivery } from '../inbox/contracts.ts'
import type { HandlerContext } from '../inbox/drain.ts'
import type { Quiet } from '../inbox/quiet.ts'
import { type ChatwootConversationEvent, type ChatwootMessage, readChatwoot } from '../sources/chatwoot-payloads.ts'
import { isChoiceNow } from './answer.ts'
import { toConversation } from './conversation.ts'
import type { Services } from './services.ts'
import { textOf } from './text-of.ts'
import type { Typing } from './typing.ts'
import { isUndelivered } from './undelivered.ts'
import { isFromPerson, isFromStudent } from './written-by.ts'

/** Students write in several messages: the bot waits until they have ended, and answers all of them at once. */

/** Which messages wait. A malformed one does not: it throws, and is handled by itself. */
export function quietOf(services: Services, typing?: Typing): Quiet {
  const { quietMs = 0, quietMaxMs = quietMs } = services
  return {
    quietMs,
    maxMs: quietMaxMs,
    reopens: true,
    onWait: typing?.begins,
    waits({ event, payload }) {
      const message = readChatwoot(event, payload) as ChatwootMessage
      if (isFromPerson(event, message)) return 'join'
      // The bot's own, say, must not end a student's wait.
      if (!isFromStudent(event, message)) return 'wait'
      return isClick(services, message) ? 'alone' : 'wait'
    },
  }
}

function isClick(services: Services, message: ChatwootMessage): boolean {
  if (message.content_attributes.submitted_values.length > 0) return true
  return isChoiceNow(services, toConversation(message.conversation, services), textOf(message))
}

/** What a student wrote together. */
export interface Written {
  /** All of it as one message: the run's id, the first one's time, the last one's conversation. */
  delivery: Delivery<ChatwootMessage>
  /** Each message, in order. */
  each: readonly Delivery<ChatwootMessage>[]
}

/** undefined: nothing of what is handled together is a student's. */
export function writtenTogether({ together, run }: HandlerContext): Written | undefined {
  const each = messagesOf(together).filter(({ event, payload }) => isFromStudent(event, payload))
  const [first, last] = [each[0], each.at(-1)]
  if (first === undefined || last === undefined) return undefined
  const payload = first === last ? first.payload : asOne(each, last.payload)
  return { delivery: { ...first, payload, id: run }, each }
}

function asOne(each: readonly Delivery<ChatwootMessage>[], last: ChatwootMessage): ChatwootMessage {
  return {
    ...last,
    content: each.map(({ payload }) => textOf(payload)).join('\n'),
    // It is cut already.
    content_attributes: { ...last.content_attributes, email: {} },
    attachments: each.flatMap(({ payload }) => payload.attachments),
  }
}

/** The last message of a person among what is handled together. */
export function lastOfPerson({ together }: HandlerContext): Delivery<ChatwootMessage> | undefined {
  return messagesOf(together).findLast(({ event, payload }) => isFromPerson(event, payload))
}

/** The bot's messages that a channel could not deliver, among what is handled together. */
export function undeliveredOf({ together }: HandlerContext): Delivery<ChatwootMessage>[] {
  return messagesOf(together).filter(({ event, payload }) => isUndelivered(event, payload))
}

/** A conversation that has begun, among what is handled together. */
export function newConversationOf({ together }: HandlerContext): ChatwootConversationEvent | undefined {
  const begun = together.find(({ event }) => event === 'conversation_created')
  return begun?.payload as ChatwootConversationEvent | undefined
}

const messagesOf = (together: HandlerContext['together']) => together as readonly Delivery<ChatwootMessage>[]
