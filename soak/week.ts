import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createRandom } from '../fuzz/random.ts'
import { cli } from '../test/helpers/cli.ts'
import { type Measures, measure } from './measures.ts'
import type { Setting } from './setting.ts'
import { addStudent, type Student } from './student.ts'

/** A tutor's week: students who write by day, a tutor who answers, systems that are away, restarts, backups. */

const MINUTE = 60_000
const HOUR = 60 * MINUTE
/** How far the clock goes on at a time, ms. */
const TICK = 10 * MINUTE
/** Ends and restarts come in this first part of the time: afterwards nothing may hide what grows. */
const ENDS_UNTIL = 4 / 7
/** How long a step of the clock waits for handlers, of its own time, ms: while a system is away there are always some. */
const PATIENCE_MS = 1_000
/** A person answers a student within this, ms. */
const TUTOR_ANSWERS_IN = 2 * HOUR
const ANSWER = 'Sorry for the wait, I have called you.'

export interface WeekOptions {
  setting: Setting
  seed: number
  /** Of the clock. */
  days: number
  /** How long it takes, ms. */
  lastsMs: number
  studentsPerDay: number
  /** For backups. */
  folder: string
  /** Sends the same to the yardstick, and returns the answer's time, ms. */
  askYardstick(): Promise<number>
}

export interface Week {
  students: Student[]
  measures: Measures[]
  /** What happened to the service and around it, and how often. */
  events: Record<string, number>
  /** Answers of the yardstick, ms. */
  yardstickMs: number[]
  /** Of webhooks: answers in time, ms; and those that were not 200, with why. */
  ackMs: number[]
  notAcknowledged: Record<string, number>
}

export async function playWeek(options: WeekOptions): Promise<Week> {
  const { setting, seed, days, lastsMs, studentsPerDay, folder } = options
  const { world } = setting
  const random = createRandom(seed, 'week')
  const people = createRandom(seed, 'students')
  const week: Week = { students: [], measures: [], events: {}, yardstickMs: [], ackMs: [], notAcknowledged: {} }
  const count = (what: string) => {
    week.events[what] = (week.events[what] ?? 0) + 1
  }
  world.events.on('wire', ({ kind, ms, status, error }) => {
    if (kind !== 'webhook' || ms === null) return
    if (status === 200) week.ackMs.push(ms)
    else week.notAcknowledged[`${status ?? error}`] = (week.notAcknowledged[`${status ?? error}`] ?? 0) + 1
  })
  const ticks = (days * 24 * HOUR) / TICK
  const realTick = lastsMs / ticks
  const begin = setting.now()
  /** When what is away comes back, by the clock. */
  let awayUntil = 0
  for (let tick = 0; tick < ticks; tick++) {
    const startedAt = performance.now()
    const now = setting.now()
    const hour = new Date(now).getUTCHours()
    if (hour >= 7 && hour < 21 && random.chance((studentsPerDay * TICK) / (14 * HOUR))) {
      week.students.push(addStudent(world, people, week.students.length + 1))
    }
    if (awayUntil !== 0 && now >= awayUntil) {
      world.setFaults({ chatwoot: 'none', stripe: 'none', twice: false })
      awayUntil = 0
    } else if (awayUntil === 0 && random.chance(0.01)) {
      const system = random.pick(['chatwoot', 'stripe', 'twice'] as const)
      const how = random.pick(['down', 'slow', '429'] as const)
      world.setFaults(system === 'twice' ? { twice: true } : { [system]: how })
      awayUntil = now + random.between(2, 9) * TICK
      count(system === 'twice' ? 'every webhook twice' : `${system} ${how === '429' ? 'limits' : how}`)
    }
    for (const student of week.students) if (!student.isDone()) student.act(now)
    answer(world, week.students, now)
    if (tick < ticks * ENDS_UNTIL && random.chance(0.01)) {
      count('kill -9')
      await setting.service.kill()
      await setting.service.start()
    } else if (tick < ticks * ENDS_UNTIL && random.chance(0.007)) {
      count('restart')
      await setting.restart()
    }
    if (tick % 144 === 20) await backUp(setting, folder, count)
    week.yardstickMs.push(await options.askYardstick())
    if (tick % 6 === 0) week.measures.push(await measure(setting, begin))
    await sleep(Math.max(0, realTick - (performance.now() - startedAt)))
    // A handler that is running would take the step for its time limit.
    await setting.handled(PATIENCE_MS)
    await setting.move(TICK)
  }
  world.setFaults({ chatwoot: 'none', stripe: 'none', twice: false })
  return week
}

/** The tutor answers who was handed over, and gives the conversation back a while later. */
function answer(world: Setting['world'], students: readonly Student[], now: number): void {
  for (const { conversation } of students) {
    const { id, status, messages } = conversation
    const last = messages.at(-1)
    if (status !== 'open') continue
    if (last?.content === ANSWER) world.giveBack(id)
    else if (now - Number(last?.created_at) * 1_000 >= TUTOR_ANSWERS_IN) world.answer(id, ANSWER, 'chatwoot')
  }
}

/** Of SQLite; PostgreSQL has programs of its own. */
async function backUp({ env }: Setting, folder: string, count: (what: string) => void): Promise<void> {
  if (env.DATABASE_URL?.startsWith('postgres')) return
  const file = join(folder, 'backup.db')
  const { code, err } = await cli(env, ['backup', file])
  if (code !== 0) throw new Error(`backup: ${err}`)
  count('backup')
  rmSync(file)
}
