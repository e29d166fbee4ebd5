import type { FastifyInstance } from 'fastify'
import type { Gate } from '../clients/http.ts'
import { type Breakers, createBreakers } from '../inbox/breaker.ts'
import { type Clock, systemClock } from '../inbox/contracts.ts'
import { type System, TransientError } from '../inbox/errors.ts'
import type { Pace } from '../inbox/pace.ts'
import { eventsOf } from './events.ts'
import { addToWebhooks } from './webhooks.ts'

declare module './webhooks.ts' {
  interface Webhooks {
    /** Which outside systems are available: see inbox/breaker.ts. */
    breakers: Breakers
  }
}

/** `fastify.webhooks.breakers`, created on first use and closed with the app. */
export function breakersOf(app: FastifyInstance, clock: Clock = systemClock): Breakers {
  if (app.hasDecorator('webhooks') && app.webhooks.breakers !== undefined) return app.webhooks.breakers
  const events = eventsOf(app)
  const breakers = createBreakers({ clock, log: app.log, onTurn: event => void events.emit('held', event) })
  addToWebhooks(app, { breakers })
  app.addHook('onClose', async () => breakers.close())
  return breakers
}

/** A client's gate: shut while its system is held, and passed at a pace. */
export function gateOf(breakers: Breakers, system: System, pace?: Pace): Gate {
  const checkHeld = () => {
    if (!breakers.isHeld(system)) return
    throw new TransientError(`${system} is unavailable: no call is made until it is back`, {
      outage: { system, isProof: false },
    })
  }
  return {
    async enter(signal) {
      checkHeld()
      const turn = pace?.take(signal)
      if (turn === undefined) return
      await turn
      checkHeld()
    },
    answered: () => breakers.succeeded(system),
  }
}
