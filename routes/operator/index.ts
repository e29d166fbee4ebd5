import { STATUS_CODES } from 'node:http'
import type { FastifyError, FastifyInstance } from 'fastify'
import type { Clock } from '../../inbox/contracts.ts'
import { OptionError } from '../../inbox/errors.ts'
import { jsonText } from '../../operator/json-text.ts'
import { createAccess } from './access.ts'
import dashboard from './dashboard.ts'
import deliveriesApi from './deliveries.ts'
import metricsRoute from './metrics.ts'
import openApi from './open-api.ts'
import { createSessions } from './session.ts'

export interface OperatorOptions {
  /** Opens the operator's routes: long, random, and for this alone. */
  token?: string | undefined
  /** Opens `/metrics` and nothing else, as `token` does too: Prometheus need not have what reads payloads. */
  metricsToken?: string | undefined
}

/** A guessable token is none. */
const MIN_TOKEN_CHARACTERS = 16
/** The largest body that an operator sends, bytes. */
const BODY_LIMIT = 64 * 1024

/** The operator's routes, in a scope of their own, and none of them without a token. @throws {OptionError} */
export default async function operatorRoutes(
  app: FastifyInstance,
  { token, metricsToken, zone, clock }: OperatorOptions & { zone: string; clock: Clock },
): Promise<void> {
  if (metricsToken !== undefined) checkToken('operator.metricsToken (METRICS_TOKEN)', metricsToken)
  // With neither it is this one that is missing.
  if (token !== undefined || metricsToken === undefined) checkToken('operator.token (ADMIN_TOKEN)', token)
  const access = createAccess(token)
  app.removeAllContentTypeParsers()
  app.addContentTypeParser(
    'application/json',
    { parseAs: 'string', bodyLimit: BODY_LIMIT },
    app.getDefaultJsonParser('error', 'error'),
  )
  // The schemas are the documentation; what comes in is checked where it is used, for the API, the page and the commands
  // alike. Neither a host's compilers (Zod's refuse JSON Schema) nor its serializer meets ours.
  app.setValidatorCompiler(() => () => true)
  app.setSerializerCompiler(() => jsonText)
  app.setReplySerializer(jsonText)
  app.setErrorHandler((error: FastifyError, request, reply) => {
    const status = error.statusCode !== undefined && error.statusCode < 500 ? error.statusCode : 500
    if (status === 500) request.log.error(error, "an operator's request failed")
    return reply.code(status).send({
      statusCode: status,
      code: status === 500 ? 'OPERATOR_FAILED' : error.code,
      error: STATUS_CODES[status],
      message: status === 500 ? 'Something went wrong; see the log' : error.message,
    })
  })

  await app.register(metricsRoute, { access: access.requireMetricsToken(metricsToken), clock })
  if (token === undefined) return
  const paths = ['/dashboard', '/docs'].map(path => `${app.prefix}${path}`)
  const sessions = createSessions(token, paths, () => clock.now())
  await app.register(async api => {
    await api.register(openApi, {
      // A browser can't send a bearer token by itself.
      access: async (request, reply) => {
        if (sessions.read(request) === null) await access.requireToken(request, reply)
      },
    })
    await api.register(deliveriesApi, { access: access.requireToken, zone })
  })
  await app.register(dashboard, { prefix: '/dashboard', access, sessions, zone, clock })
}

/** @throws {OptionError} */
function checkToken(option: string, token: unknown): void {
  if (typeof token === 'string' && token.length >= MIN_TOKEN_CHARACTERS) return
  throw new OptionError(`${option} must have at least ${MIN_TOKEN_CHARACTERS} random characters`)
}
