import { hash, timingSafeEqual } from 'node:crypto'
import createError from '@fastify/error'
import { OptionError } from '../inbox/errors.ts'
import { asObject } from './json.ts'
import { checkedSecrets } from './signature.ts'
import type { Verifier } from './source.ts'

export interface SharedTokenOptions {
  /** Where the token stands: in the URL's query, or in a header. */
  in: 'query' | 'header'
  /** The name of the parameter, or of the header. */
  name: string
  /**
   * The tokens that are valid: two while one is changed. Of a header its whole value, such as `Bearer …`. At least 16
   * characters: a guessable token is none.
   */
  tokens: readonly string[]
}

const MIN_TOKEN_LENGTH = 16

const TokenMissingError = createError<[string]>('WEBHOOK_TOKEN_MISSING', '%s is missing', 401)
const TokenMismatchError = createError<[string]>('WEBHOOK_TOKEN_MISMATCH', '%s is none of the tokens', 401)

/**
 * A verifier for senders that sign nothing: whoever knows the token is taken for the sender, and the body is not
 * protected. A query parameter is covered in the request's URL before anything here can log it; proxies log URLs, too.
 * @throws {OptionError} that names the option, and holds no token
 */
export function sharedToken({ in: place, name, tokens }: SharedTokenOptions): Verifier {
  if (place !== 'query' && place !== 'header') throw new OptionError('sharedToken.in must be query or header')
  if (typeof name !== 'string' || !/^[\w.-]+$/.test(name))
    throw new OptionError(`sharedToken.name must be the name of a ${place === 'query' ? 'query parameter' : 'header'}`)
  const given = checkedSecrets('sharedToken.tokens', tokens)
  if (given.length === 0) throw new OptionError('sharedToken.tokens is empty: nothing could be verified')
  const short = given.findIndex(token => token.length < MIN_TOKEN_LENGTH)
  if (short !== -1)
    throw new OptionError(`sharedToken.tokens[${short}] must have ${MIN_TOKEN_LENGTH} characters at least`)
  const hashes = given.map(digestOf)
  const what = place === 'query' ? `The query parameter ${name}` : `The header ${name}`
  const key = place === 'query' ? name : name.toLowerCase()

  const verify: Verifier = ({ headers, query }) => {
    const token = place === 'query' ? asObject(query)[key] : headers[key]
    if (typeof token !== 'string' || token === '') return new TokenMissingError(what)
    const sent = digestOf(token)
    // All of them, of one length: how long it takes tells nothing.
    const isRight = hashes.map(each => timingSafeEqual(each, sent)).includes(true)
    return isRight || new TokenMismatchError(what)
  }
  return place === 'query' ? Object.assign(verify, { secretQuery: name }) : verify
}

function digestOf(token: string): Buffer {
  return hash('sha256', token, 'buffer')
}
