import { randomBytes } from 'node:crypto'
import { createWriteStream, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { readEnv } from '../environment.ts'
import { BOSS_SCHEMA } from '../inbox/postgres/schema.ts'
import { standInSettings } from '../sandbox/environment.ts'
import { offsetClock } from '../sandbox/offset-clock.ts'
import { makePrices } from '../sandbox/prices.ts'
import { type ServiceProcess, serviceProcess } from '../sandbox/service-process.ts'
import { startWorld, type World } from '../sandbox/world.ts'

/** The service as a process of its own, the stand-ins around it, and the clock that all of them go by. */
export interface Setting {
  world: World
  service: ServiceProcess
  /** The service's environment: for commands. */
  env: Record<string, string>
  /** Unix ms of the clock. */
  now(): number
  /** Moves the clock on, ms. */
  move(ms: number): Promise<void>
  /** Resolves when nothing waits for its turn any more, or so many ms have passed: what fails is retried by the clock. */
  handled(patienceMs: number): Promise<void>
  /** Ends the service in order, and starts it again. */
  restart(): Promise<void>
  /** Lines of its log at level error or above, and those that were no JSON. */
  errors: string[]
  close(): Promise<void>
}

const random = () => randomBytes(16).toString('hex')

/** The tutor sells lessons by themselves and five at once. */
const TUTOR = {
  lessons: [
    {
      minutes: 60,
      prices: { all: { id: 'price_60', amount: 5_000, currency: 'eur' } },
      packages: [{ lessons: 5, prices: { all: { id: 'price_60_5', amount: 22_500, currency: 'eur' } } }],
    },
    { minutes: 90, prices: { all: { id: 'price_90', amount: 7_500, currency: 'eur' } } },
    { minutes: 30, trial: true },
  ],
}

/**
 * @param store the store's file, or the URL of an empty PostgreSQL database
 * @param folder for the service's log and the tutor's settings
 */
export async function startSetting(store: string, folder: string): Promise<Setting> {
  const clock = offsetClock()
  const secrets = { chatwoot: random(), stripe: `whsec_${random()}` }
  const serviceUrl = () => `${service.url()}`
  const world = await startWorld({ clock, payUrl: 'http://127.0.0.1/pay', secrets, serviceUrl })
  const tutorFile = join(folder, 'tutor.json')
  writeFileSync(tutorFile, JSON.stringify(TUTOR))
  const config = await readEnv({ env: { DATABASE_URL: store, TUTOR_FILE: tutorFile } })
  const env: Record<string, string> = {
    ...standInSettings(world, secrets),
    ...makePrices(config, world.stripe),
    PORT: '0',
    HOST: '127.0.0.1',
    DATABASE_URL: store,
    TUTOR_FILE: tutorFile,
    TZ: 'Europe/Amsterdam',
    ADMIN_TOKEN: random(),
    // So that a week sees both pruned.
    RETENTION_DAYS: '2',
    DEDUP_DAYS: '4',
  }
  const log = createWriteStream(join(folder, 'service.log'))
  const errors: string[] = []
  const onLine = (line: string) => {
    log.write(`${line}\n`)
    if (!line.startsWith('{') || /"level":[56]0/.test(line)) errors.push(line)
  }
  const service = serviceProcess({ env, offsetMs: clock.offsetMs, onLine })
  const database = /^postgres/.test(store) ? new pg.Client(store) : undefined
  await service.start()
  await database?.connect()
  return {
    world,
    service,
    env,
    errors,
    now: clock.now,
    move: ms =>
      world.pauseFor(async () => {
        clock.move(ms)
        // The database has a clock of its own, which decides what is due.
        await database?.query(
          `CREATE OR REPLACE FUNCTION ${BOSS_SCHEMA}.job_now() RETURNS timestamptz LANGUAGE sql STABLE
            AS 'SELECT now() + interval ''${clock.offsetMs()} ms'''`,
        )
        await service.moveClock()
      }),
    async handled(patienceMs) {
      await world.settled()
      const until = performance.now() + patienceMs
      while (performance.now() < until) {
        const answer = await fetch(`${service.url()}/deliveries?state=pending&limit=1`, {
          headers: { authorization: `Bearer ${env.ADMIN_TOKEN}` },
        })
        const { deliveries } = (await answer.json()) as { deliveries: object[] }
        if (deliveries.length === 0) return
        await sleep(50)
      }
    },
    async restart() {
      await service.close()
      await service.start()
    },
    async close() {
      await service.close()
      await world.close()
      await database?.end()
      log.end()
    },
  }
}
