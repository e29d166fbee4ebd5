import type { EventEmitter } from 'node:events'
import type { AnsweredEvent, HandledEvent, WebhookEvents } from '../inbox/events.ts'

/** Webhooks of one minute, by outcome. */
export interface MinuteCounts {
  /** Start of the minute, Unix ms. */
  at: number
  accepted: number
  duplicate: number
  /** Not authentic, or malformed. */
  refused: number
  /** Not stored: the sender has to retry. */
  failed: number
}

/** The attempts of one handler. */
export interface HandlerTimes {
  source: string
  event: string
  attempts: number
  /** Failed attempts. */
  failed: number
  /** ms. */
  mean: number
  slowest: number
}

type Outcome = Exclude<keyof MinuteCounts, 'at'>

/** The chart's series by outcome; ignored webhooks are not shown. */
const OUTCOMES: Record<string, Outcome> = {
  accepted: 'accepted',
  duplicate: 'duplicate',
  refused: 'refused',
  malformed: 'refused',
  failed: 'failed',
}

const MINUTES = 60
const MINUTE_MS = 60_000
/** Limit of handlers counted separately per minute. */
const MAX_HANDLERS = 100

interface Times {
  source: string
  event: string
  attempts: number
  failed: number
  ms: number
  slowest: number
}

interface Minute extends MinuteCounts {
  /** By source and event. */
  handlers: Map<string, Times>
}

/** This process's activity in the last hour, in bounded memory. @param now Unix ms */
export function createActivity(events: EventEmitter<WebhookEvents>, now: () => number = Date.now) {
  const ring: Minute[] = []

  /** A time's minute in the ring buffer. */
  function minute(number: number): Minute {
    const at = number * MINUTE_MS
    const kept = ring[number % MINUTES]
    if (kept?.at === at) return kept
    const fresh: Minute = { at, accepted: 0, duplicate: 0, refused: 0, failed: 0, handlers: new Map() }
    ring[number % MINUTES] = fresh
    return fresh
  }

  const thisMinute = () => Math.floor(now() / MINUTE_MS)
  /** The last hour, oldest minute first. */
  const hour = () => Array.from({ length: MINUTES }, (_, index) => minute(thisMinute() - MINUTES + 1 + index))

  function onAnswered({ outcome }: AnsweredEvent): void {
    const counted = OUTCOMES[outcome]
    if (counted !== undefined) minute(thisMinute())[counted]++
  }

  function onHandled({ source, event, attempt, result, ms }: HandledEvent): void {
    // Dead before any attempt: no handler ran.
    if (attempt === 0) return
    const { handlers } = minute(thisMinute())
    if (handlers.size >= MAX_HANDLERS && !handlers.has(nameOf({ source, event }))) return
    add(handlers, { source, event, attempts: 1, failed: result === 'done' ? 0 : 1, ms, slowest: ms })
  }

  events.on('answered', onAnswered).on('handled', onHandled)

  return {
    /** The last hour, oldest minute first. */
    minutes: (): MinuteCounts[] => hour(),
    /** Handlers that ran in the last hour, slowest first. */
    slowest(most: number): HandlerTimes[] {
      const all = new Map<string, Times>()
      for (const { handlers } of hour()) {
        for (const times of handlers.values()) add(all, times)
      }
      return [...all.values()]
        .map(({ ms, ...times }) => ({ ...times, mean: ms / times.attempts }))
        .sort((a, b) => b.slowest - a.slowest)
        .slice(0, most)
    },
  }
}

function add(handlers: Map<string, Times>, { source, event, attempts, failed, ms, slowest }: Times): void {
  const name = nameOf({ source, event })
  const times = handlers.get(name) ?? { source, event, attempts: 0, failed: 0, ms: 0, slowest: 0 }
  handlers.set(name, {
    source,
    event,
    attempts: times.attempts + attempts,
    failed: times.failed + failed,
    ms: times.ms + ms,
    slowest: Math.max(times.slowest, slowest),
  })
}

function nameOf({ source, event }: Pick<Times, 'source' | 'event'>): string {
  return `${source} ${event}`
}
