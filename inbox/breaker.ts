import { describeError } from './backoff.ts'
import type { Clock, Logger } from './contracts.ts'
import { outageOf, type System, TransientError } from './errors.ts'

/**
 * Holds what needs an outside system while that system is unavailable, so that no attempts are spent on it. It opens on
 * proof (see Outage), or when deliveries of three mailboxes have failed since the last success, and closes when a probe
 * succeeds: a harmless read.
 */

/** Failed mailboxes since the last success that open it. One bad delivery must not. */
const MAX_FAILED_MAILBOXES = 3
/** From this many failures since the last success, a probe decides: perhaps only one mailbox is in use. */
const SUSPICIOUS_FAILURES = 2
/** Before the first probe, and at most before any other, ms: each waits twice as long as the one before. */
const FIRST_PROBE_MS = 1_000
const MAX_PROBE_MS = 30_000
/** Up to this fraction is taken off, so that several instances don't probe at once. */
const JITTER = 1 / 4
/** Retry-After is capped at this, ms: one wrong header must not hold everything for an hour. */
const MAX_RETRY_AFTER_MS = 5 * 60_000
/** Unavailable again within this time, the probes go on as slowly as before, ms. */
const STABLE_MS = 60_000
/** After an outage, what has waited may take this long, ms. */
const CATCHING_UP_MS = 60 * 60_000
/** A mailbox is asked again this much later at least, and at most, ms. */
const MIN_WAIT_MS = 500
const MAX_WAIT_MS = 30_000

/** Reads something harmless, past any breaker. Rejects if the system is unavailable or refuses the token. */
export type Probe = (signal: AbortSignal) => Promise<unknown>

/**
 * unverified: nothing has been heard of it since the start. closed: it works. open: it is held. probing: it is held, and
 * a probe is under way.
 */
export type BreakerState = 'unverified' | 'closed' | 'open' | 'probing'

/** A system is unavailable, or available again. */
export interface HeldEvent {
  system: System
  isHeld: boolean
  /** How long it was held, ms; 0 at the beginning. */
  ms: number
  /** The error. */
  why: string
}

export interface BreakerOptions {
  clock: Clock
  log: Logger
  onTurn: (event: HeldEvent) => void
  /** From 0 to 1. Default: Math.random. */
  random?: () => number
}

interface OneBreakerOptions extends BreakerOptions {
  /** Called when the state may have changed. */
  onState: () => void
  /** Called when what was held can go on. */
  onResume: () => void
}

/** The breaker of one system. */
class Breaker {
  readonly #system: System
  readonly #probe: Probe
  readonly #options: OneBreakerOptions
  readonly #closing = new AbortController()
  #state: BreakerState = 'unverified'
  /** Since the last success. */
  readonly #failedMailboxes = new Set<string>()
  #failures = 0
  #isSuspected = false
  /** undefined: it was not said to be unavailable. */
  #heldSince: number | undefined
  #availableSince = Number.NEGATIVE_INFINITY
  #lastHeldMs = 0
  #why = ''
  #intervalMs = 0
  #nextProbeAt = 0
  #cancelProbe = () => {}

  constructor(system: System, probe: Probe, options: OneBreakerOptions) {
    this.#system = system
    this.#probe = probe
    this.#options = options
  }

  get state(): BreakerState {
    return this.#state
  }

  #setState(state: BreakerState): void {
    this.#state = state
    this.#options.onState()
  }

  /** Since when it is held, Unix ms, and why; null: it is not. */
  get held(): { since: number; why: string } | null {
    return this.#heldSince === undefined ? null : { since: this.#heldSince, why: this.#why }
  }

  /** Nothing that needs the system may be begun. */
  get isHeld(): boolean {
    return this.#state === 'open' || this.#state === 'probing'
  }

  /** For how long it is held, or was held until a while ago, ms. */
  heldMs(now: number): number {
    if (this.#heldSince !== undefined) return Math.max(0, now - this.#heldSince)
    return now - this.#availableSince < CATCHING_UP_MS ? this.#lastHeldMs : 0
  }

  /** Asks the system before a backlog is begun: a restart must be no flood. */
  verify(): void {
    if (this.#state === 'unverified') void this.#probeNow()
  }

  /** When a held mailbox should be looked at again, ms from now. */
  waitMs(): number {
    const { clock, random = Math.random } = this.#options
    const untilProbe = this.#state === 'open' ? this.#nextProbeAt - clock.now() : 0
    return Math.round(Math.min(Math.max(untilProbe, MIN_WAIT_MS) * (1 + random() / 2), MAX_WAIT_MS))
  }

  /** A call of the mailbox's delivery has failed. */
  failed(orderingKey: string, error: TransientError): void {
    if (this.isHeld || this.#closing.signal.aborted) return
    this.#failures++
    this.#failedMailboxes.add(orderingKey)
    if (error.outage?.isProof || this.#failedMailboxes.size >= MAX_FAILED_MAILBOXES) this.#open(error)
    else if (this.#failures >= SUSPICIOUS_FAILURES) void this.#suspect()
  }

  /** The system has answered. A call that began before it was held says nothing about now. */
  succeeded(): void {
    if (this.isHeld || (this.#failures === 0 && this.#state === 'closed')) return
    this.#setState('closed')
    this.#forgetFailures()
  }

  close(): void {
    this.#closing.abort()
    this.#cancelProbe()
  }

  #forgetFailures(): void {
    this.#failures = 0
    this.#failedMailboxes.clear()
  }

  #open(error: TransientError): void {
    const { clock, log, onTurn } = this.#options
    const now = clock.now()
    this.#setState('open')
    this.#heldSince = now
    this.#why = describeError(error)
    if (now - this.#availableSince >= STABLE_MS) this.#intervalMs = 0
    const system = this.#system
    log.error({ system, error: this.#why }, `${system} unavailable, holding what needs it`)
    onTurn({ system, isHeld: true, ms: 0, why: this.#why })
    this.#probeLater(error.retryAfterMs)
  }

  #probeLater(retryAfterMs: number): void {
    const { clock, random = Math.random } = this.#options
    this.#intervalMs = Math.min(Math.max(FIRST_PROBE_MS, 2 * this.#intervalMs), MAX_PROBE_MS)
    const asked = Math.min(retryAfterMs, MAX_RETRY_AFTER_MS)
    const ms = Math.round(Math.max(this.#intervalMs * (1 - random() * JITTER), asked))
    this.#nextProbeAt = clock.now() + ms
    this.#cancelProbe = clock.after(ms, () => void this.#probeNow())
  }

  async #probeNow(): Promise<void> {
    this.#setState('probing')
    const error = await this.#failureOfProbe()
    if (this.#closing.signal.aborted) return
    if (error === undefined) return this.#resume()
    if (this.#heldSince === undefined) return this.#open(error)
    this.#setState('open')
    this.#probeLater(error.retryAfterMs)
  }

  /** Whether a few failures are about the system, or about one delivery. */
  async #suspect(): Promise<void> {
    if (this.#isSuspected) return
    this.#isSuspected = true
    const error = await this.#failureOfProbe()
    this.#isSuspected = false
    if (error !== undefined && !this.isHeld && !this.#closing.signal.aborted) this.#open(error)
  }

  async #failureOfProbe(): Promise<TransientError | undefined> {
    try {
      await this.#probe(this.#closing.signal)
      return undefined
    } catch (error) {
      return outageOf(error)?.error ?? new TransientError(describeError(error), { cause: error })
    }
  }

  #resume(): void {
    const { clock, log, onTurn, onResume } = this.#options
    const now = clock.now()
    const since = this.#heldSince
    this.#setState('closed')
    this.#heldSince = undefined
    this.#availableSince = now
    this.#forgetFailures()
    if (since !== undefined) {
      const system = this.#system
      const ms = Math.max(0, now - since)
      this.#lastHeldMs = ms
      log.info({ system, ms }, `${system} available again`)
      onTurn({ system, isHeld: false, ms, why: this.#why })
    }
    onResume()
  }
}

/** For `/ready`, metrics and the dashboard. */
export interface SystemState {
  system: System
  state: BreakerState
  /** Since when it is held, Unix ms, and the error; null: it is not. */
  since: number | null
  why: string | null
}

/** The breakers of all systems that this service uses. */
export interface Breakers {
  /** Makes the breaker of a system, which is probed by `probe`. */
  watch(system: System, probe: Probe): void
  /** Whether anything is held: all that is asked while everything works. */
  isAnyHeld(): boolean
  /** A system that is not watched is never held. */
  isHeld(system: System): boolean
  /** Asks all systems that nothing was heard from since the start; they are held until they have answered. */
  verify(): void
  /** How long to wait before something that needs these systems may be begun, ms; 0: it may be. */
  waitMs(needs: Iterable<System | undefined>): number
  /** A delivery has failed. Returns the system whose fault it is, if it is watched. */
  failed(orderingKey: string, error: unknown): System | undefined
  succeeded(system: System): void
  /** Sets what is called when what was held can go on. */
  onResume(callback: () => void): void
  /**
   * For how long systems have been held, ms: until now, or lately. What has a time limit must not run out because of it:
   * what would have kept it may still wait.
   */
  heldMs(): number
  states(): SystemState[]
  close(): void
}

export function createBreakers(options: BreakerOptions): Breakers {
  const breakers = new Map<System, Breaker>()
  let isAnyHeld = false
  let isVerified = false
  let resume = () => {}
  const onResume = () => resume()
  const onState = () => {
    isAnyHeld = [...breakers.values()].some(breaker => breaker.isHeld)
  }

  return {
    watch: (system, probe) => void breakers.set(system, new Breaker(system, probe, { ...options, onState, onResume })),
    isAnyHeld: () => isAnyHeld,
    isHeld: system => breakers.get(system)?.isHeld ?? false,
    verify() {
      if (isVerified) return
      isVerified = true
      for (const breaker of breakers.values()) breaker.verify()
    },
    waitMs(needs) {
      let ms = 0
      for (const system of needs) {
        const breaker = system && breakers.get(system)
        if (breaker?.isHeld) ms = Math.max(ms, breaker.waitMs())
      }
      return ms
    },
    failed(orderingKey, error) {
      const found = outageOf(error)
      if (found === undefined) return undefined
      const breaker = breakers.get(found.outage.system)
      if (breaker === undefined) return undefined
      breaker.failed(orderingKey, found.error)
      return found.outage.system
    },
    succeeded: system => breakers.get(system)?.succeeded(),
    heldMs() {
      const now = options.clock.now()
      return Math.max(0, ...[...breakers.values()].map(breaker => breaker.heldMs(now)))
    },
    onResume(callback) {
      resume = callback
    },
    states: () =>
      [...breakers].map(([system, { state, held }]) => ({
        system,
        state,
        since: held?.since ?? null,
        why: held?.why ?? null,
      })),
    close() {
      for (const breaker of breakers.values()) breaker.close()
    },
  }
}
