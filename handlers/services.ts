import type { EventEmitter } from 'node:events'
import type { Calendar } from '../calendar/contract.ts'
import type { ChatwootClient } from '../clients/chatwoot.ts'
import type { StripeClient } from '../clients/stripe.ts'
import type { WebhookEvents } from '../inbox/events.ts'

/** Stripe price ids of lessons of 60 and of 90 minutes; what is missing can't be sold. */
export interface PriceIds {
  standard60?: string | undefined
  standard90?: string | undefined
  weekend60?: string | undefined
  weekend90?: string | undefined
}

/** What the handlers work with. */
export interface Services {
  /** null: nothing can be sent. */
  chatwoot: ChatwootClient | null
  /** null: Stripe can't be asked, and no payment link be made. */
  stripe: StripeClient | null
  calendar: Calendar
  prices: PriceIds
  /** The IANA time zone of the tutor: of the planning, and of texts for who has no other. */
  zone: string
  /** Where students come out of Stripe's payment page. */
  returnUrl: string
  /** The agent who gets conversations that are handed over; none: they are open for everybody. */
  handoffAgentId?: number | undefined
  /** Tells this installation from every other on the same Stripe account. */
  installationId: () => Promise<string>
  /** What a person has to know of, for metrics and alerts. */
  events: Pick<EventEmitter<WebhookEvents>, 'emit'>
  /** Unix ms. */
  now: () => number
}
