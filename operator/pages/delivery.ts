import { html } from 'ghtml'
import type { DeliveryState, StoredDelivery } from '../../inbox/contracts.ts'
import { conversationOfKey } from '../../sources/keys.ts'
import { duration, number, timelineWords, unturned } from '../dashboard-words.ts'
import { indentedJson, NOT_INDENTED } from '../json-text.ts'
import { isSimulated } from '../simulated.ts'
import { type TimelineEntry, viewOfOne } from '../views.ts'
import { aboutText, SAMPLE_MARK, stateMark } from './deliveries-table.ts'
import { formToken, type Layout, type PageSession, type Parts } from './layout.ts'

/** Characters shown of a payload. */
const MAX_SHOWN_PAYLOAD = 200_000

/** What its time is, if it was not accepted. */
const RECEIVED: Partial<Record<DeliveryState, string>> = { scheduled: 'Scheduled', quarantined: 'Refused' }

const REPLAY = {
  title: 'Replay…',
  text: 'It is handled again right away, out of order, so that it blocks nothing. Completed steps are not repeated.',
  yes: 'Yes, replay it',
  end: 'It will not be retried, and is no longer listed as open.',
}
/** What can be done, by state. */
const ACTIONS = {
  parked: REPLAY,
  dead: REPLAY,
  scheduled: {
    title: 'Do it now…',
    text: 'It is handled right away, instead of at its time.',
    yes: 'Yes, do it now',
    end: 'It will not be handled, and is no longer listed as open.',
  },
  quarantined: {
    title: 'Verify it again…',
    text: 'It is verified with the secrets of now, its age as of when it came. If it is genuine, it is handled like any other.',
    yes: 'Yes, verify it again',
    end: 'It is deleted.',
  },
}

/** One delivery: facts, history, content and actions. */
export function createDeliveryPage({ base, chatwoot, frame, time, inChatwoot }: Layout) {
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
    const view = viewOfOne(data.delivery, chatwoot.url)
    const { id, source, event, key, orderingKey, student, words, attempts, error, cause, traceId } = view
    const facts: [string, string][] = [
      ['State', stateMark(view)],
      [RECEIVED[view.state] ?? 'Accepted', time(data.delivery.receivedAt)],
      ['Source', html`${source}!${isSimulated(view) ? `${SAMPLE_MARK}, made up by simulate` : ''}`],
      ['Event', html`${event}`],
      ['Attempts', html`${attempts}`],
      ['Ordering key', orderingLink(orderingKey)],
      ['Key', html`${key}`],
      ['Id', html`${id}`],
    ]
    if (traceId !== null) facts.push(['Trace', html`${traceId}`])
    if (cause !== null) facts.splice(5, 0, ['Cause', causeLink(view.state, cause)])
    if (student !== null || words !== null) facts.unshift(['Student', aboutText({ student, words })])
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

  function causeLink(state: StoredDelivery['state'], cause: string): string {
    if (state !== 'parked' && state !== 'dead') return html`${cause}`
    return html`<a href="${base}/deliveries?${`${new URLSearchParams({ cause })}`}">${cause}</a>`
  }

  function orderingLink(orderingKey: string): string {
    const { account, id } = conversationOfKey(orderingKey)
    if (id === undefined) return html`${orderingKey}`
    return html`<a href="${base}/deliveries?conversation=${id}">${orderingKey}</a> · <a href="${base}/conversations/${id}">who has it</a> !${inChatwoot(id, account)}`
  }

  function timelineEntry(entry: TimelineEntry): string {
    const { at, what, ms, detail } = entry
    return html`<li class="${what}">!${time(Date.parse(at))} <span><strong>${timelineWords(entry)}</strong> <small>${what}!${ms === null ? '' : html`, after ${duration(ms)}`}</small>!${detail === null ? '' : html`<br><span class="error">${detail}</span>`}</span></li>`
  }

  function actions(session: PageSession, { id, state, startedAt, payload }: StoredDelivery): string {
    if (!(state in ACTIONS) || startedAt !== null) return ''
    const path = `${base}/deliveries/${encodeURIComponent(id)}`
    const { title, text, yes, end } = ACTIONS[state as keyof typeof ACTIONS]
    const replay = html`<details><summary>${title}</summary>
<form method="post" action="${path}/replay">!${formToken(session)}
<p>${text}</p>
<button>${yes}</button></form></details>`
    return html`<section aria-label="What you can do" class="actions">
!${payload === null ? '<p class="muted">It can’t be replayed: its content has been deleted.</p>' : replay}
<details><summary>Discard… <small>discard</small></summary>
<form method="post" action="${path}/discard">!${formToken(session)}
<p>${end} This can’t be undone.</p>
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
