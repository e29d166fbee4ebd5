import { html } from 'ghtml'
import { form, type PageContext } from './page.ts'
import { hrefOf, type View } from './view.ts'

/** In this order. */
const FAULTS = [
  ['none', 'works'],
  ['slow', 'slow'],
  ['429', '429'],
  ['down', 'down'],
] as const

/** What breaks things, so that one can watch that nothing is lost. */
export function switches(context: PageContext, view: View): string {
  const { world, service } = context
  const back = hrefOf(view, {}, 'wire')
  const segments = (name: 'chatwoot' | 'stripe', label: string) =>
    form(
      context,
      'faults',
      { back },
      html`<span class="segments" role="group" aria-label="${label}"><span class="segments-label" aria-hidden="true">${label}</span>!${FAULTS.map(
        ([value, words]) =>
          html`<button name="${name}" value="${value}" aria-pressed="${world.faults[name] === value}">${words}</button>`,
      )}</span>`,
    )
  const twice = world.faults.twice
  return html`<div id="switches" role="group" aria-label="Break something" tabindex="-1">
!${segments('chatwoot', 'Chatwoot')}!${segments('stripe', 'Stripe')}
!${form(context, 'faults', { back }, html`<button name="twice" value="${twice ? 'no' : 'yes'}" aria-pressed="${twice}">Every webhook twice</button>`)}
!${
    service.state() === 'stopped'
      ? form(context, 'start', { back, focus: 'switches' }, '<button class="main">Start the service</button>')
      : form(
          context,
          'kill',
          { back, focus: 'switches' },
          html`<button class="danger" !${service.state() === 'starting' ? 'disabled' : ''}>Kill the service <small>kill -9</small></button>`,
        )
  }
</div>`
}
