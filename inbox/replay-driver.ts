import type { Clock, Logger, Scheduler, Store } from './contracts.ts'
import type { StoreRetry } from './store-retry.ts'

/** Between two looks whether a job has been started, ms: a command, or another instance, may have done so. Within a second. */
const IDLE_MS = 900

export interface ReplayDriverParts {
  store: Pick<Store, 'stepReplayJob'>
  scheduler: Pick<Scheduler, 'wake'>
  clock: Clock
  log: Logger
  storeRetry: StoreRetry
}

/** Makes the steps of the store's replay job: see replay-job.ts. Several instances take turns. */
export function createReplayDriver({ store, scheduler, clock, log, storeRetry }: ReplayDriverParts) {
  let isStarted = false
  let cancelTimer = () => {}
  let stepping: Promise<void> | null = null

  function look(): void {
    if (!isStarted || stepping !== null) return
    cancelTimer()
    stepping = step()
  }

  async function step(): Promise<void> {
    const made = await storeRetry.attempt('replay job', () => store.stepReplayJob(clock.now()))
    for (const orderingKey of made?.orderingKeys ?? []) scheduler.wake(orderingKey)
    if (made?.turned) {
      const { number: job, cause, state, why, replayed, succeeded, failed } = made.turned
      const line = { job, cause, replayed, succeeded, failed }
      if (state === 'paused') log.warn({ ...line, why }, 'replay job paused: resume or stop it')
      else log.info(line, 'replay job done')
    }
    stepping = null
    if (isStarted) cancelTimer = clock.after(made?.nextMs ?? IDLE_MS, look)
  }

  return {
    start(): void {
      isStarted = true
      look()
    },
    /** A job may have been started. */
    look,
    async stop(): Promise<void> {
      isStarted = false
      cancelTimer()
      await stepping
    },
  }
}
