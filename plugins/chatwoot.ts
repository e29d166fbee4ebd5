import fp from 'fastify-plugin'
import { type ChatwootClient, type ChatwootOptions, createChatwootClient } from '../clients/chatwoot.ts'
import { addToWebhooks } from './webhooks.ts'

declare module './webhooks.ts' {
  interface Webhooks {
    /** null: no token, so nothing can be sent. */
    chatwoot: ChatwootClient | null
  }
}

export default fp<ChatwootOptions>(
  async (app, options) => {
    addToWebhooks(app, { chatwoot: createChatwootClient(options) })
  },
  { name: 'tutorbot-chatwoot', fastify: '5.x' },
)
