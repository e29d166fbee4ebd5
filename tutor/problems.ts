import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv'
import { OptionError } from '../inbox/errors.ts'
import { didYouMean } from '../inbox/nearest-name.ts'
import { parseClosed, parseSpan } from './days.ts'
import { TUTOR_SCHEMA } from './schema.ts'
import type { TutorSettings } from './settings.ts'

/** What is wrong with a tutor's settings: each line names the path and says how to fix it. */

/** Where it is, such as `planning.new.hours.monday[0]`, and what is wrong there. */
type Problem = readonly [path: string, says: string]

let compiled: ValidateFunction | undefined

/** @param prefix of each path: `tutor.` of the option, `tutor.json: ` of a file @throws {OptionError} with a line for each problem */
export function checkTutor(given: unknown, prefix: string): asserts given is TutorSettings {
  const problems = problemsOf(given)
  if (problems.length === 0) return
  const lines = problems.map(([path, says]) => `${path === '' ? prefix.replace(/\W+$/, '') : prefix + path} ${says}`)
  throw new OptionError(lines.join('\n'))
}

function problemsOf(given: unknown): Problem[] {
  // Compiled on first use: most have no settings of their own.
  compiled ??= new Ajv({ allErrors: true, verbose: true, allowUnionTypes: true }).compile(TUTOR_SCHEMA)
  if (!compiled(given)) return (compiled.errors as ErrorObject[]).map(problemOf)
  return [...hoursProblems(given as TutorSettings), ...closedProblems(given as TutorSettings)]
}

function problemOf({ instancePath, keyword, params, data, parentSchema = {} }: ErrorObject): Problem {
  const path = pathOf(instancePath)
  if (keyword === 'additionalProperties') {
    const name = `${params.additionalProperty}`
    const prefix = path === '' ? '' : `${path}.`
    const known = Object.keys(parentSchema.properties)
    const near = didYouMean(name, known, prefix)
    return [prefix + name, `is not a setting${near === '' ? `: there are ${known.join(', ')}` : near}`]
  }
  const about = parentSchema.description === undefined ? '' : ` (${parentSchema.description})`
  const found = typeof data === 'object' ? '' : `, not ${JSON.stringify(data)}`
  return [path, `${(SAYS[keyword] as Says)(params)}${found}${about}`]
}

const TYPES: Record<string, string> = {
  object: 'an object',
  array: 'a list',
  string: 'a text',
  integer: 'a whole number',
}

type Says = (params: Record<string, unknown>) => string

/** By keyword of the schema: every one that it has. */
const SAYS: Record<string, Says> = {
  type: ({ type }) => `must be ${TYPES[`${type}`]}`,
  pattern: () => 'is not in the right form',
  minimum: ({ limit }) => `must be at least ${limit}`,
  maximum: ({ limit }) => `must be at most ${limit}`,
}

/** `/planning/new/hours/monday/0` is `planning.new.hours.monday[0]`. */
function pathOf(pointer: string): string {
  return pointer
    .split('/')
    .slice(1)
    .map(name => (/^\d+$/.test(name) ? `[${name}]` : `.${name}`))
    .join('')
    .replace(/^\./, '')
}

function hoursProblems({ planning = {} }: TutorSettings): Problem[] {
  return Object.entries(planning).flatMap(([name, { hours }]): Problem[] => {
    if (hours === undefined) return []
    const path = `planning.${name}.hours`
    if (Object.values(hours).flat().length === 0) return [[path, 'has no hours: give at least one span of one weekday']]
    return Object.entries(hours).flatMap(([day, spans]) => spanProblems(`${path}.${day}`, spans))
  })
}

function spanProblems(path: string, spans: readonly string[]): Problem[] {
  const parsed = spans.map(parseSpan)
  return spans.flatMap((text, index): Problem[] => {
    const [from, to] = parsed[index] as [number, number]
    const at = `${path}[${index}]`
    if (Number.isNaN(from + to)) return [[at, `is no span, ${text}: a day has times from 00:00 to 24:00`]]
    if (to <= from) {
      const how = 'begin with the earlier time; what goes over midnight is two spans, of two weekdays'
      return [[at, `ends before it begins, ${text}: ${how}`]]
    }
    const other = parsed.slice(0, index).findIndex(([otherFrom, otherTo]) => otherFrom < to && from < otherTo)
    if (other === -1) return []
    return [[at, `overlaps ${spans[other]}, ${text}: make one span of them, or end one before the other begins`]]
  })
}

function closedProblems({ closed = [] }: TutorSettings): Problem[] {
  return closed.flatMap((text, index): Problem[] => {
    const path = `closed[${index}]`
    const { start, end } = parseClosed(text, 'utc')
    if (Number.isNaN(start + end)) return [[path, `has a day or a time that there is not, ${text}`]]
    if (!text.includes('/') && text.includes('T')) return [[path, `has no end, ${text}: add it, as in ${text}/…`]]
    return start < end ? [] : [[path, `ends before it begins, ${text}: write its first day first`]]
  })
}
