import { openCalendar } from '../backends/index.ts'
import type { LocalCalendar } from '../calendar/contract.ts'
import { readLessonPayment } from '../handlers/lesson-payment.ts'
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

const YEAR = 365 * 24 * 3_600_000
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
    await checkLessons(setting, calendar, count, say)
    await checkPackages(calendar, count, say)
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

async function checkPayments({ world }: Setting, calendar: LocalCalendar, count: Count, say: Say): Promise<void> {
  for (const session of world.stripe.sessions.values()) {
    count('payment links')
    const { order_id: order = '', conversation_id: id = '' } = session.metadata as Record<string, string>
    if ((session.amount_refunded ?? 0) > Number(session.amount_total))
      say(`${session.id}: more was paid back than was paid`)
    if (session.payment_status !== 'paid') continue
    count('payments')
    const lesson = await calendar.lessonOf(order, AbortSignal.timeout(30_000))
    if (lesson !== null) count(lesson.cancelledAt === undefined ? 'of those, booked' : 'of those, cancelled since')
    else if ((await calendar.packages.find(order)) !== null) count('of those, packages')
    else if (isExplained(world, session, id, order)) count('of those, explained to the tutor')
    else say(`order ${order}: paid by ${session.id}, and neither booked nor explained in conversation ${id}`)
  }
}

const PAID = {
  free: 'lessons that are free',
  open: 'lessons that are not paid yet',
  stripe: 'lessons paid by themselves',
  package: 'lessons paid from a package',
  otherwise: 'lessons paid otherwise',
  text: 'lessons paid otherwise',
}

async function checkLessons({ world, now }: Setting, calendar: LocalCalendar, count: Count, say: Say): Promise<void> {
  const paid = new Set<unknown>()
  for (const { id, payment_intent, payment_status } of world.stripe.sessions.values()) {
    if (payment_status === 'paid') paid.add(id).add(payment_intent)
  }
  const lessons = await calendar.lessons(0, now() + YEAR)
  for (const [index, lesson] of lessons.entries()) {
    const next = lessons[index + 1]
    if (next !== undefined && next.start < lesson.end) say(`orders ${lesson.order} and ${next.order}: at the same time`)
    if (lesson.isHeld) continue
    const payment = readLessonPayment(lesson.payment)
    count(PAID[payment.kind])
    if (payment.kind === 'stripe' && payment.isUnderWay === undefined && !paid.has(payment.id))
      say(`order ${lesson.order}: booked as paid by ${payment.id}, which is not paid`)
    if (payment.kind === 'package' && (await calendar.packages.takenFor(lesson.order)) === null)
      say(`order ${lesson.order}: paid from the package ${payment.order}, which does not know it`)
  }
  count('weekly times', (await calendar.weekly.all()).length)
}

/** What is left of a package is what its entries say, and each lesson of them is one that is booked. */
async function checkPackages(calendar: LocalCalendar, count: Count, say: Say): Promise<void> {
  for (const sold of await calendar.packages.list(10_000)) {
    count('packages')
    const entries = await calendar.packages.entries(sold.id)
    const sum = entries.reduce((all, { minutes }) => all + minutes, 0)
    if (sum !== sold.left) say(`package ${sold.id}: ${sold.left} minutes are left, and its entries make ${sum}`)
    const taken = new Set(entries.filter(({ why }) => why === 'lesson').map(({ order }) => order))
    for (const { why, order } of entries) if (why === 'returned') taken.delete(order)
    for (const order of taken) {
      const lesson = await calendar.lessonOf(`${order}`, AbortSignal.timeout(30_000))
      if (lesson === null) say(`package ${sold.id}: has paid for ${order}, which is not booked`)
    }
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
