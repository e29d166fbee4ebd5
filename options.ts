import type { ChatwootOptions } from './clients/chatwoot.ts'
import type { StripeOptions } from './clients/stripe.ts'
import type { ConversationOptions } from './handlers/conversation-options.ts'
import type { PriceIds } from './handlers/services.ts'
import type { Understand } from './handlers/understand.ts'
import { OptionError } from './inbox/errors.ts'
import { didYouMean } from './inbox/nearest-name.ts'
import type { AlertsOptions } from './operator/alerts.ts'
import type { CalendarOptions } from './plugins/calendar.ts'
import type { InboxOptions } from './plugins/inbox.ts'
import type { QuarantineOptions } from './plugins/quarantine.ts'
import type { OperatorOptions } from './routes/operator/index.ts'
import type { ChatwootVerification } from './sources/chatwoot.ts'
import type { Handlers } from './sources/payloads.ts'
import type { Source } from './sources/source.ts'
import type { StripeVerification } from './sources/stripe.ts'
import type { SpanSource } from './tracing/tracing.ts'
import type { TutorSettings } from './tutor/settings.ts'

export interface WebhooksOptions {
  /** Prefix of all paths. */
  prefix?: string
  /** `path` (`/cw`), verification, the account and the inboxes to act in, and who has the conversations. */
  chatwoot?: { path?: string; inboxIds?: readonly number[] } & ChatwootVerification &
    ChatwootOptions &
    ConversationOptions
  /**
   * `path` (`/webhook/payments`), verification, the account to use, lesson prices, and where students land after paying
   * (`returnUrl`; default: `/paid` of `publicUrl`, where this service is reached from outside, else Chatwoot's URL).
   */
  stripe?: { path?: string; prices?: PriceIds; returnUrl?: string; publicUrl?: string } & StripeVerification &
    StripeOptions
  /** Hours, closed days and whatever else is the tutor's own: docs/tutor-settings.md. Checked by tutor/schema.ts. */
  tutor?: TutorSettings | undefined
  /** Other senders of webhooks. */
  sources?: readonly Source[]
  /** Where lessons are kept, and the tutor's time zone. */
  calendar?: CalendarOptions
  /** A file: SQLite. `postgres://…`: PostgreSQL, for several processes. Default `data/webhooks.db`. */
  store?: string
  /** By source and event: replaces or adds to ours. */
  handlers?: Handlers
  /** Asked for what the bot does not understand: for example by a language model. It has 3 s. */
  understand?: Understand
  /** Limits and times of the inbox. */
  inbox?: Omit<InboxOptions, 'store' | 'backend' | 'quarantineHours'>
  /**
   * Keeps what is refused for its signature, so that it can be verified again when the secret is mended: `{}` with the
   * defaults. It holds bodies as they came, and strangers can fill it. Default: nothing is kept.
   */
  quarantine?: QuarantineOptions | undefined
  /** Enables the operator's routes (`/dashboard`, `/deliveries`, `/metrics`, …), after the prefix. Default: none. */
  operator?: OperatorOptions | undefined
  /**
   * Alerts a person when deliveries are given up or late, webhooks are refused, or the store fails. Default: nobody.
   */
  alerts?: AlertsOptions | undefined
  /**
   * Traces each webhook from its request to the calls that its handler makes: of the app's own OpenTelemetry SDK, such as
   * `trace.getTracerProvider()` of @opentelemetry/api. Default: nothing is traced.
   */
  tracerProvider?: SpanSource | undefined
}

/** The names of options: `true`, or the names of a nested object. The compiler checks that they are complete. */
type Names<Options> = { [Name in keyof Options]-?: true | Names<NonNullable<Options[Name]>> }

type OptionNames = { [name: string]: true | OptionNames }

export const OPTION_NAMES: Names<WebhooksOptions> = {
  prefix: true,
  chatwoot: {
    path: true,
    handoffAgentId: true,
    handoffHours: true,
    handoffAlertMinutes: true,
    callsPerMinute: true,
    messageQuietMs: true,
    messageQuietMaxMs: true,
    showTyping: true,
    mode: true,
    inboxIds: true,
    templates: true,
    secrets: true,
    verify: true,
    legacySignature: true,
    allowUnsigned: true,
    toleranceSeconds: true,
    url: true,
    accountId: true,
    token: true,
    adminToken: true,
    timeoutMs: true,
  },
  stripe: {
    path: true,
    prices: { standard60: true, standard90: true, weekend60: true, weekend90: true },
    returnUrl: true,
    publicUrl: true,
    secrets: true,
    verify: true,
    toleranceSeconds: true,
    secretKey: true,
    apiBase: true,
    timeoutMs: true,
  },
  tutor: true,
  sources: true,
  understand: true,
  calendar: {
    timeZone: true,
    google: { serviceAccount: true, calendarId: true, apiBase: true, timeoutMs: true },
    backend: true,
  },
  store: true,
  handlers: true,
  inbox: {
    clock: true,
    concurrency: true,
    handlerTimeoutMs: true,
    graceMs: true,
    maxWaiting: true,
    maxWaitingBytes: true,
    recentKeys: true,
    retentionDays: true,
    dedupDays: true,
  },
  quarantine: { maxMegabytes: true, hours: true, perAddressPerMinute: true },
  operator: { token: true, metricsToken: true },
  alerts: { url: true },
  tracerProvider: true,
}

/** Fastify's own `register` options, which plugins also receive. */
const OF_FASTIFY = { logLevel: true, logSerializers: true } as const

/** A misspelt option would be silently ignored, and a wrong `understand` fail later. @throws {OptionError} that names it */
export function checkOptionNames(options: WebhooksOptions): void {
  checkNames(options, { ...OPTION_NAMES, ...OF_FASTIFY } as OptionNames, '')
  const { understand, tracerProvider } = options
  if (understand !== undefined && typeof understand !== 'function')
    throw new OptionError('understand must be a function that returns one of the choices that it is given')
  if (tracerProvider !== undefined && typeof tracerProvider.getTracer !== 'function')
    throw new OptionError('tracerProvider must be a TracerProvider of OpenTelemetry, such as trace.getTracerProvider()')
}

function checkNames(options: object, known: OptionNames, path: string): void {
  for (const [name, value] of Object.entries(options)) {
    const names = Object.hasOwn(known, name) ? known[name] : undefined
    if (names === undefined)
      throw new OptionError(`${path}${name} is not an option${didYouMean(name, Object.keys(known), path)}`)
    if (names === true || value === undefined) continue
    if (typeof value !== 'object' || value === null) throw new OptionError(`${path}${name} must be an object`)
    checkNames(value, names, `${path}${name}.`)
  }
}
