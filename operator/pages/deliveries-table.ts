import { html } from 'ghtml'
import { conversationOfKey } from '../../sources/keys.ts'
import { STATE_WORDS } from '../dashboard-words.ts'
import { shortId } from '../find-delivery.ts'
import type { DeliveryList, ListedDelivery } from '../listing.ts'
import { isSimulated } from '../simulated.ts'
import type { Summary } from '../summary.ts'
import type { DeliveryView } from '../views.ts'
import type { Layout } from './layout.ts'

export function createTable({ base, time, inChatwoot }: Layout) {
  return table

  /**
   * On phones the rows become cards, which some browsers don't treat as a table without roles.
   * @param actions what can be done with a conversation, in its first row. Default: nothing
   */
  function table(
    caption: string,
    { deliveries: rows }: Pick<DeliveryList, 'deliveries'>,
    none: string,
    actions = (_conversation: string) => '',
  ): string {
    const seen = new Set<string>()
    const actionsOf = ({ orderingKey }: ListedDelivery) => {
      const { id } = conversationOfKey(orderingKey)
      if (id === undefined || seen.has(orderingKey)) return ''
      seen.add(orderingKey)
      return actions(id)
    }
    if (rows.length === 0) return html`<p class="muted">${none}</p>`
    const titles = ['Delivery', 'Student', 'State', 'Accepted', 'Conversation', 'Attempts']
    return html`<table class="deliveries" role="table"><caption class="unseen">${caption}</caption>
<thead role="rowgroup"><tr role="row">!${titles.map(title => html`<th scope="col" role="columnheader">${title}</th>`)}</tr></thead>
<tbody role="rowgroup">!${rows.map(delivery => row(delivery, actionsOf(delivery)))}</tbody></table>`
  }

  function row(delivery: ListedDelivery, actions: string): string {
    const { id, source, event, attempts, error, receivedAt, nextAttemptAt, state, startedAt } = delivery
    const isOpen = state !== 'done' && error !== null
    const due = state === 'scheduled' && nextAttemptAt !== null ? html` <small>for !${time(nextAttemptAt)}</small>` : ''
    const link = html`<a class="delivery" href="${base}/deliveries/${encodeURIComponent(id)}">${event} <small>${source} ${shortId(id)}</small></a>`
    const cells = [
      html`<td role="cell">!${link}!${isSimulated(delivery) ? SAMPLE_MARK : ''}!${isOpen ? html`<p class="error">${error}</p>` : ''}</td>`,
      html`<td role="cell" class="student">!${aboutText(delivery)}</td>`,
      html`<td role="cell">!${stateMark({ state, inFlight: startedAt !== null })}!${due}</td>`,
      html`<td role="cell">!${time(receivedAt)}</td>`,
      html`<td role="cell" class="key">!${conversationLinks(delivery)}!${actions}</td>`,
      html`<td role="cell">${attempts}<span class="unit"> ${attempts === 1 ? 'attempt' : 'attempts'}</span></td>`,
    ]
    return html`<tr role="row">!${cells}</tr>`
  }

  function conversationLinks({ orderingKey }: ListedDelivery): string {
    const { account, id } = conversationOfKey(orderingKey)
    if (id === undefined) return html`${orderingKey}`
    return html`<a href="${base}/conversations/${id}">Conversation ${id}</a> !${inChatwoot(id, account)}`
  }
}

/** The student's name and the first words. Isolated: a text may change its direction. */
export function aboutText({ student, words }: Summary): string {
  const name = student === null ? '' : html`<strong><bdi>${student}</bdi></strong> `
  return html`!${name}!${words === null ? '' : html`<bdi>${words}</bdi>`}`
}

/** Of what `simulate` has sent. */
export const SAMPLE_MARK = ' <small class="sample">sample</small>'

/** Not by colour alone: every state also has words and a shape. */
export function stateMark({ state, inFlight }: Pick<DeliveryView, 'state' | 'inFlight'>): string {
  return html`<span class="state ${state}">${inFlight ? 'Being handled' : STATE_WORDS[state]} <small>${inFlight ? 'in flight' : state}</small></span>`
}
