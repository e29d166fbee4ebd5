import { readFileSync } from 'node:fs'
import { DateTime } from 'luxon'
import t from 'tap'
import { type SpokenTimes, spokenTimes } from '../../../handlers/spoken-time.ts'
import type { LanguageCode } from '../../../handlers/texts/index.ts'
import { LANGUAGE_CODES } from '../../../handlers/texts/index.ts'

/**
 * What students write about times, and what is read in it: a table for each language (nl.txt …). A line is an expression
 * and what it means on Monday 23 November 2026 at 11:00, in words that were written before anything was run:
 *
 * - `24 17:00`, `24,1/12 16-18`, `* 17:00|18:00`: days (of November, or day/month; `*`: any) and times or from-to.
 *   `;` stands between alternatives; `not` before what is refused.
 * - `!`: so clear that this one time may be reserved without a question.
 * - `90m`: a length; `any`, `earlier`, `weekly`, `rhythm` (another one); `-`: nothing about a time.
 *
 * right: exactly this. vague: this and more, asked back. none: not understood. wrong: something else, asked back.
 * dangerous: a time is reserved that was not clearly meant.
 */
const OUTCOMES = ['right', 'vague', 'none', 'wrong', 'dangerous'] as const
type Outcome = (typeof OUTCOMES)[number]

const ZONE = 'Europe/Amsterdam'
const NOW = Date.parse('2026-11-23T10:00:00Z')
const DAYS = 31
/** When lessons are possible at all: from eight to ten. */
const [FROM, TO] = [8 * 60, 22 * 60]
const STEP = 5

interface Expected {
  flags: string
  isReservable: boolean
  /** Which days and minutes. undefined: nothing is said about when. */
  isMeant: ((day: string, minute: number) => boolean) | undefined
}

function expected(written: string): Expected {
  const isReservable = written.includes('!')
  const words = written.replace('!', '').split(/\s+/)
  const isFlag = (word: string) => /^(any|earlier|weekly|rhythm|\d+m|-)$/.test(word)
  const flags = words
    .filter(word => isFlag(word) && word !== '-')
    .sort()
    .join(' ')
  const rest = words.filter(word => !isFlag(word)).join(' ')
  if (rest === '') return { flags, isReservable, isMeant: undefined }
  const isRefusal = rest.startsWith('not ')
  const groups = rest
    .replace('not ', '')
    .split(/\s*;\s*/)
    .map(group => {
      const [days = '*', times] = group.split(' ')
      return { days: daysIn(days), times: times === undefined ? undefined : timesIn(times) }
    })
  const isIn = (day: string, minute: number) =>
    groups.some(
      ({ days, times }) =>
        (days === undefined || days.includes(day)) &&
        (times?.some(([from, to]) => minute >= from && minute < to) ?? true),
    )
  return { flags, isReservable, isMeant: (day, minute) => isIn(day, minute) !== isRefusal }
}

function daysIn(written: string): string[] | undefined {
  if (written === '*') return undefined
  const dateOf = (day: string) =>
    DateTime.fromObject({ year: 2026, month: Number(day.split('/')[1] ?? 11), day: Number(day.split('/')[0]) })
  return written.split(',').flatMap(part => {
    const [first = '', last = first] = part.split('..')
    const days = dateOf(last).diff(dateOf(first), 'days').days
    return Array.from({ length: days + 1 }, (_, index) => dateOf(first).plus({ days: index }).toISODate() as string)
  })
}

function timesIn(written: string): [number, number][] {
  const minuteOf = (time: string) => Number(time.split(':')[0]) * 60 + Number(time.split(':')[1] ?? 0)
  return written.split('|').map(part => {
    const [from = '', to] = part.split('-')
    return [minuteOf(from), to === undefined ? minuteOf(from) + 1 : minuteOf(to)]
  })
}

/** Every time that a lesson could begin at. */
const GRID = Array.from({ length: DAYS }, (_, index) =>
  DateTime.fromMillis(NOW, { zone: ZONE }).startOf('day').plus({ days: index }),
).flatMap(day =>
  Array.from({ length: (TO - FROM) / STEP }, (_, index) => FROM + index * STEP).map(minute => ({
    at: day.toMillis() + minute * 60_000,
    day: day.toISODate() as string,
    minute,
  })),
)

function flagsOf({ minutes, isWeekly, isOtherRhythm, wants }: SpokenTimes): string {
  return [wants, isWeekly && 'weekly', isOtherRhythm && 'rhythm', minutes && `${minutes}m`]
    .filter(Boolean)
    .sort()
    .join(' ')
}

function outcomeOf(text: string, written: string, language: LanguageCode): Outcome {
  const { flags, isReservable, isMeant } = expected(written)
  const read = spokenTimes(text, NOW, { zone: ZONE, language }, { isHourAsked: true })
  const { time } = read
  const wanted = isMeant && GRID.filter(({ day, minute }) => isMeant(day, minute))
  const meant = time && GRID.filter(({ at }) => time.isMeant(at))
  const has = new Set(meant)
  const isSame = wanted?.length === meant?.length && (wanted ?? []).every(slot => has.has(slot))
  if (time?.isCertain && !(isReservable && isSame)) return 'dangerous'
  const isFlagged = flagsOf(read) === flags
  if (isSame && isFlagged) return 'right'
  if (time === undefined && flagsOf(read) === '') return 'none'
  if (wanted === undefined || meant === undefined) return 'wrong'
  return wanted.every(slot => has.has(slot)) ? 'vague' : 'wrong'
}

for (const language of LANGUAGE_CODES) {
  t.test(`times as students write them: ${language}`, async t => {
    const lines = readFileSync(new URL(`${language}.txt`, import.meta.url), 'utf8')
      .trim()
      .split('\n')
    const counts: Record<Outcome, number> = { right: 0, vague: 0, none: 0, wrong: 0, dangerous: 0 }
    for (const line of lines) {
      const [text = '', meaning = ''] = line.split(' | ')
      const outcome = outcomeOf(text, meaning, language)
      counts[outcome]++
      if (outcome !== 'right') t.comment(`${outcome}: ${text} (${meaning})`)
    }
    t.equal(new Set(lines).size, lines.length, 'each expression once')
    t.ok(lines.length >= 200, `${lines.length} expressions`)
    const share = (count: number) => `${count} (${Math.round((count / lines.length) * 100)} %)`
    t.comment(OUTCOMES.map(outcome => `${outcome}: ${share(counts[outcome])}`).join(' | '))
    t.equal(counts.dangerous, 0, 'nothing is reserved that was not clearly meant')
    t.ok(counts.right / lines.length >= 0.85, `right: ${share(counts.right)}`)
  })
}
