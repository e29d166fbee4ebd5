import { html } from 'ghtml'
import type { Wrong } from './block.ts'
import { formToken, type Layout, type PageSession } from './layout.ts'
import type { FilterValues } from './list.ts'

/** The fields of the form. */
export const NEW_LESSON_FIELDS = ['start', 'minutes', 'student', 'service', 'payment', 'conversation'] as const

/** A lesson that the tutor adds. */
export function createNewLessonPage({ base, frame }: Layout) {
  return { newLesson }

  /** @param key the same for every attempt at sending this form */
  function newLesson(
    session: PageSession,
    { values, key }: { values: FilterValues; key: string },
    wrong?: Wrong,
  ): string {
    const input = (field: (typeof NEW_LESSON_FIELDS)[number], label: string, attributes: string) =>
      html`<div><label for="${field}">${label}</label><input id="${field}" name="${field}" value="${values[field]}" !${attributes} !${wrong?.field === field ? 'aria-invalid="true" aria-describedby="wrong"' : ''}></div>`
    return frame(
      { title: 'Add a lesson', session, current: 'lessons' },
      html`<form method="post" action="${base}/lessons/new" class="card filter">!${formToken(session)}<input type="hidden" name="key" value="${key}">
!${wrong === undefined ? '' : html`<p class="notice bad" role="alert" id="wrong">Nothing was added: ${wrong.message}.</p>`}
!${input('start', 'It begins on', `type="${/^(\d{4}-\d\d-\d\dT\d\d:\d\d)?$/.test(values.start as string) ? 'datetime-local' : 'text'}" required`)}
!${input('minutes', 'Minutes', 'inputmode="numeric" autocomplete="off"')}
!${input('conversation', 'Conversation in Chatwoot, if any', 'inputmode="numeric" autocomplete="off"')}
!${input('student', 'Student', 'maxlength="200" autocomplete="off" placeholder="the contact’s name"')}
!${input('service', 'What is taught', 'maxlength="200" autocomplete="off"')}
!${input('payment', 'Paid how, for yourself', 'maxlength="200" autocomplete="off" placeholder="cash" list="payments"')}
<datalist id="payments"><option value="unpaid"></datalist>
<p class="actions"><button>Add it</button> <a href="${base}/lessons">Back to the week</a></p>
</form>
<p class="muted">With a conversation, the student is told there. Your opening hours don’t bind you; the time must be free. A lesson that is <q>unpaid</q> is listed as open until you mark it as paid.</p>`,
    )
  }
}
