import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import type { Backend } from '../backends/contract.ts'
import { openBackend } from '../backends/index.ts'
import type { Calendar } from '../calendar/contract.ts'
import type { ChatwootClient } from '../clients/chatwoot.ts'
import type { StripeClient } from '../clients/stripe.ts'
import { type Clock, type Commit, systemClock } from '../inbox/contracts.ts'
import { OptionError } from '../inbox/errors.ts'
import { createInbox, type Inbox, type InboxSettings } from '../inbox/inbox.ts'
import { createStoreRetry } from '../inbox/store-retry.ts'
import { breakersOf } from './breakers.ts'
import { eventsOf } from './events.ts'
import { addToWebhooks } from './webhooks.ts'

declare module '../inbox/drain.ts' {
  interface HandlerContext {
    /** null: no token, so nothing can be sent. */
    chatwoot: ChatwootClient | null
    /** null: no key, so no calls to Stripe. */
    stripe: StripeClient | null
    /** Where lessons are kept; null: its plugin is not registered. */
    calendar: Calendar | null
  }
}

declare module './webhooks.ts' {
  interface Webhooks {
    inbox: Inbox
  }
}

export interface InboxOptions extends Partial<InboxSettings> {
  /** A file: SQLite. `postgres://…`: PostgreSQL, for several processes. Default `data/webhooks.db`. */
  store?: string | undefined
  /** Instead of `store`: an open backend, which its opener closes. */
  backend?: Backend
  /** Tests set it. */
  clock?: Clock
  /** Hours for which refused deliveries stay in quarantine. Default 24. */
  quarantineHours?: number | undefined
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

/** Stripe retries for three days: keys must be kept longer. */
const MIN_DEDUP_DAYS = 4

/** Decorates webhooks.inbox: stores deliveries and handles them, from `ready` until `close`. */
async function inboxPlugin(app: FastifyInstance, options: InboxOptions): Promise<void> {
  const settings = validSettings(options)
  const { clock = systemClock } = options
  const log = app.log
  const events = eventsOf(app)
  const { store, createScheduler } = options.backend ?? (await openForApp(app, options.store, clock))
  const storeRetry = createStoreRetry({ clock, log })
  const clients = () => {
    const { chatwoot = null, stripe = null, calendar = null } = app.webhooks
    return { chatwoot, stripe, calendar }
  }
  const scheduler = createScheduler({ concurrency: settings.concurrency, clock, storeRetry })
  const { inbox, start, finish } = createInbox({
    store,
    scheduler,
    settings,
    clock,
    log,
    events,
    storeRetry,
    breakers: breakersOf(app, clock),
    tracing: app.webhooks.tracing,
    clients,
    quarantineHours: options.quarantineHours,
  })
  addToWebhooks(app, { inbox })
  app.addHook('onReady', async () => start())
  // Handlers finish while deliveries are still accepted: a supervisor starts the next process only when this one has
  // exited, and in between nobody would answer.
  app.addHook('preClose', finish)
}

/**
 * Opens a database that closes with the app. @throws {StoreOpenError
 * OptionError}
 */
export async function openForApp(app: FastifyInstance, where: string | undefined, clock: Clock): Promise<Backend> {
  const events = eventsOf(app)
  const onCommit = (commit: Commit) => void events.emit('committed', commit)
  const backend = await openBackend(where, { log: app.log, clock, onCommit })
  // Registered at once, so that it is closed even if something after this fails.
  app.addHook('onClose', () => backend.store.close())
  return backend
}

/** The inbox's limits with defaults. @throws {OptionError} that names the wrong one */
export function validSettings({ store, backend, clock, quarantineHours, ...given }: InboxOptions): InboxSettings {
  const settings = { ...DEFAULTS }
  for (const [name, value] of Object.entries(given) as [keyof InboxSettings, unknown][]) {
    if (value === undefined) continue
    if (!(name in DEFAULTS)) throw new OptionError(`The inbox has no option ${name}`)
    if (typeof value !== 'number' || !(value > 0))
      throw new OptionError(`${name} must be a number above 0, not ${value}`)
    settings[name] = value
  }
  if (settings.dedupDays < Math.max(MIN_DEDUP_DAYS, settings.retentionDays)) {
    throw new OptionError(
      `dedupDays (DEDUP_DAYS) must be at least ${MIN_DEDUP_DAYS} (Stripe retries for 3), and not below retentionDays (RETENTION_DAYS)`,
    )
  }
  return settings
}

export default fp(inboxPlugin, { name: 'tutorbot-inbox', fastify: '5.x' })
