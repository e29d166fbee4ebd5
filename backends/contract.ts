import type { LocalCalendar } from '../calendar/contract.ts'
import type { Clock, Commit, Logger, Scheduler, Store } from '../inbox/contracts.ts'
import type { StoreTrouble } from '../inbox/store-trouble.ts'

/** What a database keeps: deliveries, what wakes their mailboxes, and lessons. */
export interface Backend {
  store: Store
  createScheduler(options: SchedulerOptions): Scheduler
  /** Opens the lessons' calendar in the same database. Whoever asks for it closes it. */
  calendar(): Promise<LocalCalendar>
}

export interface SchedulerOptions {
  /** Mailboxes handled at the same time. */
  concurrency: number
  clock: Clock
  trouble: StoreTrouble
}

export interface BackendOptions {
  log: Logger
  clock: Clock
  /** Told of every commit. */
  onCommit: (commit: Commit) => void
}

/** A kind of database: each has a module in this folder. */
export interface BackendModule {
  /** For a server. @throws {StoreOpenError} */
  openBackend(where: string, options: BackendOptions): Promise<Backend>
  /** For a command, beside a server or without one: handles nothing. @throws {StoreOpenError} */
  openStoreForCommand(where: string): Promise<Store>
  /** The lessons in a database that a server or a command has opened before. @throws {StoreOpenError | TransientError} */
  openCalendar(where: string, clock: Pick<Clock, 'now'>): Promise<LocalCalendar>
}
