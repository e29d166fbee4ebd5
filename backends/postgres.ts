import { pino } from 'pino'
import { openPostgresCalendar } from '../calendar/postgres.ts'
import type { Store } from '../inbox/contracts.ts'
import { BossScheduler } from '../inbox/postgres/scheduler.ts'
import { openPostgresStore } from '../inbox/postgres/store.ts'
import type { Backend, BackendModule, BackendOptions } from './contract.ts'

/** PostgreSQL: shared by several processes. */

export async function openBackend(url: string, { log, clock, onCommit }: BackendOptions): Promise<Backend> {
  const store = await openPostgresStore(url, log, { onCommit, clock })
  return {
    store,
    createScheduler: options => new BossScheduler({ store, log, ...options }),
    calendar: (ofCalendar = clock) => openCalendar(url, ofCalendar),
  }
}

export function openStoreForCommand(url: string): Promise<Store> {
  return openPostgresStore(url, pino({ level: 'silent' }), { waits: false, schema: 'keep' })
}

export const openCalendar: BackendModule['openCalendar'] = openPostgresCalendar
