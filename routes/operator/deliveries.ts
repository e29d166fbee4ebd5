import createError from '@fastify/error'
import type { FastifyInstance, onRequestAsyncHookHandler } from 'fastify'
import type { DeliveryState, StoredDelivery } from '../../inbox/contracts.ts'
import type { Inbox } from '../../inbox/inbox.ts'
import { BadFilterError, FILTER_SCHEMA, readFilter, readPage } from '../../operator/filter.ts'
import { findDelivery } from '../../operator/find-delivery.ts'
import { listDeliveries, named } from '../../operator/listing.ts'
import { NOBODY_VERIFIES, reasonsOf, type VerifiedAgain, verifyQuarantined } from '../../operator/quarantine.ts'
import { timelineOf, viewOf, viewOfOne } from '../../operator/views.ts'
import { asObject, isObject } from '../../sources/json.ts'

const ConflictError = createError<[string, string]>('OPERATOR_CONFLICT', 'The delivery %s %s', 409)
const BadBodyError = createError<[string]>('OPERATOR_BAD_BODY', '%s', 400)

/** Deliveries replayed per write: a large write would delay others. */
const AT_ONCE = 200
const MAX_REASON_CHARACTERS = 500

const params = {
  type: 'object',
  properties: { id: { type: 'string', description: "The delivery's id, or at least its first eight characters" } },
} as const
const page = {
  limit: { type: 'string', description: 'Deliveries per page, 1 to 200 (default 50)' },
  cursor: { type: 'string', description: '`next` of the previous page' },
} as const

export interface DeliveriesApiOptions {
  /** Checks access. */
  access: onRequestAsyncHookHandler
  /** The IANA time zone of times without an offset. */
  zone: string
  /** Chatwoot's base URL, to link to it. */
  chatwootUrl: string | undefined
}

/** The deliveries API. */
export default async function deliveriesApi(
  app: FastifyInstance,
  { access, zone, chatwootUrl }: DeliveriesApiOptions,
): Promise<void> {
  const { inbox } = app.webhooks
  app.addHook('onRequest', access)

  app.get(
    '/deliveries',
    {
      schema: {
        summary: 'Deliveries, newest first, with the student’s name and the first words',
        querystring: { type: 'object', properties: { ...FILTER_SCHEMA, ...page } },
      },
    },
    async request => {
      const query = asObject(request.query)
      const { limit, before } = readPage(query)
      const { deliveries, next, searched } = await listDeliveries(inbox, readFilter(query, zone), limit, before)
      const views = deliveries.map(delivery => viewOf(delivery, chatwootUrl))
      return { deliveries: views, next: next === null ? null : `${next}`, searched }
    },
  )

  app.get<{ Params: { id: string } }>(
    '/deliveries/:id',
    { schema: { summary: 'One delivery: its payload and its history', params } },
    async ({ params: { id } }) => {
      const delivery = await findDelivery(inbox, id)
      const timeline = timelineOf(delivery, await inbox.history(delivery.id))
      return { ...viewOfOne(delivery, chatwootUrl), timeline, payload: delivery.payload }
    },
  )

  app.post<{ Params: { id: string } }>(
    '/deliveries/:id/replay',
    {
      schema: {
        summary:
          'Handles a parked or dead delivery again, out of order, a scheduled one now; verifies a quarantined one again',
        params,
      },
    },
    async ({ params: { id } }, reply) => {
      return reply.code(202).send({ status: 'replayed', id: await replayOne(inbox, id) })
    },
  )

  app.post(
    '/deliveries/replay',
    {
      schema: {
        summary:
          'Handles all parked and dead deliveries that match a filter again; with state quarantined, verifies those',
        body: {
          type: 'object',
          properties: {
            filter: { type: 'object', properties: FILTER_SCHEMA },
            dryRun: { type: 'boolean', description: 'Only counts the deliveries' },
          },
        },
      },
    },
    async (request, reply) => {
      const { filter = {}, dryRun = false, ...rest } = asObject(request.body)
      const [unknown] = Object.keys(rest)
      if (unknown !== undefined) throw new BadBodyError(`${unknown} is not known: only filter and dryRun are allowed`)
      if (typeof dryRun !== 'boolean') throw new BadBodyError('dryRun must be true or false')
      // What is not read would match everything.
      if (!isObject(filter)) throw new BadBodyError('filter must be an object')
      const misspelt = Object.keys(filter).find(field => !Object.hasOwn(FILTER_SCHEMA, field))
      if (misspelt !== undefined) throw new BadFilterError(misspelt, 'is no field of a filter')
      const result = await replayMany(inbox, filter, dryRun, zone)
      return reply.code(dryRun ? 200 : 202).send(result)
    },
  )

  app.post<{ Params: { id: string } }>(
    '/deliveries/:id/discard',
    {
      schema: {
        summary: 'Discards a parked, dead or scheduled delivery: it will not be handled; deletes a quarantined one',
        params,
        body: {
          type: 'object',
          properties: { reason: { type: 'string', description: 'Why it need not be handled, for the record' } },
        },
      },
    },
    async ({ params: { id }, body }) => ({
      status: 'discarded',
      id: await discardOne(inbox, id, asObject(body).reason),
    }),
  )
}

type Found = 'get' | 'idsBeginningWith'

/**
 * @param given an id, or its beginning
 * @returns the id
 * @throws 404, 409 several begin so, it is being handled, or neither parked nor dead, or its payload is deleted; a
 * quarantined one is still refused
 */
export async function replayOne(
  inbox: Pick<Inbox, Found | 'replay' | 'browse' | 'quarantined'>,
  given: string,
): Promise<string> {
  const { id, payload, state } = await findDelivery(inbox, given)
  if (state === 'quarantined') {
    const { refused, waiting } = await verifyQuarantined(inbox, [id])
    if (refused.length > 0) throw new ConflictError(id, `is still refused: ${reasonsOf(refused)}`)
    if (waiting > 0) throw new ConflictError(id, `has not been verified: ${NOBODY_VERIFIES}`)
    return id
  }
  if (payload === null) throw new ConflictError(id, 'has no payload any more, so it can’t be handled again')
  if ((await inbox.replay([id])) > 0) return id
  throw new ConflictError(id, whyNot(await findDelivery(inbox, id), 'replayed'))
}

/**
 * @param given an id, or its beginning
 * @returns the id
 * @throws 404, 409, 400 without a reason
 */
export async function discardOne(
  inbox: Pick<Inbox, Found | 'discard'>,
  given: string,
  reason: unknown,
): Promise<string> {
  const { id } = await findDelivery(inbox, given)
  if (typeof reason !== 'string' || reason.trim() === '' || reason.length > MAX_REASON_CHARACTERS) {
    throw new BadBodyError(
      `reason must be a string of 1 to ${MAX_REASON_CHARACTERS} characters: why it need not be handled`,
    )
  }
  if (await inbox.discard(id, reason.trim())) return id
  throw new ConflictError(id, whyNot(await findDelivery(inbox, id), 'discarded'))
}

function whyNot({ state, startedAt }: StoredDelivery, done: string): string {
  if (startedAt !== null) return `is being handled; it can be ${done} if that fails`
  return `is ${state}: only parked and dead deliveries can be ${done}`
}

export type Replayed = { matched: number; replayed: number } & Partial<VerifiedAgain>

const REPLAYABLE: readonly DeliveryState[] = ['parked', 'dead', 'quarantined']

/**
 * Replays the parked and dead deliveries that match a filter; or the quarantined ones, which the server verifies again.
 * @returns how many match, and how many were replayed: those being handled are not, nor those still refused
 * @throws {BadFilterError} that names the field
 */
export async function replayMany(
  inbox: Pick<Inbox, 'browse' | 'payloads' | 'replay' | 'quarantined'>,
  given: Record<string, unknown>,
  dryRun: boolean,
  zone?: string,
): Promise<Replayed> {
  const { state, name, ...filter } = readFilter(given, zone)
  if (state !== undefined && !REPLAYABLE.includes(state)) {
    throw new BadFilterError('state', 'must be parked, dead or quarantined, or omitted for parked and dead')
  }
  const ids: string[] = []
  for (const each of state === undefined ? (['parked', 'dead'] as const) : [state]) {
    let before: number | undefined
    for (;;) {
      const { deliveries, next } = await inbox.browse({ ...filter, state: each }, AT_ONCE, before)
      const matching = name === undefined ? deliveries : await named(inbox, deliveries, name)
      // A quarantined one has a start when it has been asked for, which may be done again.
      for (const { id, startedAt } of matching) if (startedAt === null || state === 'quarantined') ids.push(id)
      if (next === null) break
      before = next
    }
  }
  if (dryRun) return { matched: ids.length, replayed: 0 }
  if (state === 'quarantined') return { matched: ids.length, ...(await verifyQuarantined(inbox, ids)) }
  for (let from = 0; from < ids.length; from += AT_ONCE) await inbox.replay(ids.slice(from, from + AT_ONCE))
  return { matched: ids.length, replayed: ids.length }
}
