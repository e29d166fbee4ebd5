/** The yardstick: a bare Fastify route that verifies, parses, de-duplicates in a Set, logs a line and stores nothing. */
import { createHmac, timingSafeEqual } from 'node:crypto'
import Fastify, { LogController } from 'fastify'

const secret = process.env.CW_HMAC_SECRET as string
const app = Fastify({ logger: true, logController: new LogController({ disableRequestLogging: true }) })
const seen = new Set<string>()

app.removeAllContentTypeParsers()
app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
app.post('/cw', (request, reply) => {
  const body = request.body as Buffer
  const timestamp = request.headers['x-chatwoot-timestamp'] as string
  const given = Buffer.from(String(request.headers['x-chatwoot-signature']).slice('sha256='.length), 'hex')
  const expected = createHmac('sha256', secret).update(`${timestamp}.`).update(body).digest()
  if (Math.abs(Date.now() / 1_000 - Number(timestamp)) > 300 || !timingSafeEqual(given, expected))
    return reply.code(401).send()
  const { event, id, conversation } = JSON.parse(body.toString())
  const key = `${conversation.id}_${id}_${event}`
  const status = seen.has(key) ? 'duplicate' : 'accepted'
  seen.add(key)
  request.log.info({ event, key, status }, 'webhook')
  return reply.send({ status, id: key })
})
await app.listen({ port: 0 })
