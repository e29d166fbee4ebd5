import { html } from 'ghtml'
import type { BookedLesson } from '../../calendar/contract.ts'
import { OCCURRENCES } from '../filter.ts'
import type { LessonPage } from '../lessons/find.ts'
import { type OpenSummary, openWords } from '../lessons/open.ts'
import { LESSON_STATES, type LessonLinks } from '../lessons/view.ts'
import { readTime, timeField } from '../local-time.ts'
import type { Layout, PageSession } from './layout.ts'
import { createLessonParts, lessonState, lessonStateWords } from './lesson-parts.ts'
import type { FilterValues } from './list.ts'

export interface ListData {
  page: LessonPage
  values: FilterValues
  nextQuery: string | undefined
  /** What is open in all, in a list of that. */
  open: OpenSummary | null
}

/** The lessons that match a filter. */
export function createLessonList(layout: Layout, links: LessonLinks) {
  const { base, zone, frame } = layout
  const { when, lessonPath, payment, conversation } = createLessonParts(layout, links)
  return { lessonList, badLessonFilter }

  function lessonList(session: PageSession, { page, values, nextQuery, open }: ListData): string {
    const count = page.lessons.length
    return frame(
      { title: 'Lessons', session, current: 'lessons' },
      html`!${filterForm(values)}
<section aria-labelledby="list-title"><h2 id="list-title">${count === 0 ? 'None' : `${count === 1 ? '1 lesson' : `${count} lessons`}, in order`}</h2>
!${open === null ? '' : html`<p>In all ${openWords(open)}.</p>`}
!${count === 0 ? '<p class="muted">No matching lessons.</p>' : table(page.lessons)}
<p class="actions">!${nextQuery === undefined ? '' : html`<a href="${base}/lessons/list?${nextQuery}" rel="next">Next</a> `}<a href="${base}/lessons">The week</a></p>
</section>`,
    )
  }

  /** The form with an error. */
  function badLessonFilter(session: PageSession, values: FilterValues, field: string, message: string): string {
    return frame({ title: 'Lessons', session, current: 'lessons' }, filterForm(values, { field, message }))
  }

  /** On phones the rows become cards. */
  function table(lessons: readonly BookedLesson[]): string {
    return html`<table class="deliveries" role="table"><caption class="unseen">Lessons, in order</caption>
<thead role="rowgroup"><tr role="row"><th scope="col" role="columnheader">Lesson</th><th scope="col" role="columnheader">State</th><th scope="col" role="columnheader">Payment</th><th scope="col" role="columnheader">Conversation</th></tr></thead>
<tbody role="rowgroup">!${lessons.map(row)}</tbody></table>`
  }

  function row(lesson: BookedLesson): string {
    const { order, student, service } = lesson
    return html`<tr role="row"><td role="cell"><a href="${lessonPath(order)}">${when(lesson)}</a><br>${student || 'No name'} <small>${service} · ${order}</small></td><td role="cell">!${lessonState(lesson)}</td><td role="cell">!${payment(lesson)}</td><td role="cell">!${conversation(lesson)}</td></tr>`
  }

  function filterForm(values: FilterValues, wrong?: { field: string; message: string }): string {
    const errorOf = (field: string) =>
      wrong?.field === field ? html`<p class="error" id="${field}-error">${wrong.message}</p>` : ''
    const marks = (field: string) =>
      wrong?.field === field ? html`aria-invalid="true" aria-describedby="${field}-error"` : ''
    const timeInput = (field: 'from' | 'to', label: string) => {
      const { type, value } = timeValue(values[field] as string, field)
      return html`<div><label for="${field}">${label}</label><input id="${field}" name="${field}" type="${type}" value="${value}" !${marks(field)}>!${errorOf(field)}</div>`
    }
    const options = LESSON_STATES.map(
      state =>
        html`<option value="${state}" !${values.state === state ? 'selected' : ''}>${lessonStateWords(state)}</option>`,
    )
    return html`<form method="get" action="${base}/lessons/list" class="card filter" role="search" aria-label="Filter lessons">
!${wrong === undefined ? '' : '<p class="notice bad" role="alert">This filter is not valid; nothing was searched.</p>'}
!${errorOf('cursor')}!${errorOf('limit')}
<div><label for="student">Student</label><input id="student" name="student" value="${values.student}" type="search" autocomplete="off" !${marks('student')}>!${errorOf('student')}</div>
<div><label for="state">State</label><select id="state" name="state" !${marks('state')}><option value="">Any</option>!${options}</select>!${errorOf('state')}</div>
<div><label for="open">Payment</label><select id="open" name="open" !${marks('open')}><option value="">Any</option><option value="yes" !${values.open === 'yes' ? 'selected' : ''}>Open</option></select>!${errorOf('open')}</div>
!${timeInput('from', 'From (default: today)')}
!${timeInput('to', 'Until (default: a year on)')}
<p class="actions"><button>Show</button> <a href="${base}/lessons/list">Clear</a></p>
</form>`
  }

  /** A date stays a date; any other time, as in a link, is a text that parses to the same time again. */
  function timeValue(given: string, field: 'from' | 'to'): { type: string; value: string } {
    if (given === '' || /^\d{4}-\d\d-\d\d$/.test(given)) return { type: 'date', value: given }
    const at = readTime(given, zone, OCCURRENCES[field])
    return at === undefined ? { type: 'text', value: given } : timeField(at, zone, OCCURRENCES[field])
  }
}
