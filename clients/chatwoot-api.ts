import { PermanentError, TransientError, type TransientErrorOptions } from '../inbox/errors.ts'
import { traced } from '../inbox/tracing.ts'
import { deadline, type Gate, isOutageStatus, isTransientStatus, isUnreachable, retryAfterMs } from './http.ts'
import { type Answer, request } from './request.ts'

/** Chatwoot itself refused a call: 4xx with its JSON. */
export class ChatwootRefusedError extends PermanentError {
  override name = 'ChatwootRefusedError'
  readonly system = 'chatwoot'
  readonly status: number
  constructor(call: string, status: number, detail: string) {
    super(`Chatwoot answered ${status} to ${call}${detail && `: ${detail}`}`)
    this.status = status
  }
}

/** Whether a token may not make a call. */
export function isForbidden(error: unknown): boolean {
  return error instanceof ChatwootRefusedError && (error.status === 401 || error.status === 403)
}

/** Chatwoot could not be reached, was too slow, limited the rate, failed or refused our token: a retry can help. */
export class ChatwootUnavailableError extends TransientError {
  override name = 'ChatwootUnavailableError'
}

/** A failure of Chatwoot's, not of one call of ours. */
const PROOF = { system: 'chatwoot', isProof: true } as const
/** A failure that may be of this call alone. */
const FAILURE = { system: 'chatwoot', isProof: false } as const

/** Not an answer of Chatwoot's: most likely the error page of a proxy whose Chatwoot is down. */
export class UnexpectedAnswerError extends ChatwootUnavailableError {
  constructor(call: string, options: TransientErrorOptions = { outage: FAILURE }) {
    super(`The answer to ${call} is not Chatwoot's`, options)
  }
}

export interface CallOptions {
  base: string
  /** For a call with its response body, ms. */
  timeoutMs: number
  gate: Gate
  /** The token that everything depends on: if it is refused, Chatwoot is held. */
  mainToken: string
}

/** Makes HTTP calls and translates their errors. */
export function createCall({ base, timeoutMs, gate, mainToken }: CallOptions) {
  return async (token: string, method: string, path: string, signal: AbortSignal, body?: object): Promise<unknown> => {
    const name = `${method} ${path}`
    await gate.enter(signal)
    const limit = deadline(signal, timeoutMs)
    let answer: Answer
    try {
      answer = await traced(method, base + path, () =>
        request(base + path, {
          method,
          headers: { 'content-type': 'application/json', api_access_token: token },
          ...(body && { body: JSON.stringify(body) }),
          signal: limit.signal,
        }),
      )
    } catch (error) {
      const what = limit.timedOut()
        ? `did not answer ${name} within ${timeoutMs} ms`
        : `could not be reached for ${name}`
      const failure = isUnreachable(error) ? PROOF : FAILURE
      const outage = signal.aborted ? undefined : { ...failure, ...(limit.timedOut() && { code: 'timeout' }) }
      throw new ChatwootUnavailableError(`Chatwoot ${what}`, { cause: error, outage })
    }
    if (answer.status >= 200 && answer.status < 300) {
      const parsed = parseAnswer(answer.text, name)
      gate.answered()
      return parsed
    }
    const error = refusal(answer, name, token === mainToken)
    if (error instanceof ChatwootRefusedError) gate.answered()
    throw error
  }
}

function parseAnswer(text: string, call: string): unknown {
  if (text === '') return null
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new UnexpectedAnswerError(call, { cause: error, outage: PROOF })
  }
}

/** Refusals of the proxy in front of Chatwoot that are about this call: it is too large. */
const TOO_LARGE = new Set([413, 414, 431])

/** What Chatwoot says to a token that may not do this one thing: AccessTokenAuthHelper and Pundit in Chatwoot. */
const NOT_ALLOWED = /not authorized (for bots|to do this action)/

/** Only Chatwoot's own refusals are permanent: while it restarts, the proxy in front of it answers 403 or 404. */
function refusal({ status, headers, text }: Answer, call: string, isOfMainToken: boolean): Error {
  const isRefusal = status >= 400 && !isTransientStatus(status)
  const detail = isRefusal ? detailOf(text) : undefined
  const isOfToken = isOfMainToken && status === 401 && detail !== undefined && !NOT_ALLOWED.test(detail)
  if (detail !== undefined && !isOfToken) return new ChatwootRefusedError(call, status, detail)
  const isProof = isOfToken || isOutageStatus(status) || (isRefusal && !TOO_LARGE.has(status))
  const whose = isOfToken ? `: ${detail}` : isRefusal ? ", in words that are not Chatwoot's" : ''
  return new ChatwootUnavailableError(`Chatwoot answered ${status} to ${call}${whose}`, {
    retryAfterMs: retryAfterMs(headers['retry-after']),
    outage: { ...(isProof ? PROOF : FAILURE), code: status },
  })
}

/**
 * Chatwoot's message for a refusal, at most 200 characters: a JSON object with `error`, `message` or `errors`.
 * undefined: the answer is not Chatwoot's.
 */
function detailOf(text: string): string | undefined {
  try {
    const { error, message, errors } = JSON.parse(text) as Record<string, unknown>
    const detail = error ?? message ?? errors ?? undefined
    return (typeof detail === 'string' ? detail : JSON.stringify(detail))?.slice(0, 200)
  } catch {
    return undefined
  }
}

export function hasField<Name extends string>(answer: unknown, name: Name): answer is Record<Name, unknown> {
  return typeof answer === 'object' && answer !== null && name in answer
}
