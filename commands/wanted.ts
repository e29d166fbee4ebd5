import { EnvError } from '../environment.ts'

/** When `npm start` is the sandbox, and not the server. */

/** What says nothing about where webhooks come from or whom the bot answers. A variable that is added later does. */
const SAYS_NOTHING = new Set([
  'PORT',
  'HOST',
  'LOG_LEVEL',
  'TRUST_PROXY',
  'DATABASE_URL',
  'DATABASE_URL_FILE',
  'TZ',
  'TUTOR_FILE',
  'RETENTION_DAYS',
  'DEDUP_DAYS',
  'SANDBOX',
  'OTEL_EXPORTER_OTLP_ENDPOINT',
  'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT',
  'OTEL_EXPORTER_OTLP_HEADERS',
  'OTEL_EXPORTER_OTLP_HEADERS_FILE',
  'OTEL_SERVICE_NAME',
])

export interface Circumstances {
  /** What was asked for: in words for an error if it is the sandbox, false if it is none, undefined if it was nothing. */
  asked: string | false | undefined
  /** The names of the variables of ENV_SCHEMA that are set. */
  given: readonly string[]
  /** The process's own. */
  environment: NodeJS.ProcessEnv
  /** Somebody sits before it. */
  terminal: boolean
}

export interface Wanted {
  sandbox: boolean
  /** Why it is off though nobody has switched it off: for the log. */
  because?: string
}

/** The variables that configure something real. */
export function configured(given: readonly string[]): string[] {
  return given.filter(name => !SAYS_NOTHING.has(name))
}

/** @throws {EnvError} it is asked for, and can't be */
export function sandboxWanted({ asked, given, environment, terminal }: Circumstances): Wanted {
  const served = servedBecause(environment, terminal)
  const [name] = configured(given)
  if (typeof asked === 'string') {
    if (served !== undefined) throw new EnvError(`${asked}, but ${served}: the sandbox is for trying it out by hand`)
    if (name !== undefined) throw new EnvError(`${asked}, but ${name} is set: remove it, the sandbox has its own`)
    return { sandbox: true }
  }
  if (asked === false || served !== undefined) return { sandbox: false }
  return name === undefined ? { sandbox: true } : { sandbox: false, because: `${name} is set` }
}

/** What tells that it runs for others. */
function servedBecause(environment: NodeJS.ProcessEnv, terminal: boolean): string | undefined {
  if (environment.NODE_ENV === 'production') return 'NODE_ENV is production'
  // Desktops start their terminals as units of systemd, whose shells inherit the first one.
  const names = terminal ? ['LISTEN_FDS', 'NOTIFY_SOCKET'] : ['INVOCATION_ID', 'LISTEN_FDS', 'NOTIFY_SOCKET']
  const name = names.find(each => environment[each])
  return name === undefined ? undefined : `systemd has started it (${name} is set)`
}
