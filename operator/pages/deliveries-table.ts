import { html } from 'ghtml'
import type { DeliveryPage } from '../../inbox/contracts.ts'
import { STATE_WORDS } from '../dashboard-words.ts'
import { isSimulated } from '../simulated.ts'
import { type DeliveryView, viewOf } from '../views.ts'
import type { Layout } from './layout.ts'

export function createTable({ base, time }: Layout) {
  return table

  /** On phones the rows become cards, which some browsers don't treat as a table without roles. */
  function table(caption: string, { deliveries: rows }: DeliveryPage, none: string): string {
    if (rows.length === 0) return html`<p class="muted">${none}</p>`
    return html`<table class="deliveries" role="table"><caption class="unseen">${caption}</caption>
<thead role="rowgroup"><tr role="row"><th scope="col" role="columnheader">Delivery</th><th scope="col" role="columnheader">State</th><th scope="col" role="columnheader">Accepted</th><th scope="col" role="columnheader">Ordering key</th><th scope="col" role="columnheader">Attempts</th></tr></thead>
<tbody role="rowgroup">!${rows.map(row)}</tbody></table>`
  }

  function row(delivery: DeliveryPage['deliveries'][number]): string {
    const { id, source, event, orderingKey, attempts, error, receivedAt, nextAttemptAt } = delivery
    const isOpen = delivery.state !== 'done' && error !== null
    const due =
      delivery.state === 'scheduled' && nextAttemptAt !== null ? html` <small>for !${time(nextAttemptAt)}</small>` : ''
    return html`<tr role="row"><td role="cell"><a href="${base}/deliveries/${encodeURIComponent(id)}">${event} <small>${source} ${id.slice(0, 8)}</small></a>!${isSimulated(delivery) ? SAMPLE_MARK : ''}!${isOpen ? html`<p class="error">${error}</p>` : ''}</td><td role="cell">!${stateMark(viewOf(delivery))}!${due}</td><td role="cell">!${time(receivedAt)}</td><td role="cell" class="key">${orderingKey}</td><td role="cell">${attempts}<span class="unit"> ${attempts === 1 ? 'attempt' : 'attempts'}</span></td></tr>`
  }
}

/** Of what `simulate` has sent. */
export const SAMPLE_MARK = ' <small class="sample">sample</small>'

/** Not by colour alone: every state also has words and a shape. */
export function stateMark({ state, inFlight }: Pick<DeliveryView, 'state' | 'inFlight'>): string {
  return html`<span class="state ${state}">${inFlight ? 'Being handled' : STATE_WORDS[state]} <small>${inFlight ? 'in flight' : state}</small></span>`
}
