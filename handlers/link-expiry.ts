import type { Delivery } from '../inbox/contracts.ts'
import type { HandlerContext, HandlerPair } from '../inbox/drain.ts'
import { OWN_EVENT_PREFIX } from '../inbox/later.ts'
import { asText } from '../sources/json.ts'
import { type Booking, type Order, readerOf, reserve } from './booking.ts'
import { type Conversation, fetchIfThere } from './conversation.ts'
import { baseIntentOf } from './dialogue.ts'
import { withDoubt } from './doubt.ts'
import { remindersAreOff } from './reminders.ts'
import { type Reply, replyOnce, respectingSilence } from './reply.ts'
import type { Services } from './services.ts'
import { formatTime, formatWhen, parseTime } from './times.ts'

/** Tells a student that a payment link expires soon, while there is still time to pay. */

const EVENT = `${OWN_EVENT_PREFIX}link_expires`
/** So long before it expires, ms. */
const BEFORE_MS = 10 * 60_000

interface Link {
  /** Chatwoot's display id. */
  conversation: string
  /** The checkout session's id. */
  session: string
  /** When it is due, Unix ms. */
  at: number
}

const keyOf = (session: string) => `session:${session}:expires`

/** Reserves a lesson, and sees to it that the expiry of its link is told. null: the time is taken. */
export async function offerLink(
  booking: Booking,
  order: Order,
  { schedule }: Pick<HandlerContext, 'schedule'>,
): Promise<Reply | null> {
  const reply = await reserve(booking, order)
  if (reply === null) return null
  const { checkout_session, payment_expires } = reply.attributes as Record<string, unknown>
  const session = String(checkout_session)
  const at = Number(parseTime(payment_expires)) - BEFORE_MS
  const payload = { conversation: booking.conversation.id, session, at } satisfies Link
  await schedule({ key: keyOf(session), event: EVENT, payload, at })
  return reply
}

/** It is paid: nothing has to be told. */
export async function linkIsPaid(
  { attributes }: Conversation,
  { unschedule }: Pick<HandlerContext, 'unschedule'>,
): Promise<void> {
  const session = asText(attributes.checkout_session)
  if (session !== undefined) await unschedule(keyOf(session))
}

/** Handles links that expire soon. */
export function linkHandlers(services: Services): Record<string, HandlerPair<Link>> {
  async function onDue({ key, payload }: Delivery<Link>, all: HandlerContext): Promise<void> {
    const { chatwoot, stripe } = services
    const context = withDoubt(all, payload.at, services)
    const { signal, log } = context
    const silent = (why: string) => log.info({ session: payload.session }, `a link’s expiry is not told: ${why}`)
    if (chatwoot === null || stripe === null) return silent('CW_TOKEN or STRIPE_SECRET_KEY is not set')
    const conversation = await fetchIfThere(chatwoot, payload.conversation, signal, services)
    if (conversation === null) return silent('the conversation is gone')
    if (!isAwaited(services, conversation, payload)) return silent('it is not awaited any more')
    if (remindersAreOff(conversation)) return silent('the student does not want any reminders')
    // The webhook that tells of a payment may be late.
    const { status } = await stripe.getSession(payload.session, signal)
    if (status !== 'open') return silent(`it is ${status}`)
    await replyOnce(services, chatwoot, conversation, key, context, () =>
      respectingSilence(services, conversation, { content: contentOf(services, conversation) }),
    )
  }

  return {
    // Nobody waits for it: the link itself is in the chat.
    [EVENT]: { handle: onDue, gaveUp: () => {}, needs: ['chatwoot', 'stripe'] },
  }
}

/** Whether the conversation still waits for this link to be paid, and it can be. */
function isAwaited({ now }: Services, { attributes }: Conversation, { session }: Link): boolean {
  const { checkout_session, payment_expires } = attributes
  return (
    checkout_session === session && baseIntentOf(attributes) === 'pay' && Number(parseTime(payment_expires)) > now()
  )
}

function contentOf(services: Services, conversation: Conversation): string {
  const { attributes, language } = conversation
  const reader = readerOf(conversation, services)
  const [start, until] = [attributes.lesson_start, attributes.payment_expires].map(text => Number(parseTime(text)))
  const texts = services.tutor.texts[language]
  return texts.linkExpires(
    formatWhen(start as number, reader),
    formatTime(until as number, reader),
    `${attributes.payment_link}`,
  )
}
