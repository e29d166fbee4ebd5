import {
  ACTIVITY,
  type Attributes,
  ChatwootState,
  type ContactState,
  type ConversationState,
  type MessageState,
  type SenderState,
  SMS,
  WHATSAPP,
  WIDGET,
} from './chatwoot-state.ts'
import { type Answer, type Call, type StandIn, startStandIn } from './stand-in.ts'

/** Stands in for Chatwoot's Application API, over HTTP, with the shapes of Chatwoot 4.16. */
export interface ChatwootApi extends StandIn {
  accountId: string
  tokens: Tokens
  /** What happens in it. */
  state: ChatwootState
  conversations: ChatwootState['conversations']
  contacts: ChatwootState['contacts']
  addConversation: ChatwootState['addConversation']
  mergeContact: ChatwootState['mergeContact']
}

/** `agent`: a user who is no administrator. */
export interface Tokens {
  bot: string
  admin: string
  agent: string
}

export interface ChatwootApiOptions {
  /** Unix ms. */
  now?: () => number
  tokens?: Tokens
  /** The id before the first message's. */
  lastMessage?: number
  /** Before PR 14655: bots may neither read conversations nor label them. */
  isBefore14655?: boolean
}

/** WhatsApp's error after the 24 hours. */
const WINDOW_CLOSED = '131047: Re-engagement message'

/** Conversations on a page. */
const PAGE = 25

const ACCOUNT = '1'
const VERSION = '4.16.0'
const INBOXES = [WHATSAPP, WIDGET, SMS]
const TOKENS: Tokens = { bot: 'token-of-the-bot', admin: 'token-of-an-administrator', agent: 'token-of-an-agent' }
/** The user whose token `agent` is. */
export const AGENT_ID = 9
export const BOT = { id: 3, name: 'TutorBot', type: 'agent_bot' } as const
const AGENT = { id: AGENT_ID, name: 'Sam', type: 'user' } as const
/** The tutor, an administrator. */
export const TUTOR = { id: 11, name: 'Sam', type: 'user' } as const

/** What a bot's token may do: AccessTokenAuthHelper in Chatwoot. */
const FOR_BOTS_BEFORE_14655 = [/^POST \/conversations\/\d+\/(messages|custom_attributes|toggle_status|assignments)$/]
const FOR_BOTS = [
  ...FOR_BOTS_BEFORE_14655,
  /^POST \/conversations\/\d+\/toggle_typing_status$/,
  /^GET \/conversations\/\d+$/,
  /^(GET|POST) \/conversations\/\d+\/labels$/,
]

const ok = (body: unknown): Answer => ({ status: 200, body })
const NOT_FOUND: Answer = { status: 404, body: { error: 'Resource could not be found' } }
const unauthorized = (error: string): Answer => ({ status: 401, body: { error } })

export async function startChatwootApi(options: ChatwootApiOptions = {}): Promise<ChatwootApi> {
  const { now = Date.now, tokens = TOKENS, lastMessage = 5_000_000, isBefore14655 = false } = options
  const forBots = isBefore14655 ? FOR_BOTS_BEFORE_14655 : FOR_BOTS
  const state = new ChatwootState(now, lastMessage)
  const { conversations, contacts } = state
  const senders = new Map<unknown, SenderState>([
    [tokens.bot, BOT],
    [tokens.agent, AGENT],
    [tokens.admin, TUTOR],
  ])

  function answerTo(call: Call): Answer {
    const token = call.headers.api_access_token
    const prefix = `/api/v1/accounts/${ACCOUNT}`
    if (call.path === '/api') return ok({ version: VERSION, queue_services: 'ok', data_services: 'ok' })
    const sender = senders.get(token)
    if (sender === undefined) return unauthorized('Invalid Access Token')
    if (!call.path.startsWith(`${prefix}/`)) return NOT_FOUND
    const line = `${call.method} ${call.path.slice(prefix.length)}`
    if (sender === BOT && !forBots.some(allowed => allowed.test(line))) {
      return unauthorized('Access to this endpoint is not authorized for bots')
    }
    const inbox = /^GET \/inboxes(?:\/(\d+)\/agent_bot)?$/.exec(line)
    if (inbox !== null) return ofInboxes(inbox[1])
    const query = /^GET \/conversations\?(.+)$/.exec(line)?.[1]
    if (query !== undefined) return list(new URLSearchParams(query))
    const [, method, collection, id, part] =
      /^(\w+) \/(conversations|contacts)\/(\d+)(?:\/(\w+))?(?:\?before=\d+)?$/.exec(line) ?? []
    const contact = collection === 'contacts' ? contacts.get(Number(id)) : undefined
    if (contact !== undefined) return ofContact(contact, method, call.body)
    const conversation = collection === 'conversations' ? conversations.get(Number(id)) : undefined
    if (conversation === undefined) return NOT_FOUND
    return ofConversation(conversation, `${method} ${part ?? ''}`, call, sender)
  }

  /** Each has the bot. @param id undefined: all of them */
  function ofInboxes(id: string | undefined): Answer {
    if (id !== undefined) return ok({ agent_bot: BOT })
    return ok({ payload: INBOXES.map(({ channel, ...inbox }) => ({ ...inbox, channel_type: channel })) })
  }

  function list(query: URLSearchParams): Answer {
    const from = (Number(query.get('page')) - 1) * PAGE
    const listed = [...conversations.values()]
      .filter(({ status }) => status === query.get('status'))
      .sort((one, other) => other.last_activity_at - one.last_activity_at)
    return ok({ data: { meta: {}, payload: listed.slice(from, from + PAGE).map(show) } })
  }

  function ofContact(contact: ContactState, method: string | undefined, body: Call['body']): Answer {
    if (method === 'PUT') state.updateContact(contact, body.custom_attributes as Attributes)
    return ok({ payload: contact })
  }

  function ofConversation(
    conversation: ConversationState,
    action: string,
    { path, body }: Call,
    sender: SenderState,
  ): Answer {
    switch (action) {
      case 'GET ':
        return ok(show(conversation))
      case 'GET labels':
        return ok({ payload: conversation.labels })
      case 'GET messages':
        return ok({ payload: listBefore(conversation.messages, /before=(\d+)/.exec(path)?.[1]) })
      case 'POST labels':
        state.setLabels(conversation, body.labels as string[])
        return ok({ payload: body.labels })
      case 'POST custom_attributes':
        state.setAttributes(conversation, body.custom_attributes as Attributes)
        return ok({ custom_attributes: body.custom_attributes })
      case 'POST toggle_status':
        return toggle(conversation, String(body.status), sender)
      case 'POST toggle_typing_status':
        return { status: 200 }
      case 'POST assignments':
        state.assign(conversation, body.assignee_id as number | null)
        return ok(body.assignee_id === null ? null : { id: body.assignee_id })
      case 'POST messages':
        return addMessage(conversation, body, sender)
      default:
        return NOT_FOUND
    }
  }

  function toggle(conversation: ConversationState, status: string, sender: SenderState): Answer {
    try {
      state.setStatus(conversation, status)
    } catch (error) {
      // Rails' enum: nothing in Chatwoot catches it.
      return { status: 500, body: { status: 500, error: (error as Error).message } }
    }
    // handle_human_open in Chatwoot: an agent who opens a conversation gets it.
    if (status === 'open' && sender === AGENT) state.assign(conversation, AGENT_ID)
    return ok({ meta: {}, payload: { success: true, current_status: status, conversation_id: conversation.id } })
  }

  function addMessage(conversation: ConversationState, body: Call['body'], sender: SenderState): Answer {
    const content = String(body.content)
    const content_attributes = (body.content_attributes ?? {}) as Attributes
    const problem = messageProblem(content, content_attributes)
    if (problem !== null) return { status: 422, body: { message: problem, attributes: ['content'] } }
    const content_type = String(body.content_type ?? 'text')
    const parts = { content, private: body.private === true, content_type, content_attributes, sender }
    const isLate = !parts.private && body.template_params == null && !state.canReply(conversation)
    const message = state.addMessage(conversation, parts)
    const answer = ok({ ...message, conversation_id: conversation.id })
    // WhatsApp's own answer comes later.
    if (isLate) state.failMessage(conversation, message, WINDOW_CLOSED)
    return answer
  }

  function show(shown: ConversationState) {
    const { contact, assignee, team, messages, inbox, hmac_verified = false, ...conversation } = shown
    const last = messages.at(-1)
    const sender = contacts.get(contact)
    const assigned = assignee !== null && {
      assignee: { id: assignee, name: 'Sam' },
      assignee_type: assignee === BOT.id ? 'AgentBot' : 'User',
    }
    return {
      meta: { sender, channel: inbox.channel, ...assigned, team, hmac_verified },
      account_id: Number(ACCOUNT),
      can_reply: state.canReply(shown),
      inbox_id: inbox.id,
      messages: last === undefined ? [] : [last],
      last_non_activity_message: messages.findLast(({ message_type }) => message_type !== ACTIVITY) ?? null,
      ...conversation,
    }
  }

  const standIn = await startStandIn(answerTo)
  return {
    ...standIn,
    accountId: ACCOUNT,
    tokens,
    state,
    conversations,
    contacts,
    addConversation: state.addConversation.bind(state),
    mergeContact: state.mergeContact.bind(state),
  }
}

/** The latest 20 (MessageFinder in Chatwoot), or the latest 20 before one. */
function listBefore(messages: MessageState[], before: string | undefined): MessageState[] {
  return messages.filter(({ id }) => before === undefined || id < Number(before)).slice(-20)
}

/** Chatwoot's own checks: the longest content, and the keys of a choice. */
function messageProblem(content: string, { items }: Attributes): string | null {
  if (content.length > 150_000) return 'Content is too long (maximum is 150000 characters)'
  const keys = Array.isArray(items) ? items.flatMap(item => Object.keys(item as object)) : []
  const other = keys.filter(key => key !== 'title' && key !== 'value')
  return other.length === 0 ? null : `Content attributes contains invalid keys for items: ${other}`
}
