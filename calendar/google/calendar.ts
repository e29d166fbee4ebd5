import { createHash } from 'node:crypto'
import { PermanentError, TransientError } from '../../inbox/errors.ts'
import { checkHold, checkInterval } from '../checks.ts'
import type { Calendar, Interval, Lesson } from '../contract.ts'
import type { GoogleCalendarOptions } from './client.ts'
import { createEvents, type Entry, type Event, iso, type Kind } from './events.ts'

/**
 * A Google calendar that its owner shares with a service account, with the right to change events.
 * Calendar API v3: https://developers.google.com/workspace/calendar/api/v3/reference
 */

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

/** What an order wants. */
interface Wish extends Interval {
  order: string
  /** What must be free for it. */
  free: Interval
  /** What the order's claim or hold becomes; null: it is that already. */
  settled(own: Entry): Event | null
}

/** How long a claim keeps others away that was left behind by a process that died, ms. */
const CLAIM_MS = 60_000

/** How often an order looks: twice if nobody else asks, once more for each change by others in between. */
const MAX_LOOKS = 10

/**
 * A calendar at Google. Calls throw PermanentError, or TransientError where trying again can help.
 * @throws {OptionError} that names the option which is missing or malformed
 */
export function createGoogleCalendar(options: GoogleCalendarOptions, clock: { now(): number }): Calendar {
  const events = createEvents(options)

  /** Gets a time for an order, as the comment above says. false: something else is there, and nothing is left of it. */
  async function take(wish: Wish, signal: AbortSignal): Promise<boolean> {
    for (let look = 0; look < MAX_LOOKS; look++) {
      const answer = await lookAndAct(wish, signal)
      if (answer !== undefined) return answer
    }
    throw new TransientError(`Google Calendar: what is on the time of order ${wish.order} keeps changing`)
  }

  /** undefined: something was changed, so look again. */
  async function lookAndAct(wish: Wish, signal: AbortSignal): Promise<boolean | undefined> {
    const now = clock.now()
    const entries = await events.within(wish.free, signal)
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
   * An id is used up even by what is deleted, so it may take a second one. (Changing a deleted event back is answered
   * with 403 at times: https://github.com/googleapis/google-api-ruby-client/issues/1811.)
   */
  async function claim(wish: Wish, signal: AbortSignal, attempt = 0): Promise<undefined> {
    const id = idOf(wish, attempt)
    const event = eventOf('claim', wish, HOLD_TEXTS, clock.now() + CLAIM_MS)
    if (await events.insert({ ...event, id }, signal)) return
    const existing = await events.get(id, signal)
    if (existing === undefined || !isAt(existing, wish)) await claim(wish, signal, attempt + 1)
  }

  /** Gets a time for an order, and gives up what else it has. */
  async function move(wish: Wish, signal: AbortSignal): Promise<boolean> {
    const owned = await events.of(wish.order, signal)
    const lesson = owned.find(({ kind }) => kind === 'lesson')
    if (lesson !== undefined) mustBeFor(lesson, wish)
    const got = lesson !== undefined || (await take(wish, signal))
    for (const entry of owned) {
      if (entry !== lesson && !isAt(entry, wish)) await events.remove(entry, signal)
    }
    return got
  }

  return {
    async busy(from, to, signal) {
      const range = { start: from, end: to }
      checkInterval(range)
      const ours: Interval[] = []
      for (const entry of await events.within(range, signal)) {
        if (entry.order === undefined || !entry.takesTime) continue
        // One that was changed just now has been renewed.
        if (entry.until <= clock.now() && (await events.remove(entry, signal)) !== 'changed') continue
        ours.push({ start: entry.start, end: entry.end })
      }
      // Google joins what touches: of what is ours it is known where one ends and the next begins.
      const others = without(ours, await events.freeBusy(range, signal))
      return [...ours, ...others].sort((one, other) => one.start - other.start)
    },

    async hold(hold, signal) {
      checkHold(hold)
      const { order, start, end, until, margin } = hold
      const free = { start: start - margin.before, end: end + margin.after }
      const isLongEnough = (own: Entry) => own.kind === 'hold' && own.until >= until
      const settled = (own: Entry) => (isLongEnough(own) ? null : eventOf('hold', hold, HOLD_TEXTS, until))
      return move({ order, start, end, free, settled }, signal)
    },

    async keep(lesson, signal) {
      checkInterval(lesson)
      const { order, start, end, conversation } = lesson
      const owned = await events.of(order, signal)
      if (owned.some(({ kind }) => kind === 'lesson')) return 'kept'
      const kept = await events.keptFor(conversation, signal)
      if (kept.some(entry => entry.order !== order && entry.until > clock.now())) return 'another'
      const settled = (own: Entry) =>
        own.conversation === conversation ? null : eventOf('hold', lesson, keptTextsOf(lesson), start, conversation)
      return (await move({ order, start, end, free: { start, end }, settled }, signal)) ? 'kept' : 'taken'
    },

    async release(order, until, signal) {
      for (const entry of await events.of(order, signal)) {
        if (entry.until <= until) await events.remove(entry, signal)
      }
    },

    async book(lesson, signal) {
      checkInterval(lesson)
      const { order, start, end } = lesson
      const settled = () => eventOf('lesson', lesson, textsOf(lesson))
      const booked = await move({ order, start, end, free: { start, end }, settled }, signal)
      return booked ? 'booked' : 'taken'
    },

    async has(order, signal) {
      return (await events.of(order, signal)).length > 0
    },

    async find(order, signal) {
      const lesson = (await events.of(order, signal)).find(({ kind }) => kind === 'lesson')
      return lesson === undefined ? null : { start: lesson.start, end: lesson.end }
    },

    async cancel(order, signal) {
      let time: Interval | null = null
      for (const entry of (await events.of(order, signal)).sort(lessonsLast)) {
        const outcome = await events.remove(entry, signal)
        // A hold that has become a lesson, say: that would be cancelled without a word.
        if (outcome === 'changed') throw new TransientError(`Google Calendar: order ${order} was changed meanwhile`)
        if (outcome === 'done' && entry.kind === 'lesson') time = { start: entry.start, end: entry.end }
      }
      return time
    },
  }
}

function lessonsLast(one: Entry, other: Entry): number {
  return Number(one.kind === 'lesson') - Number(other.kind === 'lesson')
}

/** What of the blocks is not covered by the parts. */
function without(parts: Interval[], blocks: Interval[]): Interval[] {
  const cut = (rest: Interval[], { start, end }: Interval) =>
    rest.flatMap(block => [
      { start: block.start, end: Math.min(block.end, start) },
      { start: Math.max(block.start, end), end: block.end },
    ])
  return parts.reduce(cut, blocks).filter(({ start, end }) => start < end)
}

function isAt(entry: Interval, { start, end }: Interval): boolean {
  return entry.start === start && entry.end === end
}

/** @throws {PermanentError} if the lesson is for another time: what is asked for afterwards does not move it */
function mustBeFor(lesson: Entry, wish: Wish): void {
  if (lesson.slot === slotOf(wish)) return
  throw new PermanentError(`Order ${wish.order} has a lesson on ${iso(lesson.start)}; cancel that first`)
}

function slotOf({ start, end }: Interval): string {
  return `${iso(start)}/${iso(end)}`
}

/** The same wish has the same id, so that it can't be inserted twice. Google allows the digits of base32hex. */
function idOf({ order, start, end }: Wish, attempt: number): string {
  const hash = createHash('sha256').update(JSON.stringify([order, start, end, attempt]))
  return BigInt(`0x${hash.digest('hex')}`)
    .toString(32)
    .padStart(52, '0')
}

interface Texts {
  summary: string
  /** What is taken for HTML. */
  description: string
}

const HOLD_TEXTS: Texts = { summary: 'Held until it is paid', description: '' }

function textsOf({ student, service, payment, conversation }: Lesson): Texts {
  const lines = [
    `Student: ${student}`,
    `Service: ${service}`,
    `Payment: ${payment ?? 'none, a free trial lesson'}`,
    `Conversation: ${conversation}`,
  ]
  return { summary: `${service}: ${student}`, description: lines.map(escaped).join('\n') }
}

function keptTextsOf(lesson: Lesson): Texts {
  const { summary, description } = textsOf(lesson)
  return { summary: `Held: ${summary}`, description }
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
}

function eventOf(
  kind: Kind,
  wish: Interval & { order: string },
  { summary, description }: Texts,
  until = 0,
  keptFor?: string,
): Event {
  return {
    summary,
    description: `${description}\nOrder: ${escaped(wish.order)}`.trim(),
    start: { dateTime: iso(wish.start) },
    end: { dateTime: iso(wish.end) },
    status: kind === 'lesson' ? 'confirmed' : 'tentative',
    transparency: 'opaque',
    extendedProperties: {
      private: {
        tutorbotKind: kind,
        tutorbotOrder: wish.order,
        tutorbotSlot: slotOf(wish),
        tutorbotUntil: String(until),
        ...(keptFor !== undefined && { tutorbotConversation: keptFor }),
      },
    },
  }
}
