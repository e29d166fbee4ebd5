import { hash, timingSafeEqual } from 'node:crypto'
import createError from '@fastify/error'
import { OptionError } from '../inbox/errors.ts'
import { checkNames, optionCheck } from './check.ts'
import { asObject } from './json.ts'
import { checkedSecrets } from './signature.ts'
import type { Verifier } from './source.ts'

export interface SharedTokenOptions {
  /** Where the token is: in the URL's query, or in a header. */
  in: 'query' | 'header'
  /** The name of the parameter, or of the header. */
  name: string
  /**
   * The valid tokens: two during a rotation. For a header, its whole value, such as `Bearer …`. At least 16 characters,
   * or they could be guessed.
   */
  tokens: readonly string[]
}

const MIN_TOKEN_LENGTH = 16

const TokenMissingError = createError<[string]>('WEBHOOK_TOKEN_MISSING', '%s is missing', 401)
const TokenMismatchError = createError<[string]>('WEBHOOK_TOKEN_MISMATCH', '%s is not one of the tokens', 401)

/**
 * Creates a verifier for senders that don't sign: whoever knows the token is accepted, and the body is not protected. A
 * query parameter is redacted in the request's URL before anything here can log it; proxies may still log it.
 * @throws {OptionError} that names the option, and contains no token
 */
export function sharedToken(options: SharedTokenOptions = {} as SharedTokenOptions): Verifier {
  checkNames('sharedToken', options, { in: true, name: true, tokens: true })
  const { in: place, name, tokens } = options
  const must = optionCheck('sharedToken')
  must(place === 'query' || place === 'header', 'in', 'query or header')
  const isName = typeof name === 'string' && /^[\w.-]+$/.test(name)
  must(isName, 'name', `the name of a ${place === 'query' ? 'query parameter' : 'header'}`)
  const given = checkedSecrets('sharedToken.tokens', tokens)
  if (given.length === 0) throw new OptionError('sharedToken.tokens is empty: nothing could be verified')
  const short = given.findIndex(token => token.length < MIN_TOKEN_LENGTH)
  if (short !== -1)
    throw new OptionError(`sharedToken.tokens[${short}] must have at least ${MIN_TOKEN_LENGTH} characters`)
  const hashes = given.map(digestOf)
  const what = place === 'query' ? `The query parameter ${name}` : `The header ${name}`
  const key = place === 'query' ? name : name.toLowerCase()

  const verify: Verifier = ({ headers, query }) => {
    const token = place === 'query' ? asObject(query)[key] : headers[key]
    if (typeof token !== 'string' || token === '') return new TokenMissingError(what)
    const sent = digestOf(token)
    // Compares all of them, at equal length, so that the time taken tells nothing.
    const isRight = hashes.map(each => timingSafeEqual(each, sent)).includes(true)
    return isRight || new TokenMismatchError(what)
  }
  return place === 'query' ? Object.assign(verify, { secretQuery: name }) : verify
}

function digestOf(token: string): Buffer {
  return hash('sha256', token, 'buffer')
}
