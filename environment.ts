import { existsSync, readFileSync } from 'node:fs'
import envSchema from 'env-schema'

/** The parsed environment of the standalone server; ENV_SCHEMA describes each name. */
export interface Env {
  PORT: number
  HOST: string
  LOG_LEVEL: string
  TRUST_PROXY: string
  DATABASE_URL: string
  CW_HMAC_SECRET?: string
  CW_ALLOW_UNSIGNED: boolean
  CW_LEGACY_SIGNATURE: boolean
  CW_TOLERANCE_SECONDS: number
  STRIPE_WEBHOOK_SECRET?: string
  STRIPE_TOLERANCE_SECONDS: number
  CW_URL?: string
  CW_ACC_ID?: string
  CW_TOKEN?: string
  CW_ADMIN_TOKEN?: string
  CW_MODE?: 'bot' | 'account'
  CW_INBOX_IDS?: string
  CW_TEMPLATES?: string
  HANDOFF_AGENT_ID?: number
  HANDOFF_HOURS?: number
  HANDOFF_ALERT_MINUTES: number
  CW_CALLS_PER_MINUTE: number
  MESSAGE_QUIET_MS: number
  MESSAGE_QUIET_MAX_MS: number
  CW_TYPING: boolean
  STRIPE_SECRET_KEY?: string
  STRIPE_API_BASE?: string
  STANDARD_PRICE_ID_60?: string
  STANDARD_PRICE_ID_90?: string
  WEEKEND_PRICE_ID_60?: string
  WEEKEND_PRICE_ID_90?: string
  PUBLIC_URL?: string
  CHECKOUT_RETURN_URL?: string
  TZ: string
  /** undefined: none is named, and there is no tutor.json. */
  TUTOR_FILE?: string
  CALENDAR_TOKEN?: string
  GCAL_SERVICE_ACCOUNT_JSON?: string
  GCAL_CALENDAR_ID?: string
  GCAL_API_BASE?: string
  ADMIN_TOKEN?: string
  METRICS_TOKEN?: string
  ALERT_WEBHOOK_URL?: string
  OTEL_EXPORTER_OTLP_ENDPOINT?: string
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT?: string
  OTEL_EXPORTER_OTLP_HEADERS?: string
  OTEL_SERVICE_NAME: string
  RETENTION_DAYS: number
  DEDUP_DAYS: number
  QUARANTINE_MB?: number
  QUARANTINE_HOURS?: number
  QUARANTINE_PER_MINUTE?: number
  SANDBOX?: boolean
}

const text = { type: 'string' } as const
/** Comma-separated, none of them empty. */
const list = { type: 'string', pattern: '^\\s*[^,\\s][^,]*(,\\s*[^,\\s][^,]*)*$' } as const
const url = { type: 'string', pattern: '^https?://[^\\s]+$' } as const

const tolerance = { type: 'integer', minimum: 30, maximum: 86_400, default: 300 } as const

/** Each of these can also be given as a file that another variable names, as containers hand over secrets. */
const SECRETS = [
  'DATABASE_URL',
  'CW_HMAC_SECRET',
  'STRIPE_WEBHOOK_SECRET',
  'CW_TOKEN',
  'CW_ADMIN_TOKEN',
  'STRIPE_SECRET_KEY',
  'CALENDAR_TOKEN',
  'ADMIN_TOKEN',
  'METRICS_TOKEN',
  'ALERT_WEBHOOK_URL',
  'OTEL_EXPORTER_OTLP_HEADERS',
] as const

/** The tutor's settings, if TUTOR_FILE is not set and this file exists. */
const USUAL_TUTOR_FILE = 'tutor.json'

const fileOf = <Name extends string>(name: Name) => `${name}_FILE` as const

const SECRET_FILES = Object.fromEntries(
  SECRETS.map(name => [fileOf(name), { ...text, description: `A file that holds ${name}, in place of that variable` }]),
) as Record<`${(typeof SECRETS)[number]}_FILE`, { type: 'string'; description: string }>

/** The single source: docs/configuration.md and .env.example are checked against it. */
export const ENV_SCHEMA = {
  type: 'object',
  properties: {
    PORT: { type: 'integer', minimum: 0, maximum: 65535, default: 3000, description: 'Port to listen on' },
    HOST: { ...text, default: '127.0.0.1', description: 'Address to listen on' },
    LOG_LEVEL: {
      enum: ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'],
      default: 'info',
      description: 'Lowest level to log; debug adds the first 50 characters of messages',
    },
    TRUST_PROXY: {
      ...text,
      default: 'loopback',
      description: 'Proxies whose X-Forwarded-* headers are trusted: addresses, comma-separated',
    },
    DATABASE_URL: {
      ...text,
      default: 'data/webhooks.db',
      description: 'Where deliveries are stored: a file (SQLite) or postgres://…',
    },
    CW_HMAC_SECRET: { ...list, description: 'Signing secrets of the Chatwoot webhooks and bots, comma-separated' },
    CW_ALLOW_UNSIGNED: {
      type: 'boolean',
      default: false,
      description: 'Without CW_HMAC_SECRET: accept unsigned Chatwoot deliveries from anywhere',
    },
    CW_LEGACY_SIGNATURE: {
      type: 'boolean',
      default: true,
      description: 'Also accept the original TutorBot’s signature: bare hex, no timestamp',
    },
    CW_TOLERANCE_SECONDS: {
      ...tolerance,
      description:
        'Maximum age of Chatwoot’s signatures in seconds (30 to 86400); raise it for gateways that forward late',
    },
    STRIPE_WEBHOOK_SECRET: {
      ...list,
      description: 'Signing secrets of the Stripe endpoints (whsec_…), comma-separated',
    },
    STRIPE_TOLERANCE_SECONDS: {
      ...tolerance,
      description:
        'Maximum age of Stripe’s signatures in seconds (30 to 86400); raise it for gateways that forward late',
    },
    CW_URL: { ...url, description: 'Base URL of Chatwoot' },
    CW_ACC_ID: {
      type: 'string',
      pattern: '^[1-9]\\d*$',
      description: 'Chatwoot account id; events of other accounts are ignored',
    },
    CW_TOKEN: { ...text, description: 'Access token of the bot or agent that replies' },
    CW_ADMIN_TOKEN: { ...text, description: 'Access token of an administrator, for contacts (default: CW_TOKEN)' },
    CW_MODE: {
      enum: ['bot', 'account'],
      description: 'How messages come: bot (an agent bot: open is a person’s) or account (its webhook alone)',
    },
    CW_INBOX_IDS: {
      type: 'string',
      pattern: '^\\s*[1-9]\\d*(\\s*,\\s*[1-9]\\d*)*\\s*$',
      description: 'Ids of the inboxes whose events are handled, comma-separated (default: all)',
    },
    CW_TEMPLATES: { ...text, description: 'WhatsApp’s message templates by what they say, as JSON' },
    HANDOFF_AGENT_ID: { type: 'integer', minimum: 1, description: 'The agent who gets handed-over conversations' },
    HANDOFF_HOURS: {
      type: 'number',
      exclusiveMinimum: 0,
      description:
        'Hours after a person’s last message until the bot has a conversation again (default: as in TUTOR_FILE, else 24)',
    },
    HANDOFF_ALERT_MINUTES: {
      type: 'number',
      minimum: 0,
      default: 120,
      description: 'Minutes until an alert says that no person has answered a handed-over conversation; 0: never',
    },
    CW_CALLS_PER_MINUTE: {
      type: 'integer',
      minimum: 0,
      default: 2400,
      description: 'Calls to Chatwoot per minute, at most, of each instance; 0 for no limit (Chatwoot allows 3,000)',
    },
    MESSAGE_QUIET_MS: {
      type: 'integer',
      minimum: 0,
      maximum: 3_600_000,
      default: 2_500,
      description: 'A student’s messages are answered together after so many ms of silence; 0: each at once',
    },
    MESSAGE_QUIET_MAX_MS: {
      type: 'integer',
      minimum: 0,
      maximum: 3_600_000,
      default: 10_000,
      description: 'A student’s first message waits so many ms for the next ones at most',
    },
    CW_TYPING: {
      type: 'boolean',
      default: false,
      description: 'Show students in the widget that an answer is coming; two calls of Chatwoot for an answer',
    },
    STRIPE_SECRET_KEY: {
      type: 'string',
      pattern: '^[sr]k_(test|live)_.+$',
      description: 'Stripe API key, to create payment links and to read sessions and prices',
    },
    STRIPE_API_BASE: { ...url, description: 'Base URL of Stripe’s API (for a proxy or tests)' },
    STANDARD_PRICE_ID_60: { ...text, description: 'Stripe price id of a 60-minute lesson' },
    STANDARD_PRICE_ID_90: { ...text, description: 'Stripe price id of a 90-minute lesson' },
    WEEKEND_PRICE_ID_60: { ...text, description: 'Stripe price id of a 60-minute weekend lesson' },
    WEEKEND_PRICE_ID_90: { ...text, description: 'Stripe price id of a 90-minute weekend lesson' },
    PUBLIC_URL: {
      ...url,
      description: 'Where this service is reached from outside: students land on its /paid after paying',
    },
    CHECKOUT_RETURN_URL: {
      ...url,
      description: 'Where students land after paying (default: /paid of PUBLIC_URL, else CW_URL)',
    },
    TZ: { ...text, default: 'Europe/Amsterdam', description: 'The tutor’s time zone (IANA)' },
    TUTOR_FILE: { ...text, description: 'The tutor’s settings: a JSON file (default: tutor.json, if there is one)' },
    CALENDAR_TOKEN: {
      type: 'string',
      pattern: '^[\\w-]{16,}$',
      description: 'Enables /calendar.ics?token=…; at least 16 letters, digits, _ or -',
    },
    GCAL_SERVICE_ACCOUNT_JSON: {
      ...text,
      description: 'Keeps lessons in Google Calendar: a service account’s key, as a file path or the JSON itself',
    },
    GCAL_CALENDAR_ID: { ...text, description: 'Id of that calendar, often an e-mail address' },
    GCAL_API_BASE: { ...url, description: 'Base URL of Google’s API (for a proxy or tests)' },
    ADMIN_TOKEN: {
      type: 'string',
      pattern: '^[\\w-]{16,}$',
      description: 'Enables the operator’s page and API; at least 16 letters, digits, _ or -',
    },
    METRICS_TOKEN: {
      type: 'string',
      pattern: '^[\\w-]{16,}$',
      description: 'Grants access to /metrics only (ADMIN_TOKEN does too); at least 16 letters, digits, _ or -',
    },
    ALERT_WEBHOOK_URL: { ...url, description: 'Receives a POST when an alert fires and when it resolves' },
    OTEL_EXPORTER_OTLP_ENDPOINT: {
      ...url,
      description:
        'Sends traces to an OpenTelemetry collector: its base URL for OTLP over HTTP, such as http://127.0.0.1:4318',
    },
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: { ...url, description: 'The same, as the whole URL, with its path' },
    OTEL_EXPORTER_OTLP_HEADERS: {
      ...list,
      description: 'Headers for the collector, such as a token: name=value, comma-separated, values percent-encoded',
    },
    OTEL_SERVICE_NAME: { ...text, default: 'tutorbot-webhooks', description: 'Name of this service in traces' },
    RETENTION_DAYS: {
      type: 'number',
      exclusiveMinimum: 0,
      default: 7,
      description: 'Days to keep the payloads of handled deliveries',
    },
    DEDUP_DAYS: {
      type: 'number',
      minimum: 4,
      default: 30,
      description: 'Days to keep deduplication keys (at least 4)',
    },
    QUARANTINE_MB: {
      type: 'number',
      minimum: 1,
      maximum: 64,
      description: 'Keeps webhooks that are refused for their signature, up to so many MB (1 to 64; default: none)',
    },
    QUARANTINE_HOURS: {
      type: 'number',
      exclusiveMinimum: 0,
      maximum: 168,
      description: 'Hours to keep them, with QUARANTINE_MB (up to 168; default: 24)',
    },
    QUARANTINE_PER_MINUTE: {
      type: 'integer',
      minimum: 1,
      description: 'How many to keep from one address in a minute, with QUARANTINE_MB (default: 60)',
    },
    SANDBOX: {
      type: 'boolean',
      description: 'false: no sandbox at `npm start`, though nothing is configured; true: the sandbox, or an error',
    },
    ...SECRET_FILES,
  },
} as const

/** The same variables as strings, none of them empty. */
const ENV_STRINGS = {
  type: 'object',
  properties: Object.fromEntries(
    Object.keys(ENV_SCHEMA.properties).map(name => [name, { type: 'string', pattern: '\\S' }]),
  ),
}

/** An invalid environment: one line that names the variable and says how to fix it. */
export class EnvError extends Error {
  override name = 'EnvError'
}

export interface EnvOptions {
  /** Default: `.env`, then the process's environment. */
  env?: Record<string, string | undefined>
}

/**
 * Reads and validates the environment with the package beneath @fastify/env: servers need it before Fastify, for their
 * logger and trustProxy; commands have no Fastify. @throws {EnvError}
 */
export async function readEnv(options: EnvOptions): Promise<Env> {
  return (await readGivenEnv(options)).config
}

export interface GivenEnv {
  config: Env
  /** The names of the variables that are set. */
  given: string[]
  /** The secrets that were read from files: the path of each. */
  files: ReadonlyMap<string, string>
}

/** The same, with where the values come from. @throws {EnvError} */
export async function readGivenEnv({ env }: EnvOptions): Promise<GivenEnv> {
  const source = env === undefined ? { dotenv: true } : { env: false, data: env }
  // As strings first: an empty one would be coerced to 0, or reported as a wrong type.
  const strings = validate<Record<string, string | undefined>>(ENV_STRINGS, source)
  const files = new Map<string, string>()
  for (const name of SECRETS) {
    const path = strings[fileOf(name)]
    if (path === undefined) continue
    if (strings[name] !== undefined) throw new EnvError(`${name} and ${fileOf(name)} are both set: remove one of them`)
    files.set(name, path)
  }
  const secrets = Object.fromEntries([...files].map(([name, path]) => [name, readSecret(fileOf(name), path)]))
  const given = Object.keys(strings).filter(name => strings[name] !== undefined)
  const named = Object.fromEntries(given.filter(name => !(name in SECRET_FILES)).map(name => [name, strings[name]]))
  const usual = existsSync(USUAL_TUTOR_FILE) ? { TUTOR_FILE: USUAL_TUTOR_FILE } : {}
  const data = { ...usual, ...named, ...secrets }
  return { config: validate<Env>(structuredClone(ENV_SCHEMA), { env: false, data }, files), given, files }
}

/**
 * A secret as containers hand it over: a file with nothing else in it.
 * @throws {EnvError} without the path, for who confuses the two variables has put the secret there
 */
function readSecret(variable: string, path: string): string {
  let content: string
  try {
    content = readFileSync(path, 'utf8')
  } catch (error) {
    const [reason] = (error as Error).message.split(',')
    throw new EnvError(`${variable}: user ${process.getuid?.()} can't read the file that it names (${reason})`)
  }
  const secret = content.replace(/[\r\n]+$/, '')
  if (!/\S/.test(secret)) throw new EnvError(`${variable}: the file that it names is empty`)
  if (/[\r\n]/.test(secret)) {
    throw new EnvError(`${variable}: the file that it names has several lines: it must hold the value and nothing else`)
  }
  return secret
}

type Source = Omit<Parameters<typeof envSchema>[0] & object, 'schema'>

/** @param files the secrets that were read from files */
function validate<T>(schema: object, source: Source, files: ReadonlyMap<string, string> = new Map()): T {
  try {
    return envSchema<T>({ schema, ...source })
  } catch (error) {
    throw new EnvError(explain(error as Error & { errors?: AjvError[] }, files))
  }
}

interface AjvError {
  instancePath: string
  message?: string
  params: { allowedValues?: string[]; pattern?: string; type?: string }
}

function problemOf({ message, params: { pattern, type } }: AjvError): string | undefined {
  if (pattern !== undefined)
    return pattern === '\\S' ? 'is empty: give it a value, or remove it' : 'is not in the right form'
  return (
    { boolean: 'must be true or false', integer: 'must be an integer', number: 'must be a number' }[`${type}`] ??
    message
  )
}

function explain(error: Error & { errors?: AjvError[] }, files: ReadonlyMap<string, string>): string {
  const [first] = error.errors ?? []
  if (first === undefined) return `.env can't be read (${error.message})`
  const name = first.instancePath.slice(1) as keyof typeof ENV_SCHEMA.properties
  const allowed = first.params.allowedValues ? `: ${first.params.allowedValues.join(', ')}` : ''
  const from = files.has(name) ? `, read from the file that ${fileOf(name)} names,` : ''
  return `${name}${from} ${problemOf(first)}${allowed} (${ENV_SCHEMA.properties[name].description})`
}
