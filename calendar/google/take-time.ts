import { createHash } from 'node:crypto'
import { PermanentError, TransientError } from '../../inbox/errors.ts'
import { isAt } from '../checks.ts'
import type { Interval } from '../contract.ts'
import { holdEvent, slotOf } from './event-of.ts'
import { type Entry, type Event, type Events, iso } from './events.ts'

/*
 * How an order gets a time, so that of two who want it at the same moment, here or in another instance, one gets it:
 *
 * 1. Look (events.list): who is there already, has it. 2. Insert a claim. 3. Look again: give way to what is settled
 * (holds, lessons, appointments) and to claims with a smaller id; delete claims with a larger id. 4. Settle: the claim
 * becomes a hold or a lesson. What 3 and 4 change must be as it was seen (If-Match), else it begins again at 3.
 *
 * Never both: of two claims, the one inserted later sees the other in 3. It gives way, or deletes it. A claim that was
 * deleted can't be settled any more, and one that was settled can't be deleted: then the later one looks again, and
 * gives way. What has lapsed is deleted like a larger claim, for its order may just be settling it anew.
 * Never neither: who gives way to a claim has nothing there that counts, or the larger id, and so has not deleted it.
 * Only a third can do that.
 *
 * Who was first can't be told from `created`: Google gives it in whole seconds. What this needs of Google: that a list
 * shows what was written before it, unique ids (of deleted events too), and conditional changes:
 * https://developers.google.com/workspace/calendar/api/guides/version-resources
 */

/** What an order needs. */
export interface Wish extends Interval {
  order: string
  /** The time that must be free. */
  free: Interval
  /** What the order's claim or hold becomes; null: unchanged. */
  settled(own: Entry): Event | null
}

/** How long the claim of a process that died keeps others away, ms. */
const CLAIM_MS = 60_000

/** How often an order checks: twice if it is alone, once more for each change by others. */
const MAX_CHECKS = 10

/** How an order gets a time. */
export interface TakeTime {
  /**
   * Takes a time for an order, and releases its others. false: the time is taken.
   * @param owned what the order has, without what is cancelled
   */
  takeTime(wish: Wish, owned: Entry[], signal: AbortSignal): Promise<boolean>
  /** Takes a time for an order, whatever else it has. false: the time is taken, and nothing of the order's is left there. */
  take(wish: Wish, signal: AbortSignal): Promise<boolean>
}

export function createTakeTime(events: Events, clock: { now(): number }): TakeTime {
  return { takeTime, take }

  async function takeTime(wish: Wish, owned: Entry[], signal: AbortSignal): Promise<boolean> {
    const lesson = owned.find(({ kind }) => kind === 'lesson')
    if (lesson !== undefined) mustBeFor(lesson, wish)
    const got = lesson !== undefined || (await take(wish, signal))
    for (const entry of owned) {
      if (entry !== lesson && !isAt(entry, wish)) await events.remove(entry, signal)
    }
    return got
  }

  /** As described above. */
  async function take(wish: Wish, signal: AbortSignal): Promise<boolean> {
    for (let look = 0; look < MAX_CHECKS; look++) {
      const answer = await lookAndAct(wish, signal)
      if (answer !== undefined) return answer
    }
    throw new TransientError(`Google Calendar: what is on the time of order ${wish.order} keeps changing`)
  }

  /** undefined: something changed, check again. */
  async function lookAndAct(wish: Wish, signal: AbortSignal): Promise<boolean | undefined> {
    const now = clock.now()
    const entries = (await events.within(wish.free, signal)).filter(({ kind }) => kind !== 'cancelled')
    const own = entries.find(entry => entry.order === wish.order && isAt(entry, wish))
    if (own?.kind === 'lesson') return true
    const stands = own !== undefined && own.until > now
    if (stands && own.kind === 'hold') return settle(wish, own, signal)

    const rivals = entries.filter(({ order, takesTime }) => takesTime && order !== wish.order)
    const blocks = ({ kind, id, until }: Entry) => until > now && !(stands && kind === 'claim' && id > own.id)
    if (rivals.some(blocks)) return giveWay(own, signal)
    if (own === undefined) return claim(wish, signal)
    for (const rival of rivals) {
      if ((await events.remove(rival, signal)) === 'changed') return undefined
    }
    return settle(wish, own, signal)
  }

  async function settle(wish: Wish, own: Entry, signal: AbortSignal): Promise<true | undefined> {
    const event = wish.settled(own)
    if (event === null) return true
    return (await events.update(own, event, signal)) === 'done' ? true : undefined
  }

  async function giveWay(own: Entry | undefined, signal: AbortSignal): Promise<false | undefined> {
    if (own === undefined) return false
    return (await events.remove(own, signal)) === 'changed' ? undefined : false
  }

  /**
   * Deleted events keep their ids, so it may take a second one. (Restoring a deleted event sometimes fails with 403:
   * https://github.com/googleapis/google-api-ruby-client/issues/1811.)
   */
  async function claim(wish: Wish, signal: AbortSignal, attempt = 0): Promise<undefined> {
    const id = idOf(wish, attempt)
    const event = holdEvent('claim', wish, clock.now() + CLAIM_MS)
    if (await events.insert({ ...event, id }, signal)) return
    const existing = await events.get(id, signal)
    const isClaimed = existing !== undefined && existing.kind !== 'cancelled' && isAt(existing, wish)
    if (!isClaimed) await claim(wish, signal, attempt + 1)
  }
}

/** @throws {PermanentError} the lesson is for another time: a later request does not move it */
function mustBeFor(lesson: Entry, wish: Wish): void {
  if (lesson.slot === slotOf(wish) || isMoved(lesson)) return
  throw new PermanentError(`Order ${wish.order} has a lesson on ${iso(lesson.start)}; cancel that first`)
}

/** By us; booked where it is: 1. */
function isMoved({ sequence }: Entry): boolean {
  return sequence > 1
}

/** The same wish has the same id, so that it can't be inserted twice. Google allows base32hex digits. */
function idOf({ order, start, end }: Wish, attempt: number): string {
  const hash = createHash('sha256').update(JSON.stringify([order, start, end, attempt]))
  return BigInt(`0x${hash.digest('hex')}`)
    .toString(32)
    .padStart(52, '0')
}
