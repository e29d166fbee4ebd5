import { html } from 'ghtml'
import { clockTime, form, type PageContext } from './page.ts'
import { nextExpiry } from './time.ts'
import { hrefOf, type View } from './view.ts'

const STATE_WORDS = { starting: 'Starting', running: 'Running', stopped: 'Stopped' }

/** The service's state, the clock, and the way to the dashboard. */
export function top(context: PageContext, view: View): string {
  const { service } = context
  const state = service.state()
  const back = hrefOf(view)
  return html`<header class="top">
<h1>Sandbox <small>tutorbot-webhooks</small></h1>
<p id="service" role="status"><span class="dot ${state}"></span>${STATE_WORDS[state]}<small>${URL.parse(service.url() ?? '')?.host ?? ''}</small></p>
!${clock(context, back)}
!${form(context, 'dashboard', { back, opens: true }, '<button class="main">Open the dashboard</button>')}
</header>`
}

function clock(context: PageContext, back: string): string {
  const now = context.clock.now()
  const expiry = nextExpiry(context)
  const jump = (to: string, words: string, title: string, isOff = false) =>
    html`<button name="to" value="${to}" title="${title}" !${isOff ? 'disabled' : ''}>${words}</button>`
  return form(
    context,
    'clock',
    { back, className: 'clock' },
    html`<time id="now" data-offset="${context.clock.offsetMs()}" data-zone="${context.zone}">${clockTime(now, context.zone)}</time>
<span class="segments" role="group" aria-label="Move the clock on">!${jump('hour', '+1 h', 'Move the clock on by an hour')}!${jump('expiry', 'Next expiry', 'Move the clock on until the next payment link expires', expiry === undefined)}!${jump('tomorrow', 'Tomorrow 9:00', 'Move the clock on to 9:00 of tomorrow')}</span>`,
  )
}
