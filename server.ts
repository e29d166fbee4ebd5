#!/usr/bin/env node
import closeWithGrace from 'close-with-grace'
import Fastify, { type FastifyInstance } from 'fastify'
import webhooks, { type WebhooksOptions } from './app.ts'
import { describeStore } from './backends/index.ts'
import { type Env, EnvError, type EnvOptions, readEnv } from './environment.ts'
import { whereBooked } from './handlers/lesson-kind.ts'
import { type Clock, systemClock } from './inbox/contracts.ts'
import { OptionError, StoreOpenError } from './inbox/errors.ts'
import env from './plugins/env.ts'
import { eventsOf } from './plugins/events.ts'
import { loggerOptions } from './plugins/logging.ts'
import healthRoutes from './routes/health.ts'
import { readTutorFile } from './tutor/file.ts'
import { pricesByName } from './tutor/tutor.ts'

/** Handlers get 10 s to finish and 1 s more once aborted; after this the process exits regardless, ms. */
const CLOSE_MS = 15_000
/** Time for requests in flight, ms: together with the handlers' time it stays below CLOSE_MS. */
const REQUESTS_MS = 3_000
/** The first file descriptor that systemd passes: sd_listen_fds(3). */
const FIRST_PASSED_FD = 3

export interface ServerOptions extends EnvOptions {
  /** The environment, where it has been read already. */
  config?: Env
  /** Default: the machine's. */
  clock?: Clock
}

/** Builds the standalone server from the environment. @throws {EnvError} that names the variable and says how to fix it */
export async function buildServer(options: ServerOptions = {}): Promise<FastifyInstance> {
  const { config = await readEnv(options), clock = systemClock } = options
  const app = createFastify(config)
  app.setNotFoundHandler((request, reply) =>
    reply.code(404).send({
      statusCode: 404,
      code: 'NOT_FOUND',
      error: 'Not Found',
      message: `There is nothing at ${request.method} ${request.url.split('?')[0]}`,
    }),
  )
  try {
    await app.register(env, { env: config })
    await registerAll(app, config, clock)
  } catch (error) {
    // Closes what has been opened so far.
    await app.close()
    throw error
  }
  return app
}

async function registerAll(app: FastifyInstance, config: Env, clock: Clock): Promise<void> {
  const tracerProvider = await tracesOf(app, config)
  await app.register(webhooks, { ...webhooksOptions(config, clock), tracerProvider })
  endConnections(app)
  await app.register(healthRoutes)
  await registerFeed(app, config, clock)
}

/**
 * What records traces and sends them to the collector of the environment; undefined: none is set, nothing is traced.
 * Before the webhooks: what is registered first is closed last. @throws {EnvError}
 */
export async function tracesOf(app: FastifyInstance, config: Env): Promise<WebhooksOptions['tracerProvider']> {
  if (config.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT === undefined && config.OTEL_EXPORTER_OTLP_ENDPOINT === undefined)
    return
  const events = eventsOf(app)
  // Loaded only when used.
  const { startTraces } = await import('./tracing/start.ts')
  const { tracerProvider, close } = startTraces(config, app.log, what => events.emit('untraced', what))
  app.addHook('onClose', close)
  return tracerProvider
}

async function registerFeed(app: FastifyInstance, config: Env, clock: Clock): Promise<void> {
  const { calendar, tutor } = app.webhooks
  const { lessons, blocks } = calendar
  if (config.CALENDAR_TOKEN === undefined || lessons === undefined || blocks === undefined) return
  const { default: calendarFeed } = await import('./routes/calendar-feed.ts')
  await app.register(calendarFeed, {
    token: config.CALENDAR_TOKEN,
    lessons: (from, to) => lessons.call(calendar, from, to, { withCancelled: true }),
    blocks: blocks.bind(calendar),
    where: lesson => whereBooked(tutor, lesson),
    zone: config.TZ,
    now: () => clock.now(),
  })
}

/**
 * On close, Node ends only the connections that are idle at that moment. This hook runs after the inbox's: deliveries
 * are accepted while handlers finish.
 */
function endConnections(app: FastifyInstance): void {
  let timer: NodeJS.Timeout
  app.addHook('preClose', async () => {
    // Connections that become idle after their last response end at once.
    Object.assign(app.server, { keepAliveTimeout: 1, keepAliveTimeoutBuffer: 0 })
    timer = setTimeout(() => app.server.closeAllConnections(), REQUESTS_MS)
  })
  app.addHook('onClose', async () => clearTimeout(timer))
}

function createFastify(config: Env): FastifyInstance {
  try {
    return Fastify(serverOptions(config))
  } catch (error) {
    throw new EnvError(`TRUST_PROXY is not a list of addresses, networks or loopback (${(error as Error).message})`)
  }
}

/** Turns off Fastify's own two lines per request; before 5.10 by another option. */
export function withoutRequestLog({ LogController }: Partial<Pick<typeof Fastify, 'LogController'>>) {
  if (LogController === undefined) return { disableRequestLogging: true }
  return { logController: new LogController({ disableRequestLogging: true }) }
}

/** The standalone server's own options, without the webhooks'. */
export function serverOptions(config: Env) {
  return {
    logger: loggerOptions(config.LOG_LEVEL, process.stdout.isTTY === true),
    // No limit: it may wait for a database that is not up yet.
    pluginTimeout: 0,
    // logDelivery writes a webhook's single line.
    ...withoutRequestLog(Fastify),
    trustProxy: config.TRUST_PROXY,
    // Chatwoot's bots hand the student to a human on a 503: accept what still arrives while closing.
    return503OnClosing: false,
    // A request has this long to arrive; slower senders are cut off. ms
    requestTimeout: 30_000,
    // Longer than nginx keeps an idle connection (60 s), so that none is closed while in use. ms
    keepAliveTimeout: 72_000,
    // Node's default is to check for overdue connections every 30 s.
    http: { headersTimeout: 10_000, connectionsCheckingInterval: 5_000 },
  }
}

/** Converts the environment, and the file with the tutor's settings, to the plugin's options. @throws {EnvError | OptionError} */
export function webhooksOptions(config: Env, clock = systemClock): WebhooksOptions {
  const { TUTOR_FILE: file } = config
  return {
    store: config.DATABASE_URL,
    tutor: file === undefined ? undefined : readTutorFile(file),
    inbox: { retentionDays: config.RETENTION_DAYS, dedupDays: config.DEDUP_DAYS, clock },
    chatwoot: {
      secrets: listOf(config.CW_HMAC_SECRET),
      allowUnsigned: config.CW_ALLOW_UNSIGNED,
      legacySignature: config.CW_LEGACY_SIGNATURE,
      toleranceSeconds: config.CW_TOLERANCE_SECONDS,
      url: config.CW_URL,
      accountId: config.CW_ACC_ID,
      token: config.CW_TOKEN,
      adminToken: config.CW_ADMIN_TOKEN,
      mode: config.CW_MODE,
      inboxIds: listOf(config.CW_INBOX_IDS)?.map(Number),
      templates: templatesOf(config),
      handoffAgentId: config.HANDOFF_AGENT_ID,
      handoffHours: config.HANDOFF_HOURS,
      handoffAlertMinutes: config.HANDOFF_ALERT_MINUTES,
      callsPerMinute: config.CW_CALLS_PER_MINUTE,
      messageQuietMs: config.MESSAGE_QUIET_MS,
      messageQuietMaxMs: config.MESSAGE_QUIET_MAX_MS,
      showTyping: config.CW_TYPING,
    },
    stripe: {
      secrets: listOf(config.STRIPE_WEBHOOK_SECRET),
      toleranceSeconds: config.STRIPE_TOLERANCE_SECONDS,
      secretKey: config.STRIPE_SECRET_KEY,
      apiBase: config.STRIPE_API_BASE,
      prices: {
        standard60: config.STANDARD_PRICE_ID_60,
        standard90: config.STANDARD_PRICE_ID_90,
        weekend60: config.WEEKEND_PRICE_ID_60,
        weekend90: config.WEEKEND_PRICE_ID_90,
      },
      publicUrl: config.PUBLIC_URL,
      returnUrl: config.CHECKOUT_RETURN_URL,
    },
    calendar: { timeZone: config.TZ, google: googleOptions(config) },
    quarantine: quarantineOptions(config),
    operator: operatorOptions(config),
    alerts: config.ALERT_WEBHOOK_URL === undefined ? undefined : { url: config.ALERT_WEBHOOK_URL },
  }
}

function quarantineOptions(config: Env): WebhooksOptions['quarantine'] {
  const { QUARANTINE_MB: maxMegabytes, QUARANTINE_HOURS: hours, QUARANTINE_PER_MINUTE: perAddressPerMinute } = config
  if (maxMegabytes !== undefined) return { maxMegabytes, hours, perAddressPerMinute }
  const alone = hours === undefined ? perAddressPerMinute && 'QUARANTINE_PER_MINUTE' : 'QUARANTINE_HOURS'
  if (alone !== undefined)
    throw new EnvError(`${alone} has no meaning without QUARANTINE_MB: set that too, or remove it`)
  return undefined
}

function operatorOptions({ ADMIN_TOKEN, METRICS_TOKEN }: Env): WebhooksOptions['operator'] {
  if (ADMIN_TOKEN === undefined && METRICS_TOKEN === undefined) return undefined
  return { token: ADMIN_TOKEN, metricsToken: METRICS_TOKEN }
}

function googleOptions(config: Env): NonNullable<WebhooksOptions['calendar']>['google'] {
  const { GCAL_SERVICE_ACCOUNT_JSON, GCAL_CALENDAR_ID, GCAL_API_BASE } = config
  if (GCAL_SERVICE_ACCOUNT_JSON === undefined && GCAL_CALENDAR_ID === undefined) return undefined
  if (GCAL_SERVICE_ACCOUNT_JSON === undefined || GCAL_CALENDAR_ID === undefined) {
    throw new EnvError('GCAL_SERVICE_ACCOUNT_JSON and GCAL_CALENDAR_ID belong together: set both, or neither')
  }
  return { serviceAccount: GCAL_SERVICE_ACCOUNT_JSON, calendarId: GCAL_CALENDAR_ID, apiBase: GCAL_API_BASE }
}

function templatesOf({ CW_TEMPLATES }: Env): NonNullable<WebhooksOptions['chatwoot']>['templates'] {
  try {
    return CW_TEMPLATES === undefined ? undefined : JSON.parse(CW_TEMPLATES)
  } catch (error) {
    throw new EnvError(`CW_TEMPLATES is not JSON: ${(error as Error).message}`)
  }
}

function listOf(text: string | undefined): string[] | undefined {
  return text?.split(',').map(part => part.trim())
}

/** Logs what is on, what is off and why: the first thing to read when something does not work. */
function announce(app: FastifyInstance): void {
  const { config, log } = app
  log.info(`store: ${describeStore(config.DATABASE_URL)}`)
  if (config.CW_HMAC_SECRET) log.info('Chatwoot deliveries: verified')
  if (config.STRIPE_WEBHOOK_SECRET) log.info('Stripe deliveries: verified')
  else log.warn('Stripe deliveries: all refused, STRIPE_WEBHOOK_SECRET is not set')
  if (config.CW_TOKEN) log.info(`replies: sent to account ${config.CW_ACC_ID} at ${config.CW_URL}`)
  else log.warn('replies: not sent, CW_TOKEN is not set')
  if (!config.STRIPE_SECRET_KEY)
    log.warn('payment links, prices and payment look-ups: off, STRIPE_SECRET_KEY is not set')
  const unpriced = [...pricesByName(app.webhooks.tutor)].filter(([, price]) => price === undefined)
  if (unpriced.length > 0) {
    log.warn(`lessons not for sale, price ids not set: ${unpriced.map(([name]) => name).join(', ')}`)
  }
  log.info(`the tutor's settings: ${config.TUTOR_FILE ?? 'the defaults, as there is no tutor.json'}`)
  announceCalendar(app)
  if (config.ADMIN_TOKEN) log.info("the operator's page and API: on")
  else log.warn("the operator's page and API: off, ADMIN_TOKEN is not set")
  if (!config.ADMIN_TOKEN && config.METRICS_TOKEN) log.info('metrics: on')
  log.info(`alerts: ${config.ALERT_WEBHOOK_URL ? 'posted' : 'not posted, ALERT_WEBHOOK_URL is not set'}`)
  const collector = config.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT ?? config.OTEL_EXPORTER_OTLP_ENDPOINT
  if (collector !== undefined) log.info(`traces: sent to ${new URL(collector).origin}`)
}

function announceCalendar({ config, log, webhooks }: FastifyInstance): void {
  const feed = config.CALENDAR_TOKEN ? 'published at /calendar.ics' : 'not published, CALENDAR_TOKEN is not set'
  const isLocal = webhooks.calendar.lessons !== undefined
  log.info(`lessons: ${isLocal ? `in the store, ${feed}` : `in the Google calendar ${config.GCAL_CALENDAR_ID}`}`)
}

/** Listens on the socket passed by systemd (LISTEN_FDS), which survives restarts, else on HOST and PORT. */
async function listen(app: FastifyInstance, environment: NodeJS.ProcessEnv): Promise<void> {
  const { HOST: host, PORT: port } = app.config
  const offered = Number(environment.LISTEN_FDS) >= 1
  const isPassed = offered && Number(environment.LISTEN_PID) === process.pid
  if (offered && !isPassed) {
    app.log.warn('LISTEN_FDS belongs to another process (LISTEN_PID): the unit must start node itself, not npm')
  }
  try {
    // Fastify passes its options to net.Server.listen, which knows `fd`. Without a host it would listen once per
    // address of localhost, each time on this one socket.
    const socket = { fd: FIRST_PASSED_FD, host: '127.0.0.1' }
    await app.listen(isPassed ? socket : { host, port })
  } catch (error) {
    throw cannotListen(app.config, error)
  }
}

/** Why a server can't listen, and what to do. */
export function cannotListen({ HOST, PORT }: Pick<Env, 'HOST' | 'PORT'>, error: unknown): EnvError {
  const { code, message } = error as NodeJS.ErrnoException
  if (code === 'EADDRINUSE') return new EnvError(`PORT ${PORT} on ${HOST} is in use: stop what uses it, or set another`)
  return new EnvError(`can't listen on HOST ${HOST}, PORT ${PORT} (${message})`)
}

/**
 * A signal during the start, which may wait for a database, ends the process: there is nothing to finish yet. Without a
 * listener, process 1 of a container would ignore it.
 */
async function untilSignal<T>(starting: Promise<T>): Promise<T> {
  const stop = () => process.exit()
  const signals = ['SIGTERM', 'SIGINT']
  for (const signal of signals) process.on(signal, stop)
  try {
    return await starting
  } finally {
    for (const signal of signals) process.removeListener(signal, stop)
  }
}

/** Starts the standalone server, and closes it gracefully on SIGTERM and SIGINT. */
export async function start(options: ServerOptions = {}): Promise<FastifyInstance> {
  const app = await untilSignal(buildServer(options))
  const signals = closeWithGrace({ delay: CLOSE_MS, logger: app.log }, async ({ signal, err }) => {
    if (err) app.log.fatal(err, 'closing after an uncaught error')
    else app.log.info(`closing on ${signal}`)
    await app.close()
  })
  app.addHook('onClose', async () => signals.uninstall())
  announce(app)
  try {
    await listen(app, process.env)
  } catch (error) {
    await app.close()
    throw error
  }
  return app
}

/** The message for a failed start: what is wrong and how to fix it. Unexpected errors keep their stack. */
export function explainFailure(error: unknown): string {
  if (error instanceof StoreOpenError) return `tutorbot-webhooks did not start: DATABASE_URL: ${error.message}`
  if (error instanceof EnvError || error instanceof OptionError)
    return `tutorbot-webhooks did not start: ${error.message}`
  return `tutorbot-webhooks did not start: ${(error as Error).stack}`
}

/** Starts the server; on failure prints one line and exits with 1. */
export async function run(): Promise<void> {
  try {
    await start()
  } catch (error) {
    console.error(explainFailure(error))
    process.exit(1)
  }
}

if (import.meta.main) await run()
