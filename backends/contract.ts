import type { LocalCalendar } from '../calendar/contract.ts'
import type { Clock, Commit, Logger, Scheduler, Store } from '../inbox/contracts.ts'
import type { StoreRetry } from '../inbox/store-retry.ts'

/** A database: the deliveries' store, its scheduler, and the lessons' calendar. */
export interface Backend {
  store: Store
  createScheduler(options: SchedulerOptions): Scheduler
  /** Opens the lessons' calendar in the same database. The caller closes it. @param clock says what has lapsed */
  calendar(clock?: { now(): number }): Promise<LocalCalendar>
}

export interface SchedulerOptions {
  /** Mailboxes handled in parallel. */
  concurrency: number
  clock: Clock
  storeRetry: StoreRetry
}

export interface BackendOptions {
  log: Logger
  clock: Clock
  /** Called after every commit. */
  onCommit: (commit: Commit) => void
}

/** A kind of database. Each has a module in this folder. */
export interface BackendModule {
  /** For a server. @throws {StoreOpenError} */
  openBackend(where: string, options: BackendOptions): Promise<Backend>
  /** For a command, with or without a running server: handles nothing. @throws {StoreOpenError} */
  openStoreForCommand(where: string): Promise<Store>
  /**
   * The lessons in a database that a server or a command has already opened. `keep`: changes no tables, for commands.
   * @throws {StoreOpenError
   * TransientError}
   */
  openCalendar(where: string, clock: Pick<Clock, 'now'>, schema?: 'create' | 'keep'): Promise<LocalCalendar>
}
