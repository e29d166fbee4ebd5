import type { HeldEvent } from './breaker.ts'
import type { Commit } from './contracts.ts'
import type { QuarantineOutcome } from './quarantine.ts'

/** A webhook was answered, or its sender disconnected first. */
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
  /** HTTP status; undefined: unanswered. */
  status: number | undefined
  /** From the request's headers to the response, ms. */
  ms: number
}

/** An attempt ended. */
export interface HandledEvent {
  source: string
  event: string
  delivery: string
  orderingKey: string
  /** 1 for the first attempt. */
  attempt: number
  /** pending: will be retried. late: another process had taken it over. */
  result: 'done' | 'pending' | 'parked' | 'dead' | 'late'
  /** From acceptance to the start of this attempt, ms. */
  waitedMs: number
  /** How long the handler ran, ms. */
  ms: number
  error: string | undefined
  /** What the error is grouped by: see cause.ts. */
  cause: string | undefined
}

/** A payment needs a person. */
export interface AttentionEvent {
  /** The payment intent's id, or the checkout session's. */
  payment: string
  /** Such as `60.00 EUR`. */
  amount: string
  order: string
  /** The student's name, if known. */
  student: string
  /** Chatwoot's display id. */
  conversation: string
  /** A code, such as `conversation_gone`. */
  problem: string
  /** The problem in words. */
  why: string
}

/** No person has answered a conversation that was handed over. */
export interface UnansweredEvent {
  /** Chatwoot's display id. */
  conversation: string
  /** When it was handed over, ISO 8601. */
  since: string
  /** For how long, whole minutes. */
  minutes: number
}

/** A payment of another installation on the same Stripe account was left alone. */
export interface ForeignEvent {
  payment: string
}

/** A message of the bot's did not reach the student, or could not be sent. */
export interface UndeliveredEvent {
  /** Chatwoot's display id. */
  conversation: string
  /** Its id in Chatwoot; null: it was not sent. */
  message: string | null
  /** What the channel says. */
  why: string
}

/** The host's `understand` was asked about a message. */
export interface UnderstoodEvent {
  /** used, nothing (it does not know either), refused (what it returned is none of the choices), or failed. */
  outcome: 'used' | 'nothing' | 'refused' | 'failed'
}

/** A webhook was refused for its signature while quarantine is on. */
export interface QuarantinedEvent {
  source: string
  /** Whether it is kept. */
  outcome: QuarantineOutcome
}

/** Traces are on, and the collector has not taken all in time. Only of the standalone server. */
export interface UntracedEvent {
  /** Traces that were not begun. */
  traces: number
  /** Spans of traces that were begun. */
  spans: number
}

/** What happens to webhooks, for metrics, alerts and the dashboard. */
export interface WebhookEvents {
  answered: [AnsweredEvent]
  handled: [HandledEvent]
  /** A commit succeeded or failed. */
  committed: [Commit]
  attention: [AttentionEvent]
  foreign: [ForeignEvent]
  understood: [UnderstoodEvent]
  /** An outside system is unavailable, or available again. */
  held: [HeldEvent]
  undelivered: [UndeliveredEvent]
  unanswered: [UnansweredEvent]
  quarantined: [QuarantinedEvent]
  untraced: [UntracedEvent]
}
