import Fastify from 'fastify'
import tap from 'tap'
import webhooks from '../../../app.ts'
import { OptionError } from '../../../inbox/errors.ts'
import { webhookApp } from '../../helpers/app.ts'
import { scrape } from '../../helpers/metrics.ts'

const TOKEN = 'the-token-of-the-operator'
const METRICS_TOKEN = 'the-token-of-prometheus'

tap.test('both tokens open /metrics, no other', async t => {
  const { app } = await webhookApp(t, { operator: { token: TOKEN, metricsToken: METRICS_TOKEN } })
  for (const token of [TOKEN, METRICS_TOKEN]) {
    const { status, headers, body } = await scrape(app, token)
    t.equal(status, 200)
    t.match(headers, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8', 'cache-control': 'no-store' })
    t.match(body, /^# HELP tutorbot_webhooks_deliveries_total .*\n# TYPE tutorbot_webhooks_deliveries_total counter\n/)
  }
  const wrong = await scrape(app, 'another-token-than-both')
  t.equal(wrong.status, 401)
  t.match(JSON.parse(wrong.body), { code: 'OPERATOR_TOKEN_WRONG' })
  t.match((await app.inject('/metrics')).json(), { statusCode: 401, code: 'OPERATOR_TOKEN_MISSING' })
})

tap.test("Prometheus' token opens nothing else", async t => {
  const { app } = await webhookApp(t, { operator: { token: TOKEN, metricsToken: METRICS_TOKEN } })
  const authorization = `Bearer ${METRICS_TOKEN}`
  t.equal((await app.inject({ url: '/deliveries', headers: { authorization } })).statusCode, 401)
})

tap.test('without ADMIN_TOKEN there is nothing but /metrics', async t => {
  const { app } = await webhookApp(t, { operator: { metricsToken: METRICS_TOKEN } })
  t.equal((await scrape(app, METRICS_TOKEN)).status, 200)
  t.equal((await scrape(app, 'undefined')).status, 401)
  const headers = { authorization: `Bearer ${METRICS_TOKEN}` }
  t.equal((await app.inject({ url: '/deliveries', headers })).statusCode, 404)
})

tap.test('wrong tokens are counted, and block neither Prometheus nor the operator', async t => {
  const { app } = await webhookApp(t, { operator: { token: TOKEN, metricsToken: METRICS_TOKEN } })
  for (let attempt = 1; attempt <= 10; attempt++) t.equal((await scrape(app, `wrong-${attempt}`)).status, 401)
  t.equal((await scrape(app, 'wrong-11')).status, 429)
  for (const token of [METRICS_TOKEN, TOKEN]) t.equal((await scrape(app, token)).status, 200)
  const status = async (token: string) =>
    (await app.inject({ url: '/deliveries', headers: { authorization: `Bearer ${token}` } })).statusCode
  t.equal(await status(TOKEN), 200)
  t.equal(await status('wrong-12'), 401, 'counted by itself: Prometheus with an old token is not the operator')
})

tap.test('without a token there is no /metrics', async t => {
  const { app } = await webhookApp(t)
  t.equal((await scrape(app, '')).status, 404)
})

tap.test('it is under the prefix', async t => {
  const { app } = await webhookApp(t, { prefix: '/hooks', operator: { token: TOKEN } })
  t.equal((await scrape(app, TOKEN, '/hooks/metrics')).status, 200)
  t.equal((await scrape(app, TOKEN)).status, 404)
})

tap.test('a guessable token is refused', async t => {
  const cases: [object, RegExp][] = [
    [{}, /operator\.token \(ADMIN_TOKEN\)/],
    [{ token: 'short', metricsToken: METRICS_TOKEN }, /operator\.token \(ADMIN_TOKEN\)/],
    [{ metricsToken: 'short' }, /operator\.metricsToken \(METRICS_TOKEN\)/],
    [{ token: TOKEN, metricsToken: 5 }, /operator\.metricsToken \(METRICS_TOKEN\)/],
  ]
  for (const [index, [operator, message]] of cases.entries()) {
    const app = Fastify()
    t.teardown(() => app.close())
    const registered = app.register(webhooks, { store: `${t.testdir()}/${index}.db`, operator })
    await t.rejects(Promise.resolve(registered), { constructor: OptionError, message })
  }
})
