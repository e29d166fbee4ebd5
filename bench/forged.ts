/**
 * `npm run bench:forged [-- --rounds 9]`: genuine webhooks at 200 a second, alone and beside a flood of forged ones at
 * half of the rate that the server can refuse, in turn; without a quarantine and with one.
 */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { LoadResult } from './load.ts'
import { folder, load, median, round, type Server, start, stop, summary } from './server.ts'

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '9' } } })
const GENUINE = { rate: 200, connections: 8 }
const FORGED = { secret: 'forged', answer: ' 401 ' }
const SECONDS = 6

async function measure(name: string, env: NodeJS.ProcessEnv): Promise<void> {
  const server = await start('../server.ts', join(folder, `${name}.db`), { env: { PORT: '0', ...env } })
  await load([server], 2_000)
  const { perSecond } = await load([server], 20_000, FORGED)
  const forged = { ...FORGED, rate: perSecond / 2 }
  const alone: LoadResult[] = []
  const beside: LoadResult[] = []
  for (let n = 0; n < Number(values.rounds); n++) {
    alone.push(await genuine(server))
    const [result] = await Promise.all([genuine(server), load([server], Math.ceil(forged.rate * SECONDS), forged)])
    beside.push(result)
  }
  await stop(server)
  const ratios = alone.map(({ p99 }, n) => (beside[n] as LoadResult).p99 / p99)
  console.table({
    [`${name}, alone`]: summary(alone),
    [`beside ${round(forged.rate)} forged a second`]: {
      ...summary(beside),
      'median of the ratios of p99': round(median(ratios), 2),
    },
  })
}

function genuine(server: Server): Promise<LoadResult> {
  return load([server], GENUINE.rate * SECONDS, GENUINE)
}

try {
  await measure('no quarantine', {})
  await measure('quarantine', { QUARANTINE_MB: '16' })
} finally {
  rmSync(folder, { recursive: true })
}
