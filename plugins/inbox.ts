import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { type Clock, type Commit, type Scheduler, type Store, systemClock } from '../inbox/contracts.ts'
import { OptionError } from '../inbox/errors.ts'
import { createInbox, type Inbox, type InboxParts, type InboxSettings } from '../inbox/inbox.ts'
import { isPostgresUrl } from '../inbox/postgres/url.ts'
import { createLocalScheduler } from '../inbox/sqlite/scheduler.ts'
import { openSqliteStore } from '../inbox/sqlite/store.ts'
import { storeTrouble } from '../inbox/store-trouble.ts'
import { eventsOf } from './events.ts'
import { addToWebhooks } from './webhooks.ts'

declare module './webhooks.ts' {
  interface Webhooks {
    inbox: Inbox
  }
}

export interface InboxOptions extends Partial<InboxSettings> {
  /** A file: SQLite. `postgres://…`: PostgreSQL, for several processes. Default `data/webhooks.db`. */
  store?: string
  /** The time; tests move it by hand. */
  clock?: Clock
}

const DEFAULTS: InboxSettings = {
  concurrency: 200,
  handlerTimeoutMs: 30_000,
  graceMs: 10_000,
  maxWaiting: 10_000,
  maxWaitingBytes: 64 * 1024 * 1024,
  recentKeys: 10_000,
  retentionDays: 7,
  dedupDays: 30,
}

/** Stripe retries for three days: a key must live longer than that. */
const LEAST_DEDUP_DAYS = 4

/** webhooks.inbox: keeps deliveries and handles them, from `ready` until `close`. */
async function inboxPlugin(app: FastifyInstance, options: InboxOptions): Promise<void> {
  const { store: where = 'data/webhooks.db', clock = systemClock, ...given } = options
  const settings = validSettings(given)
  const log = app.log
  const events = eventsOf(app)
  const { store, createScheduler } = await openStore(where, log, clock, commit => events.emit('committed', commit))
  // At once: it is closed also when something after this line, or another plugin, fails.
  app.addHook('onClose', () => store.close())
  const trouble = storeTrouble({ clock, log })
  const scheduler = createScheduler({ concurrency: settings.concurrency, clock, trouble })
  const { inbox, start, finish } = createInbox({ store, scheduler, settings, clock, log, events, trouble })
  addToWebhooks(app, { inbox })
  app.addHook('onReady', async () => start())
  // Handlers end while deliveries are still taken: a supervisor starts the next process only when this one has ended,
  // and in between nobody would answer.
  app.addHook('preClose', finish)
}

type SchedulerOptions = Pick<InboxParts, 'clock' | 'trouble'> & { concurrency: number }

/** Opens the store that is asked for, with the scheduler that belongs to it. @throws {StoreOpenError} */
async function openStore(
  where: string,
  log: InboxParts['log'],
  clock: Clock,
  onCommit: (commit: Commit) => void,
): Promise<{ store: Store; createScheduler: (options: SchedulerOptions) => Scheduler }> {
  if (isPostgresUrl(where)) {
    // Its packages are large, and most have no use for them.
    const { openPostgresStore } = await import('../inbox/postgres/store.ts')
    const { createBossScheduler } = await import('../inbox/postgres/scheduler.ts')
    const store = await openPostgresStore(where, log, { onCommit, clock })
    return { store, createScheduler: options => createBossScheduler({ store, log, ...options }) }
  }
  if (where === '' || where === ':memory:' || /^\w+:\/\//.test(where)) {
    throw new OptionError('store (DATABASE_URL) must be a file (SQLite) or a URL postgres://… (PostgreSQL)')
  }
  const store = openSqliteStore(where, { onCommit, log })
  return { store, createScheduler: options => createLocalScheduler({ store, ...options }) }
}

function validSettings(given: Partial<InboxSettings>): InboxSettings {
  const settings = { ...DEFAULTS }
  for (const [name, value] of Object.entries(given) as [keyof InboxSettings, unknown][]) {
    if (value === undefined) continue
    if (!(name in DEFAULTS)) throw new OptionError(`The inbox has no option ${name}`)
    if (typeof value !== 'number' || !(value > 0))
      throw new OptionError(`${name} must be a number above 0, not ${value}`)
    settings[name] = value
  }
  if (settings.dedupDays < Math.max(LEAST_DEDUP_DAYS, settings.retentionDays)) {
    throw new OptionError(
      `dedupDays (DEDUP_DAYS) must be ${LEAST_DEDUP_DAYS} at least (Stripe retries for 3), and not below retentionDays (RETENTION_DAYS)`,
    )
  }
  return settings
}

export default fp(inboxPlugin, { name: 'tutorbot-inbox', fastify: '5.x' })
