import type { LocalCalendar } from '../calendar/contract.ts'
import type { Clock, Store } from '../inbox/contracts.ts'
import { describeUrl } from '../inbox/postgres/url.ts'
import type { Backend, BackendModule, BackendOptions } from './contract.ts'

/** The one place that knows which databases there are, and which of them a `DATABASE_URL` means. */

export type BackendName = 'sqlite' | 'postgres'

/** Each is loaded only if it is used: PostgreSQL's packages are large. */
const MODULES: Record<BackendName, () => Promise<BackendModule>> = {
  sqlite: () => import('./sqlite.ts'),
  postgres: () => import('./postgres.ts'),
}

const DEFAULT_STORE = 'data/webhooks.db'

/** Which database is meant. A mistyped URL of PostgreSQL is still one: it must not become a file's name. */
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

/** Opens the lessons' calendar in a store's database. @throws {StoreOpenError | TransientError} */
export async function openCalendar(where = DEFAULT_STORE, clock: Pick<Clock, 'now'>): Promise<LocalCalendar> {
  return (await load(where)).openCalendar(where, clock)
}

/** Where deliveries are kept, for people: a URL without its password and its parameters. */
export function describeStore(where: string): string {
  return backendOf(where) === 'postgres' ? describeUrl(where) : where
}

function load(where: string): Promise<BackendModule> {
  return MODULES[backendOf(where)]()
}
