import type { EventEmitter } from 'node:events'
import type { AnsweredEvent, HandledEvent, WebhookEvents } from '../inbox/events.ts'

/** Webhooks of one minute, by what became of them. */
export interface MinuteCounts {
  /** The minute's beginning, Unix ms. */
  at: number
  accepted: number
  duplicate: number
  /** Not genuine, or malformed. */
  refused: number
  /** Not stored: the sender was asked to send it again. */
  failed: number
}

/** The attempts of one handler. */
export interface HandlerTimes {
  source: string
  event: string
  attempts: number
  /** Attempts that did not end well. */
  failed: number
  /** ms. */
  mean: number
  slowest: number
}

type Outcome = Exclude<keyof MinuteCounts, 'at'>

/** What the chart calls an answer's outcome; what was ignored is not in it. */
const OUTCOMES: Record<string, Outcome> = {
  accepted: 'accepted',
  duplicate: 'duplicate',
  refused: 'refused',
  malformed: 'refused',
  failed: 'failed',
}

const MINUTES = 60
const MINUTE_MS = 60_000
/** Handlers that are told apart in one minute. */
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

/** What this process has done in the last hour, in a memory that does not grow. @param now Unix ms */
export function createActivity(events: EventEmitter<WebhookEvents>, now: () => number = Date.now) {
  const ring: Minute[] = []

  /** The minute that a time is in, in its place in the ring. */
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
    // What is dead before any attempt had no handler.
    if (attempt === 0) return
    const { handlers } = minute(thisMinute())
    if (handlers.size >= MAX_HANDLERS && !handlers.has(nameOf({ source, event }))) return
    add(handlers, { source, event, attempts: 1, failed: result === 'done' ? 0 : 1, ms, slowest: ms })
  }

  events.on('answered', onAnswered).on('handled', onHandled)

  return {
    /** The last hour, oldest minute first. */
    minutes: (): MinuteCounts[] => hour(),
    /** The handlers that ran in the last hour, slowest first. */
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
