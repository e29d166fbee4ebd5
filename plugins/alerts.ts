import fp from 'fastify-plugin'
import { type Clock, systemClock } from '../inbox/contracts.ts'
import { type AlertsOptions, createAlerts } from '../operator/alerts.ts'

export default fp<AlertsOptions & { clock?: Clock }>(
  async (app, { url, clock = systemClock }) => {
    const { inbox, events } = app.webhooks
    const { start, close } = createAlerts({ url, inbox, events, clock, log: app.log })
    app.addHook('onReady', async () => start())
    app.addHook('onClose', async () => close())
  },
  { name: 'tutorbot-alerts', fastify: '5.x', dependencies: ['tutorbot-inbox'] },
)
