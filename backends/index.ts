import type { LocalCalendar } from '../calendar/contract.ts'
import type { Clock, Store } from '../inbox/contracts.ts'
import { describeUrl } from '../inbox/postgres/url.ts'
import type { Backend, BackendModule, BackendOptions } from './contract.ts'

/** The only place that knows the kinds of databases, and which one a `DATABASE_URL` means. */

export type BackendName = 'sqlite' | 'postgres'

/** Loaded only when used: PostgreSQL's packages are large. */
const MODULES: Record<BackendName, () => Promise<BackendModule>> = {
  sqlite: () => import('./sqlite.ts'),
  postgres: () => import('./postgres.ts'),
}

const DEFAULT_STORE = 'data/webhooks.db'

/** Which kind of database is meant. A mistyped PostgreSQL URL must not become a file name. */
export function backendOf(where: string): BackendName {
  return /^\W*postgres(ql)?:/i.test(where) ? 'postgres' : 'sqlite'
}

/** @param where a file (SQLite), or a URL `postgres://…`. Default `data/webhooks.db` */
export async function openBackend(where = DEFAULT_STORE, options: BackendOptions): Promise<Backend> {
  return (await load(where)).openBackend(where, options)
}

/** Opens a server's store for a command. @throws {StoreOpenError} */
export async function openStoreForCommand(where: string): Promise<Store> {
  return (await load(where)).openStoreForCommand(where)
}

/**
 * Opens the lessons' calendar in a store's database. @param schema `keep`: for a command, which changes no tables
 * @throws {StoreOpenError | TransientError}
 */
export async function openCalendar(
  where = DEFAULT_STORE,
  clock: Pick<Clock, 'now'>,
  schema: 'create' | 'keep' = 'create',
): Promise<LocalCalendar> {
  return (await load(where)).openCalendar(where, clock, schema)
}

/** Where deliveries are kept, for display: a URL without password and parameters. */
export function describeStore(where: string): string {
  return backendOf(where) === 'postgres' ? describeUrl(where) : where
}

function load(where: string): Promise<BackendModule> {
  return MODULES[backendOf(where)]()
}
