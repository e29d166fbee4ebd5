import type { EventEmitter } from 'node:events'
import createError from '@fastify/error'
import { LRUCache } from 'lru-cache'
import { UNREADABLE_CAUSE } from './cause.ts'
import type { Clock, InsertResult, Logger, NewDelivery, Scheduler, Store } from './contracts.ts'
import type { DrainOptions } from './drain.ts'
import type { WebhookEvents } from './events.ts'
import type { GiveWay } from './give-way.ts'
import { tellOfWait, waitOf } from './quiet.ts'
import { wellFormed } from './strings.ts'

/** A sender waits this long for the commit, then gets a 500, ms: Chatwoot waits 5 s, the proxies in `ops/` 4 s. */
const ANSWER_MS = 3_000

export const InboxBusyError = createError<[]>(
  'WEBHOOK_INBOX_BUSY',
  'Too many deliveries are waiting to be stored; send it again in a second',
  429,
)
export const NotStoredError = createError<[]>(
  'WEBHOOK_NOT_STORED',
  'The delivery could not be stored; send it again',
  500,
)

/** Numbers of this process. */
export interface AcceptingStats {
  /** Deliveries waiting for their commit, and the bytes of their bodies. */
  waiting: number
  waitingBytes: number
  /** Ids in the cache of recent deliveries; its hits and misses since the start. */
  recentKeys: number
  recentHits: number
  recentMisses: number
}

export interface AcceptingOptions {
  store: Store
  scheduler: Scheduler
  giveWay: GiveWay
  /** Whether an event's handler needs a system that is held. */
  holds: (source: string, event: string) => boolean
  handlerOf: DrainOptions['handlerOf']
  clock: Clock
  log: Logger
  events: EventEmitter<WebhookEvents>
  /** How many deliveries, and how many bytes of bodies, may wait for their commit. */
  maxWaiting: number
  maxWaitingBytes: number
  /** Size of the cache of recent deliveries, in ids. */
  recentKeys: number
}

/** Stores each new delivery once and has it handled. */
export class Accepting {
  readonly #options: AcceptingOptions
  /** Committed ids: a flood of duplicates is answered without touching the disk. */
  readonly #recent: LRUCache<string, true>
  #recentHits = 0
  #recentMisses = 0
  /** Commits in progress, by id: a duplicate waits for the same commit. */
  readonly #uncommitted = new Map<string, Promise<unknown>>()
  #uncommittedBytes = 0

  constructor(options: AcceptingOptions) {
    this.#options = options
    this.#recent = new LRUCache({ max: options.recentKeys })
  }

  /** See Inbox.accept. */
  async accept(given: NewDelivery, bytes: number): Promise<'accepted' | 'duplicate'> {
    const { maxWaiting, maxWaitingBytes, giveWay } = this.#options
    const delivery = checked(given)
    if (this.#recent.has(delivery.id)) {
      this.#recentHits++
      return 'duplicate'
    }
    this.#recentMisses++
    const copy = this.#uncommitted.get(delivery.id)
    if (copy !== undefined) {
      await this.#inTime(copy)
      return 'duplicate'
    }
    if (this.#uncommitted.size >= maxWaiting || this.#uncommittedBytes + bytes > maxWaitingBytes) {
      throw new InboxBusyError()
    }
    const { handlerOf, log } = this.#options
    const quiet = waitOf(handlerOf(delivery.source, delivery.event), delivery, log)
    const commit = this.#insert(quiet === undefined ? delivery : { ...delivery, quiet })
    this.#uncommitted.set(delivery.id, commit)
    this.#uncommittedBytes += bytes
    giveWay.acceptingBegins()
    const ended = () => {
      giveWay.acceptingEnds()
      this.#uncommitted.delete(delivery.id)
      this.#uncommittedBytes -= bytes
    }
    commit.then(ended, ended)
    return this.#inTime(commit)
  }

  /**
   * A store may hang. The commit then goes on with nobody waiting for it; when the sender retries, the delivery is
   * either known or new.
   */
  #inTime<T>(commit: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const cancelTimer = this.#options.clock.after(ANSWER_MS, () => {
        reject(notStored(new Error(`The store did not answer within ${ANSWER_MS} ms`)))
      })
      commit.then(resolve, reject).finally(cancelTimer)
    })
  }

  async #insert(delivery: NewDelivery): Promise<'accepted' | 'duplicate'> {
    const { store, scheduler, holds, log, events } = this.#options
    const { id, source, event, orderingKey, receivedAt, unreadable, quiet } = delivery
    const isForNow = unreadable === undefined && quiet === undefined
    const reserved = isForNow && !holds(source, event) && scheduler.reserve(orderingKey)
    let result: InsertResult
    try {
      result = await store.insert(delivery, reserved)
    } catch (error) {
      if (reserved) scheduler.release(orderingKey)
      throw notStored(error)
    }
    this.#recent.set(id, true)
    if (result === 'claimed') scheduler.run({ ...delivery, attempts: 1, state: 'pending', crashed: false })
    else if (reserved) scheduler.release(orderingKey)
    const waits = result === 'queued' && quiet !== undefined && !quiet.ends
    if (result === 'queued') scheduler.wake(orderingKey, waits ? receivedAt + quiet.quietMs : undefined)
    if (waits) tellOfWait(this.#options.handlerOf(source, event), delivery, log)
    if (result === 'dead') {
      log.error({ delivery: id, source, event, error: unreadable }, 'webhook dead')
      const never = { cause: UNREADABLE_CAUSE, attempt: 0, waitedMs: 0, ms: 0 }
      events.emit('handled', { delivery: id, source, event, orderingKey, result, error: unreadable, ...never })
    }
    return result === 'duplicate' ? 'duplicate' : 'accepted'
  }

  stats(): AcceptingStats {
    return {
      waiting: this.#uncommitted.size,
      waitingBytes: this.#uncommittedBytes,
      recentKeys: this.#recent.size,
      recentHits: this.#recentHits,
      recentMisses: this.#recentMisses,
    }
  }
}

function notStored(cause: unknown) {
  return Object.assign(new NotStoredError(), { cause })
}

/** The last ms of the year 9999: dates are written with four-digit years. */
const MAX_TIME = Date.parse('9999-12-31T23:59:59.999Z')

/** Checks a delivery, and makes its strings ones that a store can keep. @throws {TypeError} that names the field */
function checked(delivery: NewDelivery): NewDelivery {
  const { receivedAt, unreadable, body, trace } = delivery
  if (!Number.isInteger(receivedAt) || receivedAt < 0 || receivedAt > MAX_TIME) {
    throw new TypeError(`A delivery's receivedAt must be a Unix time in ms, from 0 to the year 9999, not ${receivedAt}`)
  }
  if (body !== undefined && !Buffer.isBuffer(body)) throw new TypeError("A delivery's body must be a Buffer")
  const field = (name: 'id' | 'source' | 'event' | 'key' | 'orderingKey') =>
    wellFormed(delivery[name], `A delivery's ${name}`)
  return {
    ...delivery,
    id: field('id'),
    source: field('source'),
    event: field('event'),
    key: field('key'),
    orderingKey: field('orderingKey'),
    ...(trace !== undefined && { trace: wellFormed(trace, "A delivery's trace") }),
    ...(unreadable !== undefined && { unreadable: wellFormed(unreadable, "A delivery's unreadable") }),
  }
}
