import { createRequire } from 'node:module'
import type { FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import pino from 'pino'
import type PinoPretty from 'pino-pretty'
import type { AnsweredEvent } from '../inbox/events.ts'
import { type OpenSpan, traceFields } from '../inbox/tracing.ts'
import { eventsOf } from './events.ts'

/** What a request's log line says beyond its delivery and status. */
export interface DeliveryLine {
  source?: string
  event?: string
  /** accepted, duplicate, ignored, refused, malformed or failed; unanswered: the client had closed the connection. */
  outcome?: string
  /** Why, if it was not accepted: an error's code, or the reason for ignoring it. */
  reason?: string
  /** Log a warning although the response is a 200. */
  warn?: boolean
}

declare module 'fastify' {
  interface FastifyInstance {
    /**
     * A preHandler: opens the request's single log line, written when the response is sent (or the client has
     * disconnected): path, source, event, delivery, outcome, status, ms; the client's address if it was refused.
     */
    logDelivery: (request: FastifyRequest, reply: FastifyReply, done: () => void) => void
  }
  interface FastifyContextConfig {
    /** The source of a route's webhooks, also for those refused before they are identified. */
    webhookSource?: string
  }
  interface FastifyRequest {
    /** Content of the request's log line. */
    deliveryLine?: DeliveryLine | undefined
  }
}

export default fp(
  async app => {
    const events = eventsOf(app)
    app.decorate('logDelivery', (request, reply, done) => {
      const { webhookSource } = request.routeOptions.config
      const line: DeliveryLine = webhookSource === undefined ? {} : { source: webhookSource }
      const startedAt = performance.now()
      let sent = false
      request.deliveryLine = line
      reply.raw.once('finish', () => {
        sent = true
      })
      const write = () => events.emit('answered', writeLine(request, reply, line, startedAt, sent))
      // A client that disconnected while sending its body is already gone.
      const gone = reply.raw.closed
      if (!gone) reply.raw.once('close', write)
      done()
      if (gone) write()
    })
  },
  { name: 'tutorbot-logging', fastify: '5.x' },
)

/** Adds to a request's line, if it has one. */
export function note(request: FastifyRequest, fields: DeliveryLine): void {
  if (request.deliveryLine !== undefined) Object.assign(request.deliveryLine, fields)
}

function writeLine(
  request: FastifyRequest,
  reply: FastifyReply,
  line: DeliveryLine,
  startedAt: number,
  sent: boolean,
): AnsweredEvent {
  const { delivery } = request
  const status = reply.raw.statusCode
  const outcome = line.outcome ?? (sent ? outcomeOf(status) : 'unanswered')
  const answered = {
    source: delivery?.source ?? line.source,
    event: delivery?.event ?? line.event,
    delivery: delivery?.id,
    orderingKey: delivery?.orderingKey,
    outcome,
    reason: line.reason,
    status: sent ? status : undefined,
    ms: Math.round((performance.now() - startedAt) * 100) / 100,
  }
  const { span } = request
  if (span !== undefined) endSpan(span, answered)
  const fields = {
    path: request.routeOptions.url,
    ...answered,
    ip: status >= 400 ? request.ip : undefined,
    ...traceFields(span),
  }
  const message = sent ? `webhook ${outcome}` : `webhook ${outcome}, client closed the connection before the response`
  if (status >= 500) request.log.error(fields, message)
  else if (status >= 400 || line.warn === true || !sent) request.log.warn(fields, message)
  else request.log.info(fields, message)
  return answered
}

/** What a request's span says at its end. Of a reason only a code: others may quote the request. */
function endSpan(span: OpenSpan, { source, event, delivery, outcome, reason, status }: AnsweredEvent): void {
  const code = reason !== undefined && /^[A-Z_]{1,64}$/.test(reason) ? reason : undefined
  const attributes = {
    'http.response.status_code': status,
    'webhook.source': source,
    'webhook.event': event?.slice(0, 64),
    'webhook.delivery': delivery,
    'webhook.outcome': outcome,
    'webhook.reason': code,
  }
  span.end(attributes, status === undefined ? { name: outcome } : status >= 500 ? status : undefined)
}

function outcomeOf(status: number): string {
  if (status === 401) return 'refused'
  if (status >= 500 || status === 429) return 'failed'
  return status >= 400 ? 'malformed' : 'accepted'
}

/** Log lines are buffered up to this size. */
const LOG_BUFFER_BYTES = 8 * 1024
/** Longest time a line is buffered. */
const LOG_DELAY_MS = 100

/**
 * pino's options for the standalone server: pretty on a terminal, JSON elsewhere. Secrets are never passed to a log
 * call; redaction is a second line of defence, for library errors that carry their request.
 */
export function loggerOptions(level: string, terminal: boolean) {
  return {
    level,
    redact: {
      paths: [
        'authorization',
        'api_access_token',
        'headers',
        'err.headers',
        'err.raw.headers',
        'err.config',
        'err.request',
      ],
      censor: '[redacted]',
    },
    stream: terminal ? prettyOutput() : bufferedOutput(),
  }
}

/** How a line looks to people. */
export const PRETTY = { translateTime: 'HH:MM:ss.l', ignore: 'pid,hostname', singleLine: true } as const

/** Loaded only on a terminal. */
function prettyOutput() {
  const pretty: typeof PinoPretty = createRequire(import.meta.url)('pino-pretty')
  return pretty({ ...PRETTY, sync: true })
}

/** Buffered standard output: a system call per line would cost a tenth of the throughput. */
function bufferedOutput() {
  const output = pino.destination({ sync: true, minLength: LOG_BUFFER_BYTES, periodicFlush: LOG_DELAY_MS })
  process.once('exit', () => output.flushSync())
  return output
}
