import { DatabaseSync } from 'node:sqlite'
import tap, { type Test } from 'tap'
import { ChatwootRefusedError } from '../../../clients/chatwoot-api.ts'
import { MAX_COUNTED_OF_CAUSE } from '../../../inbox/contracts.ts'
import { PermanentError } from '../../../inbox/errors.ts'
import type { CauseView } from '../../../operator/causes.ts'
import { webhookApp } from '../../helpers/app.ts'
import { run, runJson } from '../../helpers/cli.ts'
import { delivery } from '../../helpers/inbox.ts'
import { scrape } from '../../helpers/metrics.ts'
import { OPERATOR_TOKEN, operator } from '../../helpers/operator.ts'
import { STORES } from '../../helpers/stores.ts'
import { until } from '../../helpers/wait.ts'

/** What is given up, by cause: on the page, in the API, in the metrics and as commands. */

const GONE = 'ChatwootRefusedError:chatwoot:404'

/** The service with a handler that fails as its delivery says. */
async function failing(t: Test, store: string) {
  const { app, log } = await webhookApp(t, {
    store,
    operator: { token: OPERATOR_TOKEN },
  })
  const { inbox } = app.webhooks
  inbox.handle('test', 'ping', ({ payload }) => {
    if (payload.gone === true) throw new ChatwootRefusedError('GET /conversations/renee', 404, 'not found')
    throw new PermanentError('renee@example.com')
  })
  await app.ready()
  const fail = async (key: string, gone = false) => {
    await inbox.accept(delivery(key, { payload: { gone } }), 1)
    await log.line(line => line.delivery === delivery(key).id && line.msg === 'webhook dead')
    return delivery(key).id
  }
  return { app, fail, client: operator(app), env: { DATABASE_URL: store } }
}

for (const [name, newStore] of Object.entries(STORES)) {
  tap.test(`causes are seen everywhere, on ${name}`, async t => {
    const { app, fail, client, env } = await failing(t, await newStore(t))
    await client.signIn()
    t.match(await client.api('GET', '/causes'), { status: 200, causes: [] })
    t.match((await client.page('/dashboard/causes')).body, /Nothing is dead or parked/)
    t.match(await run(env, 'causes'), { code: 0, out: 'nothing is parked or dead' })
    const other = await fail('other')
    await fail('a', true)
    const newest = await fail('b', true)

    const groups = [
      {
        cause: GONE,
        error: 'ChatwootRefusedError',
        system: 'chatwoot',
        code: '404',
        dead: 2,
        parked: 0,
        example: newest,
      },
      { cause: 'PermanentError:ours', error: 'PermanentError', system: 'ours', code: null, dead: 1, example: other },
    ]
    const api = (await client.api('GET', '/causes')) as { causes: CauseView[] }
    t.match(api.causes, groups)
    t.same((await runJson(env, 'causes')).result, api.causes)
    t.match((await run(env, 'causes')).out, /^ChatwootRefusedError:chatwoot:404 +2 +0 +1970\S+Z +1970\S+Z /m)
    t.match((await run(env, 'list', '--cause', GONE)).out.split('\n').length, 3)
    t.match(await client.api('GET', `/deliveries?cause=${GONE}`), { deliveries: [{ id: newest, cause: GONE }, {}] })
    t.match((await run(env, 'show', newest)).out, new RegExp(`^cause +${GONE}$`, 'm'))

    const page = (await client.page('/dashboard/causes')).body
    t.match(page, /ChatwootRefusedError <small>chatwoot 404<\/small>/)
    const listed = (await client.page(`/dashboard/deliveries?${new URLSearchParams({ cause: GONE })}`)).body
    t.match(listed, /2 deliveries, newest first/)
    t.match(listed, `value="${GONE}"`)
    t.match((await client.page(`/dashboard/deliveries/${newest}`)).body, new RegExp(`<a href="[^"]+">${GONE}</a>`))
    t.match((await client.page('/dashboard')).body, '<a href="/dashboard/causes">by cause</a>')
    t.notMatch(page, /renee/, 'no words of a message')

    await run(env, 'discard', newest, '--reason', 'x')
    t.match((await client.page(`/dashboard/deliveries/${newest}`)).body, `<dd>${GONE}</dd>`, 'no group any more')
    const { samples } = await scrape(app, OPERATOR_TOKEN)
    t.equal(samples.get(`tutorbot_webhooks_given_up_total{result="dead",cause="${GONE}"}`), 2)
  })
}

tap.test('a replay job is asked for, seen and changed; what can’t be done is said', async t => {
  const { fail, client, env } = await failing(t, await (STORES.SQLite as (t: Test) => string)(t))
  await client.signIn()
  const { api, form } = client
  t.match(await api('GET', '/replay-jobs'), { status: 200, job: null })
  t.match(await run(env, 'job'), { code: 0, out: 'there has been no replay job' })
  t.match(await run(env, 'job', 'stop'), { code: 1, err: 'job: There has been no replay job' })
  await fail('a', true)
  await fail('b', true)

  const wrong: [object, string][] = [
    [{}, 'cause is missing: give one that the causes show'],
    [{ cause: GONE, pace: 0 }, 'pace must be a whole number of deliveries a minute, from 1 to 600'],
    [{ cause: GONE, pace: '1.5' }, 'pace must be a whole number of deliveries a minute, from 1 to 600'],
    [{ cause: GONE, pauseAfter: 101 }, 'pauseAfter must be a whole number of failures in a row, from 1 to 100'],
    [{ cause: GONE, pase: 1 }, 'pase is not known: only cause, pace and pauseAfter are'],
  ]
  for (const [body, message] of wrong)
    t.match(await api('POST', '/replay-jobs', body), { status: 400, message }, message)
  t.match(await api('POST', '/replay-jobs', { cause: 'nope' }), {
    status: 404,
    message: /^Nothing is parked or dead for/,
  })
  t.equal((await form('/dashboard/causes/replay', { cause: GONE, pace: '0' })).statusCode, 400)
  t.match(await run(env, 'replay', '--cause', GONE, '--pace', '0'), { code: 2, err: /^replay: pace must be a whole/ })
  t.match(await run(env, 'replay', '--cause', 'nope'), { code: 1, err: /^replay: Nothing is parked or dead for/ })
  t.match(await run(env, 'replay', '--cause', GONE, '--state', 'dead'), { code: 2, err: /no ids and no other filter/ })
  t.match(await run(env, 'replay', '--state', 'dead', '--pace', '5'), {
    code: 2,
    err: /for the job that --cause starts/,
  })
  t.match(await run(env, 'replay', '--cause', GONE, '--dry-run'), { code: 0, out: '2 would be replayed' })

  // It fails again, at once: the job pauses after the first.
  const started = { number: 1, cause: GONE, state: 'running', pace: 600, pauseAfter: 1, left: 2, endedAt: null }
  t.match(await api('POST', '/replay-jobs', { cause: GONE, pace: 600, pauseAfter: 1 }), { status: 202, ...started })
  const paused = { state: 'paused', failed: 1, underWay: 0, left: 1 }
  const why = `1 in a row failed again, the last one for ${GONE}`
  await until('the job to pause', async () => (await api('GET', '/replay-jobs/1')).state === 'paused')
  t.match(await api('GET', '/replay-jobs'), { job: { ...paused, why } })
  t.match(await run(env, 'job', 'show', '--wait'), { code: 1, err: `job: it is paused: ${why}`, out: /^left +1$/m })
  t.match(await api('POST', '/replay-jobs', { cause: GONE }), { status: 409, message: /job 1 is paused: only one/ })
  t.match(await run(env, 'replay', '--cause', GONE), { code: 1, err: /job 1 is paused: only one at a time/ })
  t.match(await api('GET', '/replay-jobs/9'), { status: 404, message: /no replay job 9/ })
  t.match(await run(env, 'job', 'resume', '9'), { code: 1, err: /no replay job 9/ })

  const page = (await client.page('/dashboard/causes')).body
  t.match(page, /Replay job 1: paused, waits for you/)
  t.notMatch(page, /name="pauseAfter"/, 'no other one now')
  t.equal((await form('/dashboard/causes/jobs/1/resume')).statusCode, 303)
  await until('the second to fail', async () => (await api('GET', '/replay-jobs/1')).failed === 2)
  t.match(await api('POST', '/replay-jobs/1/stop'), { status: 200, state: 'stopped', left: 0 })
  t.match(await api('POST', '/replay-jobs/1/stop'), {
    status: 409,
    message: 'The replay job 1 has ended: start another one',
  })
  t.match(await run(env, 'replay', '--cause', GONE, '--pace', '1'), { code: 0, err: /the server does it/ })
  t.match(await api('POST', '/replay-jobs/2/resume'), { status: 409, message: /job 2 is running/ })
  t.match((await client.page('/dashboard/causes')).body, /http-equiv="refresh"/)
  t.match((await runJson(env, 'job', 'stop')).result, { number: 2, state: 'stopped', pace: 1, pauseAfter: 5 })
})

tap.test('a large group is counted up to a limit, and says so', async t => {
  const file = await (STORES.SQLite as (t: Test) => string)(t)
  const { fail, client, env } = await failing(t, file)
  await fail('a')
  const db = new DatabaseSync(file)
  db.exec(`WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n LIMIT ${MAX_COUNTED_OF_CAUSE})
    INSERT INTO delivery (id, source, event, key, ordering_key, state, attempts, received_at, cause)
    SELECT 'n' || n, 'test', 'ping', n, 'box', 'dead', 1, 1, 'PermanentError:ours' FROM n`)
  db.close()
  const counted = { dead: MAX_COUNTED_OF_CAUSE + 1, isMore: true }
  t.match(await client.api('GET', '/causes'), { causes: [counted] })
  t.match((await run(env, 'causes')).out, /PermanentError:ours +10001 +0 +more/)
  await client.signIn()
  t.match((await client.page('/dashboard/causes')).body, /10,001<span class="unit"> dead<\/span> at least/)
})

tap.test('causes need the token', async t => {
  const { app } = await failing(t, await (STORES.SQLite as (t: Test) => string)(t))
  t.equal((await app.inject('/causes')).statusCode, 401)
  t.equal((await app.inject('/dashboard/causes')).statusCode, 303)
})
