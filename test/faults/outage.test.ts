import { once } from 'node:events'
import t from 'tap'
import { signedMessage } from '../helpers/load.ts'
import { postgresServer } from '../helpers/postgres-server.ts'
import { startServer } from '../helpers/server-process.ts'
import { until } from '../helpers/wait.ts'

const SECRET = 'the secret of the outage'
const FAILS = 'store unavailable, retrying every second'

interface Answer {
  status: number
  body: { status?: string; id: string; code?: string }
}

/** Sends one message as Chatwoot does, with its timeout of 5 s. */
async function post(url: string, number: number): Promise<Answer> {
  const message = signedMessage(number, SECRET)
  const response = await fetch(`${url}/cw`, { method: 'POST', signal: AbortSignal.timeout(5_000), ...message })
  return { status: response.status, body: (await response.json()) as Answer['body'] }
}

/** Senders of distinct messages, which send again after a 500. */
function startSenders(url: string) {
  const acknowledged: string[] = []
  const wrong: Answer[] = []
  let number = 0
  let stopped = false
  let answered = () => {}

  async function deliver(message: number): Promise<void> {
    for (;;) {
      const answer = await post(url, message)
      if (answer.status === 200) {
        acknowledged.push(answer.body.id)
        return answered()
      }
      if (answer.body.code !== 'WEBHOOK_NOT_STORED') wrong.push(answer)
      await new Promise(resolve => setTimeout(resolve, 100))
    }
  }
  async function sender(): Promise<void> {
    while (!stopped) await deliver(++number)
  }
  const ended = Promise.all(Array.from({ length: 8 }, sender))

  return {
    acknowledged,
    wrong,
    /** Resolves when that many more have been acknowledged. */
    async more(count: number): Promise<void> {
      const goal = acknowledged.length + count
      while (acknowledged.length < goal) {
        await new Promise<void>(resolve => {
          answered = resolve
        })
      }
    },
    async stop(): Promise<void> {
      stopped = true
      await ended
    },
  }
}

t.test('the database is stopped, and then hangs, under load: 500 in time, nothing lost, no restart', async t => {
  const postgres = await postgresServer('')
  t.teardown(() => postgres.close())
  const store = await postgres.database()
  const fails = Promise.withResolvers<void>()
  const server = await startServer({ DATABASE_URL: store, CW_HMAC_SECRET: SECRET }, 'exec', line => {
    if (line.includes(FAILS)) fails.resolve()
  })
  t.teardown(() => server.end('SIGKILL'))
  const senders = startSenders(server.url)
  const all = (first: number) => Promise.all(Array.from({ length: 20 }, (_, n) => post(server.url, first + n)))
  const refused = { status: 500, body: { code: 'WEBHOOK_NOT_STORED' } }

  await senders.more(200)
  await postgres.stop()
  for (const answer of await all(1_000_000)) t.match(answer, refused, 'stopped')
  // At the latest at its next poll.
  await fails.promise
  await postgres.start()
  await senders.more(200)
  const stopped = await all(1_000_000)
  for (const answer of stopped) t.match(answer, { status: 200, body: { status: 'accepted' } }, 'none had been stored')

  await postgres.freeze()
  for (const answer of await all(2_000_000)) t.match(answer, refused, 'hangs')
  postgres.thaw()
  await senders.more(200)
  const hung = await all(2_000_000)
  for (const answer of hung) t.match(answer, { status: 200 }, 'known or new')
  t.comment(`after it hung: ${hung.map(({ body }) => body.status).join(', ')}`)

  await senders.stop()
  const left = `SELECT id FROM tutorbot_webhooks.delivery WHERE state <> 'done'`
  await until('everything to be handled', async () => (await postgres.query(store, left)).length === 0)
  t.same(senders.wrong, [])
  const closed = once(server.child, 'close')
  t.equal(await server.end('SIGTERM'), 0, 'the same process until the end')
  await closed
  const log = server.lines.map(line => JSON.parse(line) as { msg: string; delivery: string; time: number })
  const handled = log.filter(({ msg }) => msg.startsWith('webhook handled')).map(({ delivery }) => delivery)
  const acknowledged = [...senders.acknowledged, ...[...stopped, ...hung].map(({ body }) => body.id)]
  t.same(handled.toSorted(), acknowledged.toSorted(), 'what was acknowledged was handled, once')
  const said = log.filter(({ msg }) => msg === FAILS).map(({ time }) => time)
  t.ok(said.length > 0)
  t.ok(
    said.every((time, index) => index === 0 || time - (said[index - 1] as number) >= 10_000),
    `said ${said.length} times, in 10 s once`,
  )
  t.ok(
    log.some(({ msg }) => msg === 'store available again'),
    'and when it was over',
  )
})
