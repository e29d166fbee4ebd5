import fp from 'fastify-plugin'
import { type ChatwootClient, type ChatwootOptions, createChatwootClient } from '../clients/chatwoot.ts'
import { type Clock, systemClock } from '../inbox/contracts.ts'
import { OptionError } from '../inbox/errors.ts'
import { createPace, type Pace } from '../inbox/pace.ts'
import { breakersOf, gateOf } from './breakers.ts'
import { addToWebhooks } from './webhooks.ts'

declare module './webhooks.ts' {
  interface Webhooks {
    /** null: no token, so nothing can be sent. */
    chatwoot: ChatwootClient | null
  }
}

/** Below Chatwoot's limit of 3,000 for each address: others may call it from the same one. */
const CALLS_PER_MINUTE = 2_400

/** undefined: no limit. @throws {OptionError} */
function paceOf(callsPerMinute: unknown = CALLS_PER_MINUTE, clock: Clock): Pace | undefined {
  if (callsPerMinute === 0) return undefined
  if (typeof callsPerMinute === 'number' && callsPerMinute > 0 && Number.isFinite(callsPerMinute))
    return createPace(callsPerMinute, clock)
  throw new OptionError('chatwoot.callsPerMinute (CW_CALLS_PER_MINUTE) must be a number above 0, or 0 for no limit')
}

export default fp<ChatwootOptions & { clock?: Clock }>(
  async (app, { clock = systemClock, ...options }) => {
    const breakers = breakersOf(app, clock)
    const pace = paceOf(options.callsPerMinute, clock)
    const client = createChatwootClient(options, gateOf(breakers, 'chatwoot', pace))
    if (client !== null) breakers.watch('chatwoot', client.probe)
    addToWebhooks(app, { chatwoot: client })
  },
  { name: 'tutorbot-chatwoot', fastify: '5.x' },
)
