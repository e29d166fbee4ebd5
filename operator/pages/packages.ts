import { html } from 'ghtml'
import type { EntryWho, EntryWhy, LessonPackage, PackageEntry } from '../../calendar/packages.ts'
import type { LessonLinks } from '../lessons/view.ts'
import type { PackagePage } from '../packages/packages.ts'
import type { Layout, PageSession } from './layout.ts'
import { createLessonParts } from './lesson-parts.ts'

const WHY_WORDS: Record<EntryWhy, string> = {
  bought: 'Bought',
  lesson: 'Lesson',
  returned: 'Given back: the lesson was cancelled',
  refunded: 'Taken: its money was paid back',
  corrected: 'Corrected',
}

const WHO_WORDS: Record<EntryWho, string> = { student: 'the student', tutor: 'the tutor', stripe: 'Stripe' }

export interface PackagesData extends PackagePage {
  /** The query of the following page; undefined: there is none. */
  nextQuery: string | undefined
}

export interface PackageData {
  found: LessonPackage
  entries: PackageEntry[]
  /** Lessons (orders) that are not in the calendar. */
  gone: ReadonlySet<string>
}

/** Lessons that are paid ahead: all packages, and one with its entries. */
export function createPackagePages(layout: Layout, links: LessonLinks) {
  const { base, frame, time, zone } = layout
  const { lessonPath, packagePath, payment, conversation } = createLessonParts(layout, links)
  return { packages, onePackage }

  function packages(session: PageSession, { packages, nextQuery }: PackagesData): string {
    return frame(
      { title: 'Packages', session, current: 'lessons' },
      html`<p>Lessons that are paid ahead, the newest package first. Times are those of ${zone}.</p>
!${packages.length === 0 ? '<p class="muted">There are no packages.</p>' : table('Packages, the newest first', ['Student', 'Left', 'Payment', 'Conversation', 'Bought'], packages.map(packageRow))}
<p class="actions">!${nextQuery === undefined ? '' : html`<a href="${base}/packages?${nextQuery}" rel="next">Next</a> `}<a href="${base}/lessons">The week</a></p>`,
    )
  }

  function packageRow(each: LessonPackage): string[] {
    return [
      html`<a href="${packagePath(each.id)}">${each.student || 'No name'}</a><br><small>${each.id}</small>`,
      html`${leftOf(each)}`,
      payment(each),
      conversation(each),
      time(each.boughtAt),
    ]
  }

  function onePackage(session: PageSession, { found, entries, gone }: PackageData): string {
    const facts: [string, string][] = [
      ['Student', html`${found.student || 'No name'}`],
      ['Left', html`${leftOf(found)}`],
      ['Payment', payment(found)],
      ['Conversation', conversation(found)],
      ['Bought', html`!${time(found.boughtAt)} <small>${zone}</small>`],
      ['Id (order)', html`${found.id}`],
    ]
    return frame(
      { title: 'Package', session, current: 'lessons' },
      html`<section aria-labelledby="facts-title"><h2 id="facts-title">Facts</h2>
<dl class="facts">!${facts.map(([term, value]) => html`<div><dt>${term}</dt><dd>!${value}</dd></div>`)}</dl></section>
<section aria-labelledby="entries-title"><h2 id="entries-title">What was added and taken</h2>
!${table(
        'Entries, in order',
        ['When', 'Why', 'By', 'Minutes', 'After it'],
        entries.map(entry => entryRow(entry, gone)),
      )}</section>
<p class="actions"><a href="${base}/packages">All packages</a> <a href="${base}/lessons">The week</a></p>`,
    )
  }

  function entryRow({ at, why, who, minutes, left, order, note }: PackageEntry, gone: ReadonlySet<string>): string[] {
    const lesson =
      order === null
        ? ''
        : html`<br>!${gone.has(order) ? html`${order} (not booked)` : html`<a href="${lessonPath(order)}">${order}</a>`}`
    return [
      time(at),
      html`${WHY_WORDS[why]}!${lesson}!${note === null ? '' : html`<br>${note}`}`,
      html`${WHO_WORDS[who]}`,
      html`${minutes > 0 ? `+${minutes}` : `−${-minutes}`} min`,
      html`${left} left`,
    ]
  }
}

/** On phones the rows become cards. Reasons and payers may be long. @param rows cells as HTML */
function table(caption: string, heads: readonly string[], rows: readonly string[][]): string {
  return html`<table class="deliveries wraps" role="table"><caption class="unseen">${caption}</caption>
<thead role="rowgroup"><tr role="row">!${heads.map(head => html`<th scope="col" role="columnheader">${head}</th>`)}</tr></thead>
<tbody role="rowgroup">!${rows.map(cells => html`<tr role="row">!${cells.map(cell => html`<td role="cell">!${cell}</td>`)}</tr>`)}</tbody></table>`
}

/** `8 lessons and 30 minutes of 10 lessons of 60 minutes` */
function leftOf({ left, minutes, lessonMinutes }: LessonPackage): string {
  return `${inLessons(left, lessonMinutes)} of ${inLessons(minutes, lessonMinutes)} of ${lessonMinutes} minutes`
}

function inLessons(minutes: number, lessonMinutes: number): string {
  const lessons = Math.floor(minutes / lessonMinutes)
  const rest = minutes % lessonMinutes
  return `${lessons === 1 ? '1 lesson' : `${lessons} lessons`}${rest === 0 ? '' : ` and ${rest} minutes`}`
}
