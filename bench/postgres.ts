/**
 * The PostgreSQL part of `npm run bench`: one and two instances, on a server with its own durability settings: that of
 * BENCH_DATABASE_URL or TEST_DATABASE_URL, whose role may create databases, or a new one. Instances, server and load
 * share the cores.
 */
import { openSync, readSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import Fastify from 'fastify'
import { chatwoot } from '../commands/samples.ts'
import { deliveryId } from '../inbox/delivery-id.ts'
import { openPostgresStore } from '../inbox/postgres/store.ts'
import { type PostgresServer, postgresServer } from '../test/helpers/postgres-server.ts'
import { load, round, type Server, start, stop } from './server.ts'

type Servers = [Server, ...Server[]]

/** @param backlog deliveries pending before the drains; a round sends a third of that */
export async function measurePostgres(backlog: number): Promise<void> {
  const database = await postgresServer(process.env.BENCH_DATABASE_URL ?? process.env.TEST_DATABASE_URL ?? '', [])
  try {
    console.log(`PostgreSQL ${await settings(database)}; the instances, the server and the load share all cores`)
    const requests = Math.ceil(backlog / 3)
    const table: Record<string, object> = {}
    for (const instances of [1, 2]) {
      table[`${instances} instance(s)`] = {
        ...(await measureLoad(database, instances, requests)),
        ...(await measureSlow(database, instances, requests)),
      }
    }
    console.table(table)
    const drains: Record<string, object> = {}
    for (const mailboxes of [backlog, 1_000]) {
      for (const instances of [1, 2]) {
        drains[`${mailboxes} mailboxes with ${round(backlog / mailboxes)}, ${instances} instance(s)`] =
          await measureDrain(database, instances, mailboxes, backlog)
      }
    }
    console.table(drains)
  } finally {
    await database.close()
  }
}

async function settings(database: PostgresServer): Promise<string> {
  const names = ['server_version', 'fsync', 'synchronous_commit', 'full_page_writes']
  const url = await database.database()
  const rows = await database.query<Record<string, string>>(
    url,
    `SELECT ${names.map(name => `current_setting('${name}') AS ${name}`).join(', ')}`,
  )
  return names.map(name => `${name} ${rows[0]?.[name]}`).join(', ')
}

async function startAll(url: string, instances: number, env: NodeJS.ProcessEnv = {}): Promise<Servers> {
  const servers: Servers = [await start('service.ts', url, { pinned: false, env })]
  while (servers.length < instances) {
    servers.push(await start('service.ts', url, { pinned: false, env, sent: servers.length }))
  }
  return servers
}

/** With no-op handlers: at full speed, then at half of it. */
async function measureLoad(database: PostgresServer, instances: number, requests: number) {
  const servers = await startAll(await database.database(), instances)
  const log = watch(servers)
  await log.handled(instances)
  const run = async (many: number, rate?: number) => {
    log.forget()
    const result = await load(servers, many, rate === undefined ? {} : { rate })
    await log.handled(many)
    return result
  }
  // Warm-up.
  await run(requests)
  const full = await run(requests)
  const handledPerSecond = log.handledPerSecond()
  const half = await run(Math.ceil(requests / 2), full.perSecond / 2)
  await Promise.all(servers.map(stop))
  const toHandler = log.toHandler()
  return {
    'accepted/s': round(full.perSecond),
    'ack p50 ms': round(full.p50, 1),
    'ack p99 ms': round(full.p99, 1),
    'handled/s, no-op': handledPerSecond,
    'half: ack p99 ms': round(half.p99, 1),
    'to handler p50 ms': toHandler(0.5),
    'to handler p99 ms': toHandler(0.99),
  }
}

/** With 50 ms handlers. */
async function measureSlow(database: PostgresServer, instances: number, requests: number) {
  const servers = await startAll(await database.database(), instances, { HANDLER_MS: '50' })
  const log = watch(servers)
  const { perSecond } = await load(servers, requests)
  await log.handled(requests + instances)
  await Promise.all(servers.map(stop))
  return { '50 ms each: accepted/s': round(perSecond), 'handled/s': log.handledPerSecond() }
}

/** Drains a backlog that gathered while no instance was up. */
async function measureDrain(database: PostgresServer, instances: number, mailboxes: number, backlog: number) {
  const url = await database.database()
  await fill(url, mailboxes, backlog)
  const begun = Date.now()
  const servers = await startAll(url, instances)
  const log = watch(servers)
  await log.handled(backlog + instances)
  await Promise.all(servers.map(stop))
  return {
    'handled/s': log.handledPerSecond(),
    'start to first 200 ms': round(servers[0].firstAnswerMs),
    'to first handled ms': log.firstHandledAt() - begun,
    'handled by each': log.shares(),
  }
}

async function fill(url: string, mailboxes: number, deliveries: number): Promise<void> {
  const store = await openPostgresStore(url, Fastify().log)
  const payload = chatwoot.incoming({ message: 1 })
  const one = (n: number) => {
    const key = `backlog ${n}`
    const orderingKey = `backlog ${n % mailboxes}`
    const parts = { source: 'chatwoot', event: 'message_created', key, orderingKey, payload, receivedAt: Date.now() }
    return store.insert({ id: deliveryId('chatwoot', key), ...parts }, false)
  }
  for (let from = 0; from < deliveries; from += 1_000) {
    await Promise.all(Array.from({ length: Math.min(1_000, deliveries - from) }, (_, n) => one(from + n)))
  }
  await store.close()
}

/** Follows the servers' logs: when deliveries were accepted, and when their handlers began and ended. */
function watch(servers: Servers) {
  const logs = servers.map(({ log }) => ({ file: openSync(log, 'r'), rest: '', handled: 0 }))
  const chunk = Buffer.alloc(1024 * 1024)
  const acceptedAt = new Map<string, number>()
  const begunAt = new Map<string, number>()
  let first = Number.POSITIVE_INFINITY
  let last = 0

  function read(): void {
    for (const log of logs) {
      for (let length = readSync(log.file, chunk); length > 0; length = readSync(log.file, chunk)) {
        const lines = (log.rest + chunk.toString('latin1', 0, length)).split('\n')
        log.rest = lines.pop() as string
        for (const line of lines) {
          const { time, msg, delivery, ms } = JSON.parse(line)
          if (msg === 'webhook accepted') acceptedAt.set(delivery, time)
          if (msg !== 'webhook handled') continue
          log.handled++
          begunAt.set(delivery, time - ms)
          first = Math.min(first, time)
          last = Math.max(last, time)
        }
      }
    }
  }

  return {
    /** Resolves when this many have been handled. */
    async handled(many: number): Promise<void> {
      for (read(); begunAt.size < many; read()) await sleep(100)
    },
    /** Resets the counts. */
    forget(): void {
      acceptedAt.clear()
      begunAt.clear()
      first = Number.POSITIVE_INFINITY
      last = 0
    },
    firstHandledAt: () => first,
    handledPerSecond: () => round((begunAt.size * 1_000) / (last - first)),
    /** Quantiles of the time from the answer, right after the commit, to the handler. */
    toHandler() {
      const times = [...acceptedAt]
        .flatMap(([delivery, at]) => (begunAt.get(delivery) ?? at) - at)
        .sort((a, b) => a - b)
      return (q: number) => times[Math.floor(times.length * q)]
    },
    shares: () => logs.map(({ handled }) => handled).join(' + '),
  }
}
