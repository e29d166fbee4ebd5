import { openSqliteCalendar } from '../calendar/sqlite.ts'
import type { Store } from '../inbox/contracts.ts'
import { OptionError } from '../inbox/errors.ts'
import { LocalScheduler } from '../inbox/sqlite/scheduler.ts'
import { openSqliteStore, openSqliteStoreForCommand } from '../inbox/sqlite/store.ts'
import type { Backend, BackendModule, BackendOptions } from './contract.ts'

/** SQLite: a file, for one process at a time. */

export async function openBackend(file: string, { log, clock, onCommit }: BackendOptions): Promise<Backend> {
  if (file === '' || file === ':memory:' || /^\w+:\/\//.test(file)) {
    throw new OptionError('store (DATABASE_URL) must be a file (SQLite) or a URL postgres://… (PostgreSQL)')
  }
  const store = openSqliteStore(file, { onCommit, log, clock })
  return {
    store,
    createScheduler: options => new LocalScheduler({ store, ...options }),
    calendar: (ofCalendar = clock) => openCalendar(file, ofCalendar),
  }
}

export async function openStoreForCommand(file: string): Promise<Store> {
  return openSqliteStoreForCommand(file)
}

export const openCalendar: BackendModule['openCalendar'] = async (file, clock, schema) =>
  openSqliteCalendar(file, clock, schema)
