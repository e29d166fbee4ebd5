import { hash } from 'node:crypto'
import { isIPv6 } from 'node:net'
import type { Clock, Logger, Payload } from './contracts.ts'
import { deliveryId } from './delivery-id.ts'
import { redactSecrets } from './redact.ts'

/**
 * Quarantine: refused requests whose signature is of no known secret, kept for some hours. When the secret is mended they
 * are verified again. Nothing in them is trusted, and nothing is parsed before that.
 */

/** A refused request. */
export interface RefusedRequest {
  /** Who was called: the name of the route's source. */
  source: string
  /** The sender's, as far as proxies are trusted to say it. */
  address: string
  /** Unix ms. */
  receivedAt: number
  /** Why it was refused: an error's code. */
  why: string
  /** What verification and its source read: never a cookie or a token. Names in lower case. */
  headers: Record<string, string>
  /** The exact bytes: a signature is over these. */
  body: Buffer
}

/** One that is kept. */
export interface QuarantinedRequest extends RefusedRequest {
  /** UUIDv8 of source, headers and body: the same request is kept once. */
  id: string
}

/** The store's part of it. All of it works beside a running server, and waits for the commit. */
export interface QuarantineStore {
  /**
   * Keeps requests, in order, as long as all that are kept take no more than `maxBytes`; those that are there stay.
   * known: the same one is kept already. full: it is not kept.
   */
  keep(requests: readonly QuarantinedRequest[], maxBytes: number): Promise<('kept' | 'known' | 'full')[]>
  /** Asks the server to verify these again. Returns how many there are. @param now Unix ms */
  ask(ids: readonly string[], now: number): Promise<number>
  /** The oldest that are to be verified again: at most 20, and about 4 MiB. */
  asked(): Promise<QuarantinedRequest[]>
  /** Ends a verification: those that were accepted (or need no handling) are deleted, the others keep why they were not. */
  end(released: readonly string[], refused: ReadonlyMap<string, string>, now: number): Promise<void>
  /** How many are kept, how many bytes they take, and how many of them wait to be verified again. */
  size(): Promise<QuarantineSize>
  /** Deletes some of those that came before a time (Unix ms), the oldest first. false: there are no more. */
  prune(before: number): Promise<boolean>
}

export interface QuarantineSize {
  deliveries: number
  bytes: number
  asked: number
}

export interface QuarantineLimits {
  /** Bytes of all that is kept together. */
  maxBytes: number
  /** From one address in one minute. */
  perAddressPerMinute: number
}

/** kept, known (the same is kept already), full (no room), share (its address has had its share), busy, or failed. */
export type QuarantineOutcome = 'kept' | 'known' | 'full' | 'share' | 'busy' | 'failed'

/** What one that is kept takes beside its headers and its body, bytes: so that tiny ones are bounded in number too. */
const OVERHEAD_BYTES = 1_024
/** Part of the bytes that one address may take in one minute. */
const SHARE_OF_BYTES = 1 / 10
/** Addresses whose shares are counted; in a minute with more, newcomers are not kept. */
const MAX_ADDRESSES = 1_000
const MINUTE_MS = 60_000
/** Written in one commit, which deliveries may wait for: requests, and bytes. One larger request is written alone. */
const AT_ONCE = 20
const BYTES_AT_ONCE = 256 * 1024
/** Between two such commits, ms: deliveries come first. */
const PAUSE_MS = 100
/** Bytes that may wait to be written. */
const MAX_WAITING_BYTES = 8 * 1024 * 1024

/** What one takes, bytes. */
export function bytesOf({ headers, body }: Pick<RefusedRequest, 'headers' | 'body'>): number {
  return OVERHEAD_BYTES + JSON.stringify(headers).length + body.length
}

/** As a delivery's payload is shown: its body as text, without secrets. */
export function shownRequest(headers: Record<string, string>, body: Uint8Array): Payload {
  const bytes = Buffer.from(body)
  redactSecrets(bytes)
  return { headers, body: bytes.toString() }
}

interface KeepingParts extends QuarantineLimits {
  store: QuarantineStore
  clock: Clock
  log: Logger
  /** Called for each request, once it is known what became of it. */
  onOutcome: (source: string, outcome: QuarantineOutcome) => void
}

interface Share {
  requests: number
  bytes: number
}

/** Keeps refused requests: a share for each address and minute, written a few at a time, beside the deliveries. */
export class Quarantine {
  readonly #parts: KeepingParts
  #minute = 0
  readonly #shares = new Map<string, Share>()
  #waiting: QuarantinedRequest[] = []
  #waitingBytes = 0
  #writing: Promise<void> | null = null
  #isStopped = false
  #endPause = () => {}

  constructor(parts: KeepingParts) {
    this.#parts = parts
  }

  /** Takes a refused request; it is written within a moment, or counted as not kept. Never throws. */
  keep(request: RefusedRequest): void {
    const bytes = bytesOf(request)
    const outcome = this.#isStopped ? 'busy' : this.#admit(request, bytes)
    if (outcome !== undefined) {
      this.#parts.onOutcome(request.source, outcome)
      return
    }
    this.#waiting.push({ ...request, id: idOf(request) })
    this.#waitingBytes += bytes
    this.#writing ??= this.#write()
  }

  /** Writes what waits, and takes no more. */
  async stop(): Promise<void> {
    this.#isStopped = true
    this.#endPause()
    await this.#writing
  }

  /** undefined: it is to be written. */
  #admit({ address, receivedAt }: RefusedRequest, bytes: number): 'share' | 'busy' | undefined {
    const { maxBytes, perAddressPerMinute } = this.#parts
    const minute = Math.floor(receivedAt / MINUTE_MS)
    if (minute !== this.#minute) this.#shares.clear()
    this.#minute = minute
    const network = networkOf(address)
    const share = this.#shares.get(network) ?? { requests: 0, bytes: 0 }
    if (share.requests === 0 && this.#shares.size >= MAX_ADDRESSES) return 'share'
    if (share.requests >= perAddressPerMinute || share.bytes + bytes > maxBytes * SHARE_OF_BYTES) return 'share'
    if (this.#waitingBytes + bytes > MAX_WAITING_BYTES) return 'busy'
    this.#shares.set(network, { requests: share.requests + 1, bytes: share.bytes + bytes })
    return undefined
  }

  async #write(): Promise<void> {
    const { store, maxBytes, onOutcome, log } = this.#parts
    while (this.#waiting.length > 0) {
      const some = this.#next()
      const outcomes = await store.keep(some, maxBytes).catch((error: unknown) => {
        log.warn(error, 'refused deliveries could not be kept in quarantine')
        return some.map(() => 'failed' as const)
      })
      for (const [index, { source }] of some.entries()) onOutcome(source, outcomes[index] as QuarantineOutcome)
      for (const request of some) this.#waitingBytes -= bytesOf(request)
      if (!this.#isStopped && this.#waiting.length > 0) await this.#pause()
    }
    this.#writing = null
  }

  #next(): QuarantinedRequest[] {
    let bytes = 0
    let count = 0
    for (const request of this.#waiting.slice(0, AT_ONCE)) {
      bytes += bytesOf(request)
      if (count > 0 && bytes > BYTES_AT_ONCE) break
      count++
    }
    return this.#waiting.splice(0, count)
  }

  #pause(): Promise<void> {
    return new Promise(resolve => {
      const cancel = this.#parts.clock.after(PAUSE_MS, resolve)
      this.#endPause = () => {
        cancel()
        resolve()
      }
    })
  }
}

function idOf({ source, headers, body }: RefusedRequest): string {
  return deliveryId('quarantine', hash('sha256', Buffer.concat([Buffer.from(JSON.stringify([source, headers])), body])))
}

/** Whose share it is: of IPv6, who has one address has 2^64 of them. */
function networkOf(address: string): string {
  if (!isIPv6(address) || address.startsWith('::ffff:')) return address
  const [beginning = ''] = address.split('::')
  const groups = beginning === '' ? [] : beginning.split(':')
  return `${[...groups, '0', '0', '0', '0'].slice(0, 4).join(':')}::/64`
}
