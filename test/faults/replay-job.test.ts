import tap, { type Test } from 'tap'
import { chatwoot as samples } from '../../commands/samples.ts'
import type { ReplayJobView } from '../../operator/replay-jobs.ts'
import { signChatwoot } from '../../plugins/verification.ts'
import { startChatwootApi } from '../../sandbox/chatwoot-api.ts'
import { CHATWOOT_SECRET } from '../helpers/app.ts'
import { run, runJson } from '../helpers/cli.ts'
import { captureLog } from '../helpers/log.ts'
import { chatwootEnv, type ServerProcess, startServer } from '../helpers/server-process.ts'
import { STORES } from '../helpers/stores.ts'
import { until } from '../helpers/wait.ts'

/** The real process replays what a stand-in of Chatwoot has refused: stopped, killed, paused, by two instances. */

const GONE = 'ChatwootRefusedError:chatwoot:404'
const REFUSED = 'ChatwootRefusedError:chatwoot:422'
const GONE_ONES = Array.from({ length: 20 }, (_, n) => 501 + n)
const REFUSED_ONES = Array.from({ length: 10 }, (_, n) => 601 + n)

async function world(t: Test, store: string) {
  const chatwoot = await startChatwootApi()
  t.teardown(() => chatwoot.close())
  const env = { DATABASE_URL: store, ...chatwootEnv(chatwoot, CHATWOOT_SECRET) }
  const log = captureLog()
  const start = async () => {
    const server = await startServer(env, 'exec', line => log.stream.write(line))
    t.teardown(() => server.end('SIGKILL'))
    return server
  }
  const send = async ({ url }: ServerProcess, conversation: number) => {
    const body = JSON.stringify(samples.incoming({ message: conversation, conversation }))
    const headers = signChatwoot(body, CHATWOOT_SECRET)
    const response = await fetch(`${url}/cw`, { method: 'POST', headers, body })
    const { id } = (await response.json()) as { id: string }
    await log.line(line => line.delivery === id && line.msg === 'webhook dead')
    return id
  }
  const jobUntil = (what: string, fits: (job: ReplayJobView) => boolean) =>
    until(`the job ${what}`, async () => {
      const { result } = await runJson<ReplayJobView>(env, 'job')
      return fits(result) && result
    })
  const replays = async (id: string) => {
    const { result } = await runJson<{ state: string; timeline: { what: string }[] }>(env, 'show', id)
    return { state: result.state, replayed: result.timeline.filter(({ what }) => what === 'replayed').length }
  }
  return { chatwoot, env, start, send, jobUntil, replays }
}

for (const [name, newStore] of Object.entries(STORES)) {
  tap.test(`paused, stopped and killed, on ${name}`, async t => {
    const { chatwoot, env, start, send, jobUntil, replays } = await world(t, await newStore(t))
    const refuse = () => chatwoot.fail(/conversations\/6\d\d/, { status: 422, body: { error: 'No' } }, 1e9)
    const server = await start()
    refuse()
    const gone: string[] = []
    const refused: string[] = []
    for (const conversation of GONE_ONES) gone.push(await send(server, conversation))
    for (const conversation of REFUSED_ONES) refused.push(await send(server, conversation))
    t.match((await runJson(env, 'causes')).result, [
      { cause: GONE, dead: 20, parked: 0 },
      { cause: REFUSED, dead: 10, parked: 0 },
    ])

    // It is refused again.
    t.match(await run(env, 'replay', '--cause', REFUSED, '--pace', '600', '--pause-after', '2'), { code: 0 })
    const paused = await jobUntil('to pause', ({ state, underWay }) => state === 'paused' && underWay === 0)
    t.match(paused.why, /^2 in a row failed again, the last one for ChatwootRefusedError:chatwoot:422$/)
    t.ok(paused.replayed < 4, `${paused.replayed} replayed`)
    t.match(await run(env, 'replay', '--cause', GONE), { code: 1, err: /job 1 is paused: only one at a time/ })
    t.match(await run(env, 'job', 'stop'), { code: 0 })

    // What it was refused for is fixed.
    for (const id of [...GONE_ONES, ...REFUSED_ONES]) chatwoot.addConversation({ id })
    chatwoot.recover()
    await run(env, 'replay', '--cause', GONE, '--pace', '600')
    await jobUntil('to replay some', ({ replayed }) => replayed >= 3)
    await server.end('SIGKILL')
    await start()
    const done = await runJson<ReplayJobView>(env, 'job', 'show', '--wait')
    t.match(done, { code: 0, result: { state: 'done' } })
    t.match(done.result, { replayed: 20, succeeded: 20, failed: 0, left: 0 })
    for (const id of gone) t.same(await replays(id), { state: 'done', replayed: 1 })

    await run(env, 'replay', '--cause', REFUSED, '--pace', '60')
    await jobUntil('to replay one', ({ replayed }) => replayed >= 1)
    await run(env, 'job', 'stop')
    const stopped = await jobUntil('to know what became of them', ({ underWay }) => underWay === 0)
    t.equal(stopped.state, 'stopped')
    t.match((await runJson(env, 'causes')).result, [{ cause: REFUSED, dead: 10 - stopped.succeeded }])
    const states = await Promise.all(refused.map(replays))
    t.equal(states.filter(({ state }) => state === 'done').length, stopped.succeeded)

    for (const id of GONE_ONES) {
      const asked = chatwoot.called(new RegExp(`^POST .*conversations/${id}/messages`))
      const texts = asked.map(({ body }) => `${body.content}`)
      t.equal(texts.length, new Set(texts).size, `conversation ${id} is told nothing twice`)
    }
  })
}

tap.test('of two instances that start a job at once, one does', async t => {
  const { chatwoot, env, start, send, jobUntil, replays } = await world(t, await (STORES.PostgreSQL as () => string)())
  const [first] = [await start(), await start()]
  const ids: string[] = []
  for (const conversation of [501, 502, 503, 504]) ids.push(await send(first, conversation))
  for (const id of [501, 502, 503, 504]) chatwoot.addConversation({ id })
  const starts = await Promise.all([1, 2].map(() => run(env, 'replay', '--cause', GONE, '--pace', '600')))
  t.same(starts.map(({ code }) => code).sort(), [0, 1])
  t.match(starts.find(({ code }) => code === 1)?.err, /only one at a time/)
  t.match(await jobUntil('to end', ({ state }) => state === 'done'), { number: 1, replayed: 4, succeeded: 4 })
  for (const id of ids) t.same(await replays(id), { state: 'done', replayed: 1 })
})
