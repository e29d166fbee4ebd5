import type { Clock, NewDelivery, Payload, ScheduleResult, Scheduler, Store } from './contracts.ts'
import { deliveryId } from './delivery-id.ts'
import type { StoreRetry } from './store-retry.ts'
import { wellFormed } from './strings.ts'

/** Deliveries made for later, which no sender sends: reminders, time limits. */

/** Their source, unless another is given. */
export const LATER_SOURCE = 'inbox'

/** What events of this service's own begin with: another version, after an update is undone, may not know them. */
export const OWN_EVENT_PREFIX = 'tutorbot.'

/** A delivery for later. */
export interface ScheduledDelivery<P = Payload> {
  /** Whose handler gets it. Default `inbox`. */
  source?: string
  /** Identifies it: given again, it is moved. */
  key: string
  /** The mailbox in whose order it is handled. */
  orderingKey: string
  event: string
  /** JSON. */
  payload: P
  /** When it is due, Unix ms; in the past: at once. */
  at: number
}

/** Deliveries accepted in one commit. */
const MAX_PROMOTED = 100
/** Longest timer, ms: a command may have changed something, the clock may be set, and sleeping machines stop timers. */
const MAX_TIMER_MS = 500
/** The last ms of the year 9999: dates are written with four-digit years. */
const MAX_TIME = Date.parse('9999-12-31T23:59:59.999Z')

export interface LaterParts {
  store: Pick<Store, 'schedule' | 'unschedule' | 'promote'>
  scheduler: Pick<Scheduler, 'wake'>
  clock: Clock
  storeRetry: StoreRetry
}

/** Keeps deliveries for later, and accepts them when they are due: one timer, for the next of them. */
export class Later {
  readonly #parts: LaterParts
  #state: 'new' | 'started' | 'stopped' = 'new'
  /** Cancels the timer; null: none is set. */
  #cancelTimer: (() => void) | null = null
  /** Resolves when what is due has been accepted. */
  #looking: Promise<void> | null = null
  /** Something may have become due since the store was asked. */
  #again = false

  constructor(parts: LaterParts) {
    this.#parts = parts
  }

  start(): void {
    this.#state = 'started'
    this.look()
  }

  async stop(): Promise<void> {
    this.#state = 'stopped'
    this.#stopTimer()
    await this.#looking
  }

  /** See Inbox.schedule. */
  async schedule(given: ScheduledDelivery): Promise<ScheduleResult> {
    const { clock, store } = this.#parts
    const result = await scheduleIn(store, given, clock.now())
    // A timer that is set fires early enough for what is far off.
    if (this.#cancelTimer === null || given.at <= clock.now() + MAX_TIMER_MS) this.look()
    return result
  }

  /** See Inbox.unschedule. */
  async unschedule(key: string, source = LATER_SOURCE): Promise<boolean> {
    const id = deliveryId(wellFormed(source, 'source'), wellFormed(key, 'key'))
    return this.#parts.store.unschedule(id)
  }

  /** Something may be due now, or soon. */
  look(): void {
    if (this.#state !== 'started') return
    this.#again = true
    this.#looking ??= this.#acceptDue()
  }

  #stopTimer(): void {
    this.#cancelTimer?.()
    this.#cancelTimer = null
  }

  async #acceptDue(): Promise<void> {
    const { store, scheduler, clock, storeRetry } = this.#parts
    let waitMs: number | null = 0
    this.#stopTimer()
    while (this.#state === 'started' && (this.#again || waitMs === 0)) {
      this.#again = false
      const promoted = await storeRetry.attempt('scheduled', () => store.promote(clock.now(), MAX_PROMOTED))
      // Failed: it is tried again soon.
      waitMs = promoted === undefined ? MAX_TIMER_MS : promoted.nextMs
      for (const orderingKey of promoted?.orderingKeys ?? []) scheduler.wake(orderingKey)
    }
    this.#looking = null
    if (this.#state !== 'started' || waitMs === null) return
    this.#cancelTimer = clock.after(Math.min(waitMs, MAX_TIMER_MS), () => this.look())
  }
}

/**
 * Keeps a delivery for later in a store, which a server notices within half a second.
 * @param now Unix ms
 * @throws {TypeError} that names the field
 */
export async function scheduleIn(
  store: Pick<Store, 'schedule'>,
  given: ScheduledDelivery,
  now: number,
): Promise<ScheduleResult> {
  const { at, ...delivery } = checked(given)
  return store.schedule({ ...delivery, receivedAt: now }, at)
}

/** Checks a delivery for later. @throws {TypeError} that names the field */
function checked({ source = LATER_SOURCE, at, payload, ...given }: ScheduledDelivery) {
  if (!Number.isFinite(at) || at > MAX_TIME) {
    throw new TypeError(
      `A scheduled delivery's at must be a Unix time in ms, up to the year 9999, not ${at}; one in the past is due at once`,
    )
  }
  if (typeof payload !== 'object' || payload === null) {
    throw new TypeError(
      `A scheduled delivery's payload must be an object, not ${payload === null ? 'null' : typeof payload}`,
    )
  }
  const field = (value: unknown, name: string) => wellFormed(value, `A scheduled delivery's ${name}`)
  const delivery: Omit<NewDelivery, 'id' | 'receivedAt'> = {
    source: field(source, 'source'),
    event: field(given.event, 'event'),
    key: field(given.key, 'key'),
    orderingKey: field(given.orderingKey, 'orderingKey'),
    payload,
  }
  return { ...delivery, id: deliveryId(delivery.source, delivery.key), at: Math.max(0, Math.round(at)) }
}
