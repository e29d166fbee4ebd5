import { hash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import createError from '@fastify/error'
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { html } from 'ghtml'
import { asObject } from '../../sources/json.ts'
import { RefusedError } from '../refused.ts'
import { createFormToken, guard } from './access.ts'
import { ACTIONS } from './actions.ts'
import { createLive } from './live.ts'
import { mainPage } from './main.ts'
import type { SandboxPageOptions } from './options.ts'
import { frame, type PageContext, STYLES } from './page.ts'
import { pathAfterPaying, payPage } from './pay.ts'
import { BASE, pathBack, readView } from './view.ts'

export type { SandboxPageOptions } from './options.ts'

/** The largest form, bytes. */
const BODY_LIMIT = 64 * 1024

const HEADERS = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
  'x-content-type-options': 'nosniff',
  // With no-referrer, browsers would not say which site a form came from.
  'referrer-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
  'cache-control': 'no-store',
}

const CSS = 'text/css; charset=utf-8'
/** What the browser loads beside the pages. */
const FILES = {
  ...Object.fromEntries(STYLES.map(name => [name, { url: `../public/${name}`, type: CSS }])),
  'sandbox.js': { url: '../public/sandbox.js', type: 'text/javascript; charset=utf-8' },
  'icon.svg': { url: '../../operator/public/icon.svg', type: 'image/svg+xml' },
}

const NotRunningError = createError<[]>(
  'SANDBOX_NOT_RUNNING',
  'The dashboard is the service’s, and it is not running: start it first',
  409,
)
const UnknownError = createError<[]>('SANDBOX_NOT_FOUND', 'There is no such page', 404)

/** The sandbox's page: phones, the tutor's view, the wire, and what breaks things. For who sits at this machine only. */
export async function sandboxPage(app: FastifyInstance, options: SandboxPageOptions): Promise<void> {
  const { world, service } = options
  const context: PageContext = { ...options, formToken: createFormToken() }
  const live = createLive()
  world.events.on('changed', live.change).on('wire', live.change)
  service.events.on('changed', live.change)
  app.addHook('preClose', async () => {
    world.events.off('changed', live.change).off('wire', live.change)
    service.events.off('changed', live.change)
    live.close()
  })
  // Known already: nothing happens, and no line is logged, before somebody does something.
  world.addStudent({ name: 'Sanne', channel: 'whatsapp', language: 'nl', isKnown: true })
  await app.register(async scope => routes(scope, context, live), { prefix: BASE })
}

function routes(app: FastifyInstance, context: PageContext, live: ReturnType<typeof createLive>): void {
  const { world, service, admin } = context
  app.removeAllContentTypeParsers()
  app.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'string', bodyLimit: BODY_LIMIT },
    (_request, body, done) => done(null, Object.fromEntries(new URLSearchParams(body as string))),
  )
  guard(app, context.formToken)
  app.addHook('onRequest', async (_request, reply) => void reply.headers(HEADERS))
  app.setNotFoundHandler(async () => {
    throw new UnknownError()
  })
  app.setErrorHandler((error: FastifyError, request, reply) => {
    const status = error instanceof RefusedError ? 409 : (error.statusCode ?? 500)
    if (status >= 500) request.log.error(error, "the sandbox's page failed")
    return fail(request, reply.code(status), error.message)
  })

  for (const [name, { url, type }] of Object.entries(FILES)) {
    const content = readFileSync(new URL(url, import.meta.url))
    const etag = `"${hash('sha256', content)}"`
    app.get(`/${name}`, async (request, reply) => {
      reply.headers({ etag, 'cache-control': 'no-cache', 'content-type': type })
      return request.headers['if-none-match'] === etag ? reply.code(304).send() : content
    })
  }

  app.get('/', async (request, reply) => send(reply, await mainPage(context, readView(request.query))))

  app.get<{ Params: { session: string } }>('/pay/:session', async ({ params }, reply) => {
    const session = world.stripe.sessions.get(params.session)
    if (session === undefined) throw new UnknownError()
    return send(reply, payPage(context, session))
  })

  app.get('/events', { exposeHeadRoute: false, logLevel: 'warn' }, async (_request, reply) => {
    reply.headers({ 'cache-control': 'no-store, no-transform' })
    return reply.type('text/event-stream').send(live.open())
  })

  app.post('/do/dashboard', async (request, reply) => {
    const { delivery } = asObject(request.body)
    if (service.state() !== 'running') throw new NotRunningError()
    reply.header('set-cookie', await admin.signIn())
    const path = typeof delivery === 'string' ? `/deliveries/${encodeURIComponent(delivery)}` : ''
    return goTo(request, reply, `/dashboard${path}`)
  })

  for (const [name, action] of Object.entries(ACTIONS)) {
    app.post(`/do/${name}`, async (request, reply) => {
      const fields = asObject(request.body)
      await action(context, fields)
      live.change()
      const paid = name === 'pay' && world.stripe.sessions.get(`${fields.session}`)
      return goTo(request, reply, paid ? pathAfterPaying(context, paid) : pathBack(fields.back))
    })
  }
}

/** The script asks for JSON, and stays where it is. */
const isScript = ({ headers }: FastifyRequest) => headers.accept === 'application/json'

function goTo(request: FastifyRequest, reply: FastifyReply, to: string): FastifyReply {
  return isScript(request) ? reply.send({ to }) : reply.redirect(to, 303)
}

function fail(request: FastifyRequest, reply: FastifyReply, message: string): FastifyReply {
  if (isScript(request)) return reply.send({ message })
  const content = html`<main id="main"><section><h1>Not done</h1><p role="alert">${message}</p><p><a href="${BASE}">Back to the sandbox</a></p></section></main>`
  return send(reply, frame({ title: 'Not done', className: 'checkout', live: false }, content))
}

function send(reply: FastifyReply, page: string): FastifyReply {
  return reply.type('text/html; charset=utf-8').send(page)
}
