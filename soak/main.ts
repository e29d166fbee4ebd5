/**
 * `npm run soak -- [--minutes 60] [--days 7] [--students 25] [--seed 7] [--postgres] [--report FILE]`: a week of a busy tutor in
 * an hour, with the real process, the sandbox's stand-ins and a clock that is moved on. Prints a report; exit code 1 if
 * a promise is broken or something grows. `--break` breaks two on purpose, to show that the checks see it.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { DateTime } from 'luxon'
import { INCOMING, type MessageState } from '../sandbox/chatwoot-state.ts'
import type { Session } from '../sandbox/stripe-api.ts'
import { signedMessage } from '../test/helpers/load.ts'
import { postgresServer } from '../test/helpers/postgres-server.ts'
import { startProgram } from '../test/helpers/program.ts'
import { check } from './checks.ts'
import { report } from './report.ts'
import { type Setting, startSetting } from './setting.ts'
import { playWeek, type Week } from './week.ts'

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '60' },
    days: { type: 'string', default: '7' },
    students: { type: 'string', default: '25' },
    seed: { type: 'string', default: '7' },
    postgres: { type: 'boolean', default: false },
    report: { type: 'string' },
    break: { type: 'boolean', default: false },
  },
})
const [minutes, days, studentsPerDay, seed] = [values.minutes, values.days, values.students, values.seed].map(
  Number,
) as [number, number, number, number]
if (![minutes, days, studentsPerDay].every(each => each > 0) || !Number.isInteger(seed))
  throw new Error('--minutes, --days and --students are numbers above 0, --seed a whole one')

const HOUR = 3_600_000
const UNHEARD = {
  content: 'does anybody hear me?',
  message_type: INCOMING,
  private: false,
  content_type: 'text',
  content_attributes: {},
}
const folder = mkdtempSync(join(tmpdir(), 'webhooks-soak-'))
// Durable: what is measured is what is run.
const database = values.postgres ? await postgresServer('', []) : undefined
const store = (await database?.database()) ?? join(folder, 'webhooks.db')
const setting = await startSetting(store, folder)
const yardstick = await startYardstick()
await setting.move(untilMonday(setting.now()))
const lastsMs = minutes * 60_000
const options = { setting, seed, days, lastsMs, studentsPerDay, folder, askYardstick: yardstick.ask }
const week = await playWeek(options)
await settle(setting, week)
if (values.break) breakPromises(setting, week)
const findings = await check(setting, week)
yardstick.end()
await setting.close()
await database?.close()
const command = `npm run soak -- --minutes ${minutes} --days ${days} --students ${studentsPerDay} --seed ${seed}${values.postgres ? ' --postgres' : ''}`
const text = report(week, findings, { command, store: values.postgres ? 'PostgreSQL' : 'SQLite' })
console.log(text)
if (values.report !== undefined) writeFileSync(values.report, text)
if (findings.violations.length > 0) console.log(`The log and the store stay in ${folder}`)
else rmSync(folder, { recursive: true })
process.stdout.write('', () => process.exit(findings.violations.length > 0 ? 1 : 0))

/** To its first student's morning, so that a run does not depend on when it is begun. @param now Unix ms */
function untilMonday(now: number): number {
  const monday = DateTime.fromMillis(now, { zone: 'utc' }).plus({ weeks: 1 }).startOf('week').plus({ hours: 6 })
  return monday.toMillis() - now
}

/** Two days without new students: what was retried, scheduled or under way comes to its end. */
async function settle({ move, now, handled }: Setting, { students }: Week): Promise<void> {
  for (let hour = 0; hour < 48; hour++) {
    for (const student of students) student.act(now())
    await handled(10_000)
    await move(HOUR)
  }
  await handled(10_000)
}

/** Behind the service's back: a message that it never gets, and a payment that it knows nothing of. */
function breakPromises({ world }: Setting, { students }: Week): void {
  const message: MessageState = { ...UNHEARD, id: world.chatwoot.state.nextId() }
  const conversation = world.chatwoot.state.addConversation({ id: 9_999, contact: 9_999, messages: [message] })
  students.push({ conversation, wants: 'to be heard', act() {}, isDone: () => true })
  const metadata = { order_id: 'of-nobody', conversation_id: '9999' }
  world.stripe.sessions.set('cs_of_nobody', {
    id: 'cs_of_nobody',
    payment_intent: 'pi_of_nobody',
    payment_status: 'paid',
    amount_total: 5_000,
    metadata,
  } as Session)
}

async function startYardstick() {
  const file = join(import.meta.dirname, '../bench/yardstick.ts')
  const secret = 'the secret of the yardstick'
  const env = { PATH: process.env.PATH, CW_HMAC_SECRET: secret }
  const program = startProgram('the yardstick', [process.execPath, file], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  const [, url] =
    /Server listening at (http:\/\/127[^"]+)/.exec(await program.line(/Server listening at http:\/\/127/)) ?? []
  let number = 0
  return {
    async ask(): Promise<number> {
      const { body, headers } = signedMessage(++number, secret)
      const startedAt = performance.now()
      const answer = await fetch(`${url}/cw`, { method: 'POST', body, headers: { ...headers, connection: 'close' } })
      await answer.text()
      return performance.now() - startedAt
    },
    end() {
      program.child.kill('SIGTERM')
    },
  }
}
