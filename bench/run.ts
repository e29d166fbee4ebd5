/**
 * `npm run bench`: measures, and prints the tables of the README. Options; 0 leaves a part out:
 * --requests N  deliveries in a round of the comparison with the yardstick
 * --rounds N    its rounds
 * --rows N      stored before, in the comparison of a full store with an empty one
 * --long N      deliveries of the memory run
 * --postgres N  deliveries that wait in PostgreSQL before they are drained
 * --prune N, --backup N  stored rows with payloads that are pruned or copied under load; not unless asked for
 * --rate N      deliveries per second meanwhile
 */
import { rmSync } from 'node:fs'
import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { measureBackup, measurePruning } from './maintenance.ts'
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
    rate: { type: 'string', default: '1000' },
  },
})
const numbers = Object.fromEntries(Object.entries(values).map(([name, value]) => [name, Number(value)]))
const { requests, rounds, rows, long, postgres, prune, backup, rate } = numbers as Record<keyof typeof values, number>

try {
  console.log(
    `${cpus()[0]?.model}, ${cpus().length} cores, Node ${process.version}; ${CONNECTIONS} connections, ${requests} deliveries a round, median of ${rounds}`,
  )
  if (rounds > 0) await compare(requests, rounds)
  if (rows > 0) await compareRows(rows, requests, rounds)
  if (long > 0) await watchMemory(long)
  if (postgres > 0) await measurePostgres(postgres)
  if (prune > 0) await measurePruning(prune, rate)
  if (backup > 0) await measureBackup(backup, rate)
} finally {
  rmSync(folder, { recursive: true, force: true })
}
