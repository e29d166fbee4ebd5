import { LRUCache } from 'lru-cache'
import type { StoredDelivery, TakenDelivery } from './contracts.ts'
import type { DrainOptions, HandlerFunction } from './drain.ts'
import type { System } from './errors.ts'
import { needsOf } from './needs.ts'
import { within } from './tracing.ts'

/** Which mailboxes wait for an outside system, and what is done meanwhile of what is in them. */

/** Failed deliveries whose system is remembered. Of any other, one attempt is spent before it is held. */
const MAX_REMEMBERED = 10_000
/** Deliveries of a mailbox that are looked at. */
const MAX_AHEAD = 100

export interface HoldsOptions extends DrainOptions {
  /** Runs a handler with its time limit. */
  run: (handler: HandlerFunction, delivery: TakenDelivery, lapsed?: AbortSignal) => Promise<void>
}

export function createHolds({ store, handlerOf, aheadSources, breakers, run, log, tracing }: HoldsOptions) {
  /** The system that each delivery's last attempt has failed for: it may need more than its handler says. */
  const failedFor = new LRUCache<string, System>({ max: MAX_REMEMBERED })
  /** By id, whether what must not wait was done. */
  const ahead = new LRUCache<string, boolean>({ max: MAX_REMEMBERED })
  /** Mailboxes that were found waiting. */
  const found = new Set<string>()
  let verified = Promise.resolve()

  return {
    /** A backlog may be that of an outage: the systems are asked before it is begun. */
    begin(): void {
      const verify = () => breakers.verify()
      verified = store.backlog().then(({ pending, parked }) => {
        if (pending + parked > 0) verify()
      }, verify)
    },
    /** How long a mailbox must wait, ms; 0: not at all. */
    async heldMs(orderingKey: string): Promise<number> {
      await verified
      if (!breakers.isAnyHeld()) {
        found.clear()
        return 0
      }
      const next = await store.peek(orderingKey)
      const ms = breakers.waitMs(
        next.flatMap(({ id, source, event }) => [...needsOf(handlerOf(source, event)), failedFor.get(id)]),
      )
      if (ms > 0) found.add(orderingKey)
      else found.delete(orderingKey)
      return ms
    },
    /** On PostgreSQL another process may have gone on with them. */
    count: () => (breakers.isAnyHeld() ? found.size : 0),
    /** Does what must not wait of the deliveries in a mailbox that does: see HandlerPair.ahead. */
    async goAhead(orderingKey: string, lapsed?: AbortSignal): Promise<void> {
      for (const source of aheadSources) {
        const waiting = await store.list({ orderingKey, source, state: 'pending' }, MAX_AHEAD)
        for (const delivery of waiting) await goAheadWith(delivery, lapsed)
      }
    },
    /**
     * @param error undefined: it succeeded
     * @returns whether its run may be reopened: see Quiet.reopens
     */
    ended({ id, source, event, orderingKey, isNewRun }: TakenDelivery, error: unknown): boolean {
      const system = error === undefined ? undefined : breakers.failed(orderingKey, error)
      if (system === undefined) {
        if (failedFor.size > 0) failedFor.delete(id)
        return false
      }
      failedFor.set(id, system)
      const handler = handlerOf(source, event)
      return Boolean(
        isNewRun && needsOf(handler).includes(system) && typeof handler === 'object' && handler.quiet?.reopens,
      )
    },
  }

  async function goAheadWith(stored: StoredDelivery, lapsed?: AbortSignal): Promise<void> {
    const { id, source, event, orderingKey, attempts } = stored
    const handler = handlerOf(source, event)
    // An attempt has got as far as it could.
    if (typeof handler !== 'object' || handler.ahead === undefined || attempts > 0) return
    if (ahead.get(id) || needsOf(handler.ahead).some(breakers.isHeld)) return
    const { handle } = handler.ahead
    const delivery = { ...stored, crashed: false } as TakenDelivery
    const span = tracing?.attempt(delivery, true)
    try {
      await within(span, () => run(handle, delivery, lapsed))
      span?.end({})
      log.info({ delivery: id, source, event }, 'done before its turn')
      ahead.set(id, true)
    } catch (error) {
      span?.end({}, error)
      breakers.failed(orderingKey, error)
      if (!ahead.has(id)) log.warn({ err: error, delivery: id, event }, 'could not be done before its turn')
      ahead.set(id, false)
    }
  }
}
