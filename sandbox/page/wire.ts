import { html } from 'ghtml'
import { duration, unturned } from '../../operator/dashboard-words.ts'
import { indentedJson } from '../../operator/json-text.ts'
import type { WireEntry } from '../wire.ts'
import { form, type PageContext } from './page.ts'
import { switches } from './switches.ts'
import { hrefOf, type View } from './view.ts'

/** Requests that are listed; the world keeps more. */
const MAX_ROWS = 100
/** Characters of a body that are shown. */
const MAX_BODY = 20_000

const SYSTEMS = { chatwoot: 'Chatwoot', stripe: 'Stripe' }

/** Each webhook and each call, the latest first. */
export function wire(context: PageContext, view: View): string {
  const entries = context.world.wire.slice(-MAX_ROWS).reverse()
  const open = context.world.wire.find(({ id }) => id === view.wire)
  return html`<section id="wire" aria-labelledby="wire-title" tabindex="-1">
<div class="wire-bar"><h2 id="wire-title">The wire</h2>!${switches(context, view)}</div>
<div class="wire-panes">
<div class="rows" tabindex="0" role="region" aria-label="Webhooks and calls">!${entries.length === 0 ? '<p class="muted">Every webhook and every call shows here as it happens.</p>' : table(context, view, entries)}</div>
!${open === undefined ? log(context) : detail(context, view, open)}
</div>
</section>`
}

function table({ zone }: PageContext, view: View, entries: WireEntry[]): string {
  return html`<table><caption class="unseen">Webhooks and calls, the latest first</caption>
<thead><tr><th scope="col">Time</th><th scope="col">Way</th><th scope="col">What</th><th scope="col">Status</th><th scope="col">Took</th></tr></thead>
<tbody>!${entries.map(entry => html`<tr id="wire-${entry.id}" class="${entry.kind} ${kindOf(entry)} !${entry.id === view.wire ? 'open' : ''}"><td>${precisely(entry.at, zone)}</td><td class="way">!${way(entry)}</td><th scope="row"><a href="${hrefOf(view, { wire: entry.id }, 'wire-entry')}" data-view>${whatOf(entry)}</a></th><td class="status">${statusOf(entry)}</td><td>${entry.ms === null ? '' : duration(entry.ms)}</td></tr>`)}</tbody></table>`
}

/** What the service has said last, where it has ended: killed, or by itself. */
function log({ service }: PageContext): string {
  if (service.state() !== 'stopped') return ''
  return html`<section class="beside" aria-labelledby="log-title"><h3 id="log-title">The service has ended. Its last lines:</h3>
<pre tabindex="0" role="region" aria-label="The service’s last lines">${unturned(service.lastLines().join('\n'))}</pre></section>`
}

function detail(context: PageContext, view: View, entry: WireEntry): string {
  const back = hrefOf(view, {}, 'wire-entry')
  const { id, kind, method, path, error, delivery } = entry
  return html`<section id="wire-entry" class="beside" aria-labelledby="wire-entry-title" tabindex="-1">
<h3 id="wire-entry-title">${whatOf(entry)} <a class="close" href="${hrefOf(view, { wire: undefined }, 'wire')}" data-view aria-label="Close" title="Close">×</a></h3>
<p><span class="state ${kindOf(entry)}">${statusOf(entry)}</span> !${way(entry)} <code>${method} ${path}</code></p>
!${error === undefined ? '' : html`<p class="wrong">${error}</p>`}
<div class="row">!${delivery === undefined ? '' : form(context, 'dashboard', { back, fields: { delivery }, opens: true }, '<button>Its delivery on the dashboard</button>')}!${kind === 'call' ? '' : form(context, 'resend', { back, fields: { wire: id } }, '<button>Send it again</button>')}</div>
!${body('Request', entry.request)}!${body('Response', entry.response)}
</section>`
}

function body(title: string, text: string): string {
  return html`<h4>${title}</h4><pre tabindex="0" role="region" aria-label="${title}">${text === '' ? '(empty)' : indented(text).slice(0, MAX_BODY)}</pre>`
}

function indented(text: string): string {
  try {
    return unturned(indentedJson(JSON.parse(text)).text)
  } catch {
    return unturned(text)
  }
}

function way({ kind, system }: WireEntry): string {
  const other = html`<span class="${system}">${SYSTEMS[system]}</span>`
  const service = '<span class="service">service</span>'
  return kind === 'webhook' ? `${other} → ${service}` : `${service} → ${other}`
}

function whatOf({ event, method, path }: WireEntry): string {
  return event ?? `${method} ${path.replace(/^\/api\/v1\/accounts\/\d+/, '')}`
}

export function statusOf({ status, ms, error }: WireEntry): string {
  if (status !== null) return `${status}`
  return error === undefined && ms === null ? 'under way' : 'failed'
}

export function kindOf({ status, error }: WireEntry): 'good' | 'bad' | 'waiting' {
  if (status === null) return error === undefined ? 'waiting' : 'bad'
  return status < 400 ? 'good' : 'bad'
}

function precisely(at: number, zone: string): string {
  const parts = { hour: '2-digit', minute: '2-digit', second: '2-digit', fractionalSecondDigits: 3 } as const
  return new Intl.DateTimeFormat('en-GB', { ...parts, timeZone: zone }).format(at)
}
