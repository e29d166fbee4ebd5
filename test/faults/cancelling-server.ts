import type { Services } from '../../handlers/services.ts'
import { buildServer } from '../../server.ts'
import { cancelHandlers } from '../helpers/cancelling.ts'

/**
 * The real server in its own process, and lessons that are cancelled as a POST to `/cancel` asks: a test's, in place of a
 * student's button.
 */
const app = await buildServer()
const { inbox, calendar, tutor, events, chatwoot, stripe } = app.webhooks
const services = {
  ...{ chatwoot, stripe, calendar, tutor, events },
  zone: 'Europe/Amsterdam',
  handoffMs: 0,
  installationId: () => inbox.installationId(),
  now: Date.now,
  startedAt: Date.now(),
} as unknown as Services
for (const [event, handler] of Object.entries(cancelHandlers(() => services, []))) inbox.handle('inbox', event, handler)

app.post('/cancel', async request => {
  await inbox.schedule({ ...(request.body as Parameters<typeof inbox.schedule>[0]), at: 0 })
  return {}
})
app.get('/lessons', () => calendar.lessons?.(0, 8e15, { withCancelled: true }))
await app.listen({ port: 0, host: '127.0.0.1' })
