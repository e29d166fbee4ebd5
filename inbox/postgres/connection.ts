import pg from 'pg'
import type { Logger } from '../contracts.ts'
import { StoreOpenError } from '../errors.ts'
import { onceInTenSeconds } from '../store-retry.ts'
import { whyNotUp } from './not-up.ts'
import { describeUrl } from './url.ts'

/** Connections per process, unless the URL says `?connections=…`; one more listens for wake-ups. */
const CONNECTIONS = 10
/** Time to connect, ms. */
const CONNECT_MS = 5_000
/**
 * Time limit of a statement, ms: a server that is gone must cause an error, not a hang. By then another process can
 * claim what this one had.
 */
const STATEMENT_MS = 10_000
/**
 * Begins a transaction with the settings ours rely on, whatever the defaults of server, database and role. READ
 * COMMITTED: under a stricter level, concurrent instances would get serialization errors. synchronous_commit: a commit
 * is on disk before it is acknowledged; stricter values, and choices about standbys (`local`, `remote_write`), stay.
 * datestyle: the only one in which `pg` reads times. array_nulls: else a NULL in a list is the word.
 * The timeout: a frozen process keeps its locks for 5 s only. All set here and not when connecting, because PgBouncer
 * refuses such startup parameters.
 */
export const BEGIN = [
  'BEGIN ISOLATION LEVEL READ COMMITTED',
  'SET LOCAL idle_in_transaction_session_timeout = 5000',
  'SET LOCAL datestyle = ISO',
  'SET LOCAL array_nulls = on',
  `SELECT set_config('synchronous_commit', 'on', true) WHERE current_setting('synchronous_commit') = 'off'`,
].join('; ')
/**
 * The same for prepared statements that find a few rows by key: PostgreSQL's outdated statistics of a growing table
 * would make it plan to read all of it.
 */
export const BEGIN_BY_INDEX = [
  BEGIN,
  'plan_cache_mode = force_generic_plan',
  'enable_seqscan = off',
  'enable_hashjoin = off',
  'enable_mergejoin = off',
].join('; SET LOCAL ')
/** Between attempts to reach a server that is not up, ms. */
const ATTEMPT_INTERVAL = 1_000

export interface PostgresConfig extends pg.ClientConfig {
  max: number
}

/** Parses a URL; its parameters are those of `pg` (TLS and others) and `connections`. @throws {StoreOpenError} */
export function readPostgresUrl(text: string): PostgresConfig {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !/^postgres(ql)?:$/.test(url.protocol) || url.hostname === '' || url.pathname.length < 2) {
    // Doesn't quote the URL: it may contain a password.
    throw new StoreOpenError('that is not a PostgreSQL URL; write postgres://user:password@host:5432/database')
  }
  const connections = url.searchParams.get('connections') ?? String(CONNECTIONS)
  if (!/^[1-9]\d{0,3}$/.test(connections)) {
    throw new StoreOpenError(`connections=${connections} in the URL must be a number from 1 to 9999`)
  }
  url.searchParams.delete('connections')
  return {
    connectionString: url.href,
    max: Number(connections),
    application_name: 'tutorbot-webhooks',
    connectionTimeoutMillis: CONNECT_MS,
    query_timeout: STATEMENT_MS,
    keepAlive: true,
  }
}

const CHECK_CERTIFICATE =
  "check sslrootcert in the URL: the file with the certificate of the authority that has signed the server's"

/** How to fix a refusal, by code; other messages are clear enough. */
const FIXES: Record<string, string> = {
  '28P01': 'check the user and the password in the URL',
  '28000': 'check the user in the URL, and that pg_hba.conf lets it in',
  '3D000': 'create that database, or name another in the URL',
  '42501': 'GRANT CREATE ON DATABASE … TO that role, or let an owner of the database start this once',
  SELF_SIGNED_CERT_IN_CHAIN: CHECK_CERTIFICATE,
  DEPTH_ZERO_SELF_SIGNED_CERT: CHECK_CERTIFICATE,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: CHECK_CERTIFICATE,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: CHECK_CERTIFICATE,
}

/**
 * The error for a server that refuses, or is not up and not waited for. PostgreSQL's messages name roles and databases,
 * never a password.
 */
function explainRefusal(url: string, error: unknown): StoreOpenError {
  if (error instanceof StoreOpenError) return error
  const { code, message } = error as { code?: string; message: string }
  const reason = whyNotUp({ code, message })
  if (reason !== undefined) {
    const fix = 'start it, or check host and port in the URL'
    return new StoreOpenError(`${describeUrl(url)} is not up (${reason}); ${fix}`, { cause: error })
  }
  const fix = FIXES[code ?? ''] ?? 'check the URL'
  return new StoreOpenError(`${describeUrl(url)} can't be used (${message}); ${fix}`, { cause: error })
}

/**
 * Retries `begin` while the server is not up, and logs it.
 * @param waits false: a server that is not up is an error
 * @throws {StoreOpenError} the server refuses
 */
export async function onceUp<T>(url: string, log: Logger, waits: boolean, begin: () => Promise<T>): Promise<T> {
  const isTime = onceInTenSeconds()
  for (;;) {
    try {
      return await begin()
    } catch (error) {
      const reason = whyNotUp(error as Error)
      if (!waits || reason === undefined) throw explainRefusal(url, error)
      if (isTime(performance.now())) log.warn(`waiting for ${describeUrl(url)} (${reason})`)
      await new Promise(resolve => setTimeout(resolve, ATTEMPT_INTERVAL))
    }
  }
}

/**
 * Calls `onNotice` at each notification of a channel, and whenever some may have been missed. Does nothing behind a
 * pooler, where the connection that executed LISTEN is soon somebody else's.
 */
export function listen(config: pg.ClientConfig, channel: string, onNotice: () => void): () => Promise<void> {
  let client: pg.Client | undefined
  let timer: NodeJS.Timeout | undefined
  let closed = false

  async function connect(): Promise<void> {
    const current = new pg.Client(config)
    client = current
    current.on('notification', onNotice)
    current.on('error', () => {})
    // Also fires after an error: always reconnect.
    current.on('end', () => {
      if (!closed) timer = setTimeout(() => void connect(), ATTEMPT_INTERVAL)
    })
    try {
      await current.connect()
      if (await isPooled(current)) {
        closed = true
        return await current.end()
      }
      await current.query(`LISTEN ${channel}`)
      onNotice()
    } catch {
      await current.end().catch(() => {})
    }
  }

  const first = connect()
  return async () => {
    closed = true
    clearTimeout(timer)
    await first
    await client?.end().catch(() => {})
  }
}

/** Whether there is a pooler such as PgBouncer in between: it reports another backend process id. */
export async function isPooled(client: pg.ClientBase): Promise<boolean> {
  const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')
  return rows[0]?.pid !== (client as unknown as { processID: number }).processID
}
