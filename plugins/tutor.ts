import fp from 'fastify-plugin'
import type { PriceIds } from '../handlers/services.ts'
import type { TutorSettings } from '../tutor/settings.ts'
import { type Tutor, tutorOf } from '../tutor/tutor.ts'
import { addToWebhooks } from './webhooks.ts'

declare module './webhooks.ts' {
  interface Webhooks {
    /** The tutor's settings that are in force. */
    tutor: Tutor
  }
}

export interface TutorPluginOptions {
  settings: TutorSettings | undefined
  /** The tutor's, IANA. */
  zone: string
  /** They count before those of the settings. */
  prices: PriceIds | undefined
}

/** Decorates webhooks.tutor. @throws {OptionError} with a line for each problem */
export default fp<TutorPluginOptions>(
  async (app, { settings = {}, zone, prices }) => {
    addToWebhooks(app, { tutor: tutorOf(settings, zone, prices) })
  },
  { name: 'tutorbot-tutor', fastify: '5.x' },
)
