import type { Delivery } from '../inbox/contracts.ts'
import type { HandlerContext, HandlerPair } from '../inbox/drain.ts'
import { OWN_EVENT_PREFIX } from '../inbox/later.ts'
import { type ChatwootMessage, readChatwoot } from '../sources/chatwoot-payloads.ts'
import { sourceIdOf } from './copied-message.ts'
import type { Services } from './services.ts'
import { writtenAt } from './turn.ts'
import { wrapPair } from './wrap.ts'
import { isFromStudent, isHeard, isVoice } from './written-by.ts'

/**
 * Voice messages. Where Chatwoot writes down what is said in one, it does so some seconds after the message, and tells it
 * as an update. So a voice message without that is put off: the delivery made for later and the update both answer it,
 * and whichever comes first claims it. Nothing sleeps, and no other message waits for it.
 */

/** So long after it was spoken, ms. */
const HEARD_WITHIN_MS = 4_000
/** An update so long after it was spoken, ms, is about something else, or of before this was answered. */
const MAX_UPDATE_MS = 10 * 60_000

const VOICE_WAITED = `${OWN_EVENT_PREFIX}voice_waited`

/** What is handled together, without the voice messages that are answered later, or have been. */
export async function withoutWaitingVoices(services: Services, context: HandlerContext): Promise<HandlerContext> {
  const together: Delivery<unknown>[] = []
  for (const each of newestVersions(context.together as readonly Delivery<ChatwootMessage>[])) {
    const isOfVoice = isFromStudent(each.event, each.payload) && isVoice(each.payload)
    if (!isOfVoice || (await isItsTurn(services, each, context))) together.push(each)
  }
  return { ...context, together }
}

/** A student's message and its update are one message, at the place of the first. */
function newestVersions(all: readonly Delivery<ChatwootMessage>[]): Delivery<ChatwootMessage>[] {
  const byId = new Map<string, Delivery<ChatwootMessage>>()
  for (const each of all) {
    const isVoiceOfStudent = isFromStudent(each.event, each.payload) && isVoice(each.payload)
    byId.set(isVoiceOfStudent ? `voice ${each.payload.id}` : each.id, each)
  }
  return [...byId.values()]
}

async function isItsTurn(
  { now }: Services,
  delivery: Delivery<ChatwootMessage>,
  { once, schedule, unschedule, log }: HandlerContext,
): Promise<boolean> {
  const { id, event, payload } = delivery
  const spokenAt = writtenAt(delivery)
  if (event === 'message_updated' && now() - spokenAt > MAX_UPDATE_MS) return false
  const key = keyOf(payload)
  // Recorded: every attempt has to handle the same messages.
  const until = spokenAt + HEARD_WITHIN_MS
  const waits = event !== VOICE_WAITED && !isHeard(payload) && (await once(`${id}:waits`, () => now() < until))
  if (waits) {
    await schedule({ key: `${key}:waited`, event: VOICE_WAITED, payload: { ...payload }, at: until })
    return false
  }
  const claimant = await once(key, () => id)
  if (claimant === id) await unschedule(`${key}:waited`)
  else log.info({ answeredBy: claimant }, `skipped: the voice message was answered with delivery ${claimant}`)
  return claimant === id
}

/** Some channels make two messages of one, and each of them is written down. */
function keyOf(message: ChatwootMessage): string {
  const { account, conversation, id } = message
  return `voice:${account?.id}:${conversation.id}:${sourceIdOf(message) ?? id}`
}

/** Handles the voice messages that have waited, as messages. */
export function voiceHandlers(message: HandlerPair<unknown>): Record<string, HandlerPair<unknown>> {
  const asMessage = wrapPair<unknown, unknown>(message, handle => (delivery, context) => {
    const payload = readChatwoot('message_created', delivery.payload as Record<string, unknown>)
    const read = { ...delivery, payload }
    return handle(read, { ...context, together: [read] })
  })
  return { [VOICE_WAITED]: { ...asMessage, quiet: undefined } }
}
