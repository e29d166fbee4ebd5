import { hash } from 'node:crypto'
import type { Delivery } from '../inbox/contracts.ts'
import type { Handler, HandlerContext } from '../inbox/drain.ts'
import type { ChatwootMessage } from '../sources/chatwoot-payloads.ts'
import { occurredAt } from './occurred-at.ts'
import { textOf } from './text-of.ts'
import { wrapHandler } from './wrap.ts'

/** Two copies of one message are written within this time of each other, ms. */
const COPIED_WITHIN_MS = 10 * 60 * 1_000

/**
 * With Telegram, Twilio and Line, Chatwoot can store one message twice under different ids (chatwoot/chatwoot 15450).
 * Copies are skipped.
 */
export function withoutCopies(handler: Handler<never>): Handler<never> {
  return wrapHandler<never, never>(
    handler,
    handle => async (_, context) => {
      const together: Delivery<unknown>[] = []
      for (const each of context.together) {
        if (!(await isCopy(each as Delivery<ChatwootMessage>, context))) together.push(each)
      }
      const [first] = together
      if (first !== undefined) await handle(first as Delivery<never>, { ...context, together })
    },
    gaveUp => gaveUp,
  )
}

async function isCopy(
  { id, event, payload }: Delivery<ChatwootMessage>,
  { once, log }: HandlerContext,
): Promise<boolean> {
  if (event !== 'message_created') return false
  const key = sameMessageKey(payload)
  const at = occurredAt(payload)
  if (key === undefined || at === undefined) return false
  // Durable: the copy may come after a restart.
  const first = await once(key, () => ({ delivery: id, at }))
  if (first.delivery === id || Math.abs(at - first.at) > COPIED_WITHIN_MS) return false
  log.info({ copyOf: first.delivery }, `skipped: a copy of the message of delivery ${first.delivery}`)
  return true
}

/** What copies of a message have in common. undefined: copies can't be recognised. */
function sameMessageKey(message: ChatwootMessage): string | undefined {
  const { message_type, account, inbox, conversation } = message
  const source_id = sourceIdOf(message)
  if (source_id === undefined || message_type !== 'incoming') return undefined
  const ids = [account, inbox, conversation].map(part => part && String(part.id))
  return `message:${hash('sha256', JSON.stringify([...ids, source_id, textOf(message)]))}`
}

/** The message's id at its channel; undefined: none that says anything. */
export function sourceIdOf({ source_id, conversation }: ChatwootMessage): string | undefined {
  // An API inbox's clients choose it freely.
  const isOfApi = (conversation.channel ?? conversation.meta.channel) === 'Channel::Api'
  return isOfApi ? undefined : source_id || undefined
}
