import createError from '@fastify/error'
import type { StoredDelivery } from '../inbox/contracts.ts'
import type { Inbox } from '../inbox/inbox.ts'
import { MAX_CANDIDATES, someOf } from './candidates.ts'

/** Ids as the operator gives them: whole, or short as the lists show them. */

const UnknownError = createError<[string]>('OPERATOR_UNKNOWN_DELIVERY', 'There is no delivery %s', 404)
const AmbiguousError = createError<[string, string]>(
  'OPERATOR_AMBIGUOUS_DELIVERY',
  'Several deliveries have an id that begins with %s: %s. Give more of it',
  409,
)

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
const BEGINNING = /^[0-9a-f]{8}[0-9a-f-]{0,27}$/
const SHOWN_CHARACTERS = 8

/** An id as the lists show it: its first eight characters. A host's own ids may be no UUIDs: they stay whole. */
export function shortId(id: string): string {
  return UUID.test(id) ? id.slice(0, SHOWN_CHARACTERS) : id
}

/**
 * The delivery with an id, or the only one whose id begins so.
 * @param id whole, or at least its first eight characters
 * @throws 404 there is none; 409 there are several, which the message names
 */
export async function findDelivery(
  inbox: Pick<Inbox, 'get' | 'idsBeginningWith'>,
  id: string,
): Promise<StoredDelivery> {
  const delivery = (await inbox.get(id)) ?? (await findByBeginning(inbox, id))
  if (delivery === null) throw new UnknownError(id.slice(0, 100))
  return delivery
}

async function findByBeginning(
  inbox: Pick<Inbox, 'get' | 'idsBeginningWith'>,
  id: string,
): Promise<StoredDelivery | null> {
  if (!BEGINNING.test(id)) return null
  const fitting = await inbox.idsBeginningWith(id, MAX_CANDIDATES)
  const [first, ...others] = fitting
  if (first === undefined) return null
  if (others.length === 0) return inbox.get(first)
  throw new AmbiguousError(id, someOf(fitting))
}
