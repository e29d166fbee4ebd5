import fastifyEnv from '@fastify/env'
import fp from 'fastify-plugin'
import { ENV_SCHEMA, type Env } from '../environment.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** Of the standalone server only. */
    config: Env
  }
}

/** The names alone: readEnv has checked the values, and to compile their schema again takes longer than all the rest here. */
const NAMES = {
  type: 'object',
  properties: Object.fromEntries(Object.keys(ENV_SCHEMA.properties).map(name => [name, {}])),
}

/** fastify.config: what readEnv has read. */
export default fp<{ env: Env }>(
  async (app, { env }) => {
    await app.register(fastifyEnv, { schema: NAMES, env: false, data: { ...env } })
  },
  { name: 'tutorbot-env', fastify: '5.x' },
)
