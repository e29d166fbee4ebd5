import { createRequire } from 'node:module'
import type { ErrorObject, ValidateFunction } from 'ajv'
import { OptionError } from '../inbox/errors.ts'
import { didYouMean } from '../inbox/nearest-name.ts'
import { parseClosed, parseSpan } from './days.ts'
import { DEFAULTS } from './defaults.ts'
import { TUTOR_SCHEMA } from './schema.ts'
import type { PackageSettings, PricesSettings, TutorSettings } from './settings.ts'
import { languageProblems, menuProblems, textProblems } from './text-problems.ts'

/** What is wrong with a tutor's settings: each line names the path and says how to fix it. */

/** Where it is, such as `planning.new.hours.monday[0]`, and what is wrong there. */
export type Problem = readonly [path: string, says: string]

let compiled: ValidateFunction | undefined

/** @param prefix of each path: `tutor.` of the option, `tutor.json: ` of a file @throws {OptionError} with a line for each problem */
export function checkTutor(given: unknown, prefix: string): asserts given is TutorSettings {
  const problems = problemsOf(given)
  if (problems.length === 0) return
  const lines = problems.map(([path, says]) => `${path === '' ? prefix.replace(/\W+$/, '') : prefix + path} ${says}`)
  throw new OptionError(lines.join('\n'))
}

/** On first use, as most have no settings of their own: the package takes a sixth of the start, compiling as much. */
function compile(): ValidateFunction {
  const { Ajv } = createRequire(import.meta.url)('ajv') as typeof import('ajv')
  // That the schema is one, a test says; the optimizer takes longer than it could ever save.
  const quick = { meta: false, validateSchema: false, code: { optimize: false } }
  return new Ajv({ allErrors: true, verbose: true, allowUnionTypes: true, ...quick }).compile(TUTOR_SCHEMA)
}

function problemsOf(given: unknown): Problem[] {
  compiled ??= compile()
  if (!compiled(given)) return (compiled.errors as ErrorObject[]).map(problemOf)
  return FURTHER.flatMap(problemsIn => problemsIn(given as TutorSettings))
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
  number: 'a number',
  boolean: 'true or false',
}

type Says = (params: Record<string, unknown>) => string

/** By keyword of the schema: every one that it has. */
const SAYS: Record<string, Says> = {
  type: ({ type }) =>
    `must be ${`${type}`
      .split(',')
      .map(name => TYPES[name])
      .join(' or ')}`,
  required: ({ missingProperty }) => `lacks ${missingProperty}`,
  pattern: () => 'is not in the right form',
  minimum: ({ limit }) => `must be at least ${limit}`,
  exclusiveMinimum: ({ limit }) => `must be above ${limit}`,
  maximum: ({ limit }) => `must be at most ${limit}`,
  enum: ({ allowedValues }) => `must be one of ${(allowedValues as string[]).join(', ')}`,
  uniqueItems: () => 'has one of them twice: leave one',
  minItems: ({ limit }) => `must have at least ${limit}`,
  maxItems: ({ limit }) => `must have at most ${limit}`,
  maxLength: ({ limit }) => `must have at most ${limit} characters`,
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

function lessonProblems({ lessons = DEFAULTS.lessons }: TutorSettings): Problem[] {
  const problems = lessons.flatMap(({ minutes, trial, prices = {}, packages = [], link, place }, index): Problem[] => {
    const path = `lessons[${index}]`
    const before = lessons.slice(0, index)
    const [sameTrial, sameLength] = [
      before.findIndex(each => each.trial),
      before.findIndex(each => !each.trial && each.minutes === minutes),
    ]
    const found: (Problem | false)[] = [
      trial === true && sameTrial >= 0 && [path, `is a second trial lesson, after lessons[${sameTrial}]: leave one`],
      !trial && sameLength >= 0 && [path, `has the minutes of lessons[${sameLength}], ${minutes}: leave one`],
      trial === true && Object.keys(prices).length > 0 && [`${path}.prices`, 'must be empty: a trial lesson is free'],
      trial === true && packages.length > 0 && [`${path}.packages`, 'must be empty: a trial lesson is free'],
      link !== undefined && place !== undefined && [path, 'has a link and a place: leave one'],
    ]
    return [
      ...found.filter(problem => problem !== false),
      ...priceProblems(`${path}.prices`, prices),
      ...packageProblems(`${path}.packages`, packages),
    ]
  })
  if (lessons.some(({ trial }) => !trial)) return problems
  return [...problems, ['lessons', 'has trial lessons only: add one that is sold, { "minutes": 60 }']]
}

function packageProblems(path: string, packages: readonly PackageSettings[]): Problem[] {
  return packages.flatMap(({ lessons, prices }, index): Problem[] => {
    const at = `${path}[${index}]`
    const same = packages.slice(0, index).findIndex(each => each.lessons === lessons)
    return [
      ...(same >= 0 ? [[at, `has the lessons of packages[${same}], ${lessons}: leave one`] as const] : []),
      ...(Object.keys(prices).length === 0
        ? [[`${at}.prices`, 'has no price: add one, as in { "all": "price_…" }'] as const]
        : priceProblems(`${at}.prices`, prices)),
    ]
  })
}

function priceProblems(path: string, prices: PricesSettings): Problem[] {
  return Object.entries(prices).flatMap(([name, price]): Problem[] => {
    const { amount, currency } = typeof price === 'string' ? {} : price
    if ((amount === undefined) === (currency === undefined)) return []
    return amount === undefined
      ? [[`${path}.${name}`, 'has a currency but no amount: add it, in the smallest unit, as in "amount": 4500']]
      : [[`${path}.${name}`, 'has an amount but no currency: add it, as in "currency": "eur"']]
  })
}

/** What a schema can't say. */
const FURTHER = [hoursProblems, closedProblems, lessonProblems, languageProblems, textProblems, menuProblems]
