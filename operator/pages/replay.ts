import { html } from 'ghtml'
import { deliveries } from '../dashboard-words.ts'
import { formToken, type Layout, type PageSession } from './layout.ts'
import type { FilterValues } from './list.ts'

/** Confirmation before many deliveries are replayed. */
export function createReplayPage({ base, frame }: Layout) {
  return { confirmReplay }

  function confirmReplay(session: PageSession, matched: number, values: FilterValues, query: string): string {
    const fields = Object.entries(values).map(
      ([name, value]) => html`<input type="hidden" name="${name}" value="${value}">`,
    )
    const shown = Object.entries(values).filter(([, value]) => value !== '')
    const isQuarantine = values.state === 'quarantined'
    const what = isQuarantine ? 'verify' : 'replay'
    return frame(
      {
        title: `${isQuarantine ? 'Verify' : 'Replay'} ${deliveries(matched)}${isQuarantine ? ' again' : ''}?`,
        session,
        current: 'deliveries',
      },
      html`<p>!${isQuarantine ? 'This many refused deliveries are kept and match the filter. Each is verified with the secrets of now, its age as of when it came; what is genuine is handled like any other, the rest stays.' : 'This many parked or dead deliveries match the filter now. They are handled again right away, out of order. Completed steps are not repeated.'}</p>
!${shown.length === 0 ? '<p>The filter is empty: this includes all of them.</p>' : html`<dl class="facts">!${shown.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`}
<form method="post" action="${base}/deliveries/replay" class="actions">!${formToken(session)}!${fields}
!${matched === 0 ? '' : html`<button>Yes, ${what} ${deliveries(matched)}</button>`} <a href="${base}/deliveries?${query}">Back to the list</a>
</form>`,
    )
  }
}
