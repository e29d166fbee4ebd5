import { hash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { ConversationDesk } from '../../handlers/conversation-desk.ts'
import type { Clock } from '../../inbox/contracts.ts'
import type { Inbox } from '../../inbox/inbox.ts'
import { createActivity } from '../../operator/activity.ts'
import type { ChatwootPlace } from '../../operator/conversation-url.ts'
import { noticeOf } from '../../operator/dashboard-words.ts'
import { BadFilterError, FILTER_SCHEMA, readFilter, readPage } from '../../operator/filter.ts'
import { findDelivery } from '../../operator/find-delivery.ts'
import type { LessonDesk } from '../../operator/lessons/desk.ts'
import { listDeliveries } from '../../operator/listing.ts'
import { createPages } from '../../operator/pages/index.ts'
import type { FilterValues } from '../../operator/pages/list.ts'
import { timelineOf } from '../../operator/views.ts'
import { asObject } from '../../sources/json.ts'
import type { Access } from './access.ts'
import { causePages } from './cause-pages.ts'
import { giveBack, lookAt } from './conversations.ts'
import { discardOne, replayMany, replayOne } from './deliveries.ts'
import { lessonPages } from './lesson-pages.ts'
import { createLive } from './live.ts'
import { packagePages } from './package-pages.ts'
import { queryOf, sendPage, valuesOf } from './page-values.ts'
import { refuseForeign, type Session, type Sessions, SignedOutError } from './session.ts'

export interface DashboardOptions {
  access: Access
  sessions: Sessions
  /** The IANA time zone of times shown. */
  zone: string
  clock: Clock
  /** null: no token for Chatwoot. */
  desk: ConversationDesk | null
  lessons: LessonDesk
  /** Where Chatwoot is, to link to it. */
  chatwoot: ChatwootPlace
}

/** The largest form, bytes. */
const BODY_LIMIT = 16 * 1024
/** Deliveries in each list of the overview. */
const IN_OVERVIEW = 10
const OPEN_IN_OVERVIEW = 5

const HEADERS = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
  'x-content-type-options': 'nosniff',
  // With no-referrer, browsers would hide which site a form came from.
  'referrer-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
  'cache-control': 'no-store',
}

/** Static files of the pages. */
const FILES = {
  'page.css': { url: '../../operator/public/page.css', type: 'text/css; charset=utf-8' },
  'page.js': { url: '../../operator/public/page.js', type: 'text/javascript; charset=utf-8' },
  'icon.svg': { url: '../../operator/public/icon.svg', type: 'image/svg+xml' },
  'uplot.css': { url: 'uplot/dist/uPlot.min.css', type: 'text/css; charset=utf-8' },
  'uplot.js': { url: 'uplot/dist/uPlot.iife.min.js', type: 'text/javascript; charset=utf-8' },
}

const TITLES: Record<number, string> = {
  401: 'Signed out',
  403: 'Not accepted',
  404: 'Not found',
  409: 'Not possible now',
  429: 'Too many attempts',
  500: 'Something went wrong',
}

/** The operator's page: HTML from the server, updated by a small script but usable without it. */
export default async function dashboard(app: FastifyInstance, options: DashboardOptions): Promise<void> {
  const { access, sessions, zone, clock, desk, lessons, chatwoot } = options
  const { inbox, breakers, events } = app.webhooks
  const base = app.prefix
  const pages = createPages(base, zone, () => inbox.sources(), lessons.links, chatwoot)
  const activity = createActivity(events, () => clock.now())
  const live = createLive(clock, app.log)
  events.on('answered', live.change).on('handled', live.change)
  app.addHook('preClose', async () => live.close())

  app.removeAllContentTypeParsers()
  app.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'string', bodyLimit: BODY_LIMIT },
    (_request, body, done) => done(null, Object.fromEntries(new URLSearchParams(body as string))),
  )
  app.decorateRequest('operatorSession', null)
  app.addHook('onRequest', async (request, reply) => {
    reply.headers(HEADERS)
    request.operatorSession = sessions.read(request)
    if (request.method === 'POST') refuseForeign(request)
  })
  app.setNotFoundHandler((request, reply) =>
    sendPage(reply.code(404), pages.problem(request.operatorSession, 404, 'Not found', 'There is no such page.')),
  )
  app.setErrorHandler((error: FastifyError, request, reply) => {
    const status = error.statusCode !== undefined && error.statusCode < 500 ? error.statusCode : 500
    if (status === 500) request.log.error(error, "request to the operator's page failed")
    const message = status === 500 ? 'Something went wrong; see the log.' : `${error.message}.`
    const title = TITLES[status] ?? 'Not understood'
    return sendPage(reply.code(status), pages.problem(request.operatorSession, status, title, message))
  })

  serveFiles(app)

  app.get('/sign-in', async (request, reply) => sendPage(reply, pages.signIn(pathIn(base, request.query), undefined)))

  app.post('/sign-in', async (request, reply) => {
    const given = asObject(request.body)
    const next = pathIn(base, given)
    if (!access.isToken(`${given.token}`, request, reply)) {
      return sendPage(reply.code(401), pages.signIn(next, 'Wrong token.'))
    }
    sessions.begin(request, reply)
    request.log.info({ ip: request.ip }, 'operator signed in')
    return reply.redirect(next, 303)
  })

  app.get('/live', { exposeHeadRoute: false, logLevel: 'warn' }, async (request, reply) => {
    const session = request.operatorSession
    if (session === null) throw new SignedOutError()
    const { delivery: id } = asObject(request.query)
    const view =
      typeof id === 'string'
        ? { name: `${id} ${session.formToken}`, render: async () => pages.oneParts(session, await readOne(id)) }
        : { name: 'overview', render: async () => pages.overviewParts(await readOverview()) }
    // Against buffering by nginx or a host's compression.
    reply.headers({ 'x-accel-buffering': 'no', 'cache-control': 'no-store, no-transform' })
    return reply.type('text/event-stream').send(live.open(view, () => sessions.isOver(session)))
  })

  await app.register(async signedIn => {
    pagesOfDeliveries(signedIn, { base, pages, sessions, inbox, zone, readOverview, readOne, desk })
    causePages(signedIn, { base, pages, inbox })
    lessonPages(signedIn, { base, pages, desk: lessons })
    packagePages(signedIn, { pages, desk: lessons })
  })

  async function readOverview() {
    const [backlog, dead, parked, latest] = await Promise.all([
      inbox.backlog(),
      listDeliveries(inbox, { state: 'dead' }, OPEN_IN_OVERVIEW),
      listDeliveries(inbox, { state: 'parked' }, OPEN_IN_OVERVIEW),
      listDeliveries(inbox, {}, IN_OVERVIEW),
    ])
    const stats = inbox.stats()
    const systems = breakers.states()
    return {
      backlog,
      dead,
      parked,
      latest,
      stats,
      systems,
      minutes: activity.minutes(),
      slowest: activity.slowest(IN_OVERVIEW),
    }
  }

  async function readOne(id: string) {
    const delivery = await findDelivery(inbox, id)
    return { delivery, timeline: timelineOf(delivery, await inbox.history(delivery.id)) }
  }
}

interface PageParts {
  base: string
  pages: ReturnType<typeof createPages>
  sessions: Sessions
  inbox: Inbox
  zone: string
  desk: ConversationDesk | null
  readOverview(): Promise<Parameters<ReturnType<typeof createPages>['overview']>[1]>
  readOne(id: string): Promise<Parameters<ReturnType<typeof createPages>['one']>[1]>
}

/** Pages that need a session. */
function pagesOfDeliveries(signedIn: FastifyInstance, parts: PageParts): void {
  const { base, pages, sessions, inbox, zone, readOverview, readOne, desk } = parts
  signedIn.addHook('onRequest', async (request, reply) => {
    if (request.operatorSession !== null || request.method === 'POST') return
    return reply.redirect(`${base}/sign-in?${new URLSearchParams({ next: request.url })}`, 303)
  })
  signedIn.addHook('preValidation', async request => {
    if (request.method === 'POST') sessions.checkForm(request, asObject(request.body).form)
  })
  const sessionOf = (request: FastifyRequest) => request.operatorSession as Session

  signedIn.post('/sign-out', async (request, reply) => {
    sessions.end(request, reply)
    return reply.redirect(`${base}/sign-in`, 303)
  })

  signedIn.get('/', async (request, reply) => sendPage(reply, pages.overview(sessionOf(request), await readOverview())))

  signedIn.get('/deliveries', async (request, reply) => {
    const given = asObject(request.query)
    const values = valuesOf(given, LIST_FIELDS)
    return withFilter(request, reply, values, async () => {
      const { limit, before } = readPage(given)
      const page = await listDeliveries(inbox, readFilter(given, zone), limit, before)
      const query = queryOf({ ...values, cursor: '' })
      const olderQuery = page.next === null ? undefined : queryOf({ ...values, cursor: `${page.next}` })
      const shown = { page, values, query, olderQuery, here: queryOf(values), canGiveBack: desk !== null }
      return sendPage(reply, pages.list(sessionOf(request), shown, noticeOf(given)))
    })
  })

  signedIn.get('/deliveries/replay', async (request, reply) => {
    const values = valuesOf(asObject(request.query), FILTER_FIELDS)
    return withFilter(request, reply, values, async () => {
      const { matched } = await replayMany(inbox, values, true, zone)
      return sendPage(reply, pages.confirmReplay(sessionOf(request), matched, values, queryOf(values)))
    })
  })

  signedIn.post('/deliveries/replay', async (request, reply) => {
    const values = valuesOf(asObject(request.body), FILTER_FIELDS)
    return withFilter(request, reply, values, async () => {
      const { replayed, refused, waiting = 0 } = await replayMany(inbox, values, false, zone)
      const done: FilterValues =
        refused === undefined ? { done: 'replayed-many' } : { done: 'verified', given: `${refused.length + waiting}` }
      const query = queryOf({ ...values, ...done, count: `${replayed}` })
      return reply.redirect(`${base}/deliveries?${query}`, 303)
    })
  })

  signedIn.get<OfOne>('/deliveries/:id', async (request, reply) =>
    sendPage(reply, pages.one(sessionOf(request), await readOne(request.params.id), noticeOf(asObject(request.query)))),
  )

  signedIn.post<OfOne>('/deliveries/:id/replay', async ({ params }, reply) => {
    const id = await replayOne(inbox, params.id)
    // One that was quarantined is another delivery now.
    if ((await inbox.get(id)) === null) return reply.redirect(`${base}/deliveries?done=verified&count=1`, 303)
    return reply.redirect(`${base}/deliveries/${encodeURIComponent(id)}?done=replayed`, 303)
  })

  signedIn.post<OfOne>('/deliveries/:id/discard', async ({ params, body }, reply) => {
    const id = await discardOne(inbox, params.id, asObject(body).reason)
    if ((await inbox.get(id)) === null) return reply.redirect(`${base}/deliveries?state=quarantined&done=deleted`, 303)
    return reply.redirect(`${base}/deliveries/${encodeURIComponent(id)}?done=discarded`, 303)
  })

  signedIn.get<OfOne>('/conversations/:id', async (request, reply) => {
    const view = await lookAt(desk, request.params.id)
    return sendPage(reply, pages.conversation(sessionOf(request), view, noticeOf(asObject(request.query))))
  })

  signedIn.post<OfOne>('/conversations/:id/give-back', async ({ params: { id }, body, log }, reply) => {
    await giveBack(desk, id, log)
    const { list } = asObject(body)
    if (typeof list !== 'string') return reply.redirect(`${base}/conversations/${id}?done=given-back`, 303)
    // Back to the list that it was pressed in.
    const values = valuesOf(Object.fromEntries(new URLSearchParams(list)), LIST_FIELDS)
    return reply.redirect(`${base}/deliveries?${queryOf({ ...values, done: 'given-back', given: id })}`, 303)
  })

  /** Shows a filter's error beside its field. */
  async function withFilter(
    request: FastifyRequest,
    reply: FastifyReply,
    values: FilterValues,
    answer: () => Promise<FastifyReply>,
  ): Promise<FastifyReply> {
    try {
      return await answer()
    } catch (error) {
      if (!(error instanceof BadFilterError)) throw error
      const [field = ''] = error.message.split(' ')
      return sendPage(reply.code(400), pages.badFilter(sessionOf(request), values, field, error.message))
    }
  }
}

/** Serves the static files. */
function serveFiles(app: FastifyInstance): void {
  for (const [name, { url, type }] of Object.entries(FILES)) {
    const content = readFileSync(fileURLToPath(import.meta.resolve(url)))
    const etag = `"${hash('sha256', content)}"`
    app.get(`/${name}`, async (request, reply) => {
      reply.headers({ etag, 'cache-control': 'no-cache', 'content-type': type })
      return request.headers['if-none-match'] === etag ? reply.code(304).send() : content
    })
  }
}

interface OfOne {
  Params: { id: string }
}

/** Where to go after signing in: only within this page. */
function pathIn(base: string, given: unknown): string {
  const { next } = asObject(given)
  const url = typeof next === 'string' ? URL.parse(next, 'http://here') : null
  return url?.pathname.startsWith(`${base}/`) ? url.pathname + url.search : base
}

const FILTER_FIELDS = Object.keys(FILTER_SCHEMA)
const LIST_FIELDS = [...FILTER_FIELDS, 'limit', 'cursor']
