/**
 * `npm run bench:lessons [-- ROUNDS]`: what the tutor's lessons cost with 20,000 of them: a week's page, pages of the
 * list, and a lesson found by the beginning of its id. CPU time, the median of ROUNDS (15) after a warm-up, on SQLite and,
 * with DATABASE_URL, on PostgreSQL (this process's share); each is meant to stay below 50 ms.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { openBackend, openCalendar } from '../backends/index.ts'
import type { Lesson, LocalCalendar } from '../calendar/contract.ts'
import { systemClock } from '../inbox/contracts.ts'
import { readLessonFilter } from '../operator/lessons/filter.ts'
import { findLesson, pageOfLessons, readWeek, weekOf } from '../operator/lessons/find.ts'
import { lessonView, linksOf } from '../operator/lessons/view.ts'
import { createPages } from '../operator/pages/index.ts'

const rounds = Number(process.argv[2] ?? 15)
const LESSONS = 20_000
const ZONE = 'Europe/Amsterdam'
const NOW = Date.parse('2026-11-23T10:00:00Z')
const HOUR = 3_600_000
const GOAL_MS = 50
const chatwoot = { url: 'https://chat.example.com', accountId: '1' }
const links = linksOf({ chatwootUrl: chatwoot.url, accountId: chatwoot.accountId, livemode: true })
const pages = createPages('/dashboard', ZONE, () => [], links, chatwoot)
const session = { formToken: 'x' }

/** Eight a day, an hour each, for seven years, half of them past. */
function lessonAt(index: number): Lesson {
  const ahead = index - LESSONS / 2
  const start = NOW + Math.floor(ahead / 8) * 24 * HOUR + (index % 8) * HOUR
  const conversation = `${4_100_000 + (index % 900)}`
  const order = `${conversation}-${index.toString(16).padStart(8, '0')}`
  const [student, payment] = [`Student ${index % 900}`, `60.00 EUR, pi_${index}`]
  return { order, start, end: start + HOUR, student, service: 'Wiskunde B', payment, conversation }
}

async function fill(where: string): Promise<void> {
  const calendar = await openCalendar(where, { now: () => NOW })
  const signal = AbortSignal.timeout(600_000)
  for (let index = 0; index < LESSONS; index++) {
    // Each tenth is cancelled.
    const lesson = lessonAt(index)
    await calendar.book(lesson, signal)
    if (index % 10 === 0) await calendar.cancel(lesson.order, signal)
  }
  await calendar.close()
}

async function measure(run: () => Promise<unknown>): Promise<number> {
  const each: number[] = []
  for (let round = 0; round < rounds + 3; round++) {
    const before = process.cpuUsage()
    await run()
    const { user, system } = process.cpuUsage(before)
    if (round >= 3) each.push((user + system) / 1_000)
  }
  return each.sort((one, other) => one - other)[Math.floor(rounds / 2)] as number
}

function casesOf(calendar: LocalCalendar): Record<string, () => Promise<unknown>> {
  const lessons = calendar.lessons.bind(calendar)
  const showWeek = async (date: string) => {
    const week = weekOf(date, NOW, ZONE)
    const read = await readWeek({ lessons, blocks: calendar.blocks.bind(calendar) }, week)
    return pages.week(session, { week, ...read, open: null, now: NOW })
  }
  const list = async (given: Record<string, unknown>, limit = 50) => {
    const page = await pageOfLessons(lessons, readLessonFilter(given, NOW, ZONE), limit)
    return JSON.stringify(page.lessons.map(lesson => lessonView(lesson, links)))
  }
  return {
    'the page of this week': () => showWeek('2026-11-23'),
    'the page of the first week': () => showWeek('2023-07-03'),
    'list: the next 50': () => list({}),
    'list: the next 200': () => list({}, 200),
    'list: a student’s of the year to come': () => list({ student: 'student 899' }),
    'list: a student’s of all seven years': () =>
      list({ from: '2023-06-01', to: '2030-12-31', student: 'student 899' }),
    'a lesson by the beginning of its id': () =>
      findLesson(calendar, '4100899-00002', AbortSignal.timeout(60_000)).catch(error => error),
  }
}

const folder = mkdtempSync(join(tmpdir(), 'tutorbot-bench-'))
console.log(`${cpus()[0]?.model}, Node ${process.version}, ${LESSONS} lessons`)
console.log('| Store | What | CPU, ms |\n|---|---|---|')
for (const where of [join(folder, 'webhooks.db'), ...(process.env.DATABASE_URL ? [process.env.DATABASE_URL] : [])]) {
  const log = pino({ level: 'silent' })
  const backend = await openBackend(where, { log, clock: systemClock, onCommit: () => {} })
  await fill(where)
  const calendar = await openCalendar(where, { now: () => NOW })
  const store = where.startsWith(folder) ? 'SQLite' : 'PostgreSQL'
  for (const [name, run] of Object.entries(casesOf(calendar))) {
    console.log(`| ${store} | ${name} | ${(await measure(run)).toFixed(1)} |`)
  }
  await calendar.close()
  await backend.store.close()
}
rmSync(folder, { recursive: true })
console.log(`the goal for each: ${GOAL_MS} ms`)
