import fp from 'fastify-plugin'
import { PermanentError, TransientError } from './inbox/errors.ts'
import { addToWebhooks } from './webhooks.ts'

/** The Application API of Chatwoot 4.15 and 4.16, as far as a bot needs it: https://developers.chatwoot.com/api-reference */

declare module './webhooks.ts' {
  interface Webhooks {
    /** null: there is no token, so nothing can be sent. */
    chatwoot: ChatwootClient | null
  }
}

export interface ChatwootOptions {
  /** Where Chatwoot is, such as `https://chat.example.com`. */
  url?: string
  /** The account that conversations belong to. */
  accountId?: string
  /** An agent's or a bot's access token. */
  token?: string
  /** An administrator's token, for what a bot's may not do (contacts). Default: `token`. */
  adminToken?: string
  /** The longest that a call may take, ms. Default 10,000. */
  timeoutMs?: number
}

export type Attributes = Record<string, unknown>

export interface ChatwootConversation {
  id: number
  status: string
  labels: string[]
  custom_attributes: Attributes
  meta: { sender?: { id?: number; custom_attributes?: Attributes } | null; assignee?: { id: number } | null }
  last_non_activity_message?: { id: number; message_type: number; private: boolean } | null
}

export interface MenuItem {
  /** What the student sees. */
  title: string
  /** What comes back. */
  value: string
}

/** Calls throw ChatwootError (permanent or transient); each takes a signal that aborts it. */
export interface ChatwootClient {
  readonly accountId: string
  getConversation(conversation: string, signal: AbortSignal): Promise<ChatwootConversation>
  /** Sends a message to the student; with items, as a choice (input_select). */
  sendMessage(conversation: string, content: string, signal: AbortSignal, items?: readonly MenuItem[]): Promise<void>
  /** A note that only agents see. */
  sendPrivateNote(conversation: string, content: string, signal: AbortSignal): Promise<void>
  /** Sets some of the conversation's attributes and keeps the others (the API replaces all: read, merged, written). */
  mergeAttributes(conversation: string, attributes: Attributes, signal: AbortSignal): Promise<void>
  /** Adds and removes labels and keeps the others (the API replaces the list). */
  changeLabels(conversation: string, change: { add?: string[]; remove?: string[] }, signal: AbortSignal): Promise<void>
  /** `open` hands a bot's pending conversation to a human. */
  setStatus(conversation: string, status: 'open' | 'pending' | 'resolved', signal: AbortSignal): Promise<void>
  assign(conversation: string, agent: number, signal: AbortSignal): Promise<void>
  getContact(contact: string, signal: AbortSignal): Promise<{ custom_attributes: Attributes }>
  /** Sets some of the contact's attributes (the API merges them). A bot's token may not. */
  updateContact(contact: string, attributes: Attributes, signal: AbortSignal): Promise<void>
}

/** Chatwoot refused a call for good: 4xx. */
export class ChatwootRefusedError extends PermanentError {
  override name = 'ChatwootRefusedError'
  readonly status: number
  constructor(call: string, status: number, detail: string) {
    super(`Chatwoot answered ${status} to ${call}${detail && `: ${detail}`}`)
    this.status = status
  }
}

/** Chatwoot could not be reached, was too slow, limited the rate or failed: trying again can help. */
export class ChatwootUnavailableError extends TransientError {
  override name = 'ChatwootUnavailableError'
}

export default fp<ChatwootOptions>(
  async (app, options) => {
    addToWebhooks(app, { chatwoot: createChatwootClient(options) })
  },
  { name: 'tutorbot-chatwoot', fastify: '5.x' },
)

/** A client, or null without a token. @throws {TypeError} that names the option which is missing or malformed */
export function createChatwootClient(options: ChatwootOptions): ChatwootClient | null {
  const { url, accountId, token, adminToken = token, timeoutMs = 10_000 } = options
  if (token === undefined) return null
  if (accountId === undefined) throw new TypeError('chatwoot.accountId (CW_ACC_ID) is needed with a token')
  if (url === undefined || !URL.canParse(url)) throw new TypeError('chatwoot.url (CW_URL) must be a URL, with a token')
  const base = `${url.replace(/\/+$/, '')}/api/v1/accounts/${encodeURIComponent(accountId)}`

  async function call(method: string, path: string, signal: AbortSignal, body?: unknown, as = token): Promise<unknown> {
    const name = `${method} ${path}`
    const timeout = AbortSignal.timeout(timeoutMs)
    let response: Response
    let text: string
    try {
      response = await fetch(base + path, {
        method,
        headers: { 'content-type': 'application/json', api_access_token: as as string },
        body: body === undefined ? null : JSON.stringify(body),
        redirect: 'error',
        signal: AbortSignal.any([signal, timeout]),
      })
      text = await response.text()
    } catch (error) {
      const what = timeout.aborted
        ? `did not answer ${name} within ${timeoutMs} ms`
        : `could not be reached for ${name}`
      throw new ChatwootUnavailableError(`Chatwoot ${what}`, { cause: error })
    }
    if (response.ok) return text === '' ? null : parseAnswer(text, name)
    if (response.status >= 500 || [408, 425, 429].includes(response.status)) {
      throw new ChatwootUnavailableError(`Chatwoot answered ${response.status} to ${name}`, {
        retryAfterMs: retryAfterMs(response.headers.get('retry-after')),
      })
    }
    throw new ChatwootRefusedError(name, response.status, refusalOf(text))
  }

  const at = (conversation: string) => `/conversations/${encodeURIComponent(conversation)}`
  const contactAt = (contact: string) => `/contacts/${encodeURIComponent(contact)}`

  const client: ChatwootClient = {
    accountId,
    async getConversation(conversation, signal) {
      return (await call('GET', at(conversation), signal)) as ChatwootConversation
    },
    async sendMessage(conversation, content, signal, items) {
      const choice = items && { content_type: 'input_select', content_attributes: { items } }
      await call('POST', `${at(conversation)}/messages`, signal, { content, message_type: 'outgoing', ...choice })
    },
    async sendPrivateNote(conversation, content, signal) {
      const note = { content, message_type: 'outgoing', private: true }
      await call('POST', `${at(conversation)}/messages`, signal, note)
    },
    async mergeAttributes(conversation, attributes, signal) {
      const { custom_attributes } = await client.getConversation(conversation, signal)
      const merged = { ...custom_attributes, ...attributes }
      await call('POST', `${at(conversation)}/custom_attributes`, signal, { custom_attributes: merged })
    },
    async changeLabels(conversation, { add = [], remove = [] }, signal) {
      const { payload } = (await call('GET', `${at(conversation)}/labels`, signal)) as { payload: string[] }
      const labels = [...new Set([...payload, ...add])].filter(label => !remove.includes(label))
      await call('POST', `${at(conversation)}/labels`, signal, { labels })
    },
    async setStatus(conversation, status, signal) {
      await call('POST', `${at(conversation)}/toggle_status`, signal, { status })
    },
    async assign(conversation, agent, signal) {
      await call('POST', `${at(conversation)}/assignments`, signal, { assignee_id: agent })
    },
    async getContact(contact, signal) {
      const answer = (await call('GET', contactAt(contact), signal, undefined, adminToken)) as {
        payload: { custom_attributes?: Attributes | null }
      }
      return { custom_attributes: answer.payload.custom_attributes ?? {} }
    },
    async updateContact(contact, attributes, signal) {
      await call('PUT', contactAt(contact), signal, { custom_attributes: attributes }, adminToken)
    },
  }
  return client
}

function parseAnswer(text: string, call: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    // A proxy's page, most likely, in front of a Chatwoot that is away.
    throw new ChatwootUnavailableError(`Chatwoot's answer to ${call} is not JSON`, { cause: error })
  }
}

/** Chatwoot's own words for a refusal, at most 200 characters; it uses `error`, `message` or `errors`. */
function refusalOf(text: string): string {
  try {
    const { error, message, errors } = JSON.parse(text) as Record<string, unknown>
    return String(error ?? message ?? (errors === undefined ? '' : JSON.stringify(errors))).slice(0, 200)
  } catch {
    return ''
  }
}

/** Retry-After is in seconds or an HTTP date (RFC 9110, 10.2.3). */
function retryAfterMs(header: string | null): number {
  if (header === null) return 0
  const seconds = Number(header)
  const ms = Number.isNaN(seconds) ? Date.parse(header) - Date.now() : seconds * 1_000
  return Number.isNaN(ms) ? 0 : Math.max(0, ms)
}
