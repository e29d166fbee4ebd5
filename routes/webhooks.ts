import { STATUS_CODES } from 'node:http'
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { type BodyBudget, createBodyBudget, SMALL_BODY_BYTES } from '../plugins/body-budget.ts'
import { lingerAfterAnswer } from '../plugins/linger.ts'
import { note } from '../plugins/logging.ts'
import { coverQueryParameter } from '../plugins/secret-query.ts'
import { contentTypes } from '../sources/body.ts'
import type { Source } from '../sources/source.ts'
import chatwootRoute from './chatwoot.ts'
import sourceRoute from './source.ts'
import stripeRoute from './stripe.ts'

/** The largest body, bytes: Chatwoot's longest message is 2.7 MB once it is escaped. */
const MAX_BODY_BYTES = 4 * 1024 * 1024

const ROUTES: Record<string, typeof sourceRoute> = { chatwoot: chatwootRoute, stripe: stripeRoute }

/** The routes of all sources: their bodies stay as they came, their errors have one shape. */
export default async function webhookRoutes(app: FastifyInstance, { sources }: { sources: Source[] }): Promise<void> {
  app.removeAllContentTypeParsers()
  // The bytes as they came: nothing is parsed before the signature is verified.
  const bodies = createBodyBudget({ bodyLimit: MAX_BODY_BYTES })
  // Neither a host's serializer nor its schema compiler (Zod's refuses JSON Schema) meets our answers.
  app.setReplySerializer(payload => JSON.stringify(payload))
  app.setErrorHandler((error: FastifyError, request, reply) => answerError(error, request, reply, bodies))
  for (const source of sources) {
    await app.register(async scope => {
      const { secretQuery } = source.verify
      if (secretQuery !== undefined) coverQueryParameter(scope, secretQuery)
      for (const type of contentTypes(source)) scope.addContentTypeParser(type, bodies.read)
      await (ROUTES[source.name] ?? sourceRoute)(scope, { source })
    })
  }
}

/**
 * Fastify's error shape, with a stable code. Whatever goes wrong on our side is a 500, never a 503: Chatwoot's bots
 * try again after 429 and 500 only. Its message is for the log, not for the sender.
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
    lingerAfterAnswer(request.raw)
    void reply.code(status).send({
      statusCode: status,
      code,
      error: STATUS_CODES[status],
      message: known ? error.message : 'Internal error; please send it again',
    })
  }
  // A body that could not even be read (too large, of a wrong type) never came to the preHandlers.
  if (request.deliveryLine === undefined) app.logDelivery(request, reply, respond)
  else respond()
}

/** Whether a large part of a refused body is still to come: it is not waited for. */
function isLargeBodyComing({ raw, headers }: FastifyRequest): boolean {
  return raw.complete === false && !(Number(headers['content-length']) <= SMALL_BODY_BYTES)
}
