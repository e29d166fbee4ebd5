import type { BookedLesson } from '../calendar/contract.ts'
import type { Step, Store } from '../inbox/contracts.ts'
import { intentIn } from '../operator/lessons/view.ts'
import { asId, asObject } from '../sources/json.ts'
import { conversationsOf, type Person, type WithPayload } from './person.ts'

/** The results of `once` that are about a person: replies, what was understood, what became of a payment. */

const READ_AT_ONCE = 500

/** What a person's steps are named after, in their keys: ids of deliveries and payments, and orders. */
export function namesIn({ id, source, payload }: WithPayload): string[] {
  if (source !== 'stripe') return [id]
  const { id: object, payment_intent } = asObject(asObject(payload.data).object)
  return [id, asId(object), asId(payment_intent)].filter(name => name !== undefined)
}

/** The same of a lesson. */
export function namesOfLesson({ order, payment }: Pick<BookedLesson, 'order' | 'payment'>): string[] {
  return [order, intentIn(payment)].filter(name => name !== undefined)
}

/** A person's steps, in the order of their keys, in parts. @param names see above */
export async function* stepsOf(store: Store, person: Person, names: ReadonlySet<string>): AsyncGenerator<Step[]> {
  const conversations = new Set(conversationsOf(person))
  let page: Step[] = []
  do {
    page = await store.steps(READ_AT_ONCE, page.at(-1)?.key)
    yield page.filter(isTheirs)
  } while (page.length > 0)

  function isTheirs({ key }: Step): boolean {
    const parts = key.split(':')
    const [kind, one = '', other = ''] = parts
    if (kind === 'said') return conversations.has(one)
    if (kind === 'chatwoot') return one === person.account && conversations.has(other)
    return parts.some(part => names.has(part))
  }
}

/**
 * Whether a step keeps words: what was decided for a delivery, or said about a payment. The others say only that
 * something has happened, with ids, times and sums: they keep a payment from being booked twice.
 */
export function hasWords({ key }: Step): boolean {
  return /^[0-9a-f]{8}-[0-9a-f-]{27}:/.test(key) || key.endsWith(':reply')
}
