import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import type { Clock } from '../inbox/contracts.ts'
import { OptionError } from '../inbox/errors.ts'
import { QUARANTINE_HOURS } from '../inbox/prune.ts'
import { Quarantine, type QuarantineLimits, type QuarantineStore } from '../inbox/quarantine.ts'
import { eventsOf } from './events.ts'
import { addToWebhooks } from './webhooks.ts'

export interface QuarantineOptions {
  /** What all that is kept may take, MB (2^20 bytes), from 1 to 64; default 16. Beyond it newcomers are not kept. */
  maxMegabytes?: number | undefined
  /** Hours for which each is kept, up to 168; default 24. */
  hours?: number | undefined
  /** How many are kept from one address in one minute; default 60. They may take a tenth of the room. */
  perAddressPerMinute?: number | undefined
}

declare module './webhooks.ts' {
  interface Webhooks {
    /** Where refused webhooks are kept; null: it is off. */
    quarantine: Quarantine | null
  }
}

const DEFAULT_MEGABYTES = 16
/** How full it is is counted at each write: with more it would take too long. */
const MAX_MEGABYTES = 64
const MAX_HOURS = 168
const DEFAULT_PER_ADDRESS = 60

export interface QuarantineSettings extends QuarantineLimits {
  hours: number
}

/** @throws {OptionError} that names the option, and its variable */
export function validQuarantine(options: QuarantineOptions | undefined): QuarantineSettings | undefined {
  if (options === undefined) return undefined
  const {
    maxMegabytes = DEFAULT_MEGABYTES,
    hours = QUARANTINE_HOURS,
    perAddressPerMinute = DEFAULT_PER_ADDRESS,
  } = options
  const must = (isValid: boolean, what: string) => {
    if (!isValid) throw new OptionError(`quarantine.${what}`)
  }
  must(
    typeof maxMegabytes === 'number' && maxMegabytes >= 1 && maxMegabytes <= MAX_MEGABYTES,
    `maxMegabytes (QUARANTINE_MB) must be a number from 1 to ${MAX_MEGABYTES}, not ${maxMegabytes}`,
  )
  must(
    typeof hours === 'number' && hours > 0 && hours <= MAX_HOURS,
    `hours (QUARANTINE_HOURS) must be a number above 0, and ${MAX_HOURS} at most, not ${hours}`,
  )
  must(
    Number.isSafeInteger(perAddressPerMinute) && perAddressPerMinute > 0,
    `perAddressPerMinute (QUARANTINE_PER_MINUTE) must be a whole number above 0, not ${perAddressPerMinute}`,
  )
  return { maxBytes: maxMegabytes * 2 ** 20, hours, perAddressPerMinute }
}

interface QuarantineParts {
  /** undefined: off. */
  settings: QuarantineSettings | undefined
  store: QuarantineStore
  clock: Clock
}

/** Decorates webhooks.quarantine. */
async function quarantinePlugin(app: FastifyInstance, { settings, store, clock }: QuarantineParts): Promise<void> {
  if (settings === undefined) return addToWebhooks(app, { quarantine: null })
  const events = eventsOf(app)
  const quarantine = new Quarantine({
    ...settings,
    store,
    clock,
    log: app.log,
    onOutcome: (source, outcome) => void events.emit('quarantined', { source, outcome }),
  })
  addToWebhooks(app, { quarantine })
  // Before the store is closed.
  app.addHook('onClose', () => quarantine.stop())
}

export default fp(quarantinePlugin, { name: 'tutorbot-quarantine', fastify: '5.x', dependencies: ['tutorbot-inbox'] })
