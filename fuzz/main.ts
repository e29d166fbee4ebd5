/**
 * `npm run fuzz -- --seconds 300 --seed 7 [--postgres]`: sends random deliveries to the real process while killing,
 * stopping and freezing it, moving its clock, restarting its database and running every command; then checks the history.
 * `--break once|overlap|lost` breaks a promise on purpose to show that the checks fail. Exit code 1: a violation.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { postgresServer } from '../test/helpers/postgres-server.ts'
import { startChaos } from './chaos.ts'
import { check, type StoredRow } from './checks.ts'
import { type Fleet, startFleet } from './fleet.ts'
import { type Journal, openJournal, readJournal } from './history.ts'
import { type Operator, startOperator } from './operator.ts'
import { createRandom } from './random.ts'
import { printResult } from './report.ts'
import { startSender } from './sender.ts'
import { storedRows } from './stored.ts'

const SECRET = 'the secret of the fuzz'
/** Time to handle everything after the chaos, ms: ends a run that hangs. */
const DRAIN_MS = 300_000
/** A clock offset at which every retry is due. */
const LATER_MS = 24 * 3_600_000

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    postgres: { type: 'boolean', default: false },
    break: { type: 'string', default: '' },
  },
})
const seconds = Number(values.seconds)
const seed = Number(values.seed)
if (!(seconds > 0) || !Number.isInteger(seed)) throw new Error('--seconds is a number, --seed a whole one')

const folder = mkdtempSync(join(tmpdir(), 'webhooks-fuzz-'))
const journalFile = join(folder, 'journal')
const database = values.postgres ? await postgresServer('') : undefined
const store = (await database?.database()) ?? join(folder, 'webhooks.db')
const journal = openJournal(journalFile)
const env = { DATABASE_URL: store, CW_HMAC_SECRET: SECRET }
const hostEnv = { ...env, FUZZ_JOURNAL: journalFile, FUZZ_BREAK: values.break }
const random = (stream: string) => createRandom(seed, stream)

const fleet = await startFleet({ instances: values.postgres ? 2 : 1, folder, env: hostEnv, journal })
const sender = startSender(fleet, journal, random('sender'), SECRET)
const { acknowledged } = sender
const operator = startOperator({ fleet, journal, random: random('operator'), folder, env, acknowledged })
const chaos = startChaos(fleet, journal, random('chaos'), database)
await sleep(seconds * 1_000)
await chaos.stop()
await Promise.all([operator.stop(), sender.stop()])
const rows = await settle(fleet, operator, journal)
await fleet.stop()
sender.close()
await database?.close()
journal.close()

const violations = check(readJournal(journalFile), rows)
printResult({
  run: `--seconds ${seconds} --seed ${seed}${values.postgres ? ' --postgres' : ''}`,
  events: readJournal(journalFile),
  violations,
  counts: { deliveries: sender.counts, chaos: chaos.counts, commands: operator.counts },
  stored: rows.length,
})
if (violations.length > 0) {
  console.log(`\nWhat happened, the log and the store stay in ${folder}`)
} else rmSync(folder, { recursive: true, force: true })
// Not process.exitCode: with it, the process once ended with 0 after a violation. And only after stdout is flushed, since
// pipes are asynchronous.
process.stdout.write('', () => process.exit(violations.length > 0 ? 1 : 0))

/** Gets everything acknowledged and handled, by clock and replay. Returns what is stored then. */
async function settle(fleet: Fleet, operator: Operator, journal: Journal): Promise<StoredRow[]> {
  fleet.moveClock(LATER_MS)
  const began = performance.now()
  for (;;) {
    const sent = await sender.flush()
    const rows = await storedRows(store)
    const ours = rows.filter(({ id }) => acknowledged.has(id))
    const left = ours.filter(({ state }) => state !== 'done' && state !== 'discarded')
    if (sent && left.length === 0) return rows
    if (performance.now() - began > DRAIN_MS) {
      journal.add({ what: 'not drained', left: left.length })
      return rows
    }
    for (const state of ['dead', 'parked'])
      if (left.some(row => row.state === state)) await operator.run('replay', '--state', state)
    await sleep(200)
  }
}
