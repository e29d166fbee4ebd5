import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { note } from '../plugins/logging.ts'
import { rawBodyOf } from '../plugins/verification.ts'
import { readPayload } from '../sources/body.ts'
import { asText } from '../sources/json.ts'
import { newDelivery, Received, type Source } from '../sources/source.ts'

/** Shared by the webhook routes. */

export interface SourceRouteOptions {
  source: Source
  /** Unix ms. */
  now: () => number
}

/**
 * A preHandler: sets `request.delivery` as its source identifies it; answers what has no handler.
 * @param hashesOriginal hash() covers the raw bytes, not the redacted ones: two events that differ only in a secret are
 * two
 */
export function identifyBy(app: FastifyInstance, { source, now }: SourceRouteOptions, hashesOriginal = false) {
  const { name, accepts } = source
  const { inbox } = app.webhooks
  return async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply | undefined> => {
    const { headers } = request
    const raw = rawBodyOf(request) as Buffer | string
    const bytes = typeof raw === 'string' ? Buffer.from(raw) : raw
    // readPayload overwrites secrets in the bytes.
    const original = hashesOriginal ? Buffer.from(bytes) : undefined
    const { payload, body } = readPayload(bytes, headers['content-type'], accepts)
    const received = new Received(headers, payload, body, original)
    const identity = await source.identify(received)
    if ('answer' in identity && identity.answer !== undefined) {
      note(request, { outcome: 'ignored', reason: 'answered by its source' })
      return reply.send(identity.answer)
    }
    const event = asText(identity.event)
    if (event !== undefined) {
      note(request, { event: event.slice(0, 64) })
      if (!inbox.handles(name, event)) return ignore(request, reply, 'no handler for this event')
    }
    if (identity.ignored !== undefined) return ignore(request, reply, identity.ignored, identity.warn)
    if (event === undefined) return ignore(request, reply, 'it names no event')
    request.delivery = newDelivery(name, event, identity, received, now())
  }
}

/** Answers 200 `ignored`. `warn`: the operator should look into it. */
function ignore(request: FastifyRequest, reply: FastifyReply, reason: string, warn = false): FastifyReply {
  note(request, { outcome: 'ignored', reason, warn })
  return reply.send({ status: 'ignored' })
}

/** Answers 200 `accepted`: the last step of every webhook route. */
export function accepted(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  return reply.send({ status: 'accepted', id: request.delivery?.id as string })
}
