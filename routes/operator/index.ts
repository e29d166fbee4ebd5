import { STATUS_CODES } from 'node:http'
import type { FastifyError, FastifyInstance } from 'fastify'
import type { ConversationDesk } from '../../handlers/conversation-desk.ts'
import type { Clock } from '../../inbox/contracts.ts'
import { OptionError } from '../../inbox/errors.ts'
import type { ChatwootPlace } from '../../operator/conversation-url.ts'
import { jsonText } from '../../operator/json-text.ts'
import { createAccess } from './access.ts'
import metricsRoute from './metrics.ts'
import { createSessions } from './session.ts'

export interface OperatorOptions {
  /** Token for the operator's routes: long, random, used for nothing else. */
  token?: string | undefined
  /** Token for `/metrics` only, so that Prometheus needs none that reads payloads. `token` works there too. */
  metricsToken?: string | undefined
}

const MIN_TOKEN_CHARACTERS = 16
/** Largest body accepted, bytes. */
const BODY_LIMIT = 64 * 1024

interface OperatorParts {
  zone: string
  clock: Clock
  /** null: no token for Chatwoot. */
  desk: ConversationDesk | null
  /** Where Chatwoot is, to link to it. */
  chatwoot: ChatwootPlace
}

/** The operator's routes, all behind a token. @throws {OptionError} */
export default async function operatorRoutes(
  app: FastifyInstance,
  { token, metricsToken, zone, clock, desk, chatwoot }: OperatorOptions & OperatorParts,
): Promise<void> {
  if (metricsToken !== undefined) checkToken('operator.metricsToken (METRICS_TOKEN)', metricsToken)
  // If both are missing, report this one.
  if (token !== undefined || metricsToken === undefined) checkToken('operator.token (ADMIN_TOKEN)', token)
  const access = createAccess(token)
  app.removeAllContentTypeParsers()
  app.addContentTypeParser(
    'application/json',
    { parseAs: 'string', bodyLimit: BODY_LIMIT },
    app.getDefaultJsonParser('error', 'error'),
  )
  // Schemas are documentation only: input is validated where it is used, alike for API, page and commands. So a host's
  // compilers (Zod's refuse JSON Schema) and serializer don't matter.
  app.setValidatorCompiler(() => () => true)
  app.setSerializerCompiler(() => jsonText)
  app.setReplySerializer(jsonText)
  app.setErrorHandler((error: FastifyError, request, reply) => {
    const status = error.statusCode !== undefined && error.statusCode < 500 ? error.statusCode : 500
    if (status === 500) request.log.error(error, "request to the operator's API failed")
    return reply.code(status).send({
      statusCode: status,
      code: status === 500 ? 'OPERATOR_FAILED' : error.code,
      error: STATUS_CODES[status],
      message: status === 500 ? 'Something went wrong; see the log' : error.message,
    })
  })

  await app.register(metricsRoute, { access: access.requireMetricsToken(metricsToken), clock })
  if (token === undefined) return
  // Loaded only with a token: metrics alone need neither Swagger nor the pages.
  const [
    { default: dashboard },
    { default: deliveriesApi },
    { default: causesApi },
    { default: conversationsApi },
    { default: lessonsApi },
    { default: packagesApi },
    { default: openApi },
    { createLessonDesk },
  ] = await Promise.all([
    import('./dashboard.ts'),
    import('./deliveries.ts'),
    import('./causes.ts'),
    import('./conversations.ts'),
    import('./lessons.ts'),
    import('./packages.ts'),
    import('./open-api.ts'),
    import('../../operator/lessons/desk.ts'),
  ])
  const lessons = createLessonDesk(app.webhooks, { zone, now: () => clock.now(), chatwoot })
  const paths = ['/dashboard', '/docs'].map(path => `${app.prefix}${path}`)
  const sessions = createSessions(token, paths, () => clock.now())
  await app.register(async api => {
    await api.register(openApi, {
      // A browser can't send a bearer token by itself.
      access: async (request, reply) => {
        if (sessions.read(request) === null) await access.requireToken(request, reply)
      },
    })
    await api.register(deliveriesApi, { access: access.requireToken, zone, chatwootUrl: chatwoot.url })
    await api.register(causesApi, { access: access.requireToken })
    await api.register(conversationsApi, { access: access.requireToken, desk })
    await api.register(lessonsApi, { access: access.requireToken, desk: lessons })
    await api.register(packagesApi, { access: access.requireToken, desk: lessons })
  })
  await app.register(dashboard, { prefix: '/dashboard', access, sessions, zone, clock, desk, lessons, chatwoot })
}

/** @throws {OptionError} */
function checkToken(option: string, token: unknown): void {
  if (typeof token === 'string' && token.length >= MIN_TOKEN_CHARACTERS) return
  throw new OptionError(`${option} must have at least ${MIN_TOKEN_CHARACTERS} random characters`)
}
