import fastifyEnv from '@fastify/env'
import fp from 'fastify-plugin'
import { ENV_SCHEMA, type Env } from '../environment.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** Of the standalone server only. */
    config: Env
  }
}

/** fastify.config: what readEnv has read, once more against its schema. */
export default fp<{ env: Env }>(
  async (app, { env }) => {
    await app.register(fastifyEnv, { schema: structuredClone(ENV_SCHEMA), env: false, data: { ...env } })
  },
  { name: 'tutorbot-env', fastify: '5.x' },
)
