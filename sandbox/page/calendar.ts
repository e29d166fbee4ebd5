import { html } from 'ghtml'
import { DateTime } from 'luxon'
import { hourAndMinute, type PageContext } from './page.ts'
import { hrefOf, type View } from './view.ts'

const DAYS = 7

interface Entry {
  start: number
  end: number
  /** HTML. */
  words: string
  isHold: boolean
}

/** The lessons of 7 days, and the times that are held until they are paid. */
export async function calendar(context: PageContext, view: View): Promise<string> {
  const { clock, zone } = context
  const first = DateTime.fromMillis(clock.now(), { zone, locale: 'en-GB' }).startOf('day').plus({ weeks: view.week })
  const entries = await read(context, first.toMillis())
  const days = Array.from({ length: DAYS }, (_, index) => first.plus({ days: index }))
  const go = (week: number, words: string, sign: string) =>
    html`<a href="${hrefOf(view, { week }, 'calendar')}" data-view aria-label="${words}" title="${words}">${sign}</a>`
  return html`<section id="calendar" class="panel" aria-labelledby="calendar-title">
<h2 id="calendar-title">Calendar <span class="pages">!${go(view.week - 1, 'The 7 days before', '‹')}!${go(view.week + 1, 'The next 7 days', '›')}</span></h2>
<ol class="days">!${days.map(day => html`<li><h3 class="!${day.hasSame(DateTime.fromMillis(clock.now(), { zone }), 'day') ? 'today' : ''}"><time datetime="${day.toISODate()}">${day.toFormat('ccc d LLL')}</time></h3>!${lessonsOf(entries, day, zone)}</li>`)}</ol>
</section>`
}

async function read({ calendar, zone }: PageContext, from: number): Promise<Entry[]> {
  const { lessons, holds } = await calendar.week(from)
  const booked = lessons.map(({ start, end, student, payment, isHeld }) => ({
    start,
    end,
    words: html`<strong>${student}</strong> <small>${isHeld ? 'payment under way' : payment === null ? 'free trial' : 'paid'}</small>`,
    isHold: isHeld === true,
  }))
  const held = holds.map(({ start, end, until }) => ({
    start,
    end,
    words: html`<em>held</em>!${until === undefined ? '' : html` <small>until ${hourAndMinute(until, zone)}</small>`}`,
    isHold: true,
  }))
  return [...booked, ...held].sort((one, other) => one.start - other.start)
}

function lessonsOf(entries: Entry[], day: DateTime, zone: string): string {
  const [from, to] = [day.toMillis(), day.plus({ days: 1 }).toMillis()]
  const own = entries.filter(({ start }) => start >= from && start < to)
  if (own.length === 0) return '<p class="free"><span class="unseen">Nothing</span></p>'
  return html`<ul>!${own.map(({ start, end, words, isHold }) => html`<li class="!${isHold ? 'hold' : 'lesson'}"><span class="from">${hourAndMinute(start, zone)}–${hourAndMinute(end, zone)}</span> !${words}</li>`)}</ul>`
}
