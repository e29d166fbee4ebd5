import { STATUS_CODES } from 'node:http'
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Clock } from '../inbox/contracts.ts'
import { type BodyBudget, createBodyBudget, SMALL_BODY_BYTES } from '../plugins/body-budget.ts'
import { lingerAfterResponse } from '../plugins/linger.ts'
import { note } from '../plugins/logging.ts'
import { redactQueryParameter } from '../plugins/secret-query.ts'
import { traceRequests } from '../plugins/tracing.ts'
import { contentTypes } from '../sources/body.ts'
import type { Source } from '../sources/source.ts'
import chatwootRoute from './chatwoot.ts'
import { quarantineRefused } from './quarantine.ts'
import sourceRoute from './source.ts'
import stripeRoute from './stripe.ts'

/** The largest body, bytes: Chatwoot's longest message is 2.7 MB once it is escaped. */
const MAX_BODY_BYTES = 4 * 1024 * 1024

const ROUTES: Record<string, typeof sourceRoute> = { chatwoot: chatwootRoute, stripe: stripeRoute }

export interface WebhookRoutesOptions {
  sources: Source[]
  clock: Clock
}

/** The routes of all sources, with raw bodies and one shape of errors. */
export default async function webhookRoutes(
  app: FastifyInstance,
  { sources, clock }: WebhookRoutesOptions,
): Promise<void> {
  app.removeAllContentTypeParsers()
  // Raw bytes: nothing is parsed before the signature is verified.
  const bodies = createBodyBudget({ bodyLimit: MAX_BODY_BYTES })
  // Our own, so that neither a host's serializer nor its schema compiler (Zod's refuses JSON Schema) is applied.
  app.setReplySerializer(payload => JSON.stringify(payload))
  app.setErrorHandler((error: FastifyError, request, reply) => answerError(error, request, reply, bodies))
  traceRequests(app)
  for (const source of sources) {
    await app.register(async scope => {
      const { secretQuery } = source.verify
      if (secretQuery !== undefined) redactQueryParameter(scope, secretQuery)
      for (const type of contentTypes(source)) scope.addContentTypeParser(type, bodies.read)
      quarantineRefused(scope, source, () => clock.now())
      await (ROUTES[source.name] ?? sourceRoute)(scope, { source, clock })
    })
  }
}

/**
 * Fastify's error shape, with a stable code. Failures on our side are always 500, never 503, because Chatwoot's bots
 * retry after 429 and 500 only; their message goes to the log, not to the sender.
 */
function answerError(error: FastifyError, request: FastifyRequest, reply: FastifyReply, bodies: BodyBudget): void {
  const app = request.server
  const respond = () => {
    const status =
      error.statusCode !== undefined && error.statusCode >= 400 && error.statusCode < 500 ? error.statusCode : 500
    const known = status < 500 || error.code?.startsWith('WEBHOOK_')
    const code = known ? error.code : 'WEBHOOK_FAILED'
    note(request, { reason: code })
    if (status === 500) request.log.error(error, 'webhook not stored, answered 500')
    if (status === 429) reply.header('retry-after', '1')
    if (isLargeBodyComing(request)) {
      reply.header('connection', 'close')
      bodies.drop(request)
    }
    lingerAfterResponse(request.raw)
    void reply.code(status).send({
      statusCode: status,
      code,
      error: STATUS_CODES[status],
      message: known ? error.message : 'Internal error; please send it again',
    })
  }
  // A body that could not be read (too large, wrong type) never reached the preHandlers.
  if (request.deliveryLine === undefined) app.logDelivery(request, reply, respond)
  else respond()
}

/** Whether a large part of a refused body is still to come: we don't wait for it. */
function isLargeBodyComing({ raw, headers }: FastifyRequest): boolean {
  return raw.complete === false && !(Number(headers['content-length']) <= SMALL_BODY_BYTES)
}
