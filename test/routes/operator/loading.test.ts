import { registerHooks } from 'node:module'
import t from 'tap'
import { webhookApp } from '../../helpers/app.ts'

/** Which modules the operator's routes load: this file's process has loaded none of them before. */

const loaded: string[] = []
registerHooks({
  load(url, context, nextLoad) {
    loaded.push(url)
    return nextLoad(url, context)
  },
})
const swagger = () => loaded.some(url => url.includes('/node_modules/@fastify/swagger'))

t.test('metrics alone do not load Swagger; a token does', async t => {
  const { app } = await webhookApp(t, { operator: { metricsToken: 'the-token-of-metrics' } })
  t.equal((await app.inject('/docs')).statusCode, 404)
  t.ok(loaded.some(url => url.endsWith('/routes/operator/metrics.ts')))
  t.notOk(swagger())

  await webhookApp(t, { operator: { token: 'the-token-of-the-operator' } })
  t.ok(swagger())
})
