/**
 * Bodies as Chatwoot and Stripe send them, for `npm run simulate`, the tests and the benchmarks: the fields, their order
 * and the escapes are those of Chatwoot 4.16's own serializers; names and ids are made up.
 */

export interface SampleOptions {
  account?: number
  /** The display id. */
  conversation?: number
  message?: number
  content?: string | null
  /** Attributes of the conversation. With `bot_disabled: true` the bot stays silent. */
  attributes?: Record<string, unknown>
  labels?: string[]
  /** Id of the agent to whom the conversation is assigned. */
  assignee?: number | null
  team?: { id: number; name: string } | null
  status?: string
  /** Attributes of the contact. */
  contact?: Record<string, unknown>
  contactId?: number
  name?: string
  phone?: string | null
  email?: string | null
  /** Such as `Channel::WebWidget`. */
  channel?: string
  inbox?: { id: number; name: string }
  /** Of the conversation. */
  additional?: Record<string, unknown>
  canReply?: boolean
  /** When it happens, Unix ms. */
  at?: number
}

/** Like Rails, escapes these in JSON: a body that is parsed and written again has other bytes and another signature. */
export function railsJson(value: unknown): string {
  return JSON.stringify(value)
    .replaceAll('<', '\\u003c')
    .replaceAll('>', '\\u003e')
    .replaceAll('&', '\\u0026')
    .replaceAll('\u2028', '\\u2028')
    .replaceAll('\u2029', '\\u2029')
}

const CREATED_AT_MS = Date.parse('2026-11-20T15:04:05.312Z')
const CREATED_AT_UNIX = 1795187045

const isoTime = ({ at = CREATED_AT_MS }: SampleOptions) => new Date(at).toISOString()
const unixTime = ({ at = CREATED_AT_MS }: SampleOptions) => Math.floor(at / 1_000)
const inboxOf = ({ inbox = { id: 7, name: 'WhatsApp – Bijles' } }: SampleOptions) => inbox

const account = (id = 1) => ({ id, name: 'Bijles <Utrecht> & Zonen' })

function contact(options: SampleOptions) {
  const {
    contact: attributes = { language: 'nl' },
    contactId = 4100001,
    phone = '+31687654321',
    email = null,
  } = options
  return {
    additional_attributes: { city: 'Utrecht', social_profiles: {} },
    custom_attributes: attributes,
    email,
    id: contactId,
    identifier: null,
    name: options.name ?? "Renée 🎓 O'Hara </b>",
    phone_number: phone,
    thumbnail: '',
    blocked: false,
  }
}

export function chatwootConversation(options: SampleOptions, lastMessage?: object) {
  const { assignee = null, team = null, additional = {}, canReply = true, channel = 'Channel::Whatsapp' } = options
  const [createdAt, createdAtUnix] = [isoTime(options), unixTime(options)]
  const inbox = inboxOf(options).id
  return {
    additional_attributes: additional,
    can_reply: canReply,
    channel,
    contact_inbox: {
      id: 4100026,
      contact_id: options.contactId ?? 4100001,
      inbox_id: inbox,
      source_id: '0c54bb4e-6d2c-4a44-9a57-3e3b1f6a9d10',
      created_at: createdAt,
      updated_at: createdAt,
      hmac_verified: false,
      pubsub_token: 'Qm4pTokenOfTheContact7Zx',
    },
    id: options.conversation ?? 4100042,
    inbox_id: inbox,
    messages: lastMessage === undefined ? [] : [lastMessage],
    labels: options.labels ?? [],
    meta: {
      sender: { ...contact(options), type: 'contact' },
      assignee:
        assignee === null ? null : { id: assignee, name: 'Sam', available_name: 'Sam', type: 'user', thumbnail: '' },
      assignee_type: assignee === null ? null : 'User',
      team,
      hmac_verified: false,
    },
    status: options.status ?? 'pending',
    custom_attributes: options.attributes ?? {},
    snoozed_until: null,
    unread_count: 1,
    first_reply_created_at: null,
    priority: null,
    waiting_since: createdAtUnix,
    agent_last_seen_at: 0,
    contact_last_seen_at: createdAtUnix,
    last_activity_at: createdAtUnix,
    timestamp: createdAtUnix,
    created_at: createdAtUnix,
    updated_at: createdAtUnix + 0.3120716,
    account: account(options.account),
  }
}

export interface MessageParts {
  event: string
  message_type: 'incoming' | 'outgoing' | 'template'
  private?: boolean
  sender: object | null
  content_type?: string
  content_attributes?: Record<string, unknown>
  attachments?: object[]
  status?: string
}

const MESSAGE_TYPES = { incoming: 0, outgoing: 1, template: 3 }

/** A message event. Chatwoot reads its `conversation.messages[0]` later: it may be another message. */
export function chatwootMessage(options: SampleOptions, parts: MessageParts) {
  const { content = 'Hoi, ik zoek bijles <wiskunde> & natuurkunde 😀' } = options
  const id = options.message ?? 4100011
  const [createdAt, createdAtUnix] = [isoTime(options), unixTime(options)]
  const inbox = inboxOf(options)
  const { content_type = 'text', content_attributes = {}, attachments } = parts
  const inConversation = {
    id,
    content,
    account_id: options.account ?? 1,
    inbox_id: inbox.id,
    conversation_id: options.conversation ?? 4100042,
    message_type: MESSAGE_TYPES[parts.message_type],
    created_at: createdAtUnix,
    updated_at: createdAt,
    private: parts.private ?? false,
    status: parts.status ?? 'sent',
    source_id: null,
    content_type,
    content_attributes,
    ...senderIn(parts.sender),
    external_source_ids: {},
    additional_attributes: {},
    processed_message_content: content,
    sentiment: {},
    conversation: { assignee_id: options.assignee ?? null, unread_count: 1, last_activity_at: createdAtUnix },
    ...(attachments && { attachments }),
    ...(parts.sender && { sender: { type: 'contact', ...parts.sender } }),
  }
  return {
    account: account(options.account),
    additional_attributes: {},
    content_attributes,
    content_type,
    content,
    conversation: chatwootConversation(options, inConversation),
    created_at: createdAt,
    id,
    inbox,
    message_type: parts.message_type,
    private: parts.private ?? false,
    sender: parts.sender,
    source_id: null,
    ...(attachments && { attachments }),
    event: parts.event,
  }
}

/** A contact has no `type` in an event. */
function senderIn(sender: MessageParts['sender']) {
  const { type = 'contact', id } = (sender ?? {}) as { type?: string; id?: number }
  const names: Record<string, string> = { contact: 'Contact', user: 'User', agent_bot: 'AgentBot' }
  return sender === null ? { sender_type: null, sender_id: null } : { sender_type: names[type], sender_id: id }
}

export const chatwootStudent = (options: SampleOptions) => ({
  account: account(options.account),
  avatar: '',
  ...contact(options),
})
export const chatwootBot = { id: 3, name: 'TutorBot', type: 'agent_bot' }
export const chatwootAgent = { id: 11, name: 'Sam', email: 'sam@example.com', type: 'user' }

/** Chatwoot's bodies, by kind, for railsJson(). */
export const chatwoot = {
  incoming: (options: SampleOptions = {}) =>
    chatwootMessage(options, { event: 'message_created', message_type: 'incoming', sender: chatwootStudent(options) }),

  /** A photo: no text. */
  attachment: (options: SampleOptions = {}) =>
    chatwootMessage(
      { ...options, content: null },
      {
        event: 'message_created',
        message_type: 'incoming',
        sender: chatwootStudent(options),
        attachments: [
          { id: 4100012, message_id: 4100011, file_type: 'image', account_id: 1, extension: 'jpg', data_url: '' },
        ],
      },
    ),

  outgoing: (options: SampleOptions = {}) =>
    chatwootMessage(options, { event: 'message_created', message_type: 'outgoing', sender: chatwootBot }),

  privateNote: (options: SampleOptions = {}) =>
    chatwootMessage(options, {
      event: 'message_created',
      message_type: 'outgoing',
      private: true,
      sender: chatwootAgent,
    }),

  template: (options: SampleOptions = {}) =>
    chatwootMessage(options, { event: 'message_created', message_type: 'template', sender: null }),

  /** A choice in the web widget: an update of the bot's question. */
  submitted: (options: SampleOptions & { choice?: { title: string; value: string } } = {}) => {
    const choice = options.choice ?? { title: 'Prijzen', value: 'prices' }
    return chatwootMessage(
      { content: 'Kies', ...options },
      {
        event: 'message_updated',
        message_type: 'outgoing',
        sender: chatwootBot,
        content_type: 'input_select',
        content_attributes: { items: [choice], submitted_values: [choice] },
      },
    )
  },

  /** A changed delivery status, not distinguishable from an edited message. */
  statusOnly: (options: SampleOptions = {}) =>
    chatwootMessage(options, { event: 'message_updated', message_type: 'incoming', sender: chatwootStudent(options) }),

  conversationCreated: (options: SampleOptions = {}) => ({
    ...chatwootConversation(options),
    event: 'conversation_created',
  }),

  conversationUpdated: (options: SampleOptions = {}) => ({
    ...chatwootConversation(options),
    event: 'conversation_updated',
    changed_attributes: [{ label_list: { previous_value: [], current_value: ['vip'] } }],
  }),

  typing: (options: SampleOptions = {}) => ({
    event: 'conversation_typing_on',
    user: chatwootAgent,
    conversation: chatwootConversation(options),
    is_private: false,
  }),

  contactCreated: (options: SampleOptions = {}) => ({ ...chatwootStudent(options), event: 'contact_created' }),
}

export interface StripeSampleOptions {
  id?: string
  livemode?: boolean
  session?: string
  paymentIntent?: string | null
  paymentStatus?: 'paid' | 'unpaid' | 'no_payment_required'
  /** In the currency's minor unit. */
  amount?: number
  currency?: string
  metadata?: Record<string, string>
  /** Unix s. */
  created?: number
}

/** A checkout session, as in events and the API. */
export function stripeSession(options: StripeSampleOptions = {}) {
  return {
    id: options.session ?? 'cs_test_a1B2c3D4e5F6',
    object: 'checkout.session',
    amount_subtotal: options.amount ?? 6000,
    amount_total: options.amount ?? 6000,
    client_secret: null,
    created: options.created ?? CREATED_AT_UNIX,
    currency: options.currency ?? 'eur',
    expires_at: CREATED_AT_UNIX + 40 * 60,
    customer_details: { email: 'renee@example.com', name: "Renée O'Hara", phone: null },
    livemode: options.livemode ?? false,
    metadata: options.metadata ?? {},
    mode: 'payment',
    payment_intent: options.paymentIntent === undefined ? 'pi_3Q0sample0000001' : options.paymentIntent,
    payment_method_types: ['card', 'ideal'],
    payment_status: options.paymentStatus ?? 'paid',
    status: 'complete',
    url: null,
  }
}

export function stripePaymentIntent(options: StripeSampleOptions = {}) {
  return {
    id: options.paymentIntent ?? 'pi_3Q0sample0000001',
    object: 'payment_intent',
    amount: options.amount ?? 6000,
    amount_received: options.amount ?? 6000,
    client_secret: 'pi_3Q0sample0000001_secret_7hUk',
    created: options.created ?? CREATED_AT_UNIX,
    currency: options.currency ?? 'eur',
    livemode: options.livemode ?? false,
    metadata: options.metadata ?? {},
    payment_method_types: ['card', 'ideal'],
    status: 'succeeded',
  }
}

/** A refunded charge, by default in full. */
export function stripeCharge(options: StripeSampleOptions & { charge?: string; refunded?: number } = {}) {
  const { amount = 6000, refunded = amount } = options
  return {
    id: options.charge ?? 'ch_3Q0sample0000001',
    object: 'charge',
    amount,
    amount_captured: amount,
    amount_refunded: refunded,
    created: options.created ?? CREATED_AT_UNIX,
    currency: options.currency ?? 'eur',
    livemode: options.livemode ?? false,
    metadata: options.metadata ?? {},
    paid: true,
    payment_intent: options.paymentIntent ?? 'pi_3Q0sample0000001',
    refunded: refunded === amount,
    status: 'succeeded',
  }
}

/** A snapshot event with an object. */
export function stripeEvent(type: string, object: object, options: StripeSampleOptions = {}) {
  return {
    id: options.id ?? 'evt_1Q0sample0000001',
    object: 'event',
    api_version: '2026-10-28.endive',
    created: options.created ?? CREATED_AT_UNIX,
    data: { object },
    livemode: options.livemode ?? false,
    pending_webhooks: 1,
    request: { id: null, idempotency_key: null },
    type,
  }
}

/** A thin event: names its object without containing it. */
export const stripeThinEvent = {
  id: 'evt_test_65thin',
  object: 'v2.core.event',
  type: 'v1.billing.meter.error_report_triggered',
  livemode: false,
  created: '2026-11-20T15:04:05.000Z',
  related_object: { id: 'mtr_test_61', type: 'billing.meter', url: '/v1/billing/meters/mtr_test_61' },
}
