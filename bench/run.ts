/**
 * `npm run bench`: measures, and prints the tables of docs/benchmarks.md. Options; 0 skips a part:
 * --requests N  deliveries per round, compared with the yardstick
 * --rounds N    rounds of that
 * --rows N      rows of the full store that is compared with an empty one
 * --long N      deliveries of the memory run
 * --postgres N  deliveries pending in PostgreSQL before they are drained
 * --prune N, --backup N, --litestream N  rows with payloads that are pruned, backed up or replicated under load; default: 0
 * --rate N      deliveries per second meanwhile
 * --against F   only compares accepting with the checkout in the folder F
 */
import { rmSync } from 'node:fs'
import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { compareWith } from './against.ts'
import { measureBackup, measurePruning, measureReplication } from './maintenance.ts'
import { measurePostgres } from './postgres.ts'
import { CONNECTIONS, folder } from './server.ts'
import { compare, compareRows, watchMemory } from './sqlite.ts'

const { values } = parseArgs({
  options: {
    requests: { type: 'string', default: '40000' },
    rounds: { type: 'string', default: '3' },
    rows: { type: 'string', default: '1000000' },
    long: { type: 'string', default: '500000' },
    postgres: { type: 'string', default: '60000' },
    prune: { type: 'string', default: '0' },
    backup: { type: 'string', default: '0' },
    litestream: { type: 'string', default: '0' },
    rate: { type: 'string', default: '1000' },
    against: { type: 'string' },
  },
})
const { against, ...counts } = values
const numbers = Object.fromEntries(Object.entries(counts).map(([name, value]) => [name, Number(value)]))
const { requests, rounds, rows, long, postgres, prune, backup, litestream, rate } = numbers as Record<
  keyof typeof counts,
  number
>

try {
  console.log(
    `${cpus()[0]?.model}, ${cpus().length} cores, Node ${process.version}; ${CONNECTIONS} connections, ${requests} deliveries a round, median of ${rounds}`,
  )
  if (against !== undefined) await compareWith(against, requests, rounds)
  else await measureAll()
} finally {
  rmSync(folder, { recursive: true, force: true })
}

async function measureAll(): Promise<void> {
  if (rounds > 0) await compare(requests, rounds)
  if (rows > 0) await compareRows(rows, requests, rounds)
  if (long > 0) await watchMemory(long)
  if (postgres > 0) await measurePostgres(postgres)
  if (prune > 0) await measurePruning(prune, rate)
  if (backup > 0) await measureBackup(backup, rate)
  if (litestream > 0) await measureReplication(litestream, rate)
}
