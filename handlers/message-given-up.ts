import type { ChatwootClient } from '../clients/chatwoot.ts'
import { describeError } from '../inbox/backoff.ts'
import type { Delivery } from '../inbox/contracts.ts'
import type { HandlerContext } from '../inbox/drain.ts'
import type { ChatwootMessage } from '../sources/chatwoot-payloads.ts'
import { giveToPerson } from './booking.ts'
import { type Conversation, fetchIfPossible, toConversation } from './conversation.ts'
import { MAX_ANSWER_LENGTH } from './dialogue.ts'
import { withQuotes } from './hand-over.ts'
import { handOver, publish, type Reply, respectingSilence, stateOf, unlessOutdated } from './reply.ts'
import type { Services } from './services.ts'
import { textOf } from './text-of.ts'
import { releaseUnsold, resultOf } from './unsold.ts'
import { withWayBack } from './who-has-it.ts'

/** Tells the student that the bot failed, and the tutor why. */
export async function messageGivenUp(
  services: Services,
  client: ChatwootClient,
  delivery: Delivery<ChatwootMessage>,
  context: HandlerContext,
): Promise<void> {
  const { id, payload } = delivery
  const conversation = toConversation(payload.conversation, services)
  const recorded = await resultOf<Reply>(`${id}:reply`, context)
  // First, since Chatwoot may be down. A recorded reply may have a payable link: its hold stays.
  if (recorded === null) await releaseUnsold(services, conversation, delivery, context)
  const reply = await context.once(`${id}:gave-up:reply`, () => {
    return explain(services, client, conversation, delivery, recorded?.result.content, context)
  })
  // Before the message, which may be what Chatwoot refuses.
  if (reply.handsOver) await handOver(services, client, conversation, id, context)
  const rest = await unlessOutdated(services, client, conversation, { ...reply, handsOver: false }, context)
  await publish(services, client, conversation, rest, `${id}:gave-up`, context)
  await context.once(gaveUpKey(delivery), () => true)
}

/** Whether a person was told that a message was given up, and has to answer it. */
export async function isWithPerson(delivery: Delivery<unknown>, context: HandlerContext): Promise<boolean> {
  return (await resultOf(gaveUpKey(delivery), context)) !== null
}

function gaveUpKey({ id }: Delivery<unknown>): string {
  return `${id}:gave-up`
}

/** @param unsaid text of the recorded reply */
async function explain(
  services: Services,
  client: ChatwootClient,
  told: Conversation,
  delivery: Delivery<ChatwootMessage>,
  unsaid: string | undefined,
  context: HandlerContext,
): Promise<Reply> {
  const { signal, error } = context
  const conversation = await fetchIfPossible(client, told, context, services)
  const written = textOf(delivery.payload).slice(0, MAX_ANSWER_LENGTH)
  const { note, handsOver } = withQuotes(giveToPerson(services, conversation, describeError(error)), [written])
  const isReadable = conversation.read !== undefined
  // The student has the reply, or may have it; a later step failed.
  const isSaid =
    unsaid !== undefined && (!isReadable || (await client.wasSent(told.id, `${delivery.id}:message`, signal)))
  if (isSaid) return { note: withWayBack(String(note), conversation, services), handsOver }
  const released = unsaid === undefined ? await releaseUnsold(services, conversation, delivery, context) : {}
  const unsaidToo = `${note}\nIt has not told the student: "${unsaid}"`
  return respectingSilence(services, conversation, {
    // What may not be read can't be changed either: all of it would be replaced.
    ...(isReadable && { ...released, since: stateOf(conversation) }),
    note: withWayBack(unsaid === undefined ? String(note) : unsaidToo, conversation, services),
    content: services.tutor.texts[conversation.language].didNotWork,
    handsOver,
  })
}
