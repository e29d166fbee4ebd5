/** `npm run bench:start -- FOLDER [ROUNDS]`: two checkouts alternating, from exec to the first 200, and `list`. */
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { firstAnswer, freePort, median } from './first-answer.ts'

const [other, rounds = '11'] = process.argv.slice(2)
if (other === undefined) throw new Error('npm run bench:start -- FOLDER [ROUNDS]: the folder of another checkout')
const folder = mkdtempSync(join(tmpdir(), 'webhooks-bench-'))
const checkouts = { this: fileURLToPath(new URL('..', import.meta.url)), other: resolve(other) }

interface Cost {
  /** Wall time, ms. */
  ms: number
  /** CPU time, ms; of servers, on Linux. */
  cpuMs?: number
}

const costs = new Map<string, Cost[]>()

try {
  for (const path of Object.values(checkouts)) execFileSync('npm', ['run', '-s', 'build'], { cwd: path })
  for (let round = 0; round < Number(rounds); round++) {
    const names = Object.keys(checkouts) as (keyof typeof checkouts)[]
    for (const name of round % 2 === 0 ? names : names.reverse()) await measure(name, checkouts[name])
  }
  report()
} finally {
  rmSync(folder, { recursive: true, force: true })
}

async function measure(name: string, path: string): Promise<void> {
  const { scripts, bin } = JSON.parse(readFileSync(join(path, 'package.json'), 'utf8'))
  const built = `exec node ${join(path, bin['tutorbot-webhooks'])}`
  const store = join(folder, `${name}.db`)
  await note(`npm start, ${name}`, untilFirst200(scripts.start, path, store))
  await note(`built, ${name}`, untilFirst200(built, path, store))
  await note(`cli list, ${name}`, untilDone(`${scripts.cli} list`, path, store))
  await note(`built list, ${name}`, untilDone(`${built} list`, path, store))
}

async function note(what: string, cost: Cost | Promise<Cost>): Promise<void> {
  costs.set(what, [...(costs.get(what) ?? []), await cost])
}

function environment(path: string, store: string, port = 0): NodeJS.ProcessEnv {
  const PATH = [join(path, 'node_modules/.bin'), process.env.PATH].join(delimiter)
  return { PATH, PORT: `${port}`, DATABASE_URL: store, CW_HMAC_SECRET: 'a secret of the benchmark' }
}

/** The command replaces the shell that runs it. */
async function untilFirst200(command: string, path: string, store: string): Promise<Cost> {
  const port = await freePort()
  const child = spawn('sh', ['-c', command], { cwd: path, env: environment(path, store, port), stdio: 'ignore' })
  const ms = await firstAnswer(port, () =>
    child.exitCode === null ? undefined : `${command} ended with ${child.exitCode}`,
  )
  const cost = { ms, ...cpuOf(child.pid as number) }
  child.kill('SIGTERM')
  await once(child, 'exit')
  return cost
}

function untilDone(command: string, path: string, store: string): Cost {
  const startedAt = performance.now()
  const { status, stderr } = spawnSync('sh', ['-c', command], { cwd: path, env: environment(path, store) })
  if (status !== 0) throw new Error(`${command}: ${stderr}`)
  return { ms: performance.now() - startedAt }
}

/** User and system time so far: fields 14 and 15 of /proc/PID/stat, in hundredths of a second. */
function cpuOf(pid: number): Pick<Cost, 'cpuMs'> {
  if (process.platform !== 'linux') return {}
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ')
  return { cpuMs: (Number(fields[11]) + Number(fields[12])) * 10 }
}

function report(): void {
  const rows = [...costs].sort(([a], [b]) => a.localeCompare(b))
  console.table(
    Object.fromEntries(
      rows.map(([what, list]) => [
        what,
        {
          'median, ms': median(list.map(({ ms }) => ms)),
          'CPU, ms': median(list.flatMap(({ cpuMs }) => cpuMs ?? [])),
        },
      ]),
    ),
  )
}
