import { html } from 'ghtml'
import { DELIVERY_STATES } from '../../inbox/contracts.ts'
import { deliveries, STATE_WORDS } from '../dashboard-words.ts'
import { OCCURRENCES } from '../filter.ts'
import type { DeliveryList } from '../listing.ts'
import { readTime, timeField } from '../local-time.ts'
import { createTable } from './deliveries-table.ts'
import { formToken, type Layout, type PageSession } from './layout.ts'

/** The filter form's fields as given. */
export type FilterValues = Record<string, string>

export interface ShownList {
  page: DeliveryList
  values: FilterValues
  /** The filter's, for the first page, the next one, and this one. */
  query: string
  olderQuery: string | undefined
  here: string
  /** false: no token for Chatwoot. */
  canGiveBack: boolean
}

/** The deliveries that match a filter. */
export function createList(layout: Layout, sources: () => readonly string[]) {
  const { base, zone, frame } = layout
  const table = createTable(layout)
  return { list, badFilter }

  function list(session: PageSession, data: ShownList, notice: string | undefined): string {
    const { page, values, query, olderQuery, canGiveBack, here } = data
    const count = page.deliveries.length
    const none = page.next === null ? 'No matching deliveries.' : 'None in this range; try older ones.'
    const older = page.searched === null ? 'Older' : 'Search older ones'
    const isReplayable = ['', 'parked', 'dead', 'quarantined'].includes(values.state as string)
    return frame(
      { title: 'Deliveries', session, current: 'deliveries', notice },
      html`!${filterForm(values)}
<section aria-labelledby="list-title"><h2 id="list-title">${count === 0 ? 'None' : `${deliveries(count)}, newest first`}</h2>
!${page.searched === null ? '' : searchedText(page.searched, values.cursor !== '', page.next === null)}
!${table('Deliveries, newest first', page, none, canGiveBack ? id => giveBack(session, id, here) : undefined)}
<p class="actions">!${values.cursor === '' ? '' : html`<a href="${base}/deliveries?${query}">Newest</a> `}
!${olderQuery === undefined ? '' : html`<a href="${base}/deliveries?${olderQuery}" rel="next">${older}</a> `}
!${isReplayable && count > 0 ? html`<a href="${base}/deliveries/replay?${query}">!${values.state === 'quarantined' ? 'Verify all that match this filter again…' : 'Replay all parked and dead deliveries that match this filter…'}</a>` : ''}</p>
</section>`,
    )
  }

  function giveBack(session: PageSession, id: string, here: string): string {
    return html`<form method="post" action="${base}/conversations/${id}/give-back">!${formToken(session)}<input type="hidden" name="list" value="${here}"><button class="quiet">Give back to the bot<span class="unseen"> conversation ${id}</span></button></form>`
  }

  /** The form with an error. */
  function badFilter(session: PageSession, values: FilterValues, field: string, message: string): string {
    return frame({ title: 'Deliveries', session, current: 'deliveries' }, filterForm(values, { field, message }))
  }

  function filterForm(values: FilterValues, wrong?: { field: string; message: string }): string {
    const errorOf = (field: string) =>
      wrong?.field === field ? html`<p class="error" id="${field}-error">${wrong.message}</p>` : ''
    const marks = (field: string) =>
      wrong?.field === field ? html`aria-invalid="true" aria-describedby="${field}-error"` : ''
    const input = (field: string, label: string, attributes: string) =>
      html`<div><label for="${field}">${label}</label><input id="${field}" name="${field}" value="${values[field]}" !${attributes} !${marks(field)}>!${errorOf(field)}</div>`
    const timeInput = (field: 'from' | 'to', label: string) => {
      const given = values[field] as string
      const at = readTime(given, zone, OCCURRENCES[field])
      const { type, value } =
        at === undefined ? { type: 'datetime-local', value: given } : timeField(at, zone, OCCURRENCES[field])
      return html`<div><label for="${field}">${label}</label><input id="${field}" name="${field}" type="${type}" value="${value}" step="any" !${marks(field)}>!${errorOf(field)}</div>`
    }
    const options = DELIVERY_STATES.map(
      state =>
        html`<option value="${state}" !${values.state === state ? 'selected' : ''}>${STATE_WORDS[state]} (${state})</option>`,
    )
    return html`<form method="get" action="${base}/deliveries" class="card filter" role="search" aria-label="Filter deliveries">
!${wrong === undefined ? '' : '<p class="notice bad" role="alert">This filter is not valid; nothing was searched.</p>'}
!${errorOf('cursor')}!${errorOf('limit')}
!${input('name', 'Student’s name', 'type="search" autocomplete="off"')}
<div><label for="state">State</label><select id="state" name="state" !${marks('state')}><option value="">Any</option>!${options}</select>!${errorOf('state')}</div>
!${input('source', 'Source', 'list="sources" autocomplete="off"')}
!${input('event', 'Event', 'placeholder="message_created" autocomplete="off"')}
!${input('conversation', 'Conversation', 'inputmode="numeric" autocomplete="off"')}
!${timeInput('from', 'Accepted from')}
!${timeInput('to', 'Accepted before')}
!${input('text', 'Part of the id or key', 'type="search" autocomplete="off"')}
!${input('cause', 'Cause', 'autocomplete="off"')}
<datalist id="sources">!${sources().map(name => html`<option value="${name}">`)}</datalist>
<p class="actions"><button>Show</button> <a href="${base}/deliveries">Clear</a> <a href="${base}/causes">By cause</a></p>
</form>`
  }
}

/** What a search by name has looked at: names are in the content of deliveries. */
function searchedText(searched: number, isContinued: boolean, isAll: boolean): string {
  const which = `${isContinued ? 'next' : 'last'} ${deliveries(searched)}`
  const rest = isAll ? 'There are no older ones.' : 'Older ones have not been searched.'
  return html`<p class="muted">The name was sought in the ${which}. ${rest} A name is known while the delivery’s content is kept.</p>`
}
