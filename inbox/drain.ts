import { ATTEMPTS_IN_ORDER, afterFailure, readable } from './backoff.ts'
import type { Breakers } from './breaker.ts'
import type {
  Clock,
  Delivery,
  Drain,
  Logger,
  Outcome,
  ParentLogger,
  Payload,
  ScheduleResult,
  Store,
  TakenDelivery,
} from './contracts.ts'
import { PermanentError, type System, TransientError } from './errors.ts'
import type { HandledEvent } from './events.ts'
import type { GiveWay } from './give-way.ts'
import { createHolds } from './holds.ts'
import { LATER_SOURCE, type Later, OWN_EVENT_PREFIX, type ScheduledDelivery } from './later.ts'
import { createOnce, type Once } from './once.ts'
import { waitedMs } from './pace.ts'
import type { Quiet } from './quiet.ts'
import type { StoreRetry } from './store-retry.ts'
import { type Tracing, traceFields, within } from './tracing.ts'

/** What a handler receives with its delivery. */
export interface HandlerContext {
  /**
   * Fires when the handler must stop (timeout, shutdown, mailbox taken over); what it throws after that counts as
   * transient, unless it is a PermanentError.
   */
  signal: AbortSignal
  /** 1 for the first attempt. */
  attempt: number
  /** false: it was parked or replayed, so that later deliveries of its mailbox may have been handled before it. */
  isInOrder: boolean
  /** Logs with the delivery's id. */
  log: Logger
  /** Runs a step once, however often its delivery is handled. */
  once: Once
  /** Adds to the delivery's history, durably. */
  note: (text: string) => Promise<void>
  /** See Inbox.schedule. Default of `orderingKey`: this delivery's. */
  schedule: (delivery: Omit<ScheduledDelivery, 'orderingKey'> & { orderingKey?: string }) => Promise<ScheduleResult>
  /** See Inbox.unschedule. */
  unschedule: (key: string, source?: string) => Promise<boolean>
  /** For `gaveUp`: what the last attempt threw. */
  error?: unknown
  /**
   * All deliveries that this attempt handles, in order: those that waited for quiet together, the handler's own first.
   * Else that one alone. Every attempt has the same ones, unless one was forgotten or discarded meanwhile.
   */
  together: readonly Delivery<unknown>[]
  /** What effects are keyed by: the id of the first of them, at every attempt, also after that one was forgotten. */
  run: string
}

/**
 * Handles an event. It may run more than once, so every effect must be idempotent or in `context.once`. What it throws
 * decides about a retry: see PermanentError and TransientError.
 */
export type HandlerFunction<P = Payload> = (delivery: Delivery<P>, context: HandlerContext) => unknown

/** A handler, and what to do when it has given a delivery up: parked it, or declared it dead without parking it. */
export interface HandlerPair<P = Payload> {
  handle: HandlerFunction<P>
  gaveUp: HandlerFunction<P>
  /**
   * The outside systems that it can do nothing without: while one of them is unavailable, it is not begun, and no
   * attempt is spent.
   */
  needs?: readonly System[] | undefined
  /**
   * What must not wait while the mailbox waits for a system that is unavailable: it is called before its turn, perhaps
   * several times, unless a system that it needs itself is unavailable. `handle` is called in its turn nevertheless: what
   * both do is in `once`. If it throws, that is logged, and it is called again later.
   */
  ahead?: { handle: HandlerFunction<P>; needs?: readonly System[] | undefined } | undefined
  /** Waits until nothing has come in for a while, to get all of it together. Default: handled at once. */
  quiet?: Quiet | undefined
}

export type Handler<P = Payload> = HandlerFunction<P> | HandlerPair<P>

/** A handler that blocks the event loop for this long is logged, ms. */
const BLOCKING_MS = 1_000

class NoHandlerError extends PermanentError {
  readonly code = 'no_handler'
}

/** The handler had to stop, or was never heard of again. `code`: see cause.ts. */
class InterruptedError extends TransientError {
  readonly code: string
  constructor(message: string, code: string, cause?: unknown) {
    super(message, { cause })
    this.code = code
  }
}

export interface DrainOptions {
  store: Store
  later: Pick<Later, 'schedule' | 'unschedule'>
  /** The handler of an event, if there is one. */
  handlerOf: (source: string, event: string) => Handler | undefined
  /** Sources with a handler that has an `ahead`. */
  aheadSources: ReadonlySet<string>
  /** Called when a mailbox is due again, with the time in Unix ms. */
  wake: (orderingKey: string, at: number) => void
  /** Called after each attempt. */
  onHandled: (handled: HandledEvent) => void
  giveWay: GiveWay
  /** A handler's time limit, ms. */
  handlerTimeoutMs: number
  clock: Clock
  log: ParentLogger
  storeRetry: StoreRetry
  breakers: Breakers
  /** undefined: nothing is traced. */
  tracing?: Tracing | undefined
  /** What plugins add to every handler's context. */
  clients: () => Omit<
    HandlerContext,
    | 'signal'
    | 'attempt'
    | 'isInOrder'
    | 'log'
    | 'once'
    | 'note'
    | 'schedule'
    | 'unschedule'
    | 'error'
    | 'together'
    | 'run'
  >
}

/** The drain loop: take the mailbox's head if it is due, run its handler, settle, next. */
export function createDrain(options: DrainOptions) {
  const { store, wake, clock, storeRetry, giveWay, tracing } = options
  const stopping = new AbortController()
  /** Retries a write until it succeeds: what it records has already happened. */
  const persist = <T>(write: () => Promise<T>) => storeRetry.retry(write, stopping.signal)
  const note = async (id: string, text: string) => void (await persist(() => store.note(id, text, clock.now())))
  const attempts = createAttempts(options, createOnce({ store, clock, persist }), note)
  /** The grace time for running handlers is over. */
  let graceIsOver = false

  const holds = createHolds({ ...options, run: attempts.run })

  const drain: Drain = async (orderingKey, claimed, lapsed) => {
    // Inserted while stopping: start it only within the grace time; later, another process does.
    if (claimed !== undefined) {
      if (!graceIsOver && (await mayBegin(lapsed))) await handle(claimed, lapsed)
      return undefined
    }
    while (!stopping.signal.aborted && !lapsed?.aborted) {
      const heldMs = await holds.heldMs(orderingKey)
      if (heldMs > 0) {
        await holds.goAhead(orderingKey, lapsed)
        return heldMs
      }
      if (!(await mayBegin(lapsed))) return undefined
      const delivery = await store.take(orderingKey, clock.now())
      if (delivery === null) return undefined
      await handle(delivery, lapsed)
    }
    return undefined
  }

  /** false: the grace time is over, or another process may have the mailbox: what has not begun is begun there, or later. */
  async function mayBegin(lapsed?: AbortSignal): Promise<boolean> {
    const turn = giveWay.enter()
    return turn === true || ((await turn) && !lapsed?.aborted)
  }

  async function handle(delivery: TakenDelivery, lapsed?: AbortSignal): Promise<void> {
    const startedAt = clock.now()
    const begunAt = performance.now()
    const span = tracing?.attempt(delivery)
    const { outcome, error } = await within(span, () => attempts.attempt(delivery, lapsed))
    giveWay.handled(performance.now() - begunAt)
    const reopens = holds.ended(delivery, error) && !attempts.hasActed(delivery)
    const settled = reopens && outcome.state === 'pending' ? { ...outcome, reopens } : outcome
    const applied = await persist(() => store.settle(delivery, settled, clock.now()))
    const result = applied === false ? 'late' : outcome.state
    span?.end({ 'webhook.outcome': result }, error)
    // undefined: stopped before it was recorded; the attempt is repeated after the restart.
    if (applied !== undefined) {
      const times = { startedAt, ms: Math.round(performance.now() - begunAt) }
      report(options, delivery, outcome, { ...times, ...traceFields(span) }, result)
    }
    if ('nextAttemptAt' in outcome) wake(delivery.orderingKey, outcome.nextAttemptAt)
  }

  return {
    drain,
    /** Called once, before anything is accepted. */
    begin: () => holds.begin(),
    /** Number of running handlers. */
    inFlight: () => attempts.running.size,
    /** Number of mailboxes found waiting for a system. */
    heldMailboxes: () => holds.count(),
    /** Starts no further delivery. */
    stop(): void {
      stopping.abort()
    },
    /** Aborts the handlers that are still running. */
    abort(): void {
      graceIsOver = true
      giveWay.close()
      for (const controller of attempts.running)
        controller.abort(new InterruptedError('The service is stopping', 'stopping'))
    },
  }
}

/** Runs handlers, and decides the outcome. */
function createAttempts(
  { handlerOf, handlerTimeoutMs, clock, log, clients, later }: DrainOptions,
  once: Once,
  note: (id: string, text: string) => Promise<void>,
) {
  const running = new Set<AbortController>()
  /** Of new runs, those of which something was done. */
  const acted = new WeakSet<TakenDelivery>()

  return { attempt, run, running, hasActed: (delivery: TakenDelivery) => acted.has(delivery) }

  async function attempt(
    delivery: TakenDelivery,
    lapsed?: AbortSignal,
  ): Promise<{ outcome: Outcome; error?: unknown }> {
    const handler = handlerOf(delivery.source, delivery.event)
    try {
      if (handler === undefined) {
        if (!isOfOtherVersion(delivery)) throw new NoHandlerError(`No handler is registered for ${delivery.event}`)
        log.warn({ ...about(delivery), event: delivery.event }, 'nothing done: another version made this for later')
        return { outcome: { state: 'done' } }
      }
      // A delivery that kills the process every time must not block its mailbox forever.
      if (delivery.crashed && delivery.attempts > ATTEMPTS_IN_ORDER) {
        throw new InterruptedError('The process died each time it handled this delivery', 'crashed')
      }
      await run(typeof handler === 'function' ? handler : handler.handle, delivery, lapsed)
      return { outcome: { state: 'done' } }
    } catch (error) {
      const outcome = afterFailure(delivery, error, clock.now())
      const leavesTheOrder = delivery.state === 'pending' && outcome.state !== 'pending'
      if (leavesTheOrder && typeof handler === 'object') {
        await run(handler.gaveUp, delivery, undefined, error).catch((failure: unknown) => {
          log.error({ err: failure, ...about(delivery) }, 'the gaveUp handler failed')
        })
      }
      return { outcome, error }
    }
  }

  /** `once`, for a new run: notices that something was done for it. */
  function noticing(delivery: TakenDelivery): Once {
    return async (key, step) => {
      const result = await once(key, step)
      if (key.startsWith(delivery.id)) acted.add(delivery)
      return result
    }
  }

  /** Runs a handler with its time limit. Resolves only when the handler has really ended. */
  async function run(
    handler: HandlerFunction,
    delivery: TakenDelivery,
    lapsed?: AbortSignal,
    error?: unknown,
  ): Promise<void> {
    const controller = new AbortController()
    running.add(controller)
    const onLapsed = () =>
      controller.abort(new InterruptedError('Another process may take over the mailbox', 'taken_over'))
    lapsed?.addEventListener('abort', onLapsed)
    let allowedMs = handlerTimeoutMs
    const onTime = () => {
      // Waiting for its turn to call an outside system is not its fault.
      const more = handlerTimeoutMs + waitedMs(controller.signal, clock.now()) - allowedMs
      if (more > 0) {
        allowedMs += more
        cancelTimer = clock.after(more, onTime)
        return
      }
      log.warn({ ...about(delivery), event: delivery.event }, 'handler timed out, aborting it')
      controller.abort(new InterruptedError(`The handler did not end within ${handlerTimeoutMs} ms`, 'timeout'))
    }
    let cancelTimer = clock.after(handlerTimeoutMs, onTime)
    try {
      const begun = performance.now()
      const ended = handler(delivery, {
        signal: controller.signal,
        attempt: delivery.attempts,
        isInOrder: delivery.state === 'pending',
        // Not a getter: V8 gives every literal with one its own hidden class, which keeps the delivery in memory until
        // a full garbage collection.
        log: log.child(about(delivery)),
        once: delivery.isNewRun ? noticing(delivery) : once,
        note: text => note(delivery.id, text),
        schedule: given => later.schedule({ orderingKey: delivery.orderingKey, ...given }),
        unschedule: (key, source) => later.unschedule(key, source),
        error,
        together: delivery.together ?? [delivery],
        run: delivery.run ?? delivery.id,
        ...clients(),
      })
      warnOfBlocking(log, delivery, performance.now() - begun)
      await ended
    } catch (thrown) {
      const failure = readable(thrown)
      if (!controller.signal.aborted || failure instanceof PermanentError) throw failure
      const { message, code } = controller.signal.reason as InterruptedError
      throw new InterruptedError(message, code, failure)
    } finally {
      cancelTimer()
      lapsed?.removeEventListener('abort', onLapsed)
      running.delete(controller)
    }
  }
}

/** What each line of an attempt's log says. */
function about({ id }: TakenDelivery) {
  return { delivery: id, ...traceFields() }
}

/** It is this service's own, but of a version that has been taken back. */
function isOfOtherVersion({ source, event }: TakenDelivery): boolean {
  return source === LATER_SOURCE && event.startsWith(OWN_EVENT_PREFIX)
}

/** Until its first await, a handler blocks the event loop. */
function warnOfBlocking(log: Logger, delivery: TakenDelivery, ms: number): void {
  if (ms < BLOCKING_MS) return
  log.warn(
    { ...about(delivery), event: delivery.event, ms: Math.round(ms) },
    'a handler blocked the event loop: nothing was answered meanwhile; leave long computations to a worker thread',
  )
}

/** Reports how an attempt ended, to the log and to listeners. */
function report(
  { log, onHandled }: DrainOptions,
  delivery: TakenDelivery,
  outcome: Outcome,
  { startedAt, ms, ...trace }: { startedAt: number; ms: number; trace_id?: string },
  result: Outcome['state'] | 'late',
): void {
  const { id, source, event, orderingKey, attempts: attempt } = delivery
  const { together = [delivery] } = delivery
  const more = { ...(together.length > 1 && { together: together.length }), ...trace }
  const line = { delivery: id, source, event, attempt, ms, ...more }
  if (result === 'late') log.warn(line, 'webhook handled late: another process has taken it over')
  else if (outcome.state === 'done') log.info(line, 'webhook handled')
  else if (outcome.state === 'pending') log.warn({ ...line, ...outcome }, 'webhook failed, will retry')
  else log.error({ ...line, ...outcome }, `webhook ${outcome.state}`)
  for (const each of together) {
    onHandled({
      delivery: each.id,
      source,
      event,
      orderingKey,
      attempt,
      ms,
      result,
      waitedMs: Math.max(0, startedAt - each.receivedAt),
      error: 'error' in outcome ? outcome.error : undefined,
      cause: 'error' in outcome ? outcome.cause : undefined,
    })
  }
}
