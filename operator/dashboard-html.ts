import { html } from 'ghtml'
import { DateTime } from 'luxon'
import { type Backlog, DELIVERY_STATES, type DeliveryPage, type StoredDelivery } from '../inbox/contracts.ts'
import type { InboxStats } from '../inbox/inbox.ts'
import { showableTime, utcTime } from '../inbox/utc-time.ts'
import type { Parts } from '../routes/operator/live.ts'
import type { Session } from '../routes/operator/session.ts'
import type { HandlerTimes, MinuteCounts } from './activity.ts'
import { deliveries, duration, number, STATE_WORDS, timelineWords, unturned } from './dashboard-words.ts'
import { OCCURRENCES } from './filter.ts'
import { indentedJson, NOT_INDENTED } from './json-text.ts'
import { readTime, timeField } from './local-time.ts'
import { type DeliveryView, type TimelineEntry, viewOf } from './views.ts'

/**
 * The operator's page as HTML. What is inserted is escaped, but for what follows a `!`: that is HTML made here. A text
 * must not end with an exclamation mark before something is inserted.
 */

/** Characters of a payload that are shown. */
const MOST_PAYLOAD = 200_000

export interface Frame {
  title: string
  session: Session | null
  /** Which entry of the navigation this is. */
  current?: 'overview' | 'deliveries'
  /** What is kept up to date: the query of /live. */
  live?: string
  notice?: string | undefined
}

export interface Overview {
  dead: DeliveryPage
  parked: DeliveryPage
  latest: DeliveryPage
  backlog: Backlog
  stats: InboxStats
  minutes: MinuteCounts[]
  slowest: HandlerTimes[]
}

/** The fields of the filter's form, as they were given. */
export type FilterValues = Record<string, string>

export type Pages = ReturnType<typeof createPages>

/**
 * @param base the page's path
 * @param zone the IANA time zone that times are shown in
 */
export function createPages(base: string, zone: string) {
  function frame({ title, session, current, live, notice }: Frame, content: string): string {
    const entry = (name: Frame['current'], path: string, text: string) =>
      html`<li><a href="${base}${path}" !${name === current ? 'aria-current="page"' : ''}>${text}</a></li>`
    return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>${title} · tutorbot-webhooks</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="${base}/icon.svg">
<link rel="stylesheet" href="${base}/uplot.css">
<link rel="stylesheet" href="${base}/page.css">
<script defer src="${base}/uplot.js"></script>
<script defer src="${base}/page.js"></script>
</head>
<body data-live="${live === undefined ? '' : `${base}/live?${live}`}" data-zone="${zone}">
<a class="skip" href="#main">Skip to the content</a>
<header>
<p class="name">tutorbot-webhooks</p>
!${
      session === null
        ? ''
        : html`<nav aria-label="Pages"><ul>!${entry('overview', '', 'Overview')}!${entry('deliveries', '/deliveries', 'Deliveries')}</ul></nav>
<form method="post" action="${base}/sign-out">!${formToken(session)}<button class="quiet">Sign out</button></form>`
    }
</header>
<main id="main" tabindex="-1">
<div class="title"><h1>${title}</h1>!${live === undefined ? '' : '<p id="live" class="muted" role="status"></p>'}</div>
!${notice === undefined ? '' : html`<p class="notice" role="status">${notice}</p>`}
!${content}
</main>
<footer class="muted">Times are in ${zone}.</footer>
</body>
</html>
`
  }

  function signIn(next: string, wrong: string | undefined): string {
    return frame(
      { title: 'Sign in', session: null },
      html`!${wrong === undefined ? '' : html`<p class="notice bad" role="alert">${wrong}</p>`}
<form method="post" action="${base}/sign-in" class="card narrow">
<input type="hidden" name="next" value="${next}">
<label for="token">The operator's token <small>ADMIN_TOKEN</small></label>
<input id="token" name="token" type="password" autocomplete="current-password" required autofocus>
<button>Sign in</button>
</form>`,
    )
  }

  function problem(session: Session | null, status: number, title: string, message: string): string {
    return frame(
      { title, session },
      html`<p class="notice bad" role="alert">${message}</p>
<p><a href="${base}">Back to the overview</a> <small class="muted">Status ${status}</small></p>`,
    )
  }

  function overview(session: Session, data: Overview): string {
    const parts = overviewParts(data)
    return frame(
      { title: 'Overview', session, current: 'overview', live: 'overview=' },
      html`
<div id="attention">!${parts.attention}</div>
<section aria-labelledby="now-title"><h2 id="now-title">Now</h2>
<div id="now">!${parts.now}</div>
<p id="spoken" class="unseen" role="status"></p>
</section>
<section aria-labelledby="chart-title"><h2 id="chart-title">The last hour, per minute</h2>
<p class="muted">Webhooks that this process has answered since it started. Other processes on the same store count their own; all else on this page is of the store.</p>
<div id="chart" aria-hidden="true"></div>
<details><summary>The same as a table</summary><div id="minutes" class="scroll" tabindex="0" role="region" aria-label="The last hour, per minute">!${parts.minutes}</div></details>
</section>
<section aria-labelledby="slowest-title"><h2 id="slowest-title">Slowest handlers</h2>
<div id="slowest" class="scroll" tabindex="0" role="region" aria-label="Slowest handlers">!${parts.slowest}</div>
</section>
<section aria-labelledby="latest-title"><h2 id="latest-title">Latest deliveries</h2>
<div id="latest">!${parts.latest}</div>
<p><a href="${base}/deliveries">All deliveries, with filters</a></p>
</section>`,
    )
  }

  /** What changes on the overview. */
  function overviewParts({ dead, parked, latest, backlog, stats, minutes, slowest }: Overview): Parts {
    const { pending, oldestPendingAt } = backlog
    return {
      attention:
        backlog.dead + backlog.parked === 0
          ? html`<section aria-labelledby="attention-title" class="calm"><h2 id="attention-title">Nothing needs you</h2><p>No delivery has been given up, and none is put off.</p></section>`
          : attention('dead', backlog.dead, dead) + attention('parked', backlog.parked, parked),
      now: html`<dl class="numbers">
<div><dt>Waiting <small>pending</small></dt><dd>${number(pending)}</dd></div>
<div><dt>Oldest one waits since</dt><dd>!${oldestPendingAt === null ? '–' : time(oldestPendingAt)}</dd></div>
<div><dt>Being handled <small>in this process</small></dt><dd>${number(stats.inFlight)}</dd></div>
<div><dt>Tried again by itself <small>parked</small></dt><dd>${number(backlog.parked)}</dd></div>
<div><dt>Needs a person <small>dead</small></dt><dd>${number(backlog.dead)}</dd></div>
</dl>`,
      minutes: minutesTable(minutes),
      slowest: slowestTable(slowest),
      latest: table('Latest deliveries, newest first', latest, 'Nothing has arrived yet.'),
    }
  }

  function attention(state: 'dead' | 'parked', count: number, page: DeliveryPage): string {
    if (count === 0) return ''
    return html`<section aria-labelledby="${state}-title" class="attention ${state}">
<h2 id="${state}-title">${STATE_WORDS[state]}: ${number(count)} <small>${state}</small></h2>
!${table(`${STATE_WORDS[state]}, newest first`, page, '')}
<p><a href="${base}/deliveries?state=${state}">All that are ${state}</a></p>
</section>`
  }

  function minutesTable(minutes: MinuteCounts[]): string {
    return html`<table><caption class="unseen">Webhooks answered by this process, per minute</caption>
<thead><tr><th scope="col">Minute</th><th scope="col">Accepted</th><th scope="col">Duplicate</th><th scope="col">Refused</th><th scope="col">Failed to store</th></tr></thead>
<tbody>!${minutes.map(
      ({ at, accepted, duplicate, refused, failed }) =>
        html`<tr data-at="${at / 1_000}"><th scope="row">${local(at).toFormat('HH:mm')}</th><td>${accepted}</td><td>${duplicate}</td><td>${refused}</td><td>${failed}</td></tr>`,
    )}</tbody></table>`
  }

  function slowestTable(handlers: HandlerTimes[]): string {
    if (handlers.length === 0) return '<p class="muted">No handler has run in the last hour.</p>'
    return html`<table><caption class="unseen">Handlers of the last hour in this process, slowest first</caption>
<thead><tr><th scope="col">Event</th><th scope="col">Slowest</th><th scope="col">Mean</th><th scope="col">Attempts</th><th scope="col">Failed</th></tr></thead>
<tbody>!${handlers.map(
      ({ source, event, slowest, mean, attempts, failed }) =>
        html`<tr><th scope="row">!${breakable(event)} <small>${source}</small></th><td>${duration(slowest)}</td><td>${duration(mean)}</td><td>${number(attempts)}</td><td>${number(failed)}</td></tr>`,
    )}</tbody></table>`
  }

  /** On a phone the rows are shown as cards, which some browsers no longer take for a table: hence the roles. */
  function table(caption: string, { deliveries: rows }: DeliveryPage, none: string): string {
    if (rows.length === 0) return html`<p class="muted">${none}</p>`
    return html`<table class="deliveries" role="table"><caption class="unseen">${caption}</caption>
<thead role="rowgroup"><tr role="row"><th scope="col" role="columnheader">Delivery</th><th scope="col" role="columnheader">State</th><th scope="col" role="columnheader">Accepted</th><th scope="col" role="columnheader">In order with</th><th scope="col" role="columnheader">Attempts</th></tr></thead>
<tbody role="rowgroup">!${rows.map(row)}</tbody></table>`
  }

  function row(delivery: DeliveryPage['deliveries'][number]): string {
    const { id, source, event, orderingKey, attempts, error, receivedAt } = delivery
    const isOpen = delivery.state !== 'done' && error !== null
    return html`<tr role="row"><td role="cell"><a href="${base}/deliveries/${encodeURIComponent(id)}">${event} <small>${source} ${id.slice(0, 8)}</small></a>!${isOpen ? html`<p class="error">${error}</p>` : ''}</td><td role="cell">!${stateMark(viewOf(delivery))}</td><td role="cell">!${time(receivedAt)}</td><td role="cell" class="key">${orderingKey}</td><td role="cell">${attempts}<span class="unit"> ${attempts === 1 ? 'attempt' : 'attempts'}</span></td></tr>`
  }

  function list(
    session: Session,
    data: { page: DeliveryPage; values: FilterValues; query: string; olderQuery: string | undefined },
    notice: string | undefined,
  ): string {
    const { page, values, query, olderQuery } = data
    const count = page.deliveries.length
    const none = page.next === null ? 'No delivery fits.' : 'None in this stretch; look at older ones.'
    const isReplayable = ['', 'parked', 'dead'].includes(values.state as string)
    return frame(
      { title: 'Deliveries', session, current: 'deliveries', notice },
      html`!${filterForm(values)}
<section aria-labelledby="list-title"><h2 id="list-title">${count === 0 ? 'None' : `${deliveries(count)}, newest first`}</h2>
!${table('Deliveries, newest first', page, none)}
<p class="actions">!${values.cursor === '' ? '' : html`<a href="${base}/deliveries?${query}">Newest</a> `}
!${olderQuery === undefined ? '' : html`<a href="${base}/deliveries?${olderQuery}" rel="next">Older</a> `}
!${isReplayable && count > 0 ? html`<a href="${base}/deliveries/replay?${query}">Replay all parked and dead ones that this filter shows…</a>` : ''}</p>
</section>`,
    )
  }

  /** The form with what is wrong in it. */
  function badFilter(session: Session, values: FilterValues, field: string, message: string): string {
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
!${wrong === undefined ? '' : '<p class="notice bad" role="alert">The filter can not be used as it is; nothing was looked up.</p>'}
!${errorOf('cursor')}!${errorOf('limit')}
<div><label for="state">State</label><select id="state" name="state" !${marks('state')}><option value="">Any</option>!${options}</select>!${errorOf('state')}</div>
!${input('source', 'Source', 'list="sources" autocomplete="off"')}
!${input('event', 'Event', 'placeholder="message_created" autocomplete="off"')}
!${input('conversation', 'Conversation', 'inputmode="numeric" autocomplete="off"')}
!${timeInput('from', 'Accepted from')}
!${timeInput('to', 'Accepted before')}
!${input('text', 'Part of the id or key', 'type="search" autocomplete="off"')}
<datalist id="sources"><option value="chatwoot"><option value="stripe"></datalist>
<p class="actions"><button>Show</button> <a href="${base}/deliveries">Clear</a></p>
</form>`
  }

  function one(
    session: Session,
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
!${payload === null ? '<p class="muted">Deleted: it was kept for its time, or a person had it deleted.</p>' : payloadText(payload)}
</section>`,
    )
  }

  /** What changes on a delivery's page. */
  function oneParts(session: Session, data: { delivery: StoredDelivery; timeline: TimelineEntry[] }): Parts {
    const view = viewOf(data.delivery)
    const { id, source, event, key, orderingKey, attempts, error } = view
    const facts: [string, string][] = [
      ['State', stateMark(view)],
      ['Accepted', time(data.delivery.receivedAt)],
      ['Source', html`${source}`],
      ['Event', html`${event}`],
      ['Attempts', html`${attempts}`],
      ['In order with <small>ordering key</small>', orderingLink(orderingKey)],
      ['Key', html`${key}`],
      ['Id', html`${id}`],
    ]
    return {
      actions: actions(session, data.delivery),
      wrong:
        error === null || view.state === 'done'
          ? ''
          : html`<p class="notice bad"><strong>${view.state === 'discarded' ? 'Why it was put aside' : 'What went wrong'}:</strong> ${error}</p>`,
      delivery: html`<section aria-labelledby="facts-title"><h2 id="facts-title">Facts</h2>
<dl class="facts">!${facts.map(([term, value]) => html`<div><dt>!${term}</dt><dd>!${value}</dd></div>`)}</dl></section>
<section aria-labelledby="timeline-title"><h2 id="timeline-title">What has happened</h2>
<ol class="timeline">!${data.timeline.map(timelineEntry)}</ol></section>`,
    }
  }

  function orderingLink(orderingKey: string): string {
    const conversation = /^conversation:[^:]*:(\d+)$/.exec(orderingKey)?.[1]
    if (conversation === undefined) return html`${orderingKey}`
    return html`<a href="${base}/deliveries?conversation=${conversation}">${orderingKey}</a>`
  }

  function timelineEntry(entry: TimelineEntry): string {
    const { at, what, ms, detail } = entry
    return html`<li class="${what}">!${time(Date.parse(at))} <span><strong>${timelineWords(entry)}</strong> <small>${what}!${ms === null ? '' : html`, after ${duration(ms)}`}</small>!${detail === null ? '' : html`<br><span class="error">${detail}</span>`}</span></li>`
  }

  function actions(session: Session, { id, state, startedAt, payload }: StoredDelivery): string {
    if ((state !== 'parked' && state !== 'dead') || startedAt !== null) return ''
    const path = `${base}/deliveries/${encodeURIComponent(id)}`
    const replay = html`<details><summary>Replay…</summary>
<form method="post" action="${path}/replay">!${formToken(session)}
<p>It is handled again at once, out of its order, so that it holds nothing up. What it has already brought about is not repeated.</p>
<button>Yes, replay it</button></form></details>`
    return html`<section aria-label="What you can do" class="actions">
!${payload === null ? '<p class="muted">It can not be replayed: its content is deleted.</p>' : replay}
<details><summary>Put aside… <small>discard</small></summary>
<form method="post" action="${path}/discard">!${formToken(session)}
<p>It is not tried again, and no longer listed here as open. There is no way back.</p>
<label for="reason">Why, for whoever looks later</label>
<input id="reason" name="reason" required maxlength="500" autocomplete="off">
<button class="danger">Yes, put it aside</button></form></details>
</section>`
  }

  function confirmReplay(session: Session, matched: number, values: FilterValues, query: string): string {
    const fields = Object.entries(values).map(
      ([name, value]) => html`<input type="hidden" name="${name}" value="${value}">`,
    )
    const shown = Object.entries(values).filter(([, value]) => value !== '')
    return frame(
      { title: `Replay ${deliveries(matched)}?`, session, current: 'deliveries' },
      html`<p>That is how many are parked or dead and fit the filter now. They are handled again at once, out of their order. What they have already brought about is not repeated.</p>
!${shown.length === 0 ? '<p>The filter is empty: these are all of them.</p>' : html`<dl class="facts">!${shown.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`}
<form method="post" action="${base}/deliveries/replay" class="actions">!${formToken(session)}!${fields}
!${matched === 0 ? '' : html`<button>Yes, replay ${deliveries(matched)}</button>`} <a href="${base}/deliveries?${query}">Back to the list</a>
</form>`,
    )
  }

  function local(at: number): DateTime {
    return DateTime.fromMillis(showableTime(at), { zone, locale: 'en-GB' })
  }

  function time(at: number): string {
    return html`<time datetime="${utcTime(at)}">${local(at).toFormat('d LLL yyyy, HH:mm:ss')}</time>`
  }

  return { signIn, problem, overview, overviewParts, list, badFilter, one, oneParts, confirmReplay }
}

/** Never by colour alone: the words say it, and the mark has a shape of its own. */
function stateMark({ state, inFlight }: Pick<DeliveryView, 'state' | 'inFlight'>): string {
  return html`<span class="state ${state}">${inFlight ? 'Being handled' : STATE_WORDS[state]} <small>${inFlight ? 'in flight' : state}</small></span>`
}

/** A name that may go on in the next line. */
function breakable(name: string): string {
  return html`${name}`.replace(/[._]/g, '$&<wbr>')
}

function formToken({ formToken }: Session): string {
  return html`<input type="hidden" name="form" value="${formToken}">`
}

function payloadText(payload: object): string {
  const { text: json, isIndented } = indentedJson(payload)
  const text = unturned(json)
  return html`!${isIndented ? '' : html`<p class="muted">${NOT_INDENTED}.</p>`}<pre tabindex="0" role="region" aria-label="Content">${text.slice(0, MOST_PAYLOAD)}</pre>
!${text.length > MOST_PAYLOAD ? html`<p class="muted">Cut here, after ${number(MOST_PAYLOAD)} of ${number(text.length)} characters; the API has all of it.</p>` : ''}`
}
