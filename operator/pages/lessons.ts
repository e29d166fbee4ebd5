import { html } from 'ghtml'
import type { Block, BookedLesson, Interval } from '../../calendar/contract.ts'
import type { Week } from '../lessons/find.ts'
import { type OpenSummary, openWords } from '../lessons/open.ts'
import { type LessonLinks, stateOf } from '../lessons/view.ts'
import { createBlockPage } from './block.ts'
import type { Layout, PageSession } from './layout.ts'
import { createLessonParts, lessonState } from './lesson-parts.ts'

export interface WeekData {
  week: Week
  lessons: BookedLesson[]
  blocks: Block[]
  /** null: this calendar can't tell. */
  open: OpenSummary | null
  /** Unix ms. */
  now: number
}

/** Lessons and blocked times shown of one week. */
const MAX_IN_WEEK = 500

/** A week of lessons, day by day. */
export function createWeekPage(layout: Layout, links: LessonLinks) {
  const { base, frame, local } = layout
  const { hours, lessonPath, blockName } = createLessonParts(layout, links)
  const { unblockForm } = createBlockPage(layout, links)
  return { week, noLessons }

  function week(session: PageSession, data: WeekData, notice?: string): string {
    const { week, lessons, blocks, open, now } = data
    const shown = lessons.slice(0, MAX_IN_WEEK)
    const last = week.days.at(-1)?.start as number
    const booked = lessons.filter(lesson => stateOf(lesson) !== 'cancelled').length
    return frame(
      { title: 'Lessons', session, current: 'lessons', notice },
      html`<nav class="actions" aria-label="Weeks"><a href="${base}/lessons?week=${week.previous}" rel="prev">Week before</a>
<a href="${base}/lessons">This week</a> <a href="${base}/lessons?week=${week.next}" rel="next">Week after</a>
<a href="${base}/lessons/new">Add a lesson</a> <a href="${base}/lessons/block">Block time</a> <a href="${base}/lessons/weekly">Weekly</a> <a href="${base}/packages">Packages</a> <a href="${base}/lessons/list">List and search</a>
!${open === null || open.count === 0 ? '' : html`<a href="${base}/lessons/list?open=yes">${openWords(open)}</a> `}<a href="${base}/lessons.csv?month=${local(week.start).toFormat('yyyy-MM')}" download>${local(week.start).toFormat('LLLL yyyy')} as CSV</a></nav>
<section aria-labelledby="week-title"><h2 id="week-title">${local(week.start).toFormat('d LLLL')} to ${local(last).toFormat('d LLLL yyyy')}: ${booked === 1 ? '1 lesson' : `${booked} lessons`}</h2>
!${shown.length < lessons.length ? html`<p class="notice bad">Only the first ${MAX_IN_WEEK} are shown: the list has all of them.</p>` : ''}
<div class="week">!${week.days.map(day => dayOf(session, day, shown, blocks.slice(0, MAX_IN_WEEK), now))}</div></section>`,
    )
  }

  function dayOf(
    session: PageSession,
    { date, start, end }: Week['days'][number],
    lessons: BookedLesson[],
    blocks: Block[],
    now: number,
  ): string {
    const isToday = now >= start && now < end
    // A lesson over midnight is on the day on which it begins; of the week before, on the first.
    const ofDay = lessons.filter(lesson => lesson.start < end && lesson.start >= start)
    const blocked = blocks.filter(block => block.start < end && block.end > start)
    const items = [
      ...ofDay.map(lesson => ({ at: lesson.start, text: lessonItem(lesson) })),
      ...blocked.map(block => ({ at: block.start, text: blockItem(session, block, { start, end }) })),
    ].sort((one, other) => one.at - other.at)
    return html`<section class="day !${isToday ? 'today' : ''}" aria-labelledby="day-${date}"><h3 id="day-${date}">${local(start).toFormat('cccc d LLL')}!${isToday ? ' <small>today</small>' : ''}</h3>
!${items.length === 0 ? '<p class="muted">–</p>' : html`<ul>!${items.map(({ text }) => text)}</ul>`}
!${end <= now ? '' : html`<p class="actions"><a href="${base}/lessons/new?day=${date}" aria-label="Add a lesson on ${date}">Add</a> <a href="${base}/lessons/block?day=${date}" aria-label="Block time on ${date}">Block</a></p>`}
</section>`
  }

  function lessonItem(lesson: BookedLesson): string {
    const { order, student, service } = lesson
    return html`<li class="lesson ${stateOf(lesson)}"><a href="${lessonPath(order)}"><span class="hours">${hours(lesson)}</span> ${student || 'No name'}</a> <small>${service}</small><br>!${lessonState(lesson)}</li>`
  }

  function blockItem(session: PageSession, block: Block, day: Interval): string {
    const isAllDay = block.start <= day.start && block.end >= day.end
    return html`<li class="blocked"><span class="hours">${isAllDay ? 'All day' : hours({ start: Math.max(block.start, day.start), end: Math.min(block.end, day.end) })}</span> ${blockName(block)} !${unblockForm(session, block)}</li>`
  }

  /** A calendar that can't list its lessons. @param why in a sentence */
  function noLessons(session: PageSession, why: string): string {
    return frame(
      { title: 'Lessons', session, current: 'lessons' },
      html`<p class="notice">${why}</p>
<p class="actions"><a href="${base}/lessons/new">Add a lesson</a></p>
<form method="get" action="${base}/lessons/find" class="card narrow" role="search" aria-label="Find a lesson">
<label for="id">A lesson’s id (its order)</label><input id="id" name="id" required autocomplete="off" maxlength="200">
<button>Show</button></form>`,
    )
  }
}
