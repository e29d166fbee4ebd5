import { createSecretKey, type KeyObject } from 'node:crypto'
import { OptionError } from '../inbox/errors.ts'
import { checkNames, optionCheck } from './check.ts'
import { type Algorithm, DIGEST_BYTES, namesIn, type Scheme, templateFiller } from './scheme.ts'
import { checkedSecrets, sign, signatureVerifier, validTolerance } from './signature.ts'
import type { Verifier } from './source.ts'

/** How a sender signs with a shared secret. Header names are case-insensitive. */
export interface HmacOptions {
  /** The signature's header; of several, the first present. */
  header: string | readonly string[]
  /** The valid secrets: two during a rotation. */
  secrets: readonly string[]
  /** Default sha256. */
  algorithm?: Algorithm
  /** The signature's encoding; default hex. */
  encoding?: 'hex' | 'base64'
  /** Separator of the header's items, such as `,` in `t=…,v1=…`; default: a single item. */
  items?: string
  /** Separator of an item's key and value, such as `=` in `sha256=…`; default: values only. */
  pair?: string
  /** The key of signature items, such as `v1`; one of them must match, other keys are ignored. */
  key?: string
  /**
   * What is signed, with placeholders {body}, {timestamp}, {id}, {method} and {url}; default `{body}`. Values are used
   * as received, the body as bytes.
   */
  template?: string
  /** Where the timestamp is: a header, or a key in the signature's header; and its unit (default s). */
  timestamp?: { header?: string | readonly string[]; key?: string; unit?: 's' | 'ms' }
  /** Maximum age of a signature, s, from 30 to 86,400; default 300. Timestamps in the future: the same, at most 300. */
  toleranceSeconds?: number
  /** The header of {id}; of several, the first present. */
  id?: string | readonly string[]
  /** {url}: as configured at the sender, with its query; not as rewritten by a proxy. */
  url?: string
  /** Optional prefix of secrets that is not part of the key, such as `whsec_`. */
  secretPrefix?: string
  /** Encoding of the secrets; default text. */
  secretEncoding?: 'text' | 'base64' | 'hex'
  /** Unix time, ms; for tests. */
  now?: () => number
}

export interface HmacVerifier extends Verifier {
  /**
   * The sender's headers for a body, for tests of its receiver.
   * @param values for the template; `timestamp` is a Unix time, s
   */
  sign(body: string | Buffer, values?: { id?: string; method?: string; timestamp?: number }): Record<string, string>
}

/**
 * Creates a verifier for HMAC signatures.
 * @param name of the option, for errors
 * @throws {OptionError} that names the option, and contains no secret
 */
export function hmac(options: HmacOptions = {} as HmacOptions, name = 'hmac'): HmacVerifier {
  checkNames(name, options, OPTIONS)
  const { now = Date.now, toleranceSeconds } = options
  const scheme = schemeOf(options, name)
  const keys = keysOf(options, name)
  if (toleranceSeconds !== undefined && scheme.timestamp === undefined)
    throw new OptionError(`${name}.toleranceSeconds has no meaning: the sender signs no timestamp`)
  const tolerance = validTolerance(`${name}.toleranceSeconds`, toleranceSeconds)
  const verify = signatureVerifier({ scheme, keys, tolerance, now })
  return Object.assign(verify, { sign: signer(scheme, keys[0] as KeyObject, now) })
}

const OPTIONS: Record<keyof HmacOptions, true> = {
  header: true,
  secrets: true,
  algorithm: true,
  encoding: true,
  items: true,
  pair: true,
  key: true,
  template: true,
  timestamp: true,
  toleranceSeconds: true,
  id: true,
  url: true,
  secretPrefix: true,
  secretEncoding: true,
  now: true,
}

function schemeOf(options: HmacOptions, name: string): Scheme {
  const { items, pair, key, url, template = '{body}', algorithm = 'sha256', encoding = 'hex' } = options
  const must = optionCheck(name)
  must(Object.hasOwn(DIGEST_BYTES, algorithm), 'algorithm', `one of ${Object.keys(DIGEST_BYTES).join(', ')}`)
  must(encoding === 'hex' || encoding === 'base64', 'encoding', 'hex or base64')
  for (const [option, value] of Object.entries({ items, pair, key }))
    must(value === undefined || (typeof value === 'string' && value !== ''), option, 'a string that is not empty')
  must(
    (pair === undefined) === (key === undefined),
    pair === undefined ? 'pair' : 'key',
    'given: pair and key belong together',
  )
  must(url === undefined || /^https?:\/\//.test(url), 'url', 'the whole URL, https://…')
  const scheme: Scheme = {
    headers: headerNames(options.header, `${name}.header`),
    algorithm,
    encoding,
    items,
    pair,
    key,
    template,
    timestamp: timestampOf(options, name),
    id: options.id === undefined ? undefined : headerNames(options.id, `${name}.id`),
    url,
  }
  checkTemplate(scheme, name)
  return scheme
}

function headerNames(given: unknown, option: string): string[] {
  const names = Array.isArray(given) ? given : [given]
  if (names.length === 0 || names.some(name => typeof name !== 'string' || !/^[\w-]+$/.test(name)))
    throw new OptionError(`${option} must be a header's name, or a list of such`)
  return names
}

function timestampOf({ timestamp, pair }: HmacOptions, name: string): Scheme['timestamp'] {
  if (timestamp === undefined) return undefined
  const { header, key, unit = 's' } = timestamp
  if (unit !== 's' && unit !== 'ms') throw new OptionError(`${name}.timestamp.unit must be s or ms`)
  if ((header === undefined) === (key === undefined))
    throw new OptionError(`${name}.timestamp must have a header or a key`)
  if (header !== undefined) return { headers: headerNames(header, `${name}.timestamp.header`), unit }
  if (pair === undefined) throw new OptionError(`${name}.timestamp.key needs ${name}.pair`)
  return { key, unit }
}

/** A value that is read but not signed could be forged. */
function checkTemplate({ template, timestamp, id, url }: Scheme, name: string): void {
  const names = namesIn(template)
  const given = {
    body: true,
    method: true,
    timestamp: timestamp !== undefined,
    id: id !== undefined,
    url: url !== undefined,
  }
  const unknown = names.find(each => !Object.hasOwn(given, each))
  if (unknown !== undefined)
    throw new OptionError(
      `${name}.template has {${unknown}}, and there are ${Object.keys(given)
        .map(each => `{${each}}`)
        .join(', ')}`,
    )
  if (names.filter(each => each === 'body').length !== 1)
    throw new OptionError(`${name}.template must have {body} once: else the body is not signed`)
  for (const each of ['timestamp', 'id', 'url'] as const) {
    if (names.includes(each) === given[each]) continue
    throw new OptionError(
      given[each]
        ? `${name}.${each} is not signed: ${name}.template must have {${each}}`
        : `${name}.${each} is missing: what is signed has {${each}}`,
    )
  }
}

function keysOf({ secrets, secretPrefix = '', secretEncoding = 'text' }: HmacOptions, name: string): KeyObject[] {
  if (!['text', 'base64', 'hex'].includes(secretEncoding))
    throw new OptionError(`${name}.secretEncoding must be text, base64 or hex`)
  const given = checkedSecrets(`${name}.secrets`, secrets)
  if (given.length === 0) throw new OptionError(`${name}.secrets is empty: nothing could be verified`)
  return given.map((secret, index) => {
    const bare = secret.startsWith(secretPrefix) ? secret.slice(secretPrefix.length) : secret
    if (secretEncoding === 'text' && bare.trim() === '')
      throw new OptionError(`${name}.secrets[${index}] is empty but for ${name}.secretPrefix`)
    if (secretEncoding === 'text') return createSecretKey(bare, 'utf8')
    const bytes = Buffer.from(bare, secretEncoding)
    const written = bytes.toString(secretEncoding).replace(/=+$/, '')
    if (bytes.length === 0 || written !== (secretEncoding === 'hex' ? bare.toLowerCase() : bare.replace(/=+$/, '')))
      throw new OptionError(`${name}.secrets[${index}] is not ${secretEncoding}`)
    return createSecretKey(bytes)
  })
}

function signer(scheme: Scheme, secret: KeyObject, now: () => number): HmacVerifier['sign'] {
  const { headers, algorithm, encoding, items = '', pair = '', key = '', timestamp, id: idHeaders } = scheme
  const fill = templateFiller(scheme)
  return (body, { id = 'msg_1', method = 'POST', timestamp: seconds = Math.floor(now() / 1_000) } = {}) => {
    const time = timestamp?.unit === 'ms' ? `${seconds}000` : `${seconds}`
    const signature = sign(algorithm, secret, fill({ method, timestamp: time, id }), body).digest(encoding)
    const timeItem = timestamp?.key === undefined ? '' : `${timestamp.key}${pair}${time}${items}`
    return {
      'content-type': 'application/json',
      [(headers[0] as string).toLowerCase()]: `${timeItem}${key}${pair}${signature}`,
      ...(timestamp?.headers && { [(timestamp.headers[0] as string).toLowerCase()]: time }),
      ...(idHeaders && { [(idHeaders[0] as string).toLowerCase()]: id }),
    }
  }
}
