import type { Test } from 'tap'
import { stripeCharge, stripeEvent } from '../../commands/samples.ts'
import type { Channel } from '../../sandbox/chatwoot-people.ts'
import type { ConversationState } from '../../sandbox/chatwoot-state.ts'
import { pay } from '../../sandbox/payments.ts'
import type { Session } from '../../sandbox/stripe-api.ts'
import { listen } from './app.ts'
import { deliverStripe, type Receiver, type Student, student } from './story.ts'
import { startTutor, type TutorOptions } from './tutor.ts'

/** Whole stories over real HTTP: a lesson is requested, paid and booked in a chat, or fails on the way. */

/** A Monday, 11:00 in Amsterdam. */
export const MONDAY = '2026-11-23T10:00:00Z'

export const MINUTE = 60_000

export const PRICES = {
  standard60: 'price_s60',
  standard90: 'price_s90',
  weekend60: 'price_w60',
  weekend90: 'price_w90',
}

export async function setUp(t: Test, options: TutorOptions = {}) {
  const tutor = await startTutor(t, { at: MONDAY, prices: PRICES, handoffAgentId: 7, ...options })
  for (const [id, unit_amount] of Object.entries({
    price_s60: 6000,
    price_s90: 8500,
    price_w60: 7000,
    price_w90: 9950,
  })) {
    tutor.stripe.addPrice(id, unit_amount)
  }
  const port = await listen(tutor.app)
  const receiver: Receiver = {
    url: async () => `http://127.0.0.1:${port}`,
    handled: async delivery => (await tutor.ended(delivery)).msg,
  }
  const deliver = async (event: object) => {
    const delivery = await deliverStripe(receiver, event)
    return receiver.handled(delivery)
  }
  return {
    ...tutor,
    receiver,
    deliver,
    student: (channel: Channel = 'whatsapp', parts: Partial<ConversationState> = {}, contact = {}) =>
      student({ ...tutor, receiver }, channel, parts, { language: 'nl', ...contact }),
    /** The n-th checkout session that was created. */
    session: (n = 1) => [...tutor.stripe.sessions.values()][n - 1] as Session,
    lessons: () => tutor.app.webhooks.calendar.lessons?.(0, 8e15),
    busy: async () => {
      const now = tutor.clock.now()
      const busy = await tutor.app.webhooks.calendar.busy(now, now + 30 * 24 * 60 * MINUTE, AbortSignal.timeout(1000))
      return busy.map(({ start, end }) => [new Date(start).toISOString(), new Date(end).toISOString()])
    },
  }
}

export const contactOf = ({ chatwoot }: Awaited<ReturnType<typeof setUp>>, id = 4100001) =>
  chatwoot.contacts.get(id)?.custom_attributes

export const SLOTS = [
  'di 24 nov 10:00',
  'di 24 nov 16:00',
  'wo 25 nov 10:00',
  'wo 25 nov 16:00',
  'do 26 nov 10:00',
  'do 26 nov 16:00',
]

/** A student whose lesson at the first time is reserved. */
export async function reserved(tutor: Awaited<ReturnType<typeof setUp>>, parts: Partial<ConversationState> = {}) {
  const one = tutor.student('whatsapp', parts)
  await one.says('Hoi')
  await one.says('Les boeken')
  const [text] = await one.says('optie 1')
  if (!text?.startsWith('Je les op')) throw new Error(`not reserved: ${text}`)
  return one
}

/** A student whose lesson is booked and paid. @param time a day and a time, in the student's words */
export async function booked(
  tutor: Awaited<ReturnType<typeof setUp>>,
  time: string,
  one: Student = tutor.student(),
): Promise<Student> {
  if (one.read().length === 0) await one.says('Hallo')
  for (const text of [one.choices().find(title => /boeken|Book|buchen/.test(title)) ?? 'Les boeken', time]) {
    await one.says(text)
  }
  const session = [...tutor.stripe.sessions.values()].at(-1) as Session
  await tutor.deliver(pay(session).completed)
  return one
}

/** A refunded charge. */
export function refundEvent(id: string, options: Parameters<typeof stripeCharge>[0], parts: object = {}) {
  const charge = stripeCharge(options)
  return stripeEvent('charge.refunded', { ...charge, payment_intent: charge.payment_intent || null, ...parts }, { id })
}
