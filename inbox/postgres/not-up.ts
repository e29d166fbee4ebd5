/** Errors of a server that may be up in a moment: SQLSTATE or Node's code. */
const NOT_UP = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ETIMEDOUT',
  'EPIPE',
  '53300', // too many connections
  '55P03', // another transaction keeps a table that is to be altered
  '57P01', // it is shutting down
  '57P02',
  '57P03', // it is starting up
])
/** protocol_violation: PgBouncer's code for any error. */
const PGBOUNCER = '08P01'
/** Errors that `pg` gives no code; the last two are PgBouncer's. */
const NOT_UP_MESSAGE = /timeout|Connection terminated|server login has been failing|connect failed/

/** Why a server is not up; undefined: it is up, and refuses. */
export function whyNotUp({ code, message }: { code?: string; message: string }): string | undefined {
  if (code === undefined || code === PGBOUNCER) return NOT_UP_MESSAGE.test(message) ? message : undefined
  return NOT_UP.has(code) ? code : undefined
}
