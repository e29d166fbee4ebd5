import { OptionError } from '../inbox/errors.ts'
import { didYouMean } from '../inbox/nearest-name.ts'
import { isObject } from './json.ts'
import type { Source, Verifier } from './source.ts'

const BODY_KINDS = ['json', 'list', 'form', 'text']

/** The compiler checks that they are complete. */
const SOURCE_OPTIONS: Record<keyof Source, true> = {
  name: true,
  path: true,
  verify: true,
  events: true,
  accepts: true,
  identify: true,
  read: true,
}

/** Checks that a value is an object without unknown options. @throws {OptionError} that names the option */
export function checkNames(option: string, given: unknown, known: Record<string, true>): void {
  if (!isObject(given)) throw new OptionError(`${option} must be an object`)
  const names = Object.keys(known)
  const unknown = Object.keys(given).find(name => !names.includes(name))
  if (unknown === undefined) return
  throw new OptionError(`${option}.${unknown} is not an option${didYouMean(unknown, names, `${option}.`)}`)
}

/** Returns a check of an object's options, which throws an OptionError that names the wrong one. */
export function optionCheck(option: string) {
  return (isValid: boolean, name: string, what: string): void => {
    if (!isValid) throw new OptionError(`${option}.${name} must be ${what}`)
  }
}

/**
 * Checks sources at start, rather than at their first webhook.
 * @param own the built-in sources
 * @throws {OptionError} that names the option
 */
export function checkSources(sources: readonly Source[], own: readonly Source[] = []): void {
  if (!Array.isArray(sources)) throw new OptionError('sources must be a list')
  const known = [...own]
  for (const [index, source] of sources.entries()) {
    checkSource(`sources[${index}]`, source, known)
    known.push(source)
  }
}

function checkSource(option: string, source: Source, known: readonly Source[]): void {
  // An object of a class may have state of its own.
  const isPlain = !isObject(source) || Object.getPrototypeOf(source) === Object.prototype
  if (isPlain) checkNames(option, source, SOURCE_OPTIONS)
  const { name, path, verify, identify, read, events, accepts } = source
  const must = optionCheck(option)
  // It is used as a metrics label, in URLs and in ids.
  must(typeof name === 'string' && /^[a-z][a-z0-9_-]{0,39}$/.test(name), 'name', 'up to 40 of a-z, 0-9, _ and -')
  // Not `constructor`, which every object has.
  must(!(name in {}) && !known.some(other => other.name === name), 'name', `another one: ${name} is taken`)
  must(typeof path === 'string' && /^\/[^?#*:]*$/.test(path), 'path', 'a path that begins with /, such as /github')
  const bare = (given: string) => given.replace(/\/+$/, '')
  must(!known.some(other => bare(other.path) === bare(path)), 'path', `another one: ${path} is taken`)
  must(typeof verify === 'function', 'verify', 'a verifier: hmac(), a preset, sharedToken(), or a function')
  must(typeof identify === 'function', 'identify', 'a function')
  must(read === undefined || typeof read === 'function', 'read', 'a function')
  must(events === undefined || isListOf(events, () => true), 'events', 'a list of names')
  const kinds = BODY_KINDS.join(', ')
  must(accepts === undefined || isListOf(accepts, kind => BODY_KINDS.includes(kind)), 'accepts', `a list of ${kinds}`)
}

/** Checks the option `verify` of Chatwoot or Stripe. @throws {OptionError} */
export function checkedVerifier(option: string, verify: Verifier): Verifier {
  if (typeof verify === 'function') return verify
  throw new OptionError(`${option} must be a verifier: hmac(), a preset, sharedToken(), or a function`)
}

function isListOf(list: unknown, isGood: (value: string) => boolean): boolean {
  return Array.isArray(list) && list.length > 0 && list.every(value => typeof value === 'string' && isGood(value))
}
