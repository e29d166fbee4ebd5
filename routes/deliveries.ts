import createError from '@fastify/error'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { isObject } from '../handlers/payload.ts'
import type { NewDelivery, Payload } from '../inbox/contracts.ts'
import { deliveryId } from '../inbox/delivery-id.ts'
import { redactSecrets } from '../inbox/redact.ts'
import { note } from '../plugins/logging.ts'
import { rawBodyOf } from '../plugins/verification.ts'

/** What the webhook routes have in common. */

const MalformedError = createError<[string]>('WEBHOOK_MALFORMED', 'The body is not a JSON object: %s', 400)

/**
 * The body as bytes and as object, without the secrets in it: they are overwritten in the request's own bytes, so that
 * nobody after this sees them.
 * @throws {MalformedError} for what is not a JSON object
 */
export function parseBody(request: FastifyRequest): { body: Buffer; payload: Payload } {
  const raw = rawBodyOf(request) as Buffer | string
  const body = typeof raw === 'string' ? Buffer.from(raw) : raw
  redactSecrets(body)
  let value: unknown
  try {
    value = JSON.parse(body.toString())
  } catch (error) {
    throw new MalformedError((error as Error).message.slice(0, 100))
  }
  if (!isObject(value))
    throw new MalformedError(Array.isArray(value) ? 'it is an array' : `it is ${JSON.stringify(value)?.slice(0, 20)}`)
  return { body, payload: value }
}

/** Answers 200 `ignored`; `warn`: the operator should look at why. */
export function ignore(request: FastifyRequest, reply: FastifyReply, reason: string, warn = false): FastifyReply {
  note(request, { outcome: 'ignored', reason, warn })
  return reply.send({ status: 'ignored' })
}

/** Answers 200 `accepted`: the end of every webhook route. */
export function accepted(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  return reply.send({ status: 'accepted', id: request.delivery?.id as string })
}

/** An id as a part of a key: what parts are joined with is none of it, so that no two lists of ids make one key. */
export function keyPart(id: string): string {
  return id.replace(/[%:_]/g, encodeReserved)
}

const encodeReserved = (char: string) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`

/** The mailbox of a conversation: what Chatwoot says in it, and what Stripe says of its payments. */
export function conversationKey(account: string | undefined, conversation: string): string {
  return `conversation:${keyPart(`${account}`)}:${keyPart(conversation)}`
}

/** A delivery, with its id; what has no ordering key of its own is a mailbox of its own. */
export function newDelivery(parts: {
  source: string
  event: string
  key: string
  orderingKey: string | undefined
  payload: Payload
  unreadable?: string | undefined
}): NewDelivery {
  const { source, event, key, orderingKey, payload, unreadable } = parts
  const id = deliveryId(source, key)
  return {
    id,
    source,
    event,
    key,
    orderingKey: orderingKey ?? `delivery:${id}`,
    payload,
    receivedAt: Date.now(),
    ...(unreadable !== undefined && { unreadable }),
  }
}
