import fp from 'fastify-plugin'
import { type ChatwootClient, type ChatwootOptions, createChatwootClient } from '../clients/chatwoot.ts'
import { breakersOf, gateOf } from './breakers.ts'
import { addToWebhooks } from './webhooks.ts'

declare module './webhooks.ts' {
  interface Webhooks {
    /** null: no token, so nothing can be sent. */
    chatwoot: ChatwootClient | null
  }
}

export default fp<ChatwootOptions>(
  async (app, options) => {
    const breakers = breakersOf(app)
    const client = createChatwootClient(options, gateOf(breakers, 'chatwoot'))
    if (client !== null) breakers.watch('chatwoot', client.probe)
    addToWebhooks(app, { chatwoot: client })
  },
  { name: 'tutorbot-chatwoot', fastify: '5.x' },
)
