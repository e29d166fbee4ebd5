import { html } from 'ghtml'
import type { StoredDelivery } from '../../inbox/contracts.ts'
import { duration, number, timelineWords, unturned } from '../dashboard-words.ts'
import { indentedJson, NOT_INDENTED } from '../json-text.ts'
import { isSimulated } from '../simulated.ts'
import { type TimelineEntry, viewOf } from '../views.ts'
import { SAMPLE_MARK, stateMark } from './deliveries-table.ts'
import { formToken, type Layout, type PageSession, type Parts } from './layout.ts'

/** Characters shown of a payload. */
const MAX_SHOWN_PAYLOAD = 200_000

/** One delivery: facts, history, content and actions. */
export function createDeliveryPage({ base, frame, time }: Layout) {
  return { one, oneParts }

  function one(
    session: PageSession,
    data: { delivery: StoredDelivery; timeline: TimelineEntry[] },
    notice?: string,
  ): string {
    const { id, event, payload } = data.delivery
    const parts = oneParts(session, data)
    return frame(
      { title: event, session, current: 'deliveries', live: `delivery=${encodeURIComponent(id)}`, notice },
      html`<div id="wrong">!${parts.wrong}</div>
<div id="actions">!${parts.actions}</div>
<div id="delivery">!${parts.delivery}</div>
<section aria-labelledby="payload-title"><h2 id="payload-title">Content <small>payload</small></h2>
!${payload === null ? '<p class="muted">Deleted: its retention time is over, or a person erased it.</p>' : payloadText(payload)}
</section>`,
    )
  }

  /** The parts of a delivery's page that change. */
  function oneParts(session: PageSession, data: { delivery: StoredDelivery; timeline: TimelineEntry[] }): Parts {
    const view = viewOf(data.delivery)
    const { id, source, event, key, orderingKey, attempts, error } = view
    const facts: [string, string][] = [
      ['State', stateMark(view)],
      [view.state === 'scheduled' ? 'Scheduled' : 'Accepted', time(data.delivery.receivedAt)],
      ['Source', html`${source}!${isSimulated(view) ? `${SAMPLE_MARK}, made up by simulate` : ''}`],
      ['Event', html`${event}`],
      ['Attempts', html`${attempts}`],
      ['Ordering key', orderingLink(orderingKey)],
      ['Key', html`${key}`],
      ['Id', html`${id}`],
    ]
    return {
      actions: actions(session, data.delivery),
      wrong:
        error === null || view.state === 'done'
          ? ''
          : html`<p class="notice bad"><strong>${view.state === 'discarded' ? 'Why it was discarded' : 'What went wrong'}:</strong> ${error}</p>`,
      delivery: html`<section aria-labelledby="facts-title"><h2 id="facts-title">Facts</h2>
<dl class="facts">!${facts.map(([term, value]) => html`<div><dt>!${term}</dt><dd>!${value}</dd></div>`)}</dl></section>
<section aria-labelledby="timeline-title"><h2 id="timeline-title">History</h2>
<ol class="timeline">!${data.timeline.map(timelineEntry)}</ol></section>`,
    }
  }

  function orderingLink(orderingKey: string): string {
    const conversation = /^conversation:[^:]*:(\d+)$/.exec(orderingKey)?.[1]
    if (conversation === undefined) return html`${orderingKey}`
    return html`<a href="${base}/deliveries?conversation=${conversation}">${orderingKey}</a> · <a href="${base}/conversations/${conversation}">who has it</a>`
  }

  function timelineEntry(entry: TimelineEntry): string {
    const { at, what, ms, detail } = entry
    return html`<li class="${what}">!${time(Date.parse(at))} <span><strong>${timelineWords(entry)}</strong> <small>${what}!${ms === null ? '' : html`, after ${duration(ms)}`}</small>!${detail === null ? '' : html`<br><span class="error">${detail}</span>`}</span></li>`
  }

  function actions(session: PageSession, { id, state, startedAt, payload }: StoredDelivery): string {
    if (!['parked', 'dead', 'scheduled'].includes(state) || startedAt !== null) return ''
    const path = `${base}/deliveries/${encodeURIComponent(id)}`
    const isScheduled = state === 'scheduled'
    const replay = html`<details><summary>${isScheduled ? 'Do it now…' : 'Replay…'}</summary>
<form method="post" action="${path}/replay">!${formToken(session)}
<p>${isScheduled ? 'It is handled right away, instead of at its time.' : 'It is handled again right away, out of order, so that it blocks nothing. Completed steps are not repeated.'}</p>
<button>${isScheduled ? 'Yes, do it now' : 'Yes, replay it'}</button></form></details>`
    return html`<section aria-label="What you can do" class="actions">
!${payload === null ? '<p class="muted">It can’t be replayed: its content has been deleted.</p>' : replay}
<details><summary>Discard… <small>discard</small></summary>
<form method="post" action="${path}/discard">!${formToken(session)}
<p>It will not be ${isScheduled ? 'handled' : 'retried'}, and is no longer listed as open. This can’t be undone.</p>
<label for="reason">Reason, for the record</label>
<input id="reason" name="reason" required maxlength="500" autocomplete="off">
<button class="danger">Yes, discard it</button></form></details>
</section>`
  }
}

function payloadText(payload: object): string {
  const { text: json, isIndented } = indentedJson(payload)
  const text = unturned(json)
  return html`!${isIndented ? '' : html`<p class="muted">${NOT_INDENTED}.</p>`}<pre tabindex="0" role="region" aria-label="Content">${text.slice(0, MAX_SHOWN_PAYLOAD)}</pre>
!${text.length > MAX_SHOWN_PAYLOAD ? html`<p class="muted">Cut here, after ${number(MAX_SHOWN_PAYLOAD)} of ${number(text.length)} characters; the API has all of it.</p>` : ''}`
}
