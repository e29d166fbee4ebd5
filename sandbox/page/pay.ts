import { html } from 'ghtml'
import { DateTime } from 'luxon'
import { parseTime } from '../../handlers/times.ts'
import { PAID_PATH } from '../../routes/paid.ts'
import type { Session } from '../stripe-api.ts'
import { ICONS } from './icons.ts'
import { form, frame, type PageContext } from './page.ts'
import { payer, payPath, stateMark, stateOf, sumOf } from './payments.ts'
import { BASE } from './view.ts'

/** The page behind a link to pay: Stripe's Checkout, and what else can happen to a payment. */
export function payPage(context: PageContext, session: Session): string {
  return frame(
    { title: 'Pay', className: 'checkout', live: true },
    html`<main id="main" tabindex="-1">
<p class="test">Stripe’s stand-in: no money moves</p>
<section class="order" aria-labelledby="order-title">
<h1 id="order-title"><small>Bijles &amp; Co</small> ${sumOf(session)}</h1>
<p>${lesson(context, session)}</p>
<p class="muted">!${payer(context, session)}</p>
<p>!${stateMark(context, session)}</p>
</section>
<section class="choose" aria-label="What happens next">
!${next(context, session)}
<p><a href="${chatPath(session)}">Back to the chat</a></p>
</section>
</main>`,
  )
}

/** Where the student is. */
function chatPath({ metadata }: Session): string {
  const conversation = metadata?.conversation_id
  return `${BASE}#${conversation === undefined ? 'phones' : `student-${conversation}`}`
}

/** The service's own page, which comes by this port too; the chat while the service is down. */
export function pathAfterPaying({ service }: PageContext, session: Session): string {
  const { pathname, search } = new URL(String(session.success_url))
  return pathname === PAID_PATH && service.state() === 'running' ? `${pathname}${search}` : chatPath(session)
}

/** Such as: 60 minutes, Tuesday 1 December, 10:00. */
function lesson({ zone }: PageContext, { metadata = {} }: Session): string {
  const start = parseTime(metadata.lesson_start)
  const when =
    start === undefined ? '' : DateTime.fromMillis(start, { zone, locale: 'en-GB' }).toFormat(', cccc d LLLL, HH:mm')
  return `${metadata.minutes ?? '60'} minutes${when}`
}

const NOTHING = '<p>There is nothing to pay here.</p>'
const REFUND_FAILS = 'The refund fails <small>the card is gone, say: the money comes back</small>'

function next(context: PageContext, session: Session): string {
  const press = (action: string, fields: Record<string, string>, label: string, className = '') =>
    form(
      context,
      action,
      { back: payPath(session.id), fields: { session: session.id, ...fields } },
      html`<button class="${className}">!${label}</button>`,
    )
  switch (stateOf(session)) {
    case 'open':
      return html`<h2>Pay with</h2>
!${press('pay', { method: 'card' }, `${ICONS.card} Card`, 'main')}!${press('pay', { method: 'ideal' }, 'iDEAL', 'main')}!${press('pay', { method: 'sepa' }, 'SEPA debit <small>takes days, then succeeds or fails</small>', 'main')}
<h2>Or do not pay</h2>!${press('expire', {}, 'Let the link expire now')}`
    case 'under way':
      return html`<h2>The payment is under way</h2><p>A SEPA debit takes days. How does it end?</p>!${press('settle', { outcome: 'succeeded' }, 'It succeeds', 'main')}!${press('settle', { outcome: 'failed' }, 'It fails', 'danger')}`
    case 'disputed':
      return html`<h2>The student’s bank has taken the money back</h2><p>The tutor disputes that. How does it end?</p>!${press('dispute', { step: 'won' }, 'The tutor wins', 'main')}!${press('dispute', { step: 'lost' }, 'The tutor loses', 'danger')}`
    case 'refunded':
      return `${NOTHING}${press('fail-refund', {}, REFUND_FAILS, 'danger')}`
    case 'paid':
    case 'refunded in part':
      return html`<h2 class="thanks">Paid</h2>
!${session.amount_refunded ? press('fail-refund', {}, REFUND_FAILS, 'danger') : ''}!${session.dispute === undefined ? html`!${refundForm(context, session)}!${press('dispute', { step: 'created' }, 'The student’s bank takes it back <small>dispute</small>', 'danger')}` : ''}`
    default:
      return NOTHING
  }
}

/** What the tutor does in Stripe's dashboard. */
function refundForm(context: PageContext, session: Session): string {
  const left = Number(session.amount_total) - (session.amount_refunded ?? 0)
  return form(
    context,
    'refund',
    { back: payPath(session.id), fields: { session: session.id }, className: 'refund' },
    html`<label for="amount">The tutor gives back, €</label><input id="amount" name="amount" value="${(left / 100).toFixed(2)}" inputmode="decimal" required autocomplete="off"><button>Refund</button>`,
  )
}
