/**
 * `npm run bench:free-times [-- ROUNDS]`: what it costs to find the free times of a planning, and to pick six of them.
 * CPU time, the median of ROUNDS (25) after a warm-up; with 60 days and 2,000 busy times it is meant to stay below 5 ms.
 */
import { cpus } from 'node:os'
import { profileOf } from '../handlers/planning.ts'
import { freeSlots, pickSlots } from '../handlers/slots.ts'
import { WEEKDAYS } from '../tutor/settings.ts'
import { tutorOf } from '../tutor/tutor.ts'

const rounds = Number(process.argv[2] ?? 25)
const ZONE = 'Europe/Amsterdam'
const NOW = Date.parse('2026-11-23T10:00:00Z')
const HOUR = 3_600_000
const GOAL_MS = 5

const CASES = {
  'the default, 200 busy': { all: {}, busy: 200 },
  '60 days, every hour from 9 to 21, 2,000 busy': { all: { daysAhead: 60, hours: daily('09:00-21:00') }, busy: 2_000 },
  'the most that can be set: 90 days, each quarter of an hour, 2,000 busy': {
    all: { daysAhead: 90, stepMinutes: 15, hours: daily('00:00-24:00') },
    busy: 2_000,
  },
}

function daily(span: string) {
  return Object.fromEntries(WEEKDAYS.map(day => [day, [span]]))
}

function measure(run: () => unknown): number {
  const each = Array.from({ length: rounds }, () => {
    const before = process.cpuUsage()
    run()
    const { user, system } = process.cpuUsage(before)
    return (user + system) / 1_000
  }).sort((one, other) => one - other)
  return each[Math.floor(rounds / 2)] as number
}

console.log(`${cpus()[0]?.model}, Node ${process.version}`)
console.log('| Planning | Free | Found in, ms | Six picked in, ms |\n|---|---|---|---|')
for (const [name, { all, busy: count }] of Object.entries(CASES)) {
  const { planning } = tutorOf({ planning: { all } }, ZONE)
  const profile = profileOf({ planning }, 'existing', { type: 'regular', minutes: 60 })
  // In two hours of three of the first 40 days: what is left is free.
  const busy = Array.from({ length: count }, (_, index) => {
    const start = NOW + Math.floor((index / count) * 320) * 3 * HOUR
    return { start, end: start + 2 * HOUR - (index % 3) * 60_000 }
  })
  const find = () => freeSlots(profile, busy, NOW, ZONE)
  const slots = find()
  const pick = () => pickSlots(slots, 6, ZONE)
  for (const warmUp of [find, pick]) measure(warmUp)
  console.log(`| ${name} | ${slots.length} | ${measure(find).toFixed(2)} | ${measure(pick).toFixed(2)} |`)
}
console.log(`the goal for 60 days: ${GOAL_MS} ms`)
