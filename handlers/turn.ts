import type { Delivery } from '../inbox/contracts.ts'
import type { HandlerContext } from '../inbox/drain.ts'
import type { Once } from '../inbox/once.ts'
import type { Booking } from './booking.ts'
import { occurredAt } from './occurred-at.ts'

/** One message of a student, and its conversation. */
export interface Turn extends Booking {
  delivery: Delivery<unknown>
  /** What the student wrote. */
  text: string
  /** Each message, if it wrote several, with its delivery's id. */
  written: readonly { id: string; text: string }[]
  /** The same without what it says about pupils; absent: nothing. */
  heard?: readonly string[]
  once: Once
  log: HandlerContext['log']
  note: HandlerContext['note']
  context: HandlerContext
}

/** What the student wrote, message by message. */
export function textsOf({ written }: Turn): string[] {
  return written.map(({ text }) => text)
}

/** When a message was written, Unix ms: what `tomorrow` in it is relative to. */
export function writtenAt({ payload, receivedAt }: Delivery<unknown>): number {
  return Math.min(occurredAt(payload) ?? receivedAt, receivedAt)
}
