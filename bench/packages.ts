/**
 * `npm run bench:packages [-- ROUNDS]`: what a student's packages, balance and lessons, a change of the calendar and a day
 * long ago cost among 100,000 entries of the ledger and 100,000 lessons. Elapsed time, the median of ROUNDS (200), on SQLite and, with DATABASE_URL, on an empty
 * PostgreSQL; each is meant to stay below 2 ms.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import pg from 'pg'
import { pino } from 'pino'
import { openBackend, openCalendar } from '../backends/index.ts'
import type { LocalCalendar } from '../calendar/contract.ts'
import { openPostgresCalendar } from '../calendar/postgres.ts'
import { readPackages } from '../calendar/sqlite-packages.ts'
import { systemClock } from '../inbox/contracts.ts'
import { openPostgresStore } from '../inbox/postgres/store.ts'

const rounds = Number(process.argv[2] ?? 200)
const [PACKAGES, ENTRIES_EACH, LESSONS] = [10_000, 10, 100_000]
const STUDENTS = 1_000
const HOUR = 3_600_000
const DAY = 24 * HOUR
const NOW = Date.parse('2026-11-23T10:00:00Z')
const GOAL_MS = 2
const margin = { before: 0, after: 0 }
const whose = { conversation: '500', contact: '500' }
const log = pino({ level: 'silent' })

/** Half of the lessons are past. */
const startOf = (index: number) => NOW + (index - LESSONS / 2) * HOUR

function fillFile(file: string): void {
  const db = new DatabaseSync(file)
  db.exec('BEGIN')
  const pack = db.prepare(
    `INSERT INTO package VALUES (?, ?, ?, 'Sam', 60, 600, ?, 0, '500.00 EUR, pi_1', 50000, 'EUR', ?)`,
  )
  const entry = db.prepare(`INSERT INTO package_entry VALUES (?, ?, ?, ?, ?, 'student', ?, NULL, NULL, ?)`)
  for (let index = 0; index < PACKAGES; index++) {
    const [id, student] = [`order-${index}`, `${index % STUDENTS}`]
    pack.run(id, student, student, 60, NOW + index)
    for (let number = 1; number <= ENTRIES_EACH; number++) {
      const [minutes, why] = number === 1 ? [600, 'bought'] : [-60, 'lesson']
      entry.run(`${id}:${number}`, id, number, minutes, why, NOW, 660 - 60 * number)
    }
  }
  const lesson = db.prepare(`INSERT INTO slot VALUES (?, ?, ?, NULL, 'Sam', 'Maths', NULL, ?, ?, ?, 1)`)
  for (let index = 0; index < LESSONS; index++) {
    const student = `${index % STUDENTS}`
    lesson.run(`lesson-${index}`, startOf(index), startOf(index) + HOUR, student, NOW, student)
  }
  db.exec('COMMIT')
  db.close()
}

/** The same packages as in the file, and as many lessons. */
async function fillDatabase(url: string, file: string): Promise<void> {
  const store = await openPostgresStore(url, log)
  await store.prepareImport()
  const calendar = await openPostgresCalendar(url, { now: () => NOW })
  const db = new DatabaseSync(file, { readOnly: true })
  const all = [...readPackages(db)]
  for (let at = 0; at < all.length; at += 500) await calendar.packages.import(all.slice(at, at + 500))
  db.close()
  const client = new pg.Client(url)
  await client.connect()
  await client.query(`
    INSERT INTO tutorbot_webhooks.slot (order_id, start_at, end_at, student, service, conversation, contact, sequence)
    SELECT 'lesson-' || n, ${startOf(0)} + n * ${HOUR}::bigint, ${startOf(1)} + n * ${HOUR}::bigint, 'Sam', 'Maths',
      n % ${STUDENTS}, n % ${STUDENTS}, 1 FROM generate_series(0, ${LESSONS - 1}) AS n;
    ANALYZE`)
  await client.end()
  await calendar.close()
  await store.close()
}

/** To behind the last one: each lesson of its own, so that there is always room. */
async function moveLesson(calendar: LocalCalendar, index: number, signal: AbortSignal): Promise<void> {
  const [from, start] = [startOf(LESSONS / 2 + index), startOf(LESSONS + index)]
  await calendar.move(
    { order: `lesson-${LESSONS / 2 + index}`, from, to: { start, end: start + HOUR }, margin },
    signal,
  )
}

async function measure(run: () => Promise<unknown>): Promise<number> {
  const each: number[] = []
  for (let round = 0; round < rounds + 10; round++) {
    const before = performance.now()
    await run()
    if (round >= 10) each.push(performance.now() - before)
  }
  return each.sort((one, other) => one - other)[Math.floor(rounds / 2)] as number
}

const folder = mkdtempSync(join(tmpdir(), 'tutorbot-bench-'))
const file = join(folder, 'webhooks.db')
console.log(`${cpus()[0]?.model}, Node ${process.version}, ${PACKAGES * ENTRIES_EACH} entries, ${LESSONS} lessons`)
console.log('| Store | What | ms |\n|---|---|---|')
for (const where of [file, ...(process.env.DATABASE_URL ? [process.env.DATABASE_URL] : [])]) {
  const backend = await openBackend(where, { log, clock: systemClock, onCommit: () => {} })
  const calendar = await openCalendar(where, { now: () => NOW })
  if (where === file) fillFile(file)
  else await fillDatabase(where, file)
  const { packages } = calendar
  const { signal } = new AbortController()
  let taken = 0
  let moved = 0
  const cases = {
    'a student’s packages, and what is left of each': () => packages.of(whose),
    'the entries of a package': () => packages.entries('order-500'),
    'a lesson taken': () => packages.take({ whose, order: `new-${taken++}`, minutes: 1, who: 'student', at: NOW }),
    'a student’s lessons to come': () => calendar.lessonsOf(whose, NOW, signal),
    'the newest 50 packages': () => packages.list(50),
    'a lesson moved to a free time': () => moveLesson(calendar, moved++, signal),
    'the lessons of a day, two years ago': () => calendar.lessons(NOW - 730 * DAY, NOW - 729 * DAY),
    'what is taken of the same day': () => calendar.busy(NOW - 730 * DAY, NOW - 729 * DAY, signal),
  }
  for (const [name, run] of Object.entries(cases)) {
    console.log(`| ${where === file ? 'SQLite' : 'PostgreSQL'} | ${name} | ${(await measure(run)).toFixed(2)} |`)
  }
  await calendar.close()
  await backend.store.close()
}
rmSync(folder, { recursive: true })
console.log(`the goal for each: ${GOAL_MS} ms (but a lesson taken or moved, which is a commit on disk)`)
