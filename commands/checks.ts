import { existsSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { type BackendName, backendOf, describeStore, openStoreForCommand } from '../backends/index.ts'
import type { Env } from '../environment.ts'
import type { Backlog, Store } from '../inbox/contracts.ts'
import { StoreMissingError } from '../inbox/errors.ts'
import type { QuarantineSize } from '../inbox/quarantine.ts'
import { restoredAt } from '../inbox/sqlite/file.ts'
import { utcTime } from '../inbox/utc-time.ts'
import type { CalendarOptions } from '../plugins/calendar.ts'
import { webhooksOptions } from '../server.ts'
import { checkChatwoot } from './chatwoot-checks.ts'
import { type Check, ok, warn, wrong } from './check.ts'
import { unreachable } from './server-url.ts'
import { checkStripe } from './stripe-checks.ts'

/** The checks of `doctor`. Each returns lines; a thrown error becomes a failed check. */

/** Timeout per call, ms. */
const CALL_TIMEOUT_MS = 10_000
const DAY_MS = 24 * 60 * 60 * 1_000
/** Largest age of a signature, either way, s. */
const SIGNATURE_TOLERANCE_S = 300
/** A clock that is off by this much is worth a warning, s. */
const NOTICEABLE_OFFSET_S = 30
/** Deliveries pending longer than this suggest that the server is down, ms. */
const OLD_PENDING_MS = 5 * 60_000

/**
 * @param files the secrets that were read from files: the path of each
 * @throws {EnvError | OptionError} the configuration is invalid, so nothing else can be checked
 */
export async function checkAll(config: Env, url: string, files: ReadonlyMap<string, string>): Promise<Check[]> {
  // Also checks variables that belong together, and the tutor's settings.
  webhooksOptions(config)
  const { TUTOR_FILE: file } = config
  const checks: Check[] = [
    ok('configuration', `every variable${file === undefined ? '' : ` and ${file}`} is well-formed`),
    ...checkSecrets(config),
    ...[...files].map(([name, path]) => ok('secrets', `${name}: read from ${path} (${name}_FILE)`)),
  ]
  const parts: [string, () => Promise<Check[]>][] = [
    ['store', () => checkStore(config.DATABASE_URL)],
    ['clock', () => checkClock(config)],
    ['Chatwoot', () => checkChatwoot(config)],
    ['Stripe', () => checkStripe(config)],
    ['calendar', () => checkCalendar(config)],
    ['server', () => checkServer(url)],
  ]
  for (const [what, run] of parts) {
    try {
      checks.push(...(await run()))
    } catch (error) {
      checks.push(wrong(what, (error as Error).message))
    }
  }
  return checks
}

function checkSecrets(config: Env): Check[] {
  const { CW_HMAC_SECRET, CW_ALLOW_UNSIGNED, STRIPE_WEBHOOK_SECRET, ADMIN_TOKEN } = config
  const count = (list: string) => list.split(',').length
  return [
    CW_HMAC_SECRET !== undefined
      ? ok('secrets', `CW_HMAC_SECRET: ${count(CW_HMAC_SECRET)}`)
      : CW_ALLOW_UNSIGNED
        ? warn('secrets', 'unsigned Chatwoot deliveries are accepted from anywhere: set CW_HMAC_SECRET')
        : warn('secrets', 'Chatwoot deliveries are accepted from this machine only: set CW_HMAC_SECRET'),
    STRIPE_WEBHOOK_SECRET !== undefined
      ? ok('secrets', `STRIPE_WEBHOOK_SECRET: ${count(STRIPE_WEBHOOK_SECRET)}`)
      : warn('secrets', 'Stripe deliveries are all refused: set STRIPE_WEBHOOK_SECRET'),
    ADMIN_TOKEN !== undefined
      ? ok('secrets', "ADMIN_TOKEN: the operator's page and API are on")
      : warn('secrets', "the operator's page and API are off: set ADMIN_TOKEN"),
  ]
}

/** Checks for this kind of database only. */
const CHECK_DATABASE: Record<BackendName, (where: string) => Check[] | Promise<Check[]>> = {
  sqlite: checkFile,
  postgres: checkSettings,
}

async function checkStore(where: string): Promise<Check[]> {
  const name = describeStore(where)
  const backend = backendOf(where)
  if (backend === 'sqlite' && !existsSync(where)) {
    return [warn('store', `${name} does not exist yet: the server creates it on its first start`)]
  }
  let store: Store
  try {
    store = await openStoreForCommand(where)
  } catch (error) {
    if (!(error instanceof StoreMissingError)) throw error
    return [warn('store', `${name}: ${error.message}`), ...(await checkSettings(where))]
  }
  try {
    await store.checkWritable()
    const { deliveries, bytes } = await store.size()
    const kept = `about ${deliveries} deliveries, ${Math.ceil(bytes / 2 ** 20)} MiB`
    return [
      ok('store', `${name} is readable and writable: ${kept}`),
      ...(await CHECK_DATABASE[backend](where)),
      await checkInstallation(store),
      ...checkBacklog(await store.backlog()),
      ...checkQuarantine(await store.quarantine.size()),
    ]
  } finally {
    await store.close()
  }
}

async function checkInstallation(store: Store): Promise<Check> {
  try {
    return ok('store', `installation id: ${await store.installationId()}`)
  } catch (error) {
    // A store of an earlier version has none.
    return warn('store', (error as Error).message)
  }
}

async function checkSettings(url: string): Promise<Check[]> {
  // Loaded on demand: its packages are large, and most don't use them.
  const { settingProblems } = await import('../inbox/postgres/settings.ts')
  return (await settingProblems(url)).map(({ isDangerous, says }) => (isDangerous ? wrong : warn)('store', says))
}

function checkFile(file: string): Check[] {
  const db = new DatabaseSync(file, { readOnly: true })
  try {
    const [found] = Object.values(db.prepare('PRAGMA quick_check(1)').get() as object)
    if (found !== 'ok') {
      return [wrong('store', `the file is damaged: ${found}; stop the server, move it away, and restore a backup`)]
    }
    return [ok('store', 'the file is intact (quick_check)'), ...checkRestored(restoredAt(db))]
  } finally {
    db.close()
  }
}

function checkRestored(at: number | null): Check[] {
  if (at === null) return []
  return [
    warn(
      'store',
      `restored from a backup at ${utcTime(at)}, with the original's installation id: if the original ` +
        'is still in use, each takes the other’s payments for its own; run doctor --new-installation-id here. If not, ' +
        'run doctor --keep-installation-id',
    ),
  ]
}

function checkBacklog({ pending, parked, dead, oldestPendingAt }: Backlog): Check[] {
  const checks: Check[] = []
  const waited = oldestPendingAt === null ? 0 : Date.now() - oldestPendingAt
  if (dead > 0) checks.push(warn('backlog', `${dead} dead: see list --state dead, then replay or discard them`))
  if (parked > 0) checks.push(warn('backlog', `${parked} parked, retried automatically: see list --state parked`))
  if (waited > OLD_PENDING_MS) {
    const minutes = Math.round(waited / 60_000)
    checks.push(
      warn('backlog', `the oldest of ${pending} pending has been waiting for ${minutes} min: is the server running?`),
    )
  }
  return checks.length > 0 ? checks : [ok('backlog', `${pending} pending, none parked or dead`)]
}

function checkQuarantine({ deliveries, asked }: QuarantineSize): Check[] {
  if (deliveries === 0) return []
  const waiting = asked === 0 ? '' : `; ${asked} wait for a server with QUARANTINE_MB to verify them`
  const does = 'put the sender’s secret right, restart, then replay --state quarantined'
  return [
    warn('quarantine', `${deliveries} refused webhooks are kept, see list --state quarantined: ${does}${waiting}`),
  ]
}

async function checkClock({ CW_URL: url }: Env): Promise<Check[]> {
  if (url === undefined) return [warn('clock', 'nothing to compare it with: CW_URL is not set')]
  const response = await fetch(url, { redirect: 'manual', signal: AbortSignal.timeout(CALL_TIMEOUT_MS) }).catch(
    () => undefined,
  )
  const time = Date.parse(response?.headers.get('date') ?? '')
  if (Number.isNaN(time)) return [warn('clock', `${url} sends no Date header to compare with`)]
  const off = Math.round(Math.abs(Date.now() - time) / 1_000)
  const fix = 'synchronise the clocks (timedatectl shows the local one)'
  if (off > SIGNATURE_TOLERANCE_S) return [wrong('clock', `${off} s off from ${url}: signatures are refused; ${fix}`)]
  if (off > NOTICEABLE_OFFSET_S) return [warn('clock', `${off} s off from ${url}; ${fix}`)]
  return [ok('clock', `within ${NOTICEABLE_OFFSET_S} s of ${url}`)]
}

async function checkCalendar(config: Env): Promise<Check[]> {
  const { google } = webhooksOptions(config).calendar as CalendarOptions
  if (google === undefined) return [ok('calendar', 'lessons are kept in the store')]
  const { createGoogleCalendar } = await import('../calendar/google/calendar.ts')
  const now = Date.now()
  const taken = await createGoogleCalendar(google, Date).busy(
    now,
    now + DAY_MS,
    AbortSignal.timeout(2 * CALL_TIMEOUT_MS),
  )
  return [
    ok('calendar', `the Google calendar ${google.calendarId} is readable: ${taken.length} busy times in the next 24 h`),
  ]
}

async function checkServer(url: string): Promise<Check[]> {
  const ask = (path: string) => fetch(url + path, { redirect: 'manual', signal: AbortSignal.timeout(CALL_TIMEOUT_MS) })
  const health = await ask('/health').catch((error: Error) => error)
  if (health instanceof Error) return [wrong('server', unreachable(url, health))]
  if (!health.ok)
    return [wrong('server', `${url}/health answers ${health.status}: is another service listening there?`)]
  const ready = await ask('/ready')
  return ready.ok
    ? [ok('server', `${url} responds and is ready`)]
    : [wrong('server', `${url}/ready answers ${ready.status}: see the server's log`)]
}
