import { outageOf } from './errors.ts'

/**
 * What a failure is grouped by: `ErrorClass:system:code`, such as `ChatwootRefusedError:chatwoot:404`. It is made of
 * names and codes from programs, never of a message: no personal data, no secrets, and few different ones.
 */

/** Of what failed under a version that recorded no causes. */
export const UNKNOWN_CAUSE = 'unknown'
/** Of a delivery that can't be read. */
export const UNREADABLE_CAUSE = 'Unreadable:ours'

/** Different causes that a process records: a host's error may have a name or a code that is never the same. */
const MAX_CAUSES = 100
/** Errors looked at, from one to its cause: they may form a circle. */
const MAX_DEPTH = 8

const NAME = /^[A-Za-z_]\w{0,49}$/
const CODE = /^[A-Za-z]\w{0,39}$|^\d{1,5}$/

const recorded = new Set<string>()

/** Never throws, whatever was thrown. */
export function causeOf(error: unknown): string {
  let cause: string
  try {
    cause = readCause(error)
  } catch {
    cause = 'Error:ours'
  }
  if (recorded.size >= MAX_CAUSES && !recorded.has(cause)) return 'Other:ours'
  recorded.add(cause)
  return cause
}

/** Its parts: what was thrown, where it failed (`ours`: nowhere else), and the code; null: it has none. */
export function partsOfCause(cause: string): { error: string; system: string | null; code: string | null } {
  const [error = '', system = null, code = null] = cause.split(':')
  return { error, system, code }
}

function readCause(error: unknown): string {
  if (!(error instanceof Error)) return 'Thrown:ours'
  const outage = outageOf(error)?.outage
  let system: string | undefined = outage?.system
  let code = readCode(outage?.code)
  let each: unknown = error
  for (let depth = 0; depth < MAX_DEPTH && each instanceof Error; depth++) {
    const said = saidBy(each)
    system ??= said.system
    code ??= said.code
    each = each.cause
  }
  const name = NAME.test(error.name) ? error.name : 'Error'
  return [name, system ?? 'ours', code].filter(part => part !== undefined).join(':')
}

interface Said {
  system?: string | undefined
  code?: string | undefined
}

/** What one error says by its fields: ours, Node's, SQLite's, PostgreSQL's, an HTTP client's. */
function saidBy(error: Error): Said {
  const { system, code, status, statusCode, errcode, severity } = error as Error & Record<string, unknown>
  // Its code is a number of old: 23 for a timeout.
  if (error instanceof DOMException) return { code: error.name === 'TimeoutError' ? 'timeout' : readCode(error.name) }
  if (code === 'ERR_SQLITE_ERROR') return { system: 'database', code: readCode(`sqlite_${errcode}`) }
  if (severity !== undefined) return { system: 'database', code: readCode(code) }
  return {
    system: typeof system === 'string' && NAME.test(system) ? system : undefined,
    code: readCode(code) ?? readCode(status) ?? readCode(statusCode),
  }
}

function readCode(code: unknown): string | undefined {
  const text = typeof code === 'number' ? `${code}` : code
  return typeof text === 'string' && CODE.test(text) ? text : undefined
}
