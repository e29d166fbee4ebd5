import Fastify from 'fastify'
import pg from 'pg'
import inboxPlugin from '../../plugins/inbox.ts'
import { delivery } from './inbox.ts'

/*
 * An inbox in its own process, for tests that kill and freeze it. Prints what it does to stdout, one JSON per line;
 * each handling is also a row of the table `handling`, which shows overlaps and order across processes.
 * Commands on stdin: `accept <prefix> <how many> <mailboxes>`.
 */
const url = process.env.DATABASE_URL as string
/** How long a handler takes, ms. */
const takes = Number(process.env.HANDLER_MS ?? 0)

const app = Fastify({ logger: { level: 'info' } })
await app.register(inboxPlugin, { store: url, concurrency: Number(process.env.CONCURRENCY ?? 50) })
const pool = new pg.Pool({ connectionString: url, max: 5 })
pool.on('error', () => {})
pool.on('connect', client => client.on('error', () => {}))
const { inbox } = app.webhooks

inbox.handle('test', 'ping', async ({ key, orderingKey }, { attempt }) => {
  const begun = await pool.query(
    `INSERT INTO handling (key, mailbox, attempt, pid, begun) VALUES ($1, $2, $3, $4, clock_timestamp()) RETURNING n`,
    [key, orderingKey, attempt, process.pid],
  )
  await new Promise(resolve => setTimeout(resolve, takes))
  await pool.query('UPDATE handling SET ended = clock_timestamp() WHERE n = $1', [begun.rows[0].n])
})
await app.ready()
say({ event: 'ready' })

process.stdin.setEncoding('utf8').on('data', text => {
  for (const line of String(text).trim().split('\n')) void accept(line)
})
process.once('SIGTERM', () => void app.close().then(() => process.exit(0)))

async function accept(line: string): Promise<void> {
  const [, prefix, many, mailboxes] = line.split(' ')
  const results = { accepted: 0, duplicate: 0, failed: 0 }
  const one = async (number: number) => {
    const parts = { orderingKey: `${prefix} ${number % Number(mailboxes)}`, receivedAt: Date.now() }
    const result = await inbox.accept(delivery(`${prefix}${number}`, parts), 1).catch(() => 'failed' as const)
    results[result]++
  }
  await Promise.all(Array.from({ length: Number(many) }, (_, number) => one(number)))
  say({ event: 'accepted', prefix, ...results })
}

function say(line: object): void {
  process.stdout.write(`${JSON.stringify(line)}\n`)
}
