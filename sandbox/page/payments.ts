import { html } from 'ghtml'
import type { Session } from '../stripe-api.ts'
import { hourAndMinute, money, type PageContext } from './page.ts'
import { BASE } from './view.ts'

/** Where a payment stands; lost: in a dispute. */
export type PaymentState =
  | 'open'
  | 'paid'
  | 'under way'
  | 'failed'
  | 'expired'
  | 'refunded in part'
  | 'refunded'
  | 'disputed'
  | 'lost'

export function payPath(id: string): string {
  return `${BASE}/pay/${encodeURIComponent(id)}`
}

export function sumOf({ amount_total, currency }: Session): string {
  return money(Number(amount_total), String(currency))
}

/** All checkout sessions, the latest first. */
export function payments(context: PageContext): string {
  const sessions = [...context.world.stripe.sessions.values()].reverse()
  return html`<section id="payments" class="panel" aria-labelledby="payments-title">
<h2 id="payments-title">Payments</h2>
!${sessions.length === 0 ? '<p class="muted">None yet: a link to pay comes with the time that a student chooses.</p>' : html`<ul>!${sessions.map(session => html`<li><a href="${payPath(session.id)}">${sumOf(session)}</a> !${payer(context, session)} !${stateMark(context, session)}</li>`)}</ul>`}
</section>`
}

/** Who is to pay. */
export function payer({ world }: PageContext, { metadata }: Session): string {
  const conversation = world.chatwoot.conversations.get(Number(metadata?.conversation_id))
  const name = conversation && world.chatwoot.contacts.get(conversation.contact)?.name
  return html`${name ?? ''}`
}

export function stateMark({ zone }: PageContext, session: Session): string {
  const state = stateOf(session)
  const until = state === 'open' ? `, until ${hourAndMinute(Number(session.expires_at) * 1_000, zone)}` : ''
  return html`<span class="state ${state.replaceAll(' ', '-')}">${state}${until}</span>`
}

export function stateOf(session: Session): PaymentState {
  const { status, payment_status, dispute, intent_status, amount_refunded = 0, amount_total } = session
  if (status !== 'complete') return status === 'open' ? 'open' : 'expired'
  if (payment_status !== 'paid') return intent_status === 'processing' ? 'under way' : 'failed'
  if (dispute === 'created') return 'disputed'
  if (dispute === 'lost') return 'lost'
  if (amount_refunded === 0) return 'paid'
  return amount_refunded < Number(amount_total) ? 'refunded in part' : 'refunded'
}
