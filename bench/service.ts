/** The service as it is, with handlers that do nothing. */
import Fastify from 'fastify'
import webhooks from '../app.ts'
import { readEnv } from '../plugins/env.ts'
import { serverOptions, webhooksOptions } from '../server.ts'

const config = await readEnv({})
const noop = () => {}
const app = Fastify(serverOptions(config))
await app.register(webhooks, {
  ...webhooksOptions(config),
  handlers: { message_created: noop, 'checkout.session.completed': noop },
})
await app.listen({ port: 0 })
process.once('SIGTERM', () => void app.close())
