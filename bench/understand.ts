/**
 * `npm run bench:understand [-- ROUNDS]`: what it costs to understand a message of 300 characters, whatever is in it: its
 * language, and what it means in each state of the dialogue. CPU time, the least of ROUNDS (9) after a warm-up; it is
 * meant to stay below 1 ms.
 */
import { readFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { find, languageOfTurn } from '../handlers/answer.ts'
import { DIALOGUE } from '../handlers/dialogue.ts'
import { LESSON_INTENTS } from '../handlers/my-lesson-state.ts'
import { LANGUAGE_CODES } from '../handlers/texts/index.ts'
import type { Turn } from '../handlers/turn.ts'
import { tutorOf } from '../tutor/tutor.ts'

const rounds = Number(process.argv[2] ?? 9)
const LENGTH = 300
const GOAL_MS = 1
const NOW = Date.parse('2026-11-23T10:00:00Z')
const filled = (part: string) => part.repeat(Math.ceil(LENGTH / part.length)).slice(0, LENGTH)

/** Always the same ones. */
let seed = 7
function random<T>(of: readonly T[]): T {
  seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31
  return of[seed % of.length] as T
}
const randomTexts = (parts: readonly string[], between: string) =>
  Array.from({ length: 100 }, () => {
    return Array.from({ length: LENGTH }, () => random(parts))
      .join(between)
      .slice(0, LENGTH)
  })

const expressions = LANGUAGE_CODES.flatMap(code =>
  readFileSync(new URL(`../test/handlers/times/${code}.txt`, import.meta.url), 'utf8')
    .trim()
    .split('\n')
    .map(line => line.split(' | ')[0] as string),
)
const REPEATED = [
  ...['les ', 'kan ', 'link ', 'ik wil ', 'wat ', 'boekn ', '! ', '1 ', 'a', 'é', "'ll", 'kan niet ', '👍', '\u0301'],
  ...['dinsdag ', 'dinsdag 17:00 ', 'half vijf voor ', 'niet ', 'tussen 3 en ', 'tot ', 'heb ik ', '24-11-', '1:', '.'],
  ...['english ', 'in het engels ', 'geld een twee drie ', 'ja graag ', 'a b c d e f g h '],
]

const KINDS: Record<string, readonly string[]> = {
  'one time, as students write it': expressions,
  'many times, one after the other': expressions.map(text => filled(`${text}, `)),
  'one part, repeated': REPEATED.map(filled),
  'random words': randomTexts(expressions.join(' ').split(' '), ' '),
  'random letters': randomTexts([...'abcdefghijklmnop qrstuvwxyz .. 123 é’👍'], ''),
}

const OFFERED = Array.from({ length: 6 }, (_, day) => new Date(NOW + (day + 1) * 86_400_000).toISOString()).join(' ')

const ZONE = 'Europe/Amsterdam'
const TUTOR = tutorOf({}, ZONE)

/** What is read of a turn to understand it. */
function turnOf(text: string, intent: string): Turn {
  const isOfLesson = LESSON_INTENTS.some(each => each === intent)
  const about = { my_lesson: `${intent} move 1-0@2026-11-30T10:00:00.000Z` }
  const attributes = { pending_intent: intent, offered_slots: OFFERED, misunderstood: 1, ...(isOfLesson && about) }
  const conversation = { id: '1', attributes, contactAttributes: {}, language: 'nl' }
  const services = { tutor: TUTOR, stripe: null, zone: ZONE, now: () => NOW }
  const delivery = { payload: {}, receivedAt: NOW }
  const kind = { type: 'regular', minutes: 60 }
  return { services, conversation, kind, delivery, text, written: [{ id: '1', text }] } as unknown as Turn
}

/** CPU time of understanding it, ms: the least of all, since what else goes on only adds. */
function measure(text: string, intent: string): number {
  const turn = turnOf(text, intent)
  const each = Array.from({ length: rounds }, () => {
    const before = process.cpuUsage()
    languageOfTurn(turn)
    find(turn)
    const { user, system } = process.cpuUsage(before)
    return (user + system) / 1_000
  })
  return Math.min(...each)
}

const measureAll = (texts: readonly string[]) =>
  texts.map(text => {
    const each = Object.keys(DIALOGUE).map(intent => measure(text, intent))
    return { text, ms: Math.max(...each) }
  })

console.log(`${cpus()[0]?.model}, Node ${process.version}; ${LENGTH} characters, the slowest state of each text`)
for (const texts of Object.values(KINDS)) measureAll(texts)
console.log('| Text | Texts | Mean, ms | Slowest, ms | |\n|---|---|---|---|---|')
let slowest = 0
for (const [kind, texts] of Object.entries(KINDS)) {
  const all = measureAll(texts).sort((one, other) => other.ms - one.ms)
  const [worst] = all
  const mean = all.reduce((sum, { ms }) => sum + ms, 0) / all.length
  slowest = Math.max(slowest, worst?.ms ?? 0)
  const shown = JSON.stringify(worst?.text.slice(0, 30))
  console.log(`| ${kind} | ${all.length} | ${mean.toFixed(3)} | ${worst?.ms.toFixed(3)} | ${shown} |`)
}
console.log(`the slowest: ${slowest.toFixed(3)} ms; the goal: ${GOAL_MS} ms`)
