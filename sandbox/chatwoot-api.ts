import { type Answer, type Call, type StandIn, startStandIn } from './stand-in.ts'

/** Stands in for Chatwoot's Application API, over HTTP, with the shapes of Chatwoot 4.16. */
export interface ChatwootApi extends StandIn {
  accountId: string
  /** `agent`: a user who is no administrator. */
  tokens: { bot: string; admin: string; agent: string }
  conversations: Map<number, ConversationState>
  contacts: Map<number, ContactState>
  /** Adds a conversation, with its contact if there is none with that id. */
  addConversation(parts?: Partial<ConversationState>, contact?: Partial<ContactState>): ConversationState
  /** Merges a contact into another one, as Chatwoot does: the merged id is gone, the conversations are the other's. */
  mergeContact(id: number, into: number): void
}

export interface ConversationState {
  id: number
  status: string
  labels: string[]
  custom_attributes: Record<string, unknown> | null
  additional_attributes: Record<string, unknown>
  /** A contact's id. */
  contact: number
  /** A user's id. */
  assignee: number | null
  messages: MessageState[]
  /** Unix s. */
  last_activity_at: number
}

export interface ContactState {
  id: number
  name: string
  custom_attributes: Record<string, unknown>
}

export interface MessageState {
  id: number
  content: string
  /** 0: incoming, 1: outgoing, 3: template. */
  message_type: number
  private: boolean
  content_type: string
  content_attributes: Record<string, unknown>
  /** Unix s. */
  created_at?: number
}

/** Conversations on a page. */
const PAGE = 25

const ACCOUNT = '1'
const TOKENS = { bot: 'token-of-the-bot', admin: 'token-of-an-administrator', agent: 'token-of-an-agent' }
/** The user whose token `agent` is. */
export const AGENT_ID = 9

/** What a bot's token may do: AccessTokenAuthHelper in Chatwoot. */
const FOR_BOTS = [
  /^GET \/conversations\/\d+$/,
  /^(GET|POST) \/conversations\/\d+\/labels$/,
  /^POST \/conversations\/\d+\/(messages|custom_attributes|toggle_status|assignments)$/,
]

const ok = (body: unknown): Answer => ({ status: 200, body })
const NOT_FOUND: Answer = { status: 404, body: { error: 'Resource could not be found' } }
const unauthorized = (error: string): Answer => ({ status: 401, body: { error } })

export async function startChatwootApi(): Promise<ChatwootApi> {
  const conversations = new Map<number, ConversationState>()
  const contacts = new Map<number, ContactState>()
  let lastMessage = 5_000_000

  function answerTo(call: Call): Answer {
    const token = call.headers.api_access_token
    const prefix = `/api/v1/accounts/${ACCOUNT}`
    if (!Object.values(TOKENS).includes(String(token))) return unauthorized('Invalid Access Token')
    if (!call.path.startsWith(`${prefix}/`)) return NOT_FOUND
    const line = `${call.method} ${call.path.slice(prefix.length)}`
    if (token === TOKENS.bot && !FOR_BOTS.some(allowed => allowed.test(line))) {
      return unauthorized('Access to this endpoint is not authorized for bots')
    }
    const query = /^GET \/conversations\?(.+)$/.exec(line)?.[1]
    if (query !== undefined) return list(new URLSearchParams(query))
    const [, method, collection, id, part] =
      /^(\w+) \/(conversations|contacts)\/(\d+)(?:\/(\w+))?(?:\?before=\d+)?$/.exec(line) ?? []
    const contact = collection === 'contacts' ? contacts.get(Number(id)) : undefined
    if (contact !== undefined) return ofContact(contact, method, call.body)
    const conversation = collection === 'conversations' ? conversations.get(Number(id)) : undefined
    if (conversation === undefined) return NOT_FOUND
    return ofConversation(conversation, `${method} ${part ?? ''}`, call)
  }

  function list(query: URLSearchParams): Answer {
    const from = (Number(query.get('page')) - 1) * PAGE
    const listed = [...conversations.values()]
      .filter(({ status }) => status === query.get('status'))
      .sort((one, other) => other.last_activity_at - one.last_activity_at)
    return ok({ data: { meta: {}, payload: listed.slice(from, from + PAGE).map(show) } })
  }

  function ofContact(contact: ContactState, method: string | undefined, body: Call['body']): Answer {
    if (method === 'PUT') Object.assign(contact.custom_attributes, body.custom_attributes)
    return ok({ payload: contact })
  }

  function ofConversation(conversation: ConversationState, action: string, { path, body, headers }: Call): Answer {
    const { custom_attributes, labels, status, assignee_id } = body
    switch (action) {
      case 'GET ':
        return ok(show(conversation))
      case 'GET labels':
        return ok({ payload: conversation.labels })
      case 'GET messages':
        return ok({ payload: listBefore(conversation.messages, /before=(\d+)/.exec(path)?.[1]) })
      case 'POST labels':
        conversation.labels = labels as string[]
        return ok({ payload: labels })
      case 'POST custom_attributes':
        conversation.custom_attributes = custom_attributes as Record<string, unknown>
        return ok({ custom_attributes })
      case 'POST toggle_status':
        conversation.status = String(status)
        // handle_human_open in Chatwoot: an agent who opens a conversation gets it.
        if (status === 'open' && headers.api_access_token === TOKENS.agent) conversation.assignee = AGENT_ID
        return ok({ meta: {}, payload: { success: true, current_status: status, conversation_id: conversation.id } })
      case 'POST assignments':
        conversation.assignee = assignee_id as number | null
        return ok(assignee_id === null ? null : { id: assignee_id })
      case 'POST messages':
        return addMessage(conversation, body)
      default:
        return NOT_FOUND
    }
  }

  function addMessage({ id, messages }: ConversationState, body: Call['body']): Answer {
    const content = String(body.content)
    const content_attributes = (body.content_attributes ?? {}) as Record<string, unknown>
    const problem = messageProblem(content, content_attributes)
    if (problem !== null) return { status: 422, body: { message: problem, attributes: ['content'] } }
    const message = {
      id: ++lastMessage,
      content,
      message_type: 1,
      private: body.private === true,
      content_type: String(body.content_type ?? 'text'),
      content_attributes,
    }
    messages.push(message)
    return ok({ ...message, conversation_id: id })
  }

  function show({ contact, assignee, messages, ...conversation }: ConversationState) {
    const last = messages.at(-1)
    const sender = contacts.get(contact)
    const assigned = assignee !== null && { assignee: { id: assignee, name: 'Sam' }, assignee_type: 'User' }
    return {
      meta: { sender, channel: 'Channel::Whatsapp', ...assigned, hmac_verified: false },
      account_id: Number(ACCOUNT),
      messages: last === undefined ? [] : [last],
      last_non_activity_message: last ?? null,
      ...conversation,
    }
  }

  const standIn = await startStandIn(answerTo)
  return {
    ...standIn,
    accountId: ACCOUNT,
    tokens: TOKENS,
    conversations,
    contacts,
    addConversation(parts = {}, contactParts = {}) {
      const conversation: ConversationState = {
        id: 4100042,
        status: 'pending',
        labels: [],
        custom_attributes: {},
        additional_attributes: {},
        contact: 4100001,
        assignee: null,
        messages: [],
        last_activity_at: Math.floor(Date.now() / 1_000),
        ...parts,
      }
      const contact = { id: conversation.contact, name: 'Renée', custom_attributes: {}, ...contactParts }
      conversations.set(conversation.id, conversation)
      if (!contacts.has(contact.id)) contacts.set(contact.id, contact)
      return conversation
    },
    mergeContact(id, into) {
      const merged = contacts.get(id)
      contacts.set(into, { ...(merged as ContactState), id: into })
      contacts.delete(id)
      for (const conversation of conversations.values()) if (conversation.contact === id) conversation.contact = into
    },
  }
}

/** The latest 20 (MessageFinder in Chatwoot), or the latest 20 before one. */
function listBefore(messages: MessageState[], before: string | undefined): MessageState[] {
  return messages.filter(({ id }) => before === undefined || id < Number(before)).slice(-20)
}

/** Chatwoot's own checks: the longest content, and the keys of a choice. */
function messageProblem(content: string, { items }: Record<string, unknown>): string | null {
  if (content.length > 150_000) return 'Content is too long (maximum is 150000 characters)'
  const keys = Array.isArray(items) ? items.flatMap(item => Object.keys(item as object)) : []
  const other = keys.filter(key => key !== 'title' && key !== 'value')
  return other.length === 0 ? null : `Content attributes contains invalid keys for items: ${other}`
}
