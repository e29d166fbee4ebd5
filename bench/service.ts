/** The service, with handlers that do nothing or wait for HANDLER_MS. */
import { setTimeout as sleep } from 'node:timers/promises'
import Fastify from 'fastify'
import webhooks from '../app.ts'
import { readEnv } from '../environment.ts'
import { serverOptions, tracesOf, webhooksOptions } from '../server.ts'

const config = await readEnv({})
const handlerMs = Number(process.env.HANDLER_MS ?? 0)
const handler = handlerMs === 0 ? () => {} : () => sleep(handlerMs)
const app = Fastify(serverOptions(config))
await app.register(webhooks, {
  ...webhooksOptions(config),
  tracerProvider: await tracesOf(app, config),
  handlers: { chatwoot: { message_created: handler }, stripe: { 'checkout.session.completed': handler } },
})
await app.listen({ port: 0 })
process.once('SIGTERM', () => void app.close())
