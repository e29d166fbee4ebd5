import { hash } from 'node:crypto'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { choiceOf } from '../handlers/message.ts'
import { asArray, asId, asObject, asText } from '../handlers/payload.ts'
import type { NewDelivery, Payload } from '../inbox/contracts.ts'
import type { Handler } from '../inbox/drain.ts'
import { note } from '../plugins/logging.ts'
import { accepted, conversationKey, ignore, keyPart, newDelivery, parseBody } from './deliveries.ts'
import { withAndWithoutSlash } from './paths.ts'

export interface ChatwootRouteOptions {
  /** Default `/cw`. */
  path?: string
  /** The configured account: others' events are ignored, and events without an account are taken for its own. */
  accountId?: string | undefined
  /** What handles which event. */
  handlers: Record<string, Handler>
}

/** The way of a Chatwoot webhook, from its request to the inbox. */
export default async function chatwootRoute(app: FastifyInstance, options: ChatwootRouteOptions): Promise<void> {
  const { path = '/cw', accountId, handlers } = options
  for (const [event, handler] of Object.entries(handlers)) app.webhooks.inbox.handle('chatwoot', event, handler)

  const preHandler = [app.logDelivery, app.verifyChatwoot, identify, app.deduplicate]
  const config = { webhookSource: 'chatwoot' }
  for (const url of withAndWithoutSlash(app, path))
    app.post(url, { config, onRequest: app.checkChatwootHeaders, preHandler }, accepted)

  async function identify(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply | undefined> {
    const { body, payload } = parseBody(request)
    const event = asText(payload.event)
    if (event === undefined) return ignore(request, reply, 'it names no event')
    note(request, { event: event.slice(0, 64) })
    if (!app.webhooks.inbox.handles('chatwoot', event)) return ignore(request, reply, 'no handler for this event')
    const account = asId(asObject(payload.account).id) ?? accountId
    if (accountId !== undefined && account !== accountId) {
      return ignore(request, reply, `account ${account}, not ${accountId} (CW_ACC_ID)`, true)
    }
    const uuid = asText(request.headers['x-chatwoot-delivery'])
    const dispatch = () => uuid ?? hash('sha256', body)
    request.delivery = { ...identifyChatwoot(event, account, payload, dispatch), body }
  }
}

/**
 * What makes a Chatwoot event the same when it comes again, and what it must stay in order with.
 * @param dispatch what tells one dispatch of an event that can happen again from the next
 */
export function identifyChatwoot(
  event: string,
  account: string | undefined,
  payload: Payload,
  dispatch: () => string,
): NewDelivery {
  const conversation = conversationOf(event, payload)
  const entity = asId(payload.id)
  const unreadable = problemOf(event, account, conversation, entity)
  if (unreadable !== undefined) {
    const key = `unreadable:${dispatch()}_${event}`
    return newDelivery({ source: 'chatwoot', event, key, orderingKey: undefined, payload, unreadable })
  }
  const ids = (event.startsWith('conversation_') ? [conversation] : [conversation, entity])
    .filter(id => id !== undefined)
    .map(keyPart)
    .join('_')
  const once = event.endsWith('_created') && ids !== ''
  const key = `${keyPart(`${account}`)}:${ids}_${event}${once ? '' : repetition(event, payload, dispatch)}`
  return newDelivery({
    source: 'chatwoot',
    event,
    key,
    orderingKey: orderingKeyOf(event, account, conversation, payload),
    payload,
  })
}

/** `conversation.id` of a message; of a conversation's own events its `id`; the display id, unique in its account. */
function conversationOf(event: string, payload: Payload): string | undefined {
  const nested = asId(asObject(payload.conversation ?? payload.current_conversation).id)
  return nested ?? (event.startsWith('conversation_') ? asId(payload.id) : undefined)
}

function problemOf(event: string, account?: string, conversation?: string, entity?: string): string | undefined {
  if (account === undefined) return 'account.id is missing or not an id, and CW_ACC_ID is not set'
  if (event.startsWith('message_') && conversation === undefined) return 'conversation.id is missing or not an id'
  if (event.startsWith('conversation_')) return conversation === undefined ? 'id is missing or not an id' : undefined
  // Chatwoot's own events of inboxes have none.
  const hasId = event.startsWith('message_') || event.startsWith('contact_')
  return hasId && entity === undefined ? 'id is missing or not an id' : undefined
}

/** What tells one occurrence of an event from the next. */
function repetition(event: string, payload: Payload, dispatch: () => string): string {
  const submitted = asArray(asObject(payload.content_attributes).submitted_values)
  if (event === 'message_updated' && submitted.length > 0)
    return `_${hash('sha256', JSON.stringify(submitted.map(choiceOf)))}`
  return `_${dispatch()}`
}

function orderingKeyOf(event: string, account?: string, conversation?: string, payload?: Payload): string | undefined {
  if (conversation !== undefined) return conversationKey(account, conversation)
  const contact = event.startsWith('contact_') ? asId(payload?.id) : asId(asObject(payload?.contact).id)
  return contact === undefined ? undefined : `contact:${keyPart(`${account}`)}:${keyPart(contact)}`
}
