import createError from '@fastify/error'
import type { FastifyInstance, onRequestAsyncHookHandler } from 'fastify'
import type { StoredDelivery } from '../../inbox/contracts.ts'
import type { Inbox } from '../../inbox/inbox.ts'
import { BadFilterError, FILTER_SCHEMA, readFilter, readPage } from '../../operator/filter.ts'
import { timelineOf, viewOf } from '../../operator/views.ts'
import { asObject } from '../../sources/json.ts'

const UnknownError = createError<[string]>('OPERATOR_UNKNOWN_DELIVERY', 'There is no delivery %s', 404)
const ConflictError = createError<[string, string]>('OPERATOR_CONFLICT', 'The delivery %s %s', 409)
const BadBodyError = createError<[string]>('OPERATOR_BAD_BODY', '%s', 400)

/** Deliveries replayed per write: a large write would delay others. */
const AT_ONCE = 200
const MAX_REASON_CHARACTERS = 500

const params = { type: 'object', properties: { id: { type: 'string', description: "The delivery's id" } } } as const
const page = {
  limit: { type: 'string', description: 'Deliveries per page, 1 to 200 (default 50)' },
  cursor: { type: 'string', description: '`next` of the previous page' },
} as const

export interface DeliveriesApiOptions {
  /** Checks access. */
  access: onRequestAsyncHookHandler
  /** The IANA time zone of times without an offset. */
  zone: string
}

/** The deliveries API. */
export default async function deliveriesApi(
  app: FastifyInstance,
  { access, zone }: DeliveriesApiOptions,
): Promise<void> {
  const { inbox } = app.webhooks
  app.addHook('onRequest', access)

  app.get(
    '/deliveries',
    {
      schema: {
        summary: 'Deliveries, newest first',
        querystring: { type: 'object', properties: { ...FILTER_SCHEMA, ...page } },
      },
    },
    async request => {
      const query = asObject(request.query)
      const { limit, before } = readPage(query)
      const { deliveries, next } = await inbox.browse(readFilter(query, zone), limit, before)
      return { deliveries: deliveries.map(viewOf), next: next === null ? null : `${next}` }
    },
  )

  app.get<{ Params: { id: string } }>(
    '/deliveries/:id',
    { schema: { summary: 'One delivery: its payload and its history', params } },
    async ({ params: { id } }) => {
      const delivery = await find(inbox, id)
      const timeline = timelineOf(delivery, await inbox.history(id))
      return { ...viewOf(delivery), timeline, payload: delivery.payload }
    },
  )

  app.post<{ Params: { id: string } }>(
    '/deliveries/:id/replay',
    { schema: { summary: 'Handles a parked or dead delivery again, out of order, or a scheduled one now', params } },
    async ({ params: { id } }, reply) => {
      await replayOne(inbox, id)
      return reply.code(202).send({ status: 'replayed', id })
    },
  )

  app.post(
    '/deliveries/replay',
    {
      schema: {
        summary: 'Handles all parked and dead deliveries that match a filter again',
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
      const result = await replayMany(inbox, asObject(filter), dryRun, zone)
      return reply.code(dryRun ? 200 : 202).send(result)
    },
  )

  app.post<{ Params: { id: string } }>(
    '/deliveries/:id/discard',
    {
      schema: {
        summary: 'Discards a parked, dead or scheduled delivery: it will not be handled',
        params,
        body: {
          type: 'object',
          properties: { reason: { type: 'string', description: 'Why it need not be handled, for the record' } },
        },
      },
    },
    async ({ params: { id }, body }) => {
      await discardOne(inbox, id, asObject(body).reason)
      return { status: 'discarded', id }
    },
  )
}

/** @throws 404 */
export async function find(inbox: Pick<Inbox, 'get'>, id: string): Promise<StoredDelivery> {
  const delivery = await inbox.get(id)
  if (delivery === null) throw new UnknownError(id.slice(0, 100))
  return delivery
}

/** @throws 404, 409 it is being handled, or neither parked nor dead, or its payload is deleted */
export async function replayOne(inbox: Pick<Inbox, 'get' | 'replay'>, id: string): Promise<void> {
  const delivery = await find(inbox, id)
  if (delivery.payload === null) throw new ConflictError(id, 'has no payload any more, so it can’t be handled again')
  if ((await inbox.replay([id])) > 0) return
  throw new ConflictError(id, whyNot(await find(inbox, id), 'replayed'))
}

/** @throws 404, 409, 400 without a reason */
export async function discardOne(inbox: Pick<Inbox, 'get' | 'discard'>, id: string, reason: unknown): Promise<void> {
  await find(inbox, id)
  if (typeof reason !== 'string' || reason.trim() === '' || reason.length > MAX_REASON_CHARACTERS) {
    throw new BadBodyError(
      `reason must be a string of 1 to ${MAX_REASON_CHARACTERS} characters: why it need not be handled`,
    )
  }
  if (await inbox.discard(id, reason.trim())) return
  throw new ConflictError(id, whyNot(await find(inbox, id), 'discarded'))
}

function whyNot({ state, startedAt }: StoredDelivery, done: string): string {
  if (startedAt !== null) return `is being handled; it can be ${done} if that fails`
  return `is ${state}: only parked and dead deliveries can be ${done}`
}

/**
 * Replays the parked and dead deliveries that match a filter.
 * @returns how many match, and how many were replayed: those being handled are not
 * @throws {BadFilterError} that names the field
 */
export async function replayMany(
  inbox: Pick<Inbox, 'browse' | 'replay'>,
  given: Record<string, unknown>,
  dryRun: boolean,
  zone?: string,
): Promise<{ matched: number; replayed: number }> {
  const { state, ...filter } = readFilter(given, zone)
  if (state !== undefined && state !== 'parked' && state !== 'dead') {
    throw new BadFilterError('state', 'must be parked or dead, or omitted for both')
  }
  const ids: string[] = []
  for (const each of state === undefined ? (['parked', 'dead'] as const) : [state]) {
    let before: number | undefined
    for (;;) {
      const { deliveries, next } = await inbox.browse({ ...filter, state: each }, AT_ONCE, before)
      for (const { id, startedAt } of deliveries) if (startedAt === null) ids.push(id)
      if (next === null) break
      before = next
    }
  }
  if (dryRun) return { matched: ids.length, replayed: 0 }
  for (let from = 0; from < ids.length; from += AT_ONCE) await inbox.replay(ids.slice(from, from + AT_ONCE))
  return { matched: ids.length, replayed: ids.length }
}
