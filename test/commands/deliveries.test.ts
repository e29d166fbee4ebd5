import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import tap, { type Test } from 'tap'
import { chatwoot as samples } from '../../commands/samples.ts'
import { openSqliteStore } from '../../inbox/sqlite/store.ts'
import { signChatwoot } from '../../plugins/verification.ts'
import { type ChatwootApi, startChatwootApi } from '../../sandbox/chatwoot-api.ts'
import { CHATWOOT_SECRET } from '../helpers/app.ts'
import { cli, type Environment, run, runJson } from '../helpers/cli.ts'
import { delivery } from '../helpers/inbox.ts'
import { type CapturedLog, captureLog } from '../helpers/log.ts'
import { type PostgresServer, postgresServer } from '../helpers/postgres-server.ts'
import { chatwootEnv, type ServerProcess, startServer } from '../helpers/server-process.ts'

let postgres: PostgresServer
tap.before(async () => {
  postgres = await postgresServer()
})
tap.teardown(() => postgres.close())

const STORES: Record<string, (t: Test) => string | Promise<string>> = {
  SQLite: t => join(t.testdir(), 'webhooks.db'),
  PostgreSQL: () => postgres.database(),
}

interface World {
  env: Environment
  server: ServerProcess
  chatwoot: ChatwootApi
  log: CapturedLog
  /** Sends a message; returns its delivery id. */
  send(message: number, conversation: number): Promise<string>
  /** Sends a message of a conversation unknown to Chatwoot; returns its delivery id once it is dead. */
  dead(message: number, conversation: number): Promise<string>
}

/** The real server, and a stand-in for Chatwoot. */
async function world(t: Test, store: string): Promise<World> {
  const chatwoot = await startChatwootApi()
  t.teardown(() => chatwoot.close())
  const env = { DATABASE_URL: store, ...chatwootEnv(chatwoot, CHATWOOT_SECRET) }
  const log = captureLog()
  const server = await startServer(env, 'exec', line => log.stream.write(line))
  t.teardown(() => server.end('SIGKILL'))
  const send = async (message: number, conversation: number) => {
    const body = JSON.stringify(samples.incoming({ message, conversation }))
    const headers = signChatwoot(body, CHATWOOT_SECRET)
    const response = await fetch(`${server.url}/cw`, { method: 'POST', headers, body })
    return ((await response.json()) as { id: string }).id
  }
  return {
    env,
    server,
    chatwoot,
    log,
    send,
    async dead(message, conversation) {
      const id = await send(message, conversation)
      await log.line(line => line.delivery === id && line.msg === 'webhook dead')
      return id
    },
  }
}

for (const [name, store] of Object.entries(STORES)) {
  tap.test(`while the server runs, on ${name}`, async t => {
    const { env, chatwoot, log, dead } = await world(t, await store(t))
    const handled = (id: string) => log.line(line => line.delivery === id && line.msg === 'webhook handled')
    const [first, second, third] = [await dead(1, 501), await dead(2, 502), await dead(3, 503)]

    const listed = await run(env, 'list', '--state', 'dead')
    t.match(listed, {
      code: 0,
      err: '',
      out: /^state +received .*\ndead .*conversation:1:503 .*\ndead .*\ndead .*404.*$/,
    })
    const shown = await runJson<Record<string, unknown>>(env, 'show', first)
    t.match(shown, {
      code: 0,
      result: {
        id: first,
        state: 'dead',
        attempts: 1,
        timeline: [{ what: 'accepted' }, { what: 'dead' }],
        payload: { id: 1 },
      },
    })
    t.match(await run(env, 'show', first), {
      code: 0,
      out: /^state +dead\nid .*what +attempt.*dead +1 .*"event": "message_created"/s,
    })

    chatwoot.addConversation({ id: 501 })
    t.match(await cli(env, ['replay', first]), { code: 0, err: '', out: `${first}  replayed\n` })
    await handled(first)
    t.match((await runJson(env, 'show', first)).result, { state: 'done', timeline: { 2: { what: 'replayed' } } })

    chatwoot.addConversation({ id: 502 })
    const filter = ['--source', 'chatwoot', '--conversation', '502']
    t.match(await run(env, 'replay', ...filter, '--dry-run'), { code: 0, out: '1 would be replayed' })
    t.match(await run(env, 'replay', ...filter), { code: 0, out: '1 replayed' })
    await handled(second)

    t.match(await cli(env, ['discard', third, '--reason', ' booked by hand ']), {
      code: 0,
      out: `${third} discarded\n`,
    })
    t.match((await runJson(env, 'show', third)).result, { state: 'discarded', error: 'booked by hand' })
    t.match(await run(env, 'list', '--state', 'dead'), { code: 0, out: 'no deliveries' })
  })
}

tap.test('impossible requests are errors', async t => {
  const url = join(t.testdir(), 'webhooks.db')
  const env = { DATABASE_URL: url }
  const store = openSqliteStore(url)
  const { id } = delivery('dead')
  await store.insert(delivery('dead', { unreadable: 'no id' }), false)
  const unknown = 'not-an-id-of-ours'

  t.match(await run(env, 'show', unknown), { code: 1, err: `show: There is no delivery ${unknown}` })
  t.match(await run(env, 'replay', unknown, id), {
    code: 1,
    out: new RegExp(`^${unknown} +There is no delivery.*\n${id} +replayed$`),
    err: 'replay: 1 of 2 not replayed',
  })
  t.match(await run(env, 'discard', unknown, '--reason', 'x'), { code: 1 })
  t.match(await run(env, 'discard', id, '--reason', ' '), { code: 2, err: /reason must be a string/ })
  t.match(await run(env, 'discard', id, '--reason', 'x'), { code: 0 })
  t.match(await run(env, 'discard', id, '--reason', 'x'), {
    code: 1,
    err: /is discarded: only parked and dead deliveries/,
  })
  await store.close()
})

tap.test('tables', async t => {
  const url = join(t.testdir(), 'webhooks.db')
  const env = { DATABASE_URL: url }
  const store = openSqliteStore(url)
  const [long, waits] = [delivery('long'), delivery('waits')]
  await store.insert(waits, false)
  await store.insert(long, true)
  t.match(await run(env, 'list', '--text', 'long'), { out: /pending, being handled .* {2}1 {2}[\w-]+$/ })
  const error = 'x'.repeat(100)
  const claimed = { ...long, attempts: 1, state: 'pending', crashed: false } as const
  await store.settle(claimed, { state: 'dead', error }, 1)
  t.match(await run(env, 'list', '--state', 'dead'), { out: / x{59}…$/ })
  t.match(await run(env, 'list', '--state', 'pending'), { out: / 0 {2}[\w-]+$/ })
  await store.forget([waits.id], 1)
  t.match(await run(env, 'show', waits.id), { code: 0, out: /the payload has been deleted$/ })

  const later = delivery('later')
  await store.schedule(later, Date.parse('2027-01-02T03:04:05Z'))
  t.match(await run(env, 'list', '--state', 'scheduled'), { out: /\nscheduled, due 2027-01-02T03:04:05\.000Z / })
  t.match(await run(env, 'show', later.id), { out: /scheduled\b[\s\S]* due\b[\s\S]*"key": "later"/ })
  t.match(await run(env, 'replay', later.id), { code: 0, out: /replayed$/ })
  t.match(await run(env, 'list', '--state', 'scheduled'), { out: /\nscheduled, due now / })
  t.match(await run(env, 'discard', later.id, '--reason', 'moved'), { code: 0 })
  t.match(await run(env, 'list', '--state', 'scheduled'), { out: 'no deliveries' })

  const db = new DatabaseSync(url)
  db.exec("CREATE TRIGGER full BEFORE UPDATE ON delivery BEGIN SELECT RAISE(ABORT, 'the disk is full'); END")
  db.close()
  t.match(await run(env, 'replay', long.id), { code: 1, out: '', err: 'replay: store: the disk is full' })
  await store.close()
})

tap.test('PostgreSQL goes away in the middle of a command', async t => {
  const url = await postgres.database()
  const { env, dead } = await world(t, url)
  const id = await dead(7, 707)
  const goesAway = (code: string) =>
    postgres.query(
      url,
      `CREATE OR REPLACE FUNCTION away() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN RAISE EXCEPTION 'the database system is shutting down' USING ERRCODE = '${code}'; END $$;
      CREATE OR REPLACE TRIGGER away BEFORE UPDATE ON tutorbot_webhooks.delivery FOR EACH STATEMENT EXECUTE FUNCTION away()`,
    )
  await goesAway('57P03')
  t.match(await run(env, 'replay', id), {
    code: 1,
    err: 'replay: store: the database system is shutting down; run it again when PostgreSQL is up',
  })
  await goesAway('XX000')
  t.match(await run(env, 'replay', id), { code: 1, err: /^replay: error: the database system .*\n +at / })
})

tap.test('pages', async t => {
  const { env, log, send } = await world(t, join(t.testdir(), 'webhooks.db'))
  const ids: string[] = []
  for (const message of [1, 2, 3]) ids.unshift(await send(message, 700 + message))
  for (const id of ids) await log.line(line => line.delivery === id && line.msg === 'webhook dead')
  const first = await runJson<{ deliveries: { id: string }[]; next: string }>(env, 'list', '--limit', '2')
  t.same(
    first.result.deliveries.map(({ id }) => id),
    ids.slice(0, 2),
  )
  const { next } = first.result
  t.match(await run(env, 'list', '--limit', '2'), { code: 0, err: `for older deliveries: --cursor ${next}` })
  const second = await runJson<typeof first.result>(env, 'list', '--limit', '2', '--cursor', next)
  t.match(second, { code: 0, result: { deliveries: [{ id: ids[2] }], next: null } })
})

tap.test('wrong usage', async t => {
  const env = { DATABASE_URL: join(t.testdir(), 'none.db') }
  t.match(await run(env, 'replay'), { code: 2, err: /^replay: give either ids or a filter/ })
  t.match(await run(env, 'replay', 'an-id', '--state', 'dead'), { code: 2, err: /such as --state dead$/ })
  t.match(await run(env, 'replay', 'an-id', '--dry-run'), { code: 2, err: /--dry-run only works with a filter/ })
  t.match(await run(env, 'list', '--limit', '0'), { code: 2, err: /limit must be a whole number/ })
  t.match(await run(env, 'list', '--from', 'monday'), { code: 2, err: /from must be a time/ })
  t.match(await run(env, 'list'), { code: 1, err: /^list: DATABASE_URL: .* does not exist/ })
  t.match(await run({ DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none' }, 'list'), {
    code: 1,
    err: /^list: DATABASE_URL: postgres:\/\/nobody@127.0.0.1:1\/none is not up/,
  })
})
