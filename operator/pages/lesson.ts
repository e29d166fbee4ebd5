import { html } from 'ghtml'
import type { BookedLesson } from '../../calendar/contract.ts'
import { whyNotPayable, whyNotUnpaid, withoutPayer } from '../../handlers/lesson-payment.ts'
import type { Money } from '../../handlers/money.ts'
import type { ChangeView } from '../lessons/changes.ts'
import { intentIn, type LessonLinks, stateOf } from '../lessons/view.ts'
import { timeField } from '../local-time.ts'
import type { Wrong } from './block.ts'
import { formToken, type Layout, type PageSession } from './layout.ts'
import { createLessonParts, lessonState } from './lesson-parts.ts'
import type { FilterValues } from './list.ts'
import { paidForm } from './paid-form.ts'

export interface LessonData {
  /** The order. */
  id: string
  /** null: it was asked for, and is not there (yet); or its time is only reserved. */
  lesson: BookedLesson | null
  /** Its time is held, and awaits the payment. */
  isReserved: boolean
  /** What it costs; undefined: not known. */
  price: Money | undefined
  /** What was asked for, and what came of it. */
  asked: ChangeView | null
  /** The same for every attempt at sending the forms of this page. */
  key: string
  /** Unix ms. */
  now: number
  /** Why lessons can't be moved here; null: they can. */
  whyNotMoved: string | null
  /** What was given last, with what is wrong about it. */
  given?: { form: LessonForm; values: FilterValues; wrong: Wrong }
}

/** The forms of a lesson, and their fields. */
export const LESSON_FORMS = {
  move: ['start'],
  cancel: [],
  paid: ['how', 'amount', 'currency', 'name'],
  unpaid: [],
} as const
export type LessonForm = keyof typeof LESSON_FORMS

/** Time until a page looks again what came of a change, s. */
const LOOK_AGAIN_S = 2

/** One lesson, and what can be done with it. */
export function createLessonPage(layout: Layout, links: LessonLinks) {
  const { base, zone, frame, local, time } = layout
  const { when, payment, conversation, lessonPath } = createLessonParts(layout, links)
  return { lesson }

  function lesson(session: PageSession, data: LessonData): string {
    const { lesson, asked } = data
    const title = lesson === null ? 'Lesson' : `Lesson: ${lesson.student || 'no name'}`
    const refresh = asked?.state === 'asked' ? LOOK_AGAIN_S : undefined
    return frame(
      { title, session, current: 'lessons', refresh },
      html`!${asked === null ? '' : outcome(asked)}!${problem(data.given)}
!${lesson === null ? reserved(session, data) : facts(lesson) + actions(session, lesson, data)}
<p>!${lesson === null ? html`<a href="${base}/lessons">The week</a>` : html`<a href="${base}/lessons?week=${local(lesson.start).toISODate()}">Its week</a>`}</p>`,
    )
  }

  function outcome({ id, state, why, trouble }: ChangeView): string {
    const delivery = html`<a href="${base}/deliveries/${id}">Its delivery</a>`
    switch (state) {
      case 'asked':
        return html`<p class="notice" role="status">Asked: it is being done, in the order of its conversation. This page looks again by itself.!${trouble === null ? '' : html` It has not worked yet: ${trouble}.`} !${delivery}</p>`
      case 'done':
        return html`<p class="notice" role="status">Done: ${why}.!${trouble === null ? '' : html` The student has not been told yet: ${trouble}.`} !${delivery}</p>`
      default:
        return html`<p class="notice bad" role="status">Not done: ${why ?? 'it was given up'}. !${delivery}</p>`
    }
  }

  function facts(lesson: BookedLesson): string {
    const { order, student, service, changedAt, cancelledAt } = lesson
    const all: [string, string][] = [
      ['State', lessonState(lesson)],
      ['When', html`${when(lesson)} <small>${zone}</small>`],
      ['Student', html`${student || 'No name'}`],
      ['What is taught', html`${service}`],
      ['Payment', payment(lesson)],
      ['Conversation', conversation(lesson)],
      ['Id (order)', html`${order}`],
    ]
    if (cancelledAt !== undefined) all.push(['Cancelled', time(cancelledAt)])
    else if (changedAt !== null) all.push([stateOf(lesson) === 'held' ? 'Held since' : 'Last changed', time(changedAt)])
    return html`<section aria-labelledby="facts-title"><h2 id="facts-title">Facts</h2>
<dl class="facts">!${all.map(([term, value]) => html`<div><dt>${term}</dt><dd>!${value}</dd></div>`)}</dl></section>`
  }

  /** An order whose link has not been paid yet. */
  function reserved(session: PageSession, data: LessonData): string {
    if (!data.isReserved) return ''
    const hidden = html`!${formToken(session)}<input type="hidden" name="key" value="${data.key}">`
    return html`<p class="notice">A time is reserved for the order ${data.id}, and awaits its payment. Once it is marked as paid, its payment link is ended and the lesson booked.</p>
<section aria-label="What you can do" class="actions">!${payForm(data, hidden)}</section>`
  }

  function actions(session: PageSession, lesson: BookedLesson, data: LessonData): string {
    const { key, now, whyNotMoved, given } = data
    const state = stateOf(lesson)
    const isOver = state === 'cancelled' || lesson.start <= now
    const seen = html`!${formToken(session)}<input type="hidden" name="key" value="${key}"><input type="hidden" name="seen" value="${lesson.start}.${lesson.sequence}">`
    const whyNotMove =
      state === 'held' ? 'Its payment is under way: it can be moved once that has arrived' : whyNotMoved
    const forms = paymentForm(lesson, data, seen)
    if (isOver && forms === '') return ''
    if (isOver) return html`<section aria-label="What you can do" class="actions">!${forms}</section>`
    return html`<section aria-label="What you can do" class="actions">
!${forms}
!${whyNotMove === null ? moveForm(lesson, seen, given) : html`<p class="muted">${whyNotMove}.</p>`}
!${cancelForm(lesson, seen, given)}
</section>`
  }

  function paymentForm(lesson: BookedLesson, data: LessonData, hidden: string): string {
    if (whyNotPayable(lesson) === null) return payForm(data, hidden)
    return whyNotUnpaid(lesson) === null ? unpaidForm(lesson, hidden) : ''
  }

  function payForm({ id, price, given }: LessonData, hidden: string): string {
    const action = `${lessonPath(id)}/paid`
    return paidForm({ action, hidden, price, given: given?.form === 'paid' ? given : undefined })
  }

  function unpaidForm({ order, payment }: BookedLesson, hidden: string): string {
    return html`<details><summary>Not paid after all…</summary>
<form method="post" action="${lessonPath(order)}/unpaid">!${hidden}
<p>${withoutPayer(payment)} is taken back: the lesson is open again, and can be paid another way. The student is told.</p>
<button>Yes, it is not paid</button></form></details>`
  }

  function moveForm({ order, start }: BookedLesson, seen: string, given: LessonData['given']): string {
    const wrong = given?.form === 'move' ? given : undefined
    const { type, value } =
      wrong === undefined ? timeField(start, zone, 'first') : { type: 'text', value: wrong.values.start }
    return html`<details !${wrong === undefined ? '' : 'open'}><summary>Move…</summary>
<form method="post" action="${lessonPath(order)}/move">!${seen}
<p>It lasts as long as before, and costs the same. The student is told.</p>
<label for="start">It begins on</label>
<input id="start" name="start" type="${type}" value="${value}" required !${wrong === undefined ? '' : 'aria-invalid="true" aria-describedby="wrong"'}>
<button>Yes, move it</button></form></details>`
  }

  function cancelForm({ order, payment }: BookedLesson, seen: string, given: LessonData['given']): string {
    const wrong = given?.form === 'cancel' ? given : undefined
    const radio = (value: 'yes' | 'no', label: string) =>
      html`<div class="choice"><input type="radio" id="refund-${value}" name="refund" value="${value}" required><label for="refund-${value}">${label}</label></div>`
    const refund =
      intentIn(payment) === undefined
        ? '<input type="hidden" name="refund" value="no">'
        : html`<fieldset><legend>Money back?</legend>!${radio('yes', `Yes: what is left of ${payment} is paid back`)}!${radio('no', 'No: nothing is paid back')}</fieldset>`
    return html`<details !${wrong === undefined ? '' : 'open'}><summary>Cancel…</summary>
<form method="post" action="${lessonPath(order)}/cancel">!${seen}
<p>The time is free again, and the student is told. This can’t be undone.</p>
!${refund}
<button class="danger">Yes, cancel it</button></form></details>`
  }

  function problem(given: LessonData['given']): string {
    if (given === undefined) return ''
    return html`<p class="notice bad" role="alert" id="wrong">Nothing was changed: ${given.wrong.message}.</p>`
  }
}
