import { presets, type Source } from '../app.ts'

/** Bookings at Cal.com: a webhook with this secret, in its settings under "Webhooks". */
export const calcom = (secret: string): Source => ({
  name: 'calcom',
  path: '/calcom',
  verify: presets.calcom({ secrets: [secret] }),
  // It sends no id: the same booking event is the one with the same bytes.
  identify: request => ({ event: request.field('triggerEvent'), orderingKey: request.field('payload.uid') }),
})
