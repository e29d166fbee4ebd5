import { type ChatwootClient, OUTGOING, type ChatwootMessage as SentMessage } from '../clients/chatwoot.ts'
import { ChatwootRefusedError } from '../clients/chatwoot-api.ts'
import type { Delivery } from '../inbox/contracts.ts'
import type { HandlerContext, HandlerPair } from '../inbox/drain.ts'
import { OWN_EVENT_PREFIX } from '../inbox/later.ts'
import { utcTime } from '../inbox/utc-time.ts'
import { type ChatwootMessage, readChatwoot } from '../sources/chatwoot-payloads.ts'
import { conversationKey } from '../sources/keys.ts'
import { type Conversation, fetchConversation } from './conversation.ts'
import type { Services } from './services.ts'
import { resultOf } from './unsold.ts'
import { isFromPerson } from './written-by.ts'

/** A hand-over that no person answers: somebody is alerted, once. */

/** So long after a hand-over that nobody has answered somebody is alerted, ms. */
const ALERT_MS = 2 * 60 * 60_000

const EVENT = `${OWN_EVENT_PREFIX}handoff_unanswered`

interface HandOver {
  /** Chatwoot's display id. */
  conversation: string
  /** When it was handed over, Unix ms. */
  since: number
  /** The delivery's own key. */
  key: string
}

/** Handles what is due: see `awaitAnswer`. */
export function unansweredHandlers(services: Services): Record<string, HandlerPair<HandOver>> {
  const { chatwoot } = services

  async function onDue({ payload }: Delivery<HandOver>, context: HandlerContext): Promise<void> {
    // The next hand-over of this conversation gets a key of its own.
    await context.once(firedKey(payload.key), () => true)
    const isOff = alertMsOf(services) === 0
    if (isOff || (chatwoot !== null && !(await isUnanswered(services, chatwoot, payload, context)))) {
      context.log.info({ conversation: payload.conversation }, 'no alert: the hand-over does not wait for a person')
      return
    }
    await alert(services, payload, context)
  }

  return {
    [EVENT]: {
      handle: onDue,
      // It can't be told whether somebody has answered.
      gaveUp: ({ payload }, context) => alert(services, payload, context),
      needs: ['chatwoot'],
    },
  }
}

async function alert(
  { events, now }: Services,
  { conversation, since, key }: HandOver,
  { once, log }: HandlerContext,
): Promise<void> {
  await once(`${key}:alerted`, () => {
    const minutes = Math.round((now() - since) / 60_000)
    const unanswered = { conversation, since: utcTime(since), minutes }
    log.error(unanswered, 'no person has answered a conversation that was handed over')
    events.emit('unanswered', unanswered)
  })
}

/**
 * Makes the alert for when nobody answers. To be called before the conversation is changed: one that waits for a person
 * already keeps its time.
 * @param key unique to this hand-over
 */
export async function awaitAnswer(
  services: Services,
  { accountId }: ChatwootClient,
  conversation: Conversation,
  key: string,
  { once, schedule }: HandlerContext,
): Promise<void> {
  const { id, isHandedOver, status, personWroteAt } = conversation
  const afterMs = alertMsOf(services)
  if (afterMs === 0 || (isHandedOver && status === 'open' && personWroteAt === undefined)) return
  await once(`${key}:awaits`, async () => {
    const since = services.now()
    const orderingKey = conversationKey(accountId, id)
    const scheduleOne = (number: number) => {
      const key = keyOf(accountId, id, number)
      const payload = { conversation: id, since, key } satisfies HandOver
      return schedule({ key, orderingKey, event: EVENT, payload, at: since + afterMs })
    }
    let number = 1
    while ((await scheduleOne(number)) === 'duplicate') number++
    return since
  })
}

/** A person has answered, or the bot has the conversation again: nobody need be alerted. */
export async function endWaiting(
  { accountId }: ChatwootClient,
  conversation: string,
  context: HandlerContext,
): Promise<void> {
  const isLast = async (key: string) => {
    return (await context.unschedule(key)) || (await resultOf(firedKey(key), context)) === null
  }
  let number = 1
  while (!(await isLast(keyOf(accountId, conversation, number)))) number++
}

const alertMsOf = ({ handoffAlertMs = ALERT_MS }: Services) => handoffAlertMs

/** A key is accepted once: those of a conversation's hand-overs are numbered by how many have become due. */
const keyOf = (account: string, conversation: string, number: number) =>
  `${conversationKey(account, conversation)}:handoff:${number}`

const firedKey = (key: string) => `${key}:due`

/** Chatwoot's times are whole seconds, rounded down, ms. */
const ROUNDED_MS = 1_000

/** Looked up, since a webhook may have been missed. Where it can't be told: unanswered. */
async function isUnanswered(
  services: Services,
  client: ChatwootClient,
  { conversation, since }: HandOver,
  { signal }: HandlerContext,
): Promise<boolean> {
  const refused = (statuses: number[]) => (error: unknown) => {
    if (error instanceof ChatwootRefusedError && statuses.includes(error.status)) return error.status
    throw error
  }
  const current = await fetchConversation(client, conversation, signal, services).catch(refused([401, 403, 404]))
  // Deleted: there is nobody to answer.
  if (typeof current === 'number') return current !== 404
  const { isHandedOver, status, personWroteAt, read } = current
  if (!isHandedOver || status !== 'open') return false
  if (personWroteAt !== undefined && personWroteAt + ROUNDED_MS > since) return false
  const listed = await client.listMessages(conversation, signal).catch(refused([401, 403]))
  const messages = typeof listed === 'number' ? [read?.last_non_activity_message] : listed
  return !messages.some(message => message != null && isOfPersonSince(message, conversation, since))
}

/** @param since Unix ms */
function isOfPersonSince(message: SentMessage, conversation: string, since: number): boolean {
  const { message_type, created_at = 0 } = message
  if (message_type !== OUTGOING || created_at * 1_000 + ROUNDED_MS <= since) return false
  const told = { ...message, message_type: 'outgoing', conversation: { id: conversation } }
  return isFromPerson('message_created', readChatwoot('message_created', told) as ChatwootMessage)
}
