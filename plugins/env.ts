import fastifyEnv from '@fastify/env'
import fp from 'fastify-plugin'
import { ENV_SCHEMA, type Env } from '../environment.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** Standalone server only. */
    config: Env
  }
}

/** Names only: readEnv has already validated the values, and compiling the schema again is slow. */
const NAMES = {
  type: 'object',
  properties: Object.fromEntries(Object.keys(ENV_SCHEMA.properties).map(name => [name, {}])),
}

/** Decorates fastify.config with what readEnv has read. */
export default fp<{ env: Env }>(
  async (app, { env }) => {
    await app.register(fastifyEnv, { schema: NAMES, env: false, data: { ...env } })
  },
  { name: 'tutorbot-env', fastify: '5.x' },
)
