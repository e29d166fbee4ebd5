import { setTimeout as sleep } from 'node:timers/promises'
import type { PostgresServer } from '../test/helpers/postgres-server.ts'
import type { Fleet, Instance } from './fleet.ts'
import type { Journal } from './history.ts'
import type { Random } from './random.ts'

const SECOND = 1_000
const HOUR = 3_600_000
/** Largest clock offset, ms. */
const MAX_OFFSET_MS = 3 * HOUR

/** Kills, freezes and misleads the processes under test, one fault at a time, until stopped. */
export function startChaos(fleet: Fleet, journal: Journal, random: Random, database?: PostgresServer) {
  const stopping = new AbortController()
  const counts: Record<string, number> = {}
  const pause = (ms: number) => sleep(ms, undefined, { signal: stopping.signal }).catch(() => {})

  const deeds: Record<string, (instance: Instance) => Promise<void>> = {
    'kill -9': instance => instance.kill(),
    SIGTERM: instance => instance.terminate(),
    async SIGSTOP(instance) {
      instance.freeze()
      await pause(random.between(100, database === undefined ? 4 * SECOND : 20 * SECOND))
      instance.thaw()
    },
    async 'clock moved'() {
      const offset = random.between(-MAX_OFFSET_MS, MAX_OFFSET_MS)
      fleet.moveClock(random.chance(0.3) ? random.between(-5, 5) * SECOND : offset)
    },
    ...(database !== undefined && {
      async 'database restarted'() {
        journal.add({ what: 'database', is: 'stopped' })
        await database.stop()
        await pause(random.between(0, 4 * SECOND))
        await database.start()
        journal.add({ what: 'database', is: 'started' })
      },
    }),
  }
  const names = ['kill -9', 'kill -9', ...Object.keys(deeds)]

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      await pause(random.between(100, 2 * SECOND))
      if (stopping.signal.aborted) return
      const name = random.pick(names)
      counts[name] = (counts[name] ?? 0) + 1
      await deeds[name]?.(random.pick(fleet.instances))
    }
  }

  const running = run()
  return {
    counts,
    async stop(): Promise<void> {
      stopping.abort()
      await running
      fleet.moveClock(0)
    },
  }
}
