import { html } from 'ghtml'
import type { WeeklyView } from '../lessons/weekly.ts'
import { formToken, type Layout, type PageSession } from './layout.ts'

/** The times that students have each week. */
export function createWeeklyPage({ base, frame }: Layout) {
  return { weekly }

  /** @param key the same for every attempt at sending a form */
  function weekly(session: PageSession, { all, key }: { all: WeeklyView[]; key: string }, notice?: string): string {
    return frame(
      { title: 'Weekly lessons', session, current: 'lessons', notice },
      html`<p>Each has lessons of its own in the calendar, some weeks ahead. Students ask for them in the chat.</p>
!${all.length === 0 ? '<p class="muted">There are no weekly lessons.</p>' : html`<ul class="plain">!${all.map(each => item(session, each, key))}</ul>`}
<p><a href="${base}/lessons">The week</a></p>`,
    )
  }

  function item(
    session: PageSession,
    { id, day, time, minutes, student, service, conversation }: WeeklyView,
    key: string,
  ) {
    const name = `${day} ${time}, ${student || 'no name'}`
    return html`<li><strong>${name}</strong>: ${service}, ${minutes} minutes, <a href="${base}/conversations/${conversation}">conversation ${conversation}</a> <small>${id}</small>
<form method="post" action="${base}/lessons/weekly/${encodeURIComponent(id)}/end" class="inline">!${formToken(session)}<input type="hidden" name="key" value="${key}"><button class="quiet" aria-label="End ${name}: unpaid lessons are cancelled">End, cancel what is unpaid</button></form></li>`
  }
}
