import { PermanentError, TransientError } from '../inbox/errors.ts'
import { deadline, isTransientStatus, retryAfterMs } from './http.ts'

/** Chatwoot itself refused a call: 4xx with its JSON. */
export class ChatwootRefusedError extends PermanentError {
  override name = 'ChatwootRefusedError'
  readonly status: number
  constructor(call: string, status: number, detail: string) {
    super(`Chatwoot answered ${status} to ${call}${detail && `: ${detail}`}`)
    this.status = status
  }
}

/** Chatwoot could not be reached, was too slow, limited the rate or failed: a retry can help. */
export class ChatwootUnavailableError extends TransientError {
  override name = 'ChatwootUnavailableError'
}

/** Not an answer of Chatwoot's: most likely the error page of a proxy whose Chatwoot is down. */
export class UnexpectedAnswerError extends ChatwootUnavailableError {
  constructor(call: string, options?: ErrorOptions) {
    super(`The answer to ${call} is not Chatwoot's`, options)
  }
}

/** Makes HTTP calls and translates their errors. */
export function createCall(base: string, timeoutMs: number) {
  return async (token: string, method: string, path: string, signal: AbortSignal, body?: object): Promise<unknown> => {
    const name = `${method} ${path}`
    const limit = deadline(signal, timeoutMs)
    let response: Response
    let text: string
    try {
      response = await fetch(base + path, {
        method,
        headers: { 'content-type': 'application/json', api_access_token: token },
        body: body === undefined ? null : JSON.stringify(body),
        // fetch would forward the token to the redirect's target.
        redirect: 'error',
        signal: limit.signal,
      })
      text = await response.text()
    } catch (error) {
      const what = limit.timedOut()
        ? `did not answer ${name} within ${timeoutMs} ms`
        : `could not be reached for ${name}`
      throw new ChatwootUnavailableError(`Chatwoot ${what}`, { cause: rootOf(error) })
    }
    if (response.ok) return parseAnswer(text, name)
    throw refusal(response, text, name)
  }
}

/** fetch always says `fetch failed`; the reason is its cause. */
function rootOf(error: unknown): unknown {
  return (error as Error).cause ?? error
}

function parseAnswer(text: string, call: string): unknown {
  if (text === '') return null
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new UnexpectedAnswerError(call, { cause: error })
  }
}

/** Only Chatwoot's own refusals are permanent: while it restarts, the proxy in front of it answers 403 or 404. */
function refusal(response: Response, text: string, call: string): Error {
  const { status, headers } = response
  const isRefusal = status >= 400 && !isTransientStatus(status)
  const detail = isRefusal ? detailOf(text) : undefined
  if (detail !== undefined) return new ChatwootRefusedError(call, status, detail)
  const whose = isRefusal ? ", in words that are not Chatwoot's" : ''
  return new ChatwootUnavailableError(`Chatwoot answered ${status} to ${call}${whose}`, {
    retryAfterMs: retryAfterMs(headers.get('retry-after')),
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
