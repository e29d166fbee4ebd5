import { html } from 'ghtml'
import type { SystemState } from '../../inbox/breaker.ts'
import type { Backlog } from '../../inbox/contracts.ts'
import type { InboxStats } from '../../inbox/inbox.ts'
import type { HandlerTimes, MinuteCounts } from '../activity.ts'
import { duration, number, STATE_WORDS } from '../dashboard-words.ts'
import type { DeliveryList } from '../listing.ts'
import { createTable } from './deliveries-table.ts'
import type { Layout, PageSession, Parts } from './layout.ts'

export interface Overview {
  dead: DeliveryList
  parked: DeliveryList
  latest: DeliveryList
  backlog: Backlog
  stats: InboxStats
  systems: SystemState[]
  minutes: MinuteCounts[]
  slowest: HandlerTimes[]
}

/** What needs a person, the current state, and the last hour. */
export function createOverview(layout: Layout) {
  const { base, frame, local, time } = layout
  const table = createTable(layout)
  return { overview, overviewParts }

  function overview(session: PageSession, data: Overview): string {
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
<p class="muted">Webhooks answered by this process since it started. Other processes on the same store have their own counts; everything else on this page comes from the store.</p>
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

  /** The parts of the overview that change. */
  function overviewParts({ dead, parked, latest, backlog, stats, systems, minutes, slowest }: Overview): Parts {
    const { pending, oldestPendingAt } = backlog
    return {
      attention:
        held(systems) +
        (backlog.dead + backlog.parked === 0
          ? html`<section aria-labelledby="attention-title" class="calm"><h2 id="attention-title">Nothing needs you</h2><p>No delivery is dead or parked.</p></section>`
          : attention('dead', backlog.dead, dead) + attention('parked', backlog.parked, parked)),
      now: html`<dl class="numbers">
<div><dt>Waiting <small>pending</small></dt><dd>${number(pending)}</dd></div>
<div><dt>Oldest waiting since</dt><dd>!${oldestPendingAt === null ? '–' : time(oldestPendingAt)}</dd></div>
<div><dt>Being handled <small>in this process</small></dt><dd>${number(stats.inFlight)}</dd></div>
<div><dt>Will be retried <small>parked</small></dt><dd>${number(backlog.parked)}</dd></div>
<div><dt>Needs a person <small>dead</small></dt><dd>${number(backlog.dead)}</dd></div>
</dl>`,
      minutes: minutesTable(minutes),
      slowest: slowestTable(slowest),
      latest: table('Latest deliveries, newest first', latest, 'Nothing has arrived yet.'),
    }
  }

  function held(systems: SystemState[]): string {
    return systems
      .map(({ system, since, why }) =>
        since === null
          ? ''
          : html`<section aria-labelledby="${system}-title" class="attention parked">
<h2 id="${system}-title">${system} is unavailable</h2>
<p>What needs it waits since !${time(since)}, in order, and goes on by itself: ${why}</p>
</section>`,
      )
      .join('')
  }

  function attention(state: 'dead' | 'parked', count: number, page: DeliveryList): string {
    if (count === 0) return ''
    return html`<section aria-labelledby="${state}-title" class="attention ${state}">
<h2 id="${state}-title">${STATE_WORDS[state]}: ${number(count)} <small>${state}</small></h2>
!${table(`${STATE_WORDS[state]}, newest first`, page, '')}
<p><a href="${base}/deliveries?state=${state}">All that are ${state}</a> · <a href="${base}/causes">by cause</a></p>
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
}

/** Lets a name wrap after dots and underscores. */
function breakable(name: string): string {
  return html`${name}`.replace(/[._]/g, '$&<wbr>')
}
