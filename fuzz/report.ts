import { CHECKS, type Violation } from './checks.ts'
import type { FuzzEvent } from './history.ts'

/** Events printed before a violation. */
const EVENTS_BEFORE = 40
const MAX_SHOWN = 5

export interface Result {
  /** The options that reproduce the run's choices. */
  run: string
  events: FuzzEvent[]
  violations: Violation[]
  counts: Record<string, Record<string, number>>
  stored: number
}

/** Prints the table, and for each violation the events before it. */
export function printResult({ run, events, violations, counts, stored }: Result): void {
  console.log(`fuzz ${run}: ${events.length} events, ${stored} deliveries stored`)
  console.table(counts.deliveries)
  console.table({ ...counts.chaos, ...counts.commands })
  const results = Object.keys(CHECKS).map(name => [name, violations.filter(each => each.check === name).length])
  console.table(Object.fromEntries(results.map(([name, violated]) => [name, violated === 0 ? 'holds' : violated])))
  for (const { check, message, at } of violations.slice(0, MAX_SHOWN)) {
    console.log(`\nVIOLATED: ${check}: ${message}; npm run fuzz -- ${run}; the events before it:`)
    for (const [index, event] of events.slice(Math.max(0, at - EVENTS_BEFORE), at + 1).entries())
      console.log(`${Math.max(0, at - EVENTS_BEFORE) + index} ${JSON.stringify(event)}`)
  }
  if (violations.length > MAX_SHOWN) console.log(`\n… and ${violations.length - MAX_SHOWN} more violations`)
}
