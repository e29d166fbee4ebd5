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
  /** Attributes of the conversation. `bot_disabled: true` makes the bot look and keep silent. */
  attributes?: Record<string, unknown>
  labels?: string[]
  /** An agent who has the conversation. */
  assignee?: number | null
  status?: string
  /** Attributes of the contact. */
  contact?: Record<string, unknown>
  contactId?: number
}

/** Rails escapes these in JSON, so that a body parsed and written again has other bytes, and another signature. */
export function railsJson(value: unknown): string {
  return JSON.stringify(value)
    .replaceAll('<', '\\u003c')
    .replaceAll('>', '\\u003e')
    .replaceAll('&', '\\u0026')
    .replaceAll('\u2028', '\\u2028')
    .replaceAll('\u2029', '\\u2029')
}

const CREATED_AT = '2026-11-20T15:04:05.312Z'
const CREATED_AT_UNIX = 1795187045

const account = (id = 1) => ({ id, name: 'Bijles <Utrecht> & Zonen' })

function contact({ contact: attributes = { language: 'nl' }, contactId = 4100001 }: SampleOptions) {
  return {
    additional_attributes: { city: 'Utrecht', social_profiles: {} },
    custom_attributes: attributes,
    email: null,
    id: contactId,
    identifier: null,
    name: "Renée 🎓 O'Hara </b>",
    phone_number: '+31687654321',
    thumbnail: '',
    blocked: false,
  }
}

function conversation(options: SampleOptions, lastMessage?: object) {
  const { assignee = null } = options
  return {
    additional_attributes: {},
    can_reply: true,
    channel: 'Channel::Whatsapp',
    contact_inbox: {
      id: 4100026,
      contact_id: options.contactId ?? 4100001,
      inbox_id: 7,
      source_id: '0c54bb4e-6d2c-4a44-9a57-3e3b1f6a9d10',
      created_at: CREATED_AT,
      updated_at: CREATED_AT,
      hmac_verified: false,
      pubsub_token: 'Qm4pTokenOfTheContact7Zx',
    },
    id: options.conversation ?? 4100042,
    inbox_id: 7,
    messages: lastMessage === undefined ? [] : [lastMessage],
    labels: options.labels ?? [],
    meta: {
      sender: { ...contact(options), type: 'contact' },
      assignee:
        assignee === null ? null : { id: assignee, name: 'Sam', available_name: 'Sam', type: 'user', thumbnail: '' },
      assignee_type: assignee === null ? null : 'User',
      team: null,
      hmac_verified: false,
    },
    status: options.status ?? 'pending',
    custom_attributes: options.attributes ?? {},
    snoozed_until: null,
    unread_count: 1,
    first_reply_created_at: null,
    priority: null,
    waiting_since: CREATED_AT_UNIX,
    agent_last_seen_at: 0,
    contact_last_seen_at: CREATED_AT_UNIX,
    last_activity_at: CREATED_AT_UNIX,
    timestamp: CREATED_AT_UNIX,
    created_at: CREATED_AT_UNIX,
    updated_at: CREATED_AT_UNIX + 0.3120716,
    account: account(options.account),
  }
}

interface MessageParts {
  event: string
  message_type: 'incoming' | 'outgoing' | 'template'
  private?: boolean
  sender: object | null
  content_type?: string
  content_attributes?: Record<string, unknown>
  attachments?: object[]
}

const MESSAGE_TYPES = { incoming: 0, outgoing: 1, template: 3 }

/** The object of a message's event. Its `conversation.messages[0]` is read later, and may be another message. */
function message(options: SampleOptions, parts: MessageParts) {
  const { content = 'Hoi, ik zoek bijles <wiskunde> & natuurkunde 😀' } = options
  const id = options.message ?? 4100011
  const { content_type = 'text', content_attributes = {}, attachments } = parts
  const inConversation = {
    id,
    content,
    account_id: options.account ?? 1,
    inbox_id: 7,
    conversation_id: options.conversation ?? 4100042,
    message_type: MESSAGE_TYPES[parts.message_type],
    created_at: CREATED_AT_UNIX,
    updated_at: CREATED_AT,
    private: parts.private ?? false,
    status: 'sent',
    source_id: null,
    content_type,
    content_attributes,
    sender_type: 'Contact',
    sender_id: options.contactId ?? 4100001,
    external_source_ids: {},
    additional_attributes: {},
    processed_message_content: content,
    sentiment: {},
    conversation: { assignee_id: options.assignee ?? null, unread_count: 1, last_activity_at: CREATED_AT_UNIX },
    ...(attachments && { attachments }),
    sender: { ...contact(options), type: 'contact' },
  }
  return {
    account: account(options.account),
    additional_attributes: {},
    content_attributes,
    content_type,
    content,
    conversation: conversation(options, inConversation),
    created_at: CREATED_AT,
    id,
    inbox: { id: 7, name: 'WhatsApp – Bijles' },
    message_type: parts.message_type,
    private: parts.private ?? false,
    sender: parts.sender,
    source_id: null,
    ...(attachments && { attachments }),
    event: parts.event,
  }
}

const student = (options: SampleOptions) => ({
  account: account(options.account),
  avatar: '',
  ...contact(options),
})
const bot = { id: 3, name: 'TutorBot', type: 'agent_bot' }
const agent = { id: 11, name: 'Sam', email: 'sam@example.com', type: 'user' }

/** Chatwoot's bodies, by what they are; each is an object for railsJson(). */
export const chatwoot = {
  incoming: (options: SampleOptions = {}) =>
    message(options, { event: 'message_created', message_type: 'incoming', sender: student(options) }),

  /** A photo: no text. */
  attachment: (options: SampleOptions = {}) =>
    message(
      { ...options, content: null },
      {
        event: 'message_created',
        message_type: 'incoming',
        sender: student(options),
        attachments: [
          { id: 4100012, message_id: 4100011, file_type: 'image', account_id: 1, extension: 'jpg', data_url: '' },
        ],
      },
    ),

  outgoing: (options: SampleOptions = {}) =>
    message(options, { event: 'message_created', message_type: 'outgoing', sender: bot }),

  privateNote: (options: SampleOptions = {}) =>
    message(options, { event: 'message_created', message_type: 'outgoing', private: true, sender: agent }),

  template: (options: SampleOptions = {}) =>
    message(options, { event: 'message_created', message_type: 'template', sender: null }),

  /** A choice made in the web widget: an update of the bot's own question. */
  submitted: (options: SampleOptions & { choice?: { title: string; value: string } } = {}) => {
    const choice = options.choice ?? { title: 'Prijzen', value: 'prices' }
    return message(
      { content: 'Kies', ...options },
      {
        event: 'message_updated',
        message_type: 'outgoing',
        sender: bot,
        content_type: 'input_select',
        content_attributes: { items: [choice], submitted_values: [choice] },
      },
    )
  },

  /** A message whose delivery status changed: nothing else tells it from the message itself. */
  statusOnly: (options: SampleOptions = {}) =>
    message(options, { event: 'message_updated', message_type: 'incoming', sender: student(options) }),

  conversationCreated: (options: SampleOptions = {}) => ({ ...conversation(options), event: 'conversation_created' }),

  conversationUpdated: (options: SampleOptions = {}) => ({
    ...conversation(options),
    event: 'conversation_updated',
    changed_attributes: [{ label_list: { previous_value: [], current_value: ['vip'] } }],
  }),

  typing: (options: SampleOptions = {}) => ({
    event: 'conversation_typing_on',
    user: agent,
    conversation: conversation(options),
    is_private: false,
  }),

  contactCreated: (options: SampleOptions = {}) => ({ ...student(options), event: 'contact_created' }),
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
}

/** A checkout session, as events and the API show it. */
export function stripeSession(options: StripeSampleOptions = {}) {
  return {
    id: options.session ?? 'cs_test_a1B2c3D4e5F6',
    object: 'checkout.session',
    amount_subtotal: options.amount ?? 6000,
    amount_total: options.amount ?? 6000,
    client_secret: null,
    created: CREATED_AT_UNIX,
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
    created: CREATED_AT_UNIX,
    currency: options.currency ?? 'eur',
    livemode: options.livemode ?? false,
    metadata: options.metadata ?? {},
    payment_method_types: ['card', 'ideal'],
    status: 'succeeded',
  }
}

/** A charge that was given back, in full unless told. */
export function stripeCharge(options: StripeSampleOptions & { refunded?: number } = {}) {
  const { amount = 6000, refunded = amount } = options
  return {
    id: 'ch_3Q0sample0000001',
    object: 'charge',
    amount,
    amount_captured: amount,
    amount_refunded: refunded,
    created: CREATED_AT_UNIX,
    currency: options.currency ?? 'eur',
    livemode: options.livemode ?? false,
    metadata: options.metadata ?? {},
    paid: true,
    payment_intent: options.paymentIntent ?? 'pi_3Q0sample0000001',
    refunded: refunded === amount,
    status: 'succeeded',
  }
}

/** An event around an object, as an endpoint of snapshot events gets it. */
export function stripeEvent(type: string, object: object, options: StripeSampleOptions = {}) {
  return {
    id: options.id ?? 'evt_1Q0sample0000001',
    object: 'event',
    api_version: '2026-10-28.endive',
    created: CREATED_AT_UNIX,
    data: { object },
    livemode: options.livemode ?? false,
    pending_webhooks: 1,
    request: { id: null, idempotency_key: null },
    type,
  }
}

/** A thin event, which names its object but does not hold it. */
export const stripeThinEvent = {
  id: 'evt_test_65thin',
  object: 'v2.core.event',
  type: 'v1.billing.meter.error_report_triggered',
  livemode: false,
  created: '2026-11-20T15:04:05.000Z',
  related_object: { id: 'mtr_test_61', type: 'billing.meter', url: '/v1/billing/meters/mtr_test_61' },
}
