import { isDeepStrictEqual } from 'node:util'
import { OptionError, PermanentError } from '../inbox/errors.ts'
import { ChatwootRefusedError, createCall, hasField, isForbidden, UnexpectedAnswerError } from './chatwoot-api.ts'
import { Reads } from './conversation-reads.ts'
import { type Gate, httpUrl, OPEN_GATE } from './http.ts'

/**
 * The part of Chatwoot's Application API (4.15, 4.16) that a bot needs: https://developers.chatwoot.com/api-reference
 */

export interface ChatwootOptions {
  /** Chatwoot's base URL, such as `https://chat.example.com`. */
  url?: string
  /** The account that conversations belong to. */
  accountId?: string
  /** An agent's or a bot's access token. */
  token?: string
  /** An administrator's token, for what bots may not do (contacts). Default: `token`. */
  adminToken?: string
  /** Timeout of a call, including its response body, ms. Default 10,000. */
  timeoutMs?: number
  /** Calls per minute, at most; 0: no limit. Default 2,400 of the 3,000 that Chatwoot allows each address. */
  callsPerMinute?: number
}

export type Attributes = Record<string, unknown>

export interface ChatwootConversation {
  id: number
  status: string
  labels: string[]
  custom_attributes: Attributes | null
  /** From the web widget: `browser_language` and more. */
  additional_attributes?: Attributes | null
  /** `assignee_type`: `User`, or a bot (`AgentBot`, `Captain::Assistant`). */
  meta: {
    sender?: { id?: number; custom_attributes?: Attributes } | null
    assignee?: { id: number } | null
    assignee_type?: string | null
  }
  last_non_activity_message?: ChatwootMessage | null
  /** Unix s. */
  last_activity_at?: number
  inbox_id?: number
}

export interface ChatwootMessage {
  id: number
  content?: string | null
  content_type?: string
  /** 0: incoming, 1: outgoing, 2: activity, 3: template. */
  message_type: number
  private: boolean
  content_attributes?: Attributes | null
  attachments?: unknown[]
  /** Unix s. */
  created_at?: number
  /** Who wrote it; null: a phone's own app, say. */
  sender?: { id?: number; type?: string } | null
}

export interface MenuItem {
  /** Shown to the student. */
  title: string
  /** Returned when chosen. */
  value: string
}

export interface MessageExtras {
  items?: readonly MenuItem[] | undefined
  /** WhatsApp's template to send; the content is what Chatwoot shows. */
  template?: object | undefined
  /** Chatwoot has no idempotency keys; it returns this with the message, for `wasSent`. */
  marker?: string
}

/** Calls throw ChatwootError (permanent or transient); each takes a signal that aborts it. */
export interface ChatwootClient {
  readonly accountId: string
  getConversation(conversation: string, signal: AbortSignal): Promise<ChatwootConversation>
  /** One page of the account's conversations, latest activity first; pages count from 1. Not allowed to bots. */
  listConversations(status: 'open' | 'pending', page: number, signal: AbortSignal): Promise<ChatwootConversation[]>
  /** The latest messages of a conversation, oldest first. Not allowed to bots. */
  listMessages(conversation: string, signal: AbortSignal): Promise<ChatwootMessage[]>
  /**
   * Whether a message or note with this marker is among the conversation's last ones. Bots may not list them: without
   * an administrator's or agent's token only the very last one is checked, or none where that may not be read either.
   */
  wasSent(conversation: string, marker: string, signal: AbortSignal): Promise<boolean>
  /** Sends a message to the student; with items, as a choice (input_select). */
  sendMessage(conversation: string, content: string, signal: AbortSignal, extras?: MessageExtras): Promise<void>
  /** A note that only agents see. */
  sendPrivateNote(conversation: string, content: string, signal: AbortSignal, extras?: MessageExtras): Promise<void>
  /**
   * Sets some of the conversation's attributes, keeping the others (the API replaces all: read, merge, write).
   * @param known an answer of getConversation: not read again if this client has not written to it since, within 30 s
   */
  mergeAttributes(
    conversation: string,
    attributes: Attributes,
    signal: AbortSignal,
    known?: ChatwootConversation,
  ): Promise<void>
  /** Adds and removes labels, keeping the others (the API replaces the list). @param known as for mergeAttributes */
  changeLabels(
    conversation: string,
    change: { add?: string[]; remove?: string[] },
    signal: AbortSignal,
    known?: ChatwootConversation,
  ): Promise<void>
  /** Shows the student that an answer is coming, or not any more. Not allowed to bots before Chatwoot's PR 13705. */
  setTyping(conversation: string, isTyping: boolean, signal: AbortSignal): Promise<void>
  /** `open` hands a bot's pending conversation to a human. */
  setStatus(conversation: string, status: 'open' | 'pending' | 'resolved', signal: AbortSignal): Promise<void>
  /** @param agent null: nobody */
  assign(conversation: string, agent: number | null, signal: AbortSignal): Promise<void>
  /** Sets some of the contact's attributes (the API merges them). Not allowed to bots. */
  updateContact(contact: string, attributes: Attributes, signal: AbortSignal): Promise<void>
  /**
   * Reads something harmless, also while Chatwoot is held. Rejects with a TransientError if it can't be reached, doesn't
   * answer itself, or refuses the token.
   */
  probe(signal: AbortSignal): Promise<void>
}

/** A message's `message_type`: to the student. */
export const OUTGOING = 1

/** The content attribute that holds a message's marker. */
const MARKER = 'tutorbot'

/** How far `wasSent` looks back: Chatwoot lists 20 messages at a time. */
const MARKER_PAGES = 5

/** Creates a client, or null without a token. @throws {OptionError} that names the missing or malformed option */
export function createChatwootClient(options: ChatwootOptions, gate: Gate = OPEN_GATE): ChatwootClient | null {
  const { token } = options
  if (token === undefined && options.accountId === undefined) return null
  // Needed without a token too: events' accounts are compared with it as strings.
  const accountId = valid(
    options.accountId,
    /^[1-9]\d*$/,
    "chatwoot.accountId (CW_ACC_ID) must be a number's digits as a string, with a token",
  )
  if (token === undefined) return null
  const base = apiBase(options.url, accountId)
  // fetch quotes an invalid header value in its error, so an invalid token must not reach it.
  const tokenForm = /^[\x21-\x7e]+$/
  const asBot = valid(token, tokenForm, 'chatwoot.token (CW_TOKEN) must be printable ASCII without spaces')
  const asAdmin = valid(
    options.adminToken ?? token,
    tokenForm,
    'chatwoot.adminToken (CW_ADMIN_TOKEN) must be printable ASCII without spaces',
  )
  const callOptions = { base, timeoutMs: options.timeoutMs ?? 10_000, mainToken: asBot }
  const call = createCall({ ...callOptions, gate })
  const asEither = (method: string, path: string, signal: AbortSignal, body?: object) =>
    call(asBot, method, path, signal, body).catch(error => {
      if (asAdmin === asBot || !isForbiddenToBots(error)) throw error
      return call(asAdmin, method, path, signal, body)
    })
  const calls: Calls = {
    readAsAdmin: (path, signal) => call(asAdmin, 'GET', path, signal),
    readAsEither: (path, signal) => asEither('GET', path, signal),
    post: (path, body, signal) => call(asBot, 'POST', path, signal, body),
    postAsEither: (path, body, signal) => asEither('POST', path, signal, body),
    putAsAdmin: (path, body, signal) => call(asAdmin, 'PUT', path, signal, body),
  }
  const callAnyway = createCall({ ...callOptions, gate: OPEN_GATE })
  return {
    accountId,
    ...conversationCalls(calls),
    ...messageCalls(calls),
    async probe(signal) {
      // There is no conversation 0: Chatwoot says so, unless it refuses the token first.
      await callAnyway(asBot, 'GET', pathOf('conversations', '0'), signal).catch(unlessRefused)
    },
  }
}

/** Where an account's API is. @throws {OptionError} */
export function apiBase(url: string | undefined, accountId: string): string {
  return `${validUrl(url)}/api/v1/accounts/${accountId}`
}

/** Not every 401: a wrong token must be noticed. */
function isForbiddenToBots(error: unknown): boolean {
  return error instanceof ChatwootRefusedError && error.status === 401 && /\bbots\b/.test(error.message)
}

/** Makes calls with one of the two tokens. */
interface Calls {
  readAsAdmin(path: string, signal: AbortSignal): Promise<unknown>
  /** As the bot; where it may not (before Chatwoot's PR 14655), as the administrator. */
  readAsEither(path: string, signal: AbortSignal): Promise<unknown>
  post(path: string, body: object, signal: AbortSignal): Promise<unknown>
  /** As `readAsEither`. */
  postAsEither(path: string, body: object, signal: AbortSignal): Promise<unknown>
  putAsAdmin(path: string, body: object, signal: AbortSignal): Promise<unknown>
}

async function getConversation(
  { readAsEither }: Calls,
  id: string,
  signal: AbortSignal,
): Promise<ChatwootConversation> {
  const path = pathOf('conversations', id)
  const answer = await readAsEither(path, signal)
  // Writing back replaces everything, so an unexpected answer must not pass for an empty conversation.
  if (!hasField(answer, 'custom_attributes')) throw new UnexpectedAnswerError(`GET ${path}`)
  return answer as unknown as ChatwootConversation
}

function conversationCalls(calls: Calls) {
  const { readAsAdmin, readAsEither, post, postAsEither, putAsAdmin } = calls
  const inTurn = createTurns()
  const reads = new Reads()

  return {
    getConversation: (conversation, signal) => reads.register(() => getConversation(calls, conversation, signal)),
    async listConversations(status, page, signal) {
      const path = `/conversations?status=${status}&assignee_type=all&page=${page}`
      const answer = await readAsAdmin(path, signal)
      return listIn<ChatwootConversation>(hasField(answer, 'data') ? answer.data : undefined, path)
    },
    mergeAttributes(conversation, attributes, signal, known) {
      return inTurn(conversation, async () => {
        const path = pathOf('conversations', conversation)
        const current = reads.isCurrent(known, path) ? known : await getConversation(calls, conversation, signal)
        const before = current.custom_attributes ?? {}
        if (Object.entries(attributes).every(([name, value]) => isDeepStrictEqual(before[name] ?? null, value ?? null)))
          return
        const custom_attributes = { ...before, ...attributes }
        await reads.outdate(path, () => post(`${path}/custom_attributes`, { custom_attributes }, signal))
      })
    },
    changeLabels(conversation, { add = [], remove = [] }, signal, known) {
      return inTurn(conversation, async () => {
        const path = `${pathOf('conversations', conversation)}/labels`
        const before = reads.isCurrent(known, path)
          ? known.labels
          : listIn<string>(await readAsEither(path, signal), path)
        const labels = [...new Set([...before, ...add])].filter(label => !remove.includes(label))
        if (isDeepStrictEqual(labels, before)) return
        await reads.outdate(path, () => postAsEither(path, { labels }, signal))
      })
    },
    async setStatus(conversation, status, signal) {
      await post(`${pathOf('conversations', conversation)}/toggle_status`, { status }, signal)
    },
    async setTyping(conversation, isTyping, signal) {
      const typing_status = isTyping ? 'on' : 'off'
      await post(`${pathOf('conversations', conversation)}/toggle_typing_status`, { typing_status }, signal)
    },
    async assign(conversation, agent, signal) {
      await post(`${pathOf('conversations', conversation)}/assignments`, { assignee_id: agent }, signal)
    },
    async updateContact(contact, attributes, signal) {
      await putAsAdmin(pathOf('contacts', contact), { custom_attributes: attributes }, signal)
    },
  } satisfies Partial<ChatwootClient>
}

function messageCalls(calls: Calls) {
  return {
    listMessages: (conversation, signal) => listMessages(conversation, signal),
    async wasSent(conversation, marker, signal) {
      const isMarked = (message?: ChatwootMessage | null) => message?.content_attributes?.[MARKER] === marker
      const isLast = async () => {
        return isMarked((await getConversation(calls, conversation, signal)).last_non_activity_message)
      }
      return (
        isListed(conversation, isMarked, signal)
          .catch(unlessForbidden(isLast))
          // Said twice, at worst, is better than not at all.
          .catch(unlessForbidden(() => false))
      )
    },
    sendMessage: (conversation, content, signal, extras) => create(conversation, content, signal, extras, false),
    sendPrivateNote: (conversation, content, signal, extras) => create(conversation, content, signal, extras, true),
  } satisfies Partial<ChatwootClient>

  async function create(
    conversation: string,
    content: string,
    signal: AbortSignal,
    { items, template, marker }: MessageExtras = {},
    isPrivate: boolean,
  ): Promise<void> {
    const message = {
      content,
      message_type: 'outgoing',
      private: isPrivate,
      content_type: items === undefined ? 'text' : 'input_select',
      content_attributes: { items, [MARKER]: marker },
      template_params: template,
    }
    await calls.post(`${pathOf('conversations', conversation)}/messages`, message, signal)
  }

  async function listMessages(conversation: string, signal: AbortSignal, query = ''): Promise<ChatwootMessage[]> {
    const path = `${pathOf('conversations', conversation)}/messages`
    return listIn(await calls.readAsAdmin(path + query, signal), path)
  }

  /** Searches the newest messages page by page. */
  async function isListed(
    conversation: string,
    fits: (message: ChatwootMessage) => boolean,
    signal: AbortSignal,
  ): Promise<boolean> {
    for (let page = 0, before = ''; page < MARKER_PAGES; page++) {
      const messages = await listMessages(conversation, signal, before)
      if (messages.some(fits)) return true
      const [oldest] = messages
      if (oldest === undefined) return false
      before = `?before=${oldest.id}`
    }
    return false
  }
}

const unlessForbidden = <T>(otherwise: () => T) => {
  return (error: unknown): T => {
    if (!isForbidden(error)) throw error
    return otherwise()
  }
}

function unlessRefused(error: unknown): void {
  if (!(error instanceof ChatwootRefusedError)) throw error
}

/** The list in a response's `payload`. */
function listIn<Item>(answer: unknown, path: string): Item[] {
  if (!hasField(answer, 'payload') || !Array.isArray(answer.payload)) throw new UnexpectedAnswerError(`GET ${path}`)
  return answer.payload
}

function valid(value: string | undefined, form: RegExp, problem: string): string {
  if (typeof value !== 'string' || !form.test(value)) throw new OptionError(problem)
  return value
}

function validUrl(text: string | undefined): string {
  const url = httpUrl(text)
  if (url === undefined) {
    throw new OptionError('chatwoot.url (CW_URL) must be an http or https URL without a user, with a token')
  }
  return url.origin + url.pathname.replace(/\/+$/, '')
}

/** Chatwoot's ids are numbers; anything else could change the path. */
function pathOf(collection: 'conversations' | 'contacts', id: string): string {
  if (!/^\d+$/.test(id)) throw new PermanentError(`Chatwoot's ${collection} have no id like ${id.slice(0, 64)}`)
  return `/${collection}/${id}`
}

/**
 * Serializes the changes of a conversation: no other change may come between read, merge and write. A payment is not
 * always in its conversation's mailbox.
 */
function createTurns() {
  const last = new Map<string, Promise<void>>()
  return (key: string, change: () => Promise<void>): Promise<void> => {
    const turn = (last.get(key) ?? Promise.resolve()).then(change)
    const ended = turn.then(forget, forget)
    last.set(key, ended)
    return turn

    function forget() {
      if (last.get(key) === ended) last.delete(key)
    }
  }
}
