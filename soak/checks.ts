import { openCalendar } from '../backends/index.ts'
import type { BookedLesson, Calendar } from '../calendar/contract.ts'
import { INCOMING, OUTGOING } from '../sandbox/chatwoot-state.ts'
import type { Session } from '../sandbox/stripe-api.ts'
import { cli } from '../test/helpers/cli.ts'
import type { Measures } from './measures.ts'
import type { Setting } from './setting.ts'
import type { Week } from './week.ts'

/** What the two promises say of a week that is over and handled. */
export interface Findings {
  /** What broke a promise. */
  violations: string[]
  counts: Record<string, number>
}

/** How much more there may be in the last quarter than in the one before. */
const FLAT = 1.15

export async function check(setting: Setting, week: Week): Promise<Findings> {
  const violations: string[] = []
  const counts: Record<string, number> = {}
  const count = (what: string, by = 1) => {
    counts[what] = (counts[what] ?? 0) + by
  }
  const say = (what: string) => void violations.push(what)
  checkConversations(week, count, say)
  const calendar = await openCalendar(`${setting.env.DATABASE_URL}`, { now: setting.now })
  try {
    await checkPayments(setting, calendar, count, say)
  } finally {
    await calendar.close()
  }
  await checkStore(setting, count, say)
  for (const name of ['rss', 'handles', 'store'] as const) checkFlat(week.measures, name, say)
  return { violations, counts }
}

type Count = (what: string, by?: number) => void
type Say = (what: string) => void

function checkConversations({ students }: Week, count: Count, say: Say): void {
  for (const { conversation, wants } of students) {
    const { id, messages, status } = conversation
    count('students')
    count('messages of students', messages.filter(({ message_type }) => message_type === INCOMING).length)
    const told = messages.filter(message => message.message_type === OUTGOING && !message.private)
    count('answers', told.length)
    const last = messages.findLastIndex(({ message_type }) => message_type === INCOMING)
    const isAnswered = last === -1 || messages.slice(last).some(message => told.includes(message))
    if (!isAnswered && status !== 'open')
      say(`conversation ${id} (${wants}): the last message has no answer, and nobody has it`)
  }
}

async function checkPayments({ world }: Setting, calendar: Calendar, count: Count, say: Say): Promise<void> {
  const lessons: BookedLesson[] = []
  for (const session of world.stripe.sessions.values()) {
    count('payment links')
    const { order_id: order = '', conversation_id: id = '' } = session.metadata as Record<string, string>
    const lesson = (await calendar.lessonOf?.(order, AbortSignal.timeout(30_000))) ?? null
    if (lesson !== null && lesson.cancelledAt === undefined) lessons.push(lesson)
    if ((session.amount_refunded ?? 0) > Number(session.amount_total))
      say(`${session.id}: more was paid back than was paid`)
    if (session.payment_status !== 'paid') {
      if (lesson !== null && !lesson.isHeld && lesson.cancelledAt === undefined)
        say(`order ${order}: booked, and not paid (${session.payment_status})`)
      continue
    }
    count('payments')
    if (lesson !== null) count(lesson.cancelledAt === undefined ? 'of those, booked' : 'of those, cancelled since')
    else if (isExplained(world, session, id, order)) count('of those, explained to the tutor')
    else say(`order ${order}: paid by ${session.id}, and neither booked nor explained in conversation ${id}`)
  }
  const sorted = lessons.sort((one, other) => one.start - other.start)
  for (const [index, lesson] of sorted.entries()) {
    const next = sorted[index + 1]
    if (next !== undefined && next.start < lesson.end) say(`orders ${lesson.order} and ${next.order}: at the same time`)
  }
}

/** A private note tells the tutor of it. */
function isExplained({ chatwoot }: Setting['world'], session: Session, conversation: string, order: string): boolean {
  const messages = chatwoot.conversations.get(Number(conversation))?.messages ?? []
  const names = [order, String(session.payment_intent)]
  return messages.some(({ private: isNote, content }) => isNote && names.some(name => `${content}`.includes(name)))
}

async function checkStore({ env, errors }: Setting, count: Count, say: Say): Promise<void> {
  for (const state of ['pending', 'parked', 'dead'] as const) {
    const { out, err, code } = await cli(env, ['list', '--state', state, '--json', '--limit', '200'])
    if (code !== 0) throw new Error(`list: ${err}`)
    const { deliveries } = JSON.parse(out) as { deliveries: { id: string; event: string; error: string | null }[] }
    count(`deliveries that are ${state}`, deliveries.length)
    for (const { id, event, error } of deliveries) say(`${event} ${id} is ${state}: ${error}`)
  }
  for (const line of errors) count(`in the log at level error: ${messageOf(line)}`)
}

function messageOf(line: string): string {
  return line.startsWith('{') ? (JSON.parse(line) as { msg: string }).msg : line
}

function checkFlat(measures: readonly Measures[], name: keyof Measures, say: Say): void {
  const quarter = Math.floor(measures.length / 4)
  if (quarter < 6) return
  const median = (list: readonly Measures[]) =>
    list.map(one => one[name]).toSorted((a, b) => a - b)[list.length >> 1] as number
  const [before, last] = [median(measures.slice(-2 * quarter, -quarter)), median(measures.slice(-quarter))]
  if (last > before * FLAT)
    say(`${name} grows: ${before.toFixed(1)} in the third quarter of the time, ${last.toFixed(1)} in the last`)
}
