import type { ChatwootClient } from '../clients/chatwoot.ts'
import type { Delivery } from '../inbox/contracts.ts'
import type { HandlerContext } from '../inbox/drain.ts'
import type { ChatwootMessage } from '../sources/chatwoot-payloads.ts'
import { asArray, asObject, asText, type Json } from '../sources/json.ts'
import { UNDELIVERED_LABEL } from './channel.ts'
import { sayOnce } from './reply.ts'
import type { Services } from './services.ts'

/** A message of ours that the channel could not deliver. */

/**
 * Chatwoot tells it by an update: the error is among the content attributes, the status in some versions only in the
 * copy of the message within its conversation.
 */
export function isUndelivered(event: string, payload: ChatwootMessage): boolean {
  const { tutorbot, external_error } = asObject(payload.content_attributes)
  if (event !== 'message_updated' || tutorbot == null) return false
  const copies = asArray(asObject(payload.conversation).messages).map(asObject)
  const isFailed = ({ id, status }: Json) => id === payload.id && status === 'failed'
  return Boolean(external_error) || [asObject(payload), ...copies].some(isFailed)
}

/** Tells the tutor, once per message: a note, a label, and a count. */
export async function noteUndelivered(
  { events }: Services,
  client: ChatwootClient,
  { payload }: Delivery<ChatwootMessage>,
  context: HandlerContext,
): Promise<void> {
  const { id, content } = payload
  const conversation = String(payload.conversation.id)
  const why = asText(asObject(payload.content_attributes).external_error) ?? 'the channel does not say why'
  const key = `chatwoot:${client.accountId}:${id}:undelivered`
  await context.once(key, () => {
    context.log.warn({ conversation, message: id, why }, 'a message did not reach the student')
    events.emit('undelivered', { conversation, message: String(id), why })
  })
  const note = `This message of TutorBot did not reach the student (${why}): "${content}"`
  await sayOnce(client, 'sendPrivateNote', conversation, { content: note }, `${key}:note`, context)
  await context.once(`${key}:label`, () =>
    client.changeLabels(conversation, { add: [UNDELIVERED_LABEL] }, context.signal),
  )
}
