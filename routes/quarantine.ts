import type { IncomingHttpHeaders } from 'node:http'
import { setImmediate } from 'node:timers/promises'
import createError from '@fastify/error'
import type { FastifyInstance } from 'fastify'
import type { Clock, NewDelivery } from '../inbox/contracts.ts'
import type { QuarantinedRequest, QuarantineStore } from '../inbox/quarantine.ts'
import { createStoreRetry } from '../inbox/store-retry.ts'
import { isSigned, rawBodyOf, verifyAgain } from '../plugins/verification.ts'
import type { Source } from '../sources/source.ts'
import { identifier } from './deliveries.ts'

/** What is refused for its signature is kept, and verified again when a person asks: see inbox/quarantine.ts. */

/** About the connection, and of the client or a proxy: nothing that a source reads. */
const NOT_READ =
  /^(host|connection|keep-alive|content-length|transfer-encoding|te|expect|priority|accept.*|user-agent|origin|referer|forwarded|via|x-real-ip|x-forwarded-.*|sec-.*)$/
/** May hold a secret, which would be stored. */
const MAY_BE_SECRET = /auth|cookie|token|secret|passw|key|session|jwt|credential|cert/

/** The headers that are kept: what verification and a source may read, and no secret. */
export function keptHeaders(headers: IncomingHttpHeaders, signatureHeaders: readonly string[]): Record<string, string> {
  const kept = Object.entries(headers).filter((entry): entry is [string, string] => {
    const [name, value] = entry
    if (typeof value !== 'string') return false
    return signatureHeaders.includes(name) || !(NOT_READ.test(name) || MAY_BE_SECRET.test(name))
  })
  return Object.fromEntries(kept)
}

/** Keeps what a source's routes refuse for its signature, after it is answered: the answer is as without it. */
export function quarantineRefused(app: FastifyInstance, { name, verify }: Source, now: () => number): void {
  const { quarantine } = app.webhooks
  if (quarantine === null) return
  app.addHook('onResponse', (request, reply, done) => {
    const { headers, isSignatureRefused, deliveryLine } = request
    if (isSignatureRefused && reply.statusCode === 401 && isSigned(verify, headers)) {
      quarantine.keep({
        source: name,
        address: request.ip,
        receivedAt: now(),
        why: deliveryLine?.reason as string,
        headers: keptHeaders(headers, verify.signatureHeaders as readonly string[]),
        body: Buffer.from(rawBodyOf(request) as Buffer | string),
      })
    }
    done()
  })
}

/** How often to look whether a person has asked for a verification, ms: a command is another process. */
const LOOK_MS = 500

export interface VerifyQuarantinedOptions {
  sources: readonly Source[]
  store: QuarantineStore
  clock: Clock
}

const UnknownSourceError = createError<[]>(
  'WEBHOOK_SOURCE_UNKNOWN',
  'Its source is not among the sources any more',
  401,
)

/** It could not be stored now: it stays as it is. */
const LATER = Symbol()

interface Begun {
  id: string
  /** null: it is stored, or needs no handling. Else why it is still refused. */
  ending: Promise<string | typeof LATER | null>
}

/** Verifies quarantined requests again, when a person has asked for it, from `ready` until `close`. */
export default async function verifyQuarantined(
  app: FastifyInstance,
  { sources, store, clock }: VerifyQuarantinedOptions,
): Promise<void> {
  const { log } = app
  const { inbox } = app.webhooks
  const storeRetry = createStoreRetry({ clock, log })
  const byName = new Map(sources.map(source => [source.name, { source, identify: identifier(source, inbox, clock) }]))
  let isStopped = false
  let cancelTimer: (() => void) | undefined
  let looking: Promise<void> = Promise.resolve()

  app.addHook('onReady', async () => look())
  app.addHook('preClose', async () => {
    isStopped = true
    cancelTimer?.()
    await looking
  })

  function look(): void {
    looking = verifyAsked().then(() => {
      if (!isStopped) cancelTimer = clock.after(LOOK_MS, look)
    })
  }

  async function verifyAsked(): Promise<void> {
    for (let isMore = true; isMore && !isStopped; ) {
      isMore = (await storeRetry.attempt('quarantine', verifySome)) === true
    }
  }

  /** true: there may be more. */
  async function verifySome(): Promise<boolean> {
    const requests = await store.asked()
    if (requests.length === 0) return false
    const begun: Begun[] = []
    for (const request of requests) {
      // Accepted in the order in which they came.
      begun.push(await begin(request))
      await setImmediate()
    }
    const released: string[] = []
    const refused = new Map<string, string>()
    for (const { id, ending } of begun) {
      const why = await ending
      if (why === null) released.push(id)
      else if (why !== LATER) refused.set(id, why)
    }
    // If the process ends before this, they are verified once more, and duplicates by then.
    await store.end(released, refused, clock.now())
    return released.length + refused.size === requests.length
  }

  async function begin({ id, source: name, ...request }: QuarantinedRequest): Promise<Begun> {
    const refuse = (error: Error & { code?: string }) => {
      const why = `${error.code ?? error.name}: ${error.message}`
      log.warn({ quarantined: id, source: name, error: why }, 'webhook in quarantine is still refused')
      return { id, ending: Promise.resolve(why) }
    }
    const of = byName.get(name)
    if (of === undefined) return refuse(new UnknownSourceError())
    const error = await verifyAgain(of.source, request, { log, clock })
    if (error !== undefined) return refuse(error)
    try {
      const { delivery, ...rest } = await of.identify(request.headers, request.body, clock.now())
      const fields = { quarantined: id, source: name, event: rest.event }
      if (delivery !== undefined) return { id, ending: accept(delivery, fields, request.body.length) }
      log.info({ ...fields, reason: rest.ignored }, 'webhook ignored, from quarantine')
      return { id, ending: Promise.resolve(null) }
    } catch (error) {
      return refuse(error as Error)
    }
  }

  async function accept(delivery: NewDelivery, fields: object, bytes: number): Promise<typeof LATER | null> {
    try {
      const outcome = await inbox.accept(delivery, bytes)
      const { id, orderingKey } = delivery
      log.info({ ...fields, delivery: id, orderingKey, outcome }, `webhook ${outcome}, from quarantine`)
      return null
    } catch (error) {
      log.error(error, 'webhook from quarantine not stored, retrying')
      return LATER
    }
  }
}
