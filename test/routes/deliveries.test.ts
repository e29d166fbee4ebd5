import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import tap from 'tap'
import { identifyBy } from '../../routes/deliveries.ts'
import type { Source } from '../../sources/source.ts'
import { testClock } from '../helpers/clock.ts'

tap.test('a raw body that a host’s plugin kept as a string works too', async t => {
  const app = { webhooks: { inbox: { handles: () => true } } } as unknown as FastifyInstance
  const source: Source = { name: 'x', path: '/', verify: () => true, identify: () => ({ event: 'e' }) }
  const request = { headers: {}, rawBody: '{"token":"x","a":"é"}', body: {} } as FastifyRequest
  await identifyBy(app, { source, clock: testClock(7) })(request, {} as FastifyReply)
  t.same(request.delivery?.payload, { token: '*', a: 'é' })
  t.equal(request.delivery?.body?.toString(), '{"token":"*","a":"é"}')
  t.equal(request.delivery?.receivedAt, 7)
})
