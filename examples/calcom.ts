import { presets, type Source } from '../app.ts'

/** Cal.com bookings: add a webhook with this secret in the settings under "Webhooks". */
export const calcom = (secret: string): Source => ({
  name: 'calcom',
  path: '/calcom',
  verify: presets.calcom({ secrets: [secret] }),
  // Cal.com sends no id: identical bytes are the same event.
  identify: request => ({ event: request.field('triggerEvent'), orderingKey: request.field('payload.uid') }),
})
