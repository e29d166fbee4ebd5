import { html } from 'ghtml'
import type { MessageState } from '../chatwoot-state.ts'
import { form, hourAndMinute, type PageContext } from './page.ts'
import { ACTIVITY, CHANNEL_WORDS, choicesOf, isFromStudent, type Student, studentsOf } from './student.ts'
import { BASE, hrefOf, type View } from './view.ts'

const STATUS_WORDS: Record<string, string> = {
  pending: 'The bot has it',
  open: 'A person has it',
  resolved: 'Resolved',
  snoozed: 'Snoozed',
}

/** What the tutor sees in Chatwoot: a conversation, and what can be done with it. */
export function tutor(context: PageContext, view: View): string {
  const students = studentsOf(context.world)
  const open = students.find(({ conversation }) => conversation.id === view.tutor) ?? latest(students)
  return html`<section id="tutor" class="panel" aria-labelledby="tutor-title" tabindex="-1">
<h2 id="tutor-title">The tutor’s view <small>Chatwoot</small></h2>
<ul class="tabs">!${students.map(student => tab(view, student, student === open))}</ul>
!${open === undefined ? '<p class="muted">No conversation yet.</p>' : conversationOf(context, view, open)}
</section>`
}

/** Whoever wrote last, or was written to. */
function latest(students: Student[]): Student | undefined {
  const last = ({ conversation: { messages } }: Student) => messages.at(-1)?.id ?? 0
  return students.toSorted((one, other) => last(other) - last(one))[0]
}

function tab(view: View, { conversation: { id, status }, name }: Student, isOpen: boolean): string {
  return html`<li><a href="${hrefOf(view, { tutor: id }, 'tutor')}" data-view !${isOpen ? 'aria-current="true"' : ''}><span class="dot ${status}"></span>${name}<span class="unseen">: ${statusWords(status)}</span></a></li>`
}

function conversationOf(context: PageContext, view: View, student: Student): string {
  const { conversation, name, channel } = student
  const { status, assignee, labels, messages } = conversation
  return html`<p class="who"><span class="state ${status}">${statusWords(status)} <small>${status}</small></span> <span>${CHANNEL_WORDS[channel]}</span> <span>${assignee === null ? 'nobody assigned' : 'assigned to Sam'}</span></p>
<p class="labels"><span class="unseen">Labels: </span>!${labels.length === 0 ? '<span class="muted">no labels</span>' : labels.map(label => html`<span class="label">${label}</span> `)}</p>
<div class="transcript" tabindex="0" role="region" aria-label="Messages and private notes of ${name}">!${messages.length === 0 ? '<p class="muted">Nothing is written yet.</p>' : html`<ol>!${messages.map(message => entry(context, message, name))}</ol>`}</div>
!${attributes(student, context)}
!${actions(context, view, student)}`
}

function entry({ zone }: PageContext, message: MessageState, name: string): string {
  const { id, content, attachments = [], created_at, status } = message
  const [kind, who] = byWhom(message, name)
  const items = choicesOf(message).map(({ title }) => title)
  return html`<li id="entry-${id}" class="${kind}"><small>${who}, ${hourAndMinute(Number(created_at) * 1_000, zone)}!${status === 'failed' ? ', <strong>not delivered</strong>' : ''}</small>
<span class="words">${content ?? attachments.map(({ file_type }) => `(${file_type})`).join(' ')}</span>!${items.length === 0 ? '' : html`<small class="items">${items.join(' · ')}</small>`}</li>`
}

function byWhom(message: MessageState, student: string): [kind: string, who: string] {
  if (message.message_type === ACTIVITY) return ['activity', 'Chatwoot']
  const who = message.sender?.name ?? 'From the phone’s app'
  if (message.private) return ['note', `Private note of ${who}`]
  return isFromStudent(message) ? ['in', student] : ['out', who]
}

/** What the bot remembers. */
function attributes({ conversation }: Student, { world }: PageContext): string {
  const contact = world.chatwoot.contacts.get(conversation.contact)
  const table = (caption: string, values: Record<string, unknown> | null | undefined) => {
    const given = Object.entries(values ?? {}).filter(([, value]) => value !== null)
    if (given.length === 0) return ''
    return html`<h3>${caption}</h3><dl>!${given.map(([name, value]) => html`<div><dt>${name}</dt><dd>${typeof value === 'string' ? value : JSON.stringify(value)}</dd></div>`)}</dl>`
  }
  return html`<details id="attributes-${conversation.id}" class="attributes"><summary>Attributes <small>what the bot remembers</small></summary>
!${table('Conversation', conversation.custom_attributes)}!${table('Contact', contact?.custom_attributes)}</details>`
}

function actions(context: PageContext, view: View, { conversation, name, channel }: Student): string {
  const { id, assignee, status } = conversation
  const parts = { back: hrefOf(view, { tutor: id }, 'tutor'), fields: { conversation: id } }
  const press = (action: string, label: string, fields: Record<string, string> = {}, isOff = false) =>
    form(
      context,
      action,
      { ...parts, fields: { ...parts.fields, ...fields } },
      html`<button !${isOff ? 'disabled' : ''}>${label}</button>`,
    )
  return html`!${form(
    context,
    'answer',
    { ...parts, className: 'answer', id: `answering-${id}` },
    html`<label for="answer-${id}">Answer ${name} as a person</label>
<textarea id="answer-${id}" name="text" rows="2" required maxlength="4000"></textarea>
<p class="row"><button name="via" value="chatwoot" class="main">Send</button>!${channel === 'widget' ? '' : '<button name="via" value="phone">From the phone’s app</button>'}<button formaction="${BASE}/do/note">Private note</button></p>`,
  )}
<div class="row">!${assignee === null ? press('assign', 'Assign to Sam', { on: 'yes' }) : press('assign', 'Unassign', { on: 'no' })}!${press('give-back', 'Give back to the bot', {}, status === 'pending' && assignee === null)}!${press('resolve', 'Resolve', {}, status === 'resolved')}</div>`
}

function statusWords(status: string): string {
  return STATUS_WORDS[status] ?? status
}
