import { html } from 'ghtml'
import type { Block } from '../../calendar/contract.ts'
import type { LessonLinks } from '../lessons/view.ts'
import { formToken, type Layout, type PageSession } from './layout.ts'
import { createLessonParts } from './lesson-parts.ts'
import type { FilterValues } from './list.ts'

/** An error beside its field. */
export interface Wrong {
  field: string
  message: string
}

/** Blocked times shown to unblock. */
const MAX_SHOWN = 200

/** Blocking hours or days, and those that are blocked. */
export function createBlockPage(layout: Layout, links: LessonLinks) {
  const { base, frame } = layout
  const { span } = createLessonParts(layout, links)
  return { block, unblockForm }

  /** @param key the same for every attempt at sending this form */
  function block(
    session: PageSession,
    { values, key, blocks }: { values: FilterValues; key: string; blocks: Block[] },
    wrong?: Wrong,
  ): string {
    const [from, to] = [values.from as string, values.to as string]
    const isHours = /\d:/.test(from + to)
    const [ofDays, ofHours] = isHours ? [undefined, wrong] : [wrong, undefined]
    const day = from.slice(0, 10)
    return frame(
      { title: 'Block time', session, current: 'lessons' },
      html`<p>Nothing is offered or booked in a blocked time. Lessons that are booked in it stay.</p>
!${form('days', 'Whole days', 'date', { ...values, from: day, to: to.slice(0, 10) || day }, ofDays)}
!${form('hours', 'Hours', 'datetime-local', isHours ? values : { ...values, from: day && `${day}T09:00`, to: day && `${day}T17:00` }, ofHours)}
<section aria-labelledby="blocked-title"><h2 id="blocked-title">Blocked</h2>
!${blocks.length === 0 ? '<p class="muted">No time is blocked.</p>' : html`<ul class="plain">!${blocks.slice(0, MAX_SHOWN).map(each => html`<li>${span(each)}!${each.reason === '' ? '' : html`: ${each.reason}`} <small>${each.id}</small> !${unblockForm(session, each)}</li>`)}</ul>`}
</section><p><a href="${base}/lessons">The week</a></p>`,
    )

    function form(id: string, title: string, type: string, given: FilterValues, problem: Wrong | undefined): string {
      const input = (field: 'from' | 'to' | 'reason', label: string, attributes: string) =>
        html`<div><label for="${id}-${field}">${label}</label><input id="${id}-${field}" name="${field}" value="${given[field]}" !${attributes} !${problem?.field === field ? html`aria-invalid="true" aria-describedby="${id}-error"` : ''}></div>`
      return html`<section aria-labelledby="${id}-title"><h2 id="${id}-title">${title}</h2>
<form method="post" action="${base}/lessons/block" class="card filter">!${formToken(session)}<input type="hidden" name="key" value="${key}">
!${problem === undefined ? '' : html`<p class="notice bad" role="alert" id="${id}-error">Nothing was blocked: ${problem.message}.</p>`}
!${input('from', type === 'date' ? 'First day' : 'From', html`type="${type}" required`)}
!${input('to', type === 'date' ? 'Last day' : 'Until', html`type="${type}" required`)}
!${input('reason', 'Reason, for yourself', 'maxlength="200" autocomplete="off"')}
<p class="actions"><button>Block ${title.toLowerCase()}</button></p></form></section>`
    }
  }

  function unblockForm(session: PageSession, block: Block): string {
    return html`<form method="post" action="${base}/lessons/blocks/${encodeURIComponent(block.id)}/unblock" class="inline">!${formToken(session)}<button class="quiet" aria-label="Unblock ${span(block)}">Unblock</button></form>`
  }
}
