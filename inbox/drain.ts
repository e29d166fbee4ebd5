import { ATTEMPTS_IN_ORDER, afterFailure, readable } from './backoff.ts'
import type {
  Clock,
  Delivery,
  Drain,
  Logger,
  Outcome,
  ParentLogger,
  Payload,
  Store,
  TakenDelivery,
} from './contracts.ts'
import { PermanentError, TransientError } from './errors.ts'
import type { HandledEvent } from './events.ts'
import { createOnce, type Once } from './once.ts'
import type { StoreTrouble } from './store-trouble.ts'

/** What a handler gets beside its delivery. */
export interface HandlerContext {
  /** Fired when the handler has had its time; what it does from then on counts as failed if it throws. */
  signal: AbortSignal
  /** 1 at the first attempt. */
  attempt: number
  /** Logs with the delivery's id. */
  log: Logger
  /** Does an effect once, however often its deliveries are handled. */
  once: Once
  /** For `gaveUp`: what the last attempt threw. */
  error?: unknown
}

/**
 * Does what an event asks for. It runs at least once, so every effect is idempotent or in `context.once`. What it
 * throws decides about another attempt: see PermanentError and TransientError.
 */
export type HandlerFunction<P = Payload> = (delivery: Delivery<P>, context: HandlerContext) => unknown

/** A handler with what to do when a delivery is given up: when it is parked, or dead without having been. */
export interface HandlerPair<P = Payload> {
  handle: HandlerFunction<P>
  gaveUp: HandlerFunction<P>
}

export type Handler<P = Payload> = HandlerFunction<P> | HandlerPair<P>

/** A handler that computes for so long without a pause is named in the log, ms. */
const BLOCKING_MS = 1_000

export interface DrainOptions {
  store: Store
  /** The handler of an event, if there is one. */
  handlerOf: (source: string, event: string) => Handler | undefined
  /** Told when a mailbox is due again, Unix ms. */
  wake: (orderingKey: string, at: number) => void
  /** Told of the end of each attempt. */
  onHandled: (handled: HandledEvent) => void
  /** A handler's time, ms. */
  handlerTimeoutMs: number
  clock: Clock
  log: ParentLogger
  trouble: StoreTrouble
  /** What every handler's context has besides. */
  clients: () => Omit<HandlerContext, 'signal' | 'attempt' | 'log' | 'once' | 'error'>
}

/** The drain loop: take the mailbox's head if it is due, run its handler, settle, next. */
export function createDrain(options: DrainOptions) {
  const { store, wake, clock, trouble } = options
  const stopping = new AbortController()
  /** What these writes record has happened already. */
  const persist = <T>(write: () => Promise<T>) => trouble.retry(write, stopping.signal)
  const attempts = createAttempts(options, createOnce({ store, clock, persist }))
  /** Handlers have had their time to end. */
  let graceIsOver = false

  const drain: Drain = async (orderingKey, claimed, lapsed) => {
    // Inserted while we stop, it is begun only if there is time left for it: later, another process does.
    if (claimed !== undefined) return graceIsOver ? undefined : handle(claimed, lapsed)
    while (!stopping.signal.aborted && !lapsed?.aborted) {
      const delivery = await store.take(orderingKey, clock.now())
      if (delivery === null) return
      await handle(delivery, lapsed)
    }
  }

  async function handle(delivery: TakenDelivery, lapsed?: AbortSignal): Promise<void> {
    const startedAt = clock.now()
    const begunAt = performance.now()
    const outcome = await attempts.attempt(delivery, lapsed)
    const applied = await persist(() => store.settle(delivery, outcome, clock.now()))
    // Else the store is closed: the attempt is made again after the restart.
    if (applied !== undefined) {
      const times = { startedAt, ms: Math.round(performance.now() - begunAt) }
      report(options, delivery, outcome, times, applied)
    }
    if ('nextAttemptAt' in outcome) wake(delivery.orderingKey, outcome.nextAttemptAt)
  }

  return {
    drain,
    /** Handlers at work. */
    inFlight: () => attempts.running.size,
    /** No further delivery is begun. */
    stop(): void {
      stopping.abort()
    },
    /** Tells the handlers that are still at work that their time is over. */
    abort(): void {
      graceIsOver = true
      for (const controller of attempts.running) controller.abort(new TransientError('The service is stopping'))
    },
  }
}

/** Attempts to handle deliveries, and what becomes of them. */
function createAttempts({ handlerOf, handlerTimeoutMs, clock, log, clients }: DrainOptions, once: Once) {
  const running = new Set<AbortController>()

  return { attempt, running }

  async function attempt(delivery: TakenDelivery, lapsed?: AbortSignal): Promise<Outcome> {
    const handler = handlerOf(delivery.source, delivery.event)
    try {
      if (handler === undefined) throw new PermanentError(`No handler is registered for ${delivery.event}`)
      // What kills the process each time must not be tried in order for ever.
      if (delivery.crashed && delivery.attempts > ATTEMPTS_IN_ORDER) {
        throw new TransientError('The process died each time it handled this delivery')
      }
      await run(typeof handler === 'function' ? handler : handler.handle, delivery, lapsed)
      return { state: 'done' }
    } catch (error) {
      const outcome = afterFailure(delivery, error, clock.now())
      const leavesTheOrder = delivery.state === 'pending' && outcome.state !== 'pending'
      if (leavesTheOrder && typeof handler === 'object') {
        await run(handler.gaveUp, delivery, undefined, error).catch((failure: unknown) => {
          log.error({ err: failure, delivery: delivery.id }, 'the gaveUp handler failed')
        })
      }
      return outcome
    }
  }

  /** Runs a handler with its time limit. Ends only when the handler has really ended. */
  async function run(
    handler: HandlerFunction,
    delivery: TakenDelivery,
    lapsed?: AbortSignal,
    error?: unknown,
  ): Promise<void> {
    const controller = new AbortController()
    running.add(controller)
    const onLapsed = () => controller.abort(new TransientError('Another process may take the conversation over'))
    lapsed?.addEventListener('abort', onLapsed)
    const cancelTimer = clock.after(handlerTimeoutMs, () => {
      log.warn({ delivery: delivery.id, event: delivery.event }, 'handler timed out, aborting it')
      controller.abort(new TransientError(`The handler did not end within ${handlerTimeoutMs} ms`))
    })
    try {
      const begun = performance.now()
      const ended = handler(delivery, {
        signal: controller.signal,
        attempt: delivery.attempts,
        // Not a getter: V8 gives each literal with one a hidden class of its own, which keeps the delivery in memory
        // until a full garbage collection.
        log: log.child({ delivery: delivery.id }),
        once,
        error,
        ...clients(),
      })
      warnOfBlocking(log, delivery, performance.now() - begun)
      await ended
    } catch (thrown) {
      const failure = readable(thrown)
      if (!controller.signal.aborted || failure instanceof PermanentError) throw failure
      throw new TransientError((controller.signal.reason as Error).message, { cause: failure })
    } finally {
      cancelTimer()
      lapsed?.removeEventListener('abort', onLapsed)
      running.delete(controller)
    }
  }
}

/** Until its first await, a handler has the event loop for itself. */
function warnOfBlocking(log: Logger, { id, event }: TakenDelivery, ms: number): void {
  if (ms < BLOCKING_MS) return
  log.warn(
    { delivery: id, event, ms: Math.round(ms) },
    'a handler blocked the event loop: nothing was answered meanwhile; leave long computations to a worker thread',
  )
}

/** Says how an attempt ended, in the log and to whoever listens. */
function report(
  { log, onHandled }: DrainOptions,
  delivery: TakenDelivery,
  outcome: Outcome,
  { startedAt, ms }: { startedAt: number; ms: number },
  applied: boolean,
): void {
  const { id, source, event, orderingKey, attempts: attempt } = delivery
  const line = { delivery: id, source, event, attempt, ms }
  if (!applied) log.warn(line, 'webhook handled late: another process has taken it over')
  else if (outcome.state === 'done') log.info(line, 'webhook handled')
  else if (outcome.state === 'pending') log.warn({ ...line, ...outcome }, 'webhook failed, will retry')
  else log.error({ ...line, ...outcome }, `webhook ${outcome.state}`)
  onHandled({
    ...line,
    orderingKey,
    result: applied ? outcome.state : 'late',
    waitedMs: Math.max(0, startedAt - delivery.receivedAt),
    error: 'error' in outcome ? outcome.error : undefined,
  })
}
