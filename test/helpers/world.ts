import type { Test } from 'tap'
import type { WebhooksOptions } from '../../app.ts'
import { type ConversationState, INCOMING, type MessageState } from '../../sandbox/chatwoot-state.ts'
import { startWorld, type World } from '../../sandbox/world.ts'
import { CHATWOOT_SECRET, closedIfItFails, listen, STRIPE_SECRET, webhookApp } from './app.ts'
import { MONDAY, PRICES } from './lesson-story.ts'
import type { LogLine } from './log.ts'
import { clockAt } from './tutor.ts'

/** The service in the sandbox's world, over real HTTP both ways. */
export async function startInWorld(t: Test, chatwoot: WebhooksOptions['chatwoot'] = {}, more: WebhooksOptions = {}) {
  const clock = clockAt(t, MONDAY)
  let port = 0
  const world = await startWorld({
    clock,
    payUrl: 'http://127.0.0.1:3000/sandbox/pay',
    secrets: { chatwoot: CHATWOOT_SECRET, stripe: STRIPE_SECRET },
    serviceUrl: () => `http://127.0.0.1:${port}`,
  })
  for (const id of Object.values(PRICES)) world.stripe.addPrice(id, 6000)
  const starting = webhookApp(
    t,
    {
      chatwoot: {
        url: world.chatwoot.url,
        accountId: world.chatwoot.accountId,
        token: world.chatwoot.tokens.bot,
        adminToken: world.chatwoot.tokens.admin,
        ...chatwoot,
      },
      stripe: { apiBase: world.stripe.url, secretKey: world.stripe.secretKey, prices: PRICES },
      inbox: { clock },
      ...more,
    },
    'debug',
  )
  const { app, log } = await closedIfItFails(starting, () => world.close())
  t.teardown(() => world.close())
  port = await listen(app)

  /** Waits until everything sent is handled, and so is whatever it triggers. */
  async function quiet(): Promise<void> {
    for (let before = -1; before !== world.wire.length; ) {
      before = world.wire.length
      await world.settled()
      const deliveries = new Set(accepted(world).map(({ delivery }) => delivery))
      await Promise.all([...deliveries].map(id => log.line(line => isEnd(line) && line.delivery === id)))
    }
  }
  return { world, app, log, clock, quiet, conversation: (id: number) => conversationIn(world, id) }
}

/** The log line with the outcome of a delivery's attempt. */
const isEnd = (line: LogLine) => line.attempt === 1 && line.event !== undefined

const accepted = (world: World) =>
  world.wire.filter(({ kind, response }) => kind === 'webhook' && response.includes('"accepted"'))

export function conversationIn({ chatwoot }: World, id: number): ConversationState {
  return chatwoot.conversations.get(id) as ConversationState
}

/** What the student sees, `>` before what the bot or a person says. */
export function chat({ messages }: ConversationState): string[] {
  return messages
    .filter(message => !message.private)
    .map(({ content, message_type }) => (message_type === INCOMING ? `${content}` : `> ${content}`))
}

export const lastQuestion = ({ messages }: ConversationState) =>
  messages.findLast(({ content_type }) => content_type === 'input_select') as MessageState
