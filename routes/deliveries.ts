import type { IncomingHttpHeaders } from 'node:http'
import createError from '@fastify/error'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Clock, NewDelivery } from '../inbox/contracts.ts'
import type { Inbox } from '../inbox/inbox.ts'
import { note } from '../plugins/logging.ts'
import { rawBodyOf } from '../plugins/verification.ts'
import { readPayload } from '../sources/body.ts'
import { asText } from '../sources/json.ts'
import { type Identity, newDelivery, Received, type Source } from '../sources/source.ts'

/** Shared by the webhook routes. */

export interface SourceRouteOptions {
  source: Source
  clock: Clock
}

/** The time limit of a source's own identify(), ms: a hung one must not hold its requests. */
const IDENTIFY_MS = 5_000

const IdentifyTimeoutError = createError<[string, number]>(
  'WEBHOOK_IDENTIFY_TIMEOUT',
  'identify() of %s did not answer within %d ms',
  500,
)

/**
 * A preHandler: sets `request.delivery` as its source identifies it; answers what has no handler.
 */
export function identifyBy(app: FastifyInstance, { source, clock }: SourceRouteOptions) {
  const identify = identifier(source, app.webhooks.inbox, clock)
  return async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply | undefined> => {
    const raw = rawBodyOf(request) as Buffer | string
    const { event, delivery, answer, ignored, warn } = await identify(
      request.headers,
      typeof raw === 'string' ? Buffer.from(raw) : raw,
      clock.now(),
    )
    if (event !== undefined) note(request, { event: event.slice(0, 64) })
    if (answer !== undefined) {
      note(request, { outcome: 'ignored', reason: ignored })
      return reply.send(answer)
    }
    if (ignored !== undefined) return ignore(request, reply, ignored, warn)
    request.delivery = delivery
  }
}

/** What a genuine request is. */
export interface IdentifiedRequest {
  event?: string
  delivery?: NewDelivery
  /** Why it need not be handled; undefined: there is a delivery. */
  ignored?: string
  warn?: boolean | undefined
  /** The body of the answer, if its source has one. */
  answer?: object
}

/**
 * Of other sources, hash() covers the raw bytes, not the redacted ones: two events that differ only in a secret are two.
 */
const HASHED_WITHOUT_SECRETS = ['chatwoot', 'stripe']

/** Identifies genuine requests of a source. Secrets in the given bytes are overwritten. */
export function identifier(source: Source, inbox: Pick<Inbox, 'handles'>, clock: Pick<Clock, 'after'>) {
  const { name, accepts } = source
  const hashesOriginal = !HASHED_WITHOUT_SECRETS.includes(name)
  return async (headers: IncomingHttpHeaders, bytes: Buffer, receivedAt: number): Promise<IdentifiedRequest> => {
    const original = hashesOriginal ? Buffer.from(bytes) : undefined
    const { payload, body } = readPayload(bytes, headers['content-type'], accepts)
    const received = new Received(headers, payload, body, original)
    const identity = await inTime(source.identify(received), name, clock)
    if ('answer' in identity && identity.answer !== undefined)
      return { answer: identity.answer, ignored: 'answered by its source' }
    const event = asText(identity.event)
    if (event !== undefined && !inbox.handles(name, event)) return { event, ignored: 'no handler for this event' }
    if (identity.ignored !== undefined)
      return { ...(event !== undefined && { event }), ignored: identity.ignored, warn: identity.warn }
    if (event === undefined) return { ignored: 'it names no event' }
    return { event, delivery: newDelivery(name, event, identity, received, receivedAt) }
  }
}

/** @throws {IdentifyTimeoutError} the promise takes too long; what it says later is dropped */
function inTime(
  identity: Identity | Promise<Identity>,
  name: string,
  clock: Pick<Clock, 'after'>,
): Identity | Promise<Identity> {
  if (!('then' in identity)) return identity
  return new Promise((resolve, reject) => {
    const cancelTimer = clock.after(IDENTIFY_MS, () => reject(new IdentifyTimeoutError(name, IDENTIFY_MS)))
    void identity.then(resolve, reject).finally(cancelTimer)
  })
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
