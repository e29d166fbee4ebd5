import type { EventEmitter } from 'node:events'
import type { Calendar } from '../calendar/contract.ts'
import type { ChatwootClient } from '../clients/chatwoot.ts'
import type { StripeClient } from '../clients/stripe.ts'
import type { WebhookEvents } from '../inbox/events.ts'
import type { Tutor } from '../tutor/tutor.ts'
import type { MessageTemplates } from './templates.ts'
import type { LanguageCode } from './texts/index.ts'
import type { Understand } from './understand.ts'

/** Stripe price ids of 60 and 90 minute lessons; a lesson without one can't be sold. */
export interface PriceIds {
  standard60?: string | undefined
  standard90?: string | undefined
  weekend60?: string | undefined
  weekend90?: string | undefined
}

/** What the handlers work with. */
export interface Services {
  /** null: no CW_TOKEN, nothing can be sent. */
  chatwoot: ChatwootClient | null
  /** null: no STRIPE_SECRET_KEY, so no look-ups and no payment links. */
  stripe: StripeClient | null
  calendar: Calendar
  /** The tutor's settings. */
  tutor: Tutor
  /** The tutor's IANA time zone: for the planning, and for students without one. */
  zone: string
  /** Where Stripe's payment page sends students afterwards. */
  returnUrl: (language: LanguageCode) => string
  /** The agent to assign handed-over conversations to; undefined: they stay unassigned. */
  handoffAgentId?: number | undefined
  /** What `open` means: `bot`: a person has the conversation. `account`: nothing, all are open. Default: nothing. */
  mode?: 'bot' | 'account' | undefined
  /** WhatsApp's, for when nothing else arrives. Default: none. */
  templates?: MessageTemplates | undefined
  /** So long after a person's last message the bot has the conversation again, ms. */
  handoffMs: number
  /** So long after a hand-over that no person has answered somebody is alerted, ms; 0: never. Default: 2 h. */
  handoffAlertMs?: number | undefined
  /** The path of the operator's page, if there is one. */
  operatorPage?: string | undefined
  /** The host's own understanding of what the grammar here does not read. */
  understand?: Understand | undefined
  /** How long a student must have been silent before all that came in is answered, ms; 0: at once. Default: at once. */
  quietMs?: number | undefined
  /** How long a student's first message waits at most, ms. Default: the same. */
  quietMaxMs?: number | undefined
  /** Shows students that an answer is coming, while they are waited for. Default: no. */
  showsTyping?: boolean | undefined
  /** Tells this installation from every other on the same Stripe account. */
  installationId: () => Promise<string>
  /** For metrics and alerts. */
  events: Pick<EventEmitter<WebhookEvents>, 'emit'>
  /** Unix ms. */
  now: () => number
  /** When this process began, Unix ms. */
  startedAt: number
}
