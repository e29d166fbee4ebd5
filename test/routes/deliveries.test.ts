import type { FastifyRequest } from 'fastify'
import tap from 'tap'
import { parseBody } from '../../routes/deliveries.ts'

tap.test('a body that a host’s own plugin kept as a text is read too', async t => {
  const { body, payload } = parseBody({ rawBody: '{"token":"x","a":"é"}', body: {} } as FastifyRequest)
  t.same(payload, { token: '*', a: 'é' })
  t.equal(body.toString(), '{"token":"*","a":"é"}')
})
