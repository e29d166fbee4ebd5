import { html } from 'ghtml'
import { PACE, PAUSE_AFTER, type ReplayState } from '../../inbox/replay-job.ts'
import type { CauseView } from '../causes.ts'
import { number } from '../dashboard-words.ts'
import { shortId } from '../find-delivery.ts'
import type { ReplayJobView } from '../replay-jobs.ts'
import { formToken, type Layout, type PageSession } from './layout.ts'

/** While a job runs, the page loads itself again, s. */
const REFRESH_S = 2

const JOB_WORDS: Record<ReplayState, string> = {
  running: 'running',
  paused: 'paused, waits for you',
  stopped: 'stopped',
  done: 'done',
}

/** What is parked or dead, by what it failed for, and its replay. */
export function createCausesPage({ base, frame, time }: Layout) {
  return { causes }

  function causes(session: PageSession, groups: readonly CauseView[], job: ReplayJobView | null): string {
    const isBusy = job?.state === 'running' || job?.state === 'paused'
    const refresh = job?.state === 'running' ? REFRESH_S : undefined
    return frame(
      { title: 'Causes', session, current: 'deliveries', refresh },
      html`!${job === null ? '' : jobSection(session, job)}
<p>What is dead or parked, by what its last attempt failed for: the error, the system that it failed at, and that one’s code.</p>
!${groups.length === 0 ? '<p class="muted">Nothing is dead or parked.</p>' : table(groups, cause => (isBusy ? '' : replayForm(session, cause)))}
<p><a href="${base}/deliveries">All deliveries</a></p>`,
    )
  }

  function jobSection(session: PageSession, job: ReplayJobView): string {
    const { number: id, cause, state, why, replayed, succeeded, failed, underWay, left, pace, pauseAfter } = job
    const button = (path: string, text: string) =>
      html`<form method="post" action="${base}/causes/jobs/${id}/${path}" class="inline">!${formToken(session)}<button>${text}</button></form>`
    const isPaused = state === 'paused'
    return html`<section aria-labelledby="job-title" class="!${isPaused ? 'attention parked' : 'calm'}"><h2 id="job-title">Replay job ${id}: ${JOB_WORDS[state]}</h2>
<p>${cause}, at most ${pace} a minute; it pauses after ${pauseAfter} failures in a row. Begun !${time(Date.parse(job.startedAt))}.</p>
!${why === null ? '' : html`<p class="error">${why}</p>`}
<dl class="numbers">!${Object.entries({ Replayed: replayed, Handled: succeeded, 'Failed again': failed, 'Under way': underWay, Left: left }).map(([term, count]) => html`<div><dt>${term}</dt><dd>${number(count)}</dd></div>`)}</dl>
<p class="actions">!${isPaused ? button('resume', 'Resume') : ''}!${isPaused || state === 'running' ? button('stop', 'Stop') : ''}</p></section>`
  }

  function replayForm(session: PageSession, cause: string): string {
    return html`<details><summary>Replay…<span class="unseen"> ${cause}</span></summary>
<form method="post" action="${base}/causes/replay">!${formToken(session)}<input type="hidden" name="cause" value="${cause}">
<p>All of this cause, the oldest first, out of order in their conversations. Completed steps are not repeated.</p>
<label>Deliveries a minute <input name="pace" type="number" min="1" max="${PACE.max}" value="${PACE.usual}" required></label>
<label>Pause after failures in a row <input name="pauseAfter" type="number" min="1" max="${PAUSE_AFTER.max}" value="${PAUSE_AFTER.usual}" required></label>
<button>Start</button></form></details>`
  }

  function table(groups: readonly CauseView[], actions: (cause: string) => string): string {
    const titles = ['Cause', 'Dead', 'Parked', 'Oldest', 'Newest', 'Example', 'Replay']
    return html`<table class="deliveries" role="table"><caption class="unseen">Causes, the largest group first</caption>
<thead role="rowgroup"><tr role="row">!${titles.map(title => html`<th scope="col" role="columnheader">${title}</th>`)}</tr></thead>
<tbody role="rowgroup">!${groups.map(group => row(group, actions(group.cause)))}</tbody></table>`
  }

  function row(
    { cause, error, system, code, dead, parked, isMore, oldestAt, newestAt, example }: CauseView,
    actions: string,
  ): string {
    const where = [system, code].filter(part => part !== null).join(' ')
    const more = isMore ? ' at least' : ''
    const cells = [
      html`<td role="cell"><a class="delivery" href="${base}/deliveries?${`${new URLSearchParams({ cause })}`}">${error} <small>${where}</small></a></td>`,
      html`<td role="cell">${number(dead)}<span class="unit"> dead</span>${more}</td>`,
      html`<td role="cell">${number(parked)}<span class="unit"> parked</span>${more}</td>`,
      html`<td role="cell">!${time(Date.parse(oldestAt))}</td>`,
      html`<td role="cell">!${time(Date.parse(newestAt))}</td>`,
      html`<td role="cell"><a href="${base}/deliveries/${encodeURIComponent(example)}">${shortId(example)}</a></td>`,
      html`<td role="cell">!${actions}</td>`,
    ]
    return html`<tr role="row">!${cells}</tr>`
  }
}
