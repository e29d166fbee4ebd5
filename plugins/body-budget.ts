import type { IncomingMessage } from 'node:http'
import createError from '@fastify/error'
import { errorCodes, type FastifyRequest } from 'fastify'
import { type Clock, systemClock } from '../inbox/contracts.ts'

/** Reads webhook bodies, and limits the memory of unfinished ones. */
export interface BodyBudget {
  /** A content type parser that returns the raw body. Errors: 413, 400, or 429 if the body was cut off. */
  read(request: FastifyRequest, payload: IncomingMessage, done: (error: Error | null, body?: Buffer) => void): void
  /** Reads and discards the rest of a refused large body. */
  drop(request: FastifyRequest): void
  stats(): BodyStats
}

export interface BodyStats {
  /** Bodies partly received, and the bytes they hold. */
  unfinished: number
  heldBytes: number
  /** Peak of `heldBytes`. */
  maxHeldBytes: number
  /** Bodies rejected since the start: to free memory for others, or for arriving too slowly. */
  cutForRoom: number
  cutForSlowness: number
}

export interface BodyBudgetOptions {
  /** The largest body, bytes. */
  bodyLimit: number
  /** Bytes that all unfinished bodies together may hold. */
  maxHeldBytes?: number
  clock?: Pick<Clock, 'now' | 'after'>
}

/** Eight bodies of maximum size; genuine ones are a few KB and arrive within a few ms. */
const MAX_HELD_BYTES = 32 * 1024 * 1024
/** Bodies up to this size are not rejected to make room for larger ones. */
export const SMALL_BODY_BYTES = 64 * 1024
/** Approximate memory overhead of each chunk. */
const CHUNK_OVERHEAD_BYTES = 256
/** A body's speed is not checked for this long, ms: Chatwoot itself waits no longer for a response. */
const GRACE_MS = 5_000
/** Minimum average speed after that; 4 MiB may take two minutes. */
const MIN_BYTES_PER_SECOND = 32 * 1024
/** How often speeds are checked, ms. */
const TICK_MS = 500

// 429: Chatwoot's bots retry after 429 and 500 only, and Stripe after anything but a 2xx.
const CutForRoomError = createError<[]>(
  'WEBHOOK_BODY_CUT',
  'Too many bodies are being received at once, and this was the slowest; please send it again',
  429,
)
const TooSlowError = createError<[]>(
  'WEBHOOK_BODY_TOO_SLOW',
  `The body arrived at less than ${MIN_BYTES_PER_SECOND} bytes/s; please send it again`,
  429,
)

/** A partly received body. */
interface Unfinished {
  received: number
  held: number
  startedAt: number
  /** What had been received at the last two ticks. */
  before: Sample
  last: Sample
  fail: (error: Error) => void
}

interface Sample {
  at: number
  received: number
}

export function createBodyBudget({
  bodyLimit,
  maxHeldBytes = MAX_HELD_BYTES,
  clock = systemClock,
}: BodyBudgetOptions): BodyBudget {
  const unfinished = new Set<Unfinished>()
  const turns = createTurns()
  const stats = { heldBytes: 0, maxHeldBytes: 0, cutForRoom: 0, cutForSlowness: 0 }

  function track(received: number, fail: Unfinished['fail']): Unfinished {
    const at = clock.now()
    const sample = { at, received: 0 }
    const body = { received, held: 0, startedAt: at, before: sample, last: sample, fail }
    if (unfinished.size === 0) clock.after(TICK_MS, tick)
    unfinished.add(body)
    return body
  }

  function hold(body: Unfinished, bytes: number): void {
    body.held += bytes
    stats.heldBytes += bytes
    while (stats.heldBytes > maxHeldBytes) {
      const slowest = slowestOf(unfinished, body, clock.now())
      stats.cutForRoom++
      slowest.fail(new CutForRoomError())
    }
    stats.maxHeldBytes = Math.max(stats.maxHeldBytes, stats.heldBytes)
  }

  function release(body: Unfinished): void {
    unfinished.delete(body)
    stats.heldBytes -= body.held
  }

  function tick(): void {
    const now = clock.now()
    for (const body of unfinished) {
      const age = now - body.startedAt
      body.before = body.last
      body.last = { at: now, received: body.received }
      if (age <= GRACE_MS || body.received * 1_000 >= MIN_BYTES_PER_SECOND * age) continue
      stats.cutForSlowness++
      body.fail(new TooSlowError())
    }
    if (unfinished.size > 0) clock.after(TICK_MS, tick)
  }

  const read: BodyBudget['read'] = (request, payload, done) => {
    const length = Number(request.headers['content-length'])
    if (length > bodyLimit) return done(new errorCodes.FST_ERR_CTP_BODY_TOO_LARGE())
    // Or of unknown size (chunked).
    const isLarge = !(length <= SMALL_BODY_BYTES)
    const pieces: Buffer[] = []
    let received = 0
    let body: Unfinished | undefined

    const end = (error: Error | null) => {
      payload.off('data', onData).off('end', onEnd).off('error', onError)
      if (body !== undefined) release(body)
      if (error === null) return done(null, Buffer.concat(pieces, received))
      done(error)
      if (payload === request.raw) for (const piece of pieces) free(request.raw, piece)
      pieces.length = 0
    }
    const onData = (piece: Buffer | string) => {
      const bytes = typeof piece === 'string' ? Buffer.from(piece) : piece
      received += bytes.length
      if (received > bodyLimit) return end(new errorCodes.FST_ERR_CTP_BODY_TOO_LARGE())
      pieces.push(bytes)
      // It is complete. Most bodies come in one piece, so there is nothing to track.
      if (received === length) return
      body ??= track(received, end)
      body.received = received
      hold(body, bytes.length + CHUNK_OVERHEAD_BYTES)
      // Unless it was itself rejected to make room.
      if (isLarge && unfinished.has(body)) turns.take(request.raw)
    }
    const onEnd = () =>
      end(received === length || Number.isNaN(length) ? null : new errorCodes.FST_ERR_CTP_INVALID_CONTENT_LENGTH())
    const onError = (error: Error) => end(Object.assign(error, { statusCode: 400 }))
    if (isLarge) turns.take(request.raw)
    payload.on('data', onData).on('end', onEnd).on('error', onError)
  }

  const drop: BodyBudget['drop'] = ({ raw }) => {
    raw.on('data', (piece: Buffer) => {
      free(raw, piece)
      turns.take(raw)
    })
  }

  return { read, drop, stats: () => ({ ...stats, unfinished: unfinished.size }) }
}

/**
 * The body to reject: of those above 64 KiB, the slowest recently; else the oldest unfinished one, but never the small
 * one that needs the room.
 */
function slowestOf(unfinished: Set<Unfinished>, asking: Unfinished, now: number): Unfinished {
  let slowest = asking
  let least = Number.POSITIVE_INFINITY
  for (const body of unfinished) {
    if (body === asking && body.received <= SMALL_BODY_BYTES) continue
    // Large ones rank below 0, by speed; small ones above, by age.
    const rank = body.received > SMALL_BODY_BYTES ? speedOf(body, now) - MAX_SPEED : body.startedAt
    if (rank >= least) continue
    least = rank
    slowest = body
  }
  return slowest
}

/** Faster than any network, bytes/ms. */
const MAX_SPEED = 1e12

/** Over about the last second, or since its start, bytes/ms. */
function speedOf({ received, before }: Unfinished, now: number): number {
  return Math.min((received - before.received) / Math.max(now - before.at, 1), MAX_SPEED)
}

/**
 * Frees a piece's memory at once; the garbage collector would wait for a hundred MiB of them. Only for pieces received
 * over HTTP that own their buffer.
 */
function free({ complete }: IncomingMessage, { buffer, byteLength }: Buffer): void {
  if (complete === false && buffer.byteLength === byteLength) (buffer as ArrayBuffer).transfer(0)
}

/** Large bodies read in one turn of the event loop, 64 to 128 KiB of each. */
const BODIES_PER_TURN = 8

/**
 * Reads large bodies in turns. Node reads up to 2 MiB per connection in one turn of the event loop: with a few hundred
 * connections, nothing else would be answered for a second.
 */
function createTurns() {
  const waiting = new Set<IncomingMessage>()

  function next(): void {
    let left = BODIES_PER_TURN
    for (const raw of waiting) {
      waiting.delete(raw)
      raw.resume()
      if (--left === 0) break
    }
    if (waiting.size > 0) setImmediate(next)
  }

  return {
    /** Pauses a body until its next turn. Only the request: Node pauses the connection by itself. */
    take(raw: IncomingMessage): void {
      raw.pause()
      if (waiting.size === 0) setImmediate(next)
      waiting.add(raw)
    },
  }
}
