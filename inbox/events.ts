import type { Commit } from './contracts.ts'

/** A webhook's answer was sent, or its sender had gone. */
export interface AnsweredEvent {
  source: string | undefined
  event: string | undefined
  /** The delivery's id, once it was identified. */
  delivery: string | undefined
  orderingKey: string | undefined
  /** accepted, duplicate, ignored, refused, malformed, failed or unanswered. */
  outcome: string
  /** Why, if it was not accepted: an error's code, or the reason for ignoring it. */
  reason: string | undefined
  /** The answer's status; undefined: unanswered. */
  status: number | undefined
  /** From the request's headers to its answer. */
  ms: number
}

/** An attempt to handle a delivery has ended. */
export interface HandledEvent {
  source: string
  event: string
  delivery: string
  orderingKey: string
  /** 1 for the first. */
  attempt: number
  /** done; pending: tried again later; parked; dead; late: another process had taken it over. */
  result: 'done' | 'pending' | 'parked' | 'dead' | 'late'
  /** From acceptance to the beginning of this attempt, ms. */
  waitedMs: number
  /** The handler's time. */
  ms: number
  error: string | undefined
}

/** A payment needs a person. */
export interface AttentionEvent {
  /** The payment intent's id, or what stands in for it. */
  payment: string
  /** Such as `60.00 EUR`. */
  amount: string
  order: string
  /** The student's name, as far as it is known. */
  student: string
  /** Chatwoot's display id. */
  conversation: string
  /** A code, such as `conversation_gone`. */
  problem: string
  /** In words. */
  why: string
}

/** A payment of another installation on the same Stripe account was left alone. */
export interface ForeignEvent {
  payment: string
}

/** What happens to webhooks, for metrics, alerts and the operator's page. */
export interface WebhookEvents {
  answered: [AnsweredEvent]
  handled: [HandledEvent]
  /** A write to the store that several deliveries share has ended, well or not. */
  committed: [Commit]
  attention: [AttentionEvent]
  foreign: [ForeignEvent]
}
