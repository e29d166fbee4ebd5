import { html } from 'ghtml'
import { LANGUAGE_CODES, TEXTS } from '../../handlers/texts/index.ts'
import type { MessageState } from '../chatwoot-state.ts'
import { ICONS } from './icons.ts'
import { form, hourAndMinute, type PageContext } from './page.ts'
import { payPath, sumOf } from './payments.ts'
import {
  CHANNEL_WORDS,
  choicesOf,
  chosenOf,
  isFromStudent,
  isOnPhone,
  languageName,
  type Student,
  studentsOf,
} from './student.ts'
import { BASE, hrefOf, type View } from './view.ts'
import { kindOf, statusOf } from './wire.ts'

/** WhatsApp shows so many choices as buttons, and more as rows of a list. */
const MAX_BUTTONS = 3
const PAYMENT_LINK = /https?:\/\/[^\s/]+\/sandbox\/pay\/([\w-]+)/
/** The names of those who are added, in turn. */
const NAMES = ['Emma', 'Jonas', 'Noor', 'Oliver', 'Lotte', 'Finn', 'Yara', 'Max']

/** The students' phones, side by side. */
export function phones(context: PageContext, view: View): string {
  const students = studentsOf(context.world)
  return html`<section id="phones" aria-labelledby="phones-title" tabindex="-1">
<h2 id="phones-title" class="unseen">Students</h2>
!${students.map(student => phone(context, view, student))}
!${newStudent(context, view, students.length)}
</section>`
}

function phone(context: PageContext, view: View, student: Student): string {
  const { conversation, name, channel, language } = student
  const { id, messages } = conversation
  const shown = messages.filter(isOnPhone)
  return html`<article id="student-${id}" class="student" aria-labelledby="name-${id}">
<h3 id="name-${id}"><a href="${hrefOf(view, { tutor: id })}" data-view title="Open this conversation in the tutor’s view">${name}</a> <small>${CHANNEL_WORDS[channel]}, ${languageName(language)}</small></h3>
<div class="phone ${channel}">
<p class="business"><span class="avatar" aria-hidden="true">B</span><span><strong>Bijles &amp; Co</strong><small>${channel === 'whatsapp' ? 'business account' : 'We reply at once'}</small></span></p>
<div class="chat" tabindex="0" role="log" aria-label="Chat of ${name}"><ol>!${shown.map((message, index) => bubble(context, view, student, message, hasReply(shown, index)))}</ol></div>
!${shown.length === 0 ? examples(context, view, student) : ''}
!${composer(context, view, student)}
</div>
</article>`
}

const hasReply = (messages: MessageState[], index: number) =>
  messages.slice(index + 1).some(message => !isFromStudent(message))

function bubble(context: PageContext, view: View, student: Student, message: MessageState, isRead: boolean): string {
  const { id, content, attachments = [], created_at } = message
  const isOwn = isFromStudent(message)
  const at = hourAndMinute(Number(created_at) * 1_000, context.zone)
  const ticks = !isOwn
    ? ''
    : html`<span class="ticks !${isRead ? 'read' : ''}">!${ICONS.ticks}</span><span class="unseen">, ${isRead ? 'read' : 'sent'}</span>`
  return html`<li id="message-${id}" class="!${isOwn ? 'own' : 'theirs'}">
<div class="bubble"><span class="unseen">${isOwn ? student.name : 'Bijles & Co'}: </span>!${attachments.map(attachment)}!${content === null ? '' : html`!${preview(context, content)}<span class="words">!${linked(content)}</span>`}<span class="meta">${at}!${ticks}</span></div>
!${isOwn || chosenOf(message) !== undefined ? notReceived(context, view, id) : ''}!${choices(context, view, student, message)}
</li>`
}

/** Chatwoot sends to a bot that can't be reached once, and the student is not told: here it is said at the message. */
function notReceived({ world }: PageContext, view: View, message: number): string {
  const webhook = world.wire.findLast(entry => entry.message === message)
  if (webhook === undefined || kindOf(webhook) !== 'bad') return ''
  return html`<a class="missed" href="${hrefOf(view, { wire: webhook.id }, 'wire-entry')}" data-view>Not received by the service: ${webhook.error ?? statusOf(webhook)}</a>`
}

function attachment({ file_type }: { file_type: string }): string {
  if (file_type === 'audio')
    return html`<span class="voice">!${ICONS.play}!${ICONS.waves}<span>0:07</span><span class="unseen">Voice message</span></span>`
  return html`<span class="image">!${ICONS.sums}<span class="unseen">Picture</span></span>`
}

/** A link to pay, as WhatsApp previews it. In a window of its own: after paying, students are told to close it. */
function preview({ world }: PageContext, content: string): string {
  const [, id = ''] = PAYMENT_LINK.exec(content) ?? []
  const session = world.stripe.sessions.get(id)
  if (session === undefined) return ''
  return html`<a class="preview" href="${payPath(id)}" target="_blank">!${ICONS.card}<span><strong>Pay ${sumOf(session)}</strong><small>at Stripe’s stand-in, on this machine</small></span></a>`
}

/** Links to the payment page as links, and no others: what is typed here opens nothing else. */
function linked(content: string): string {
  return content
    .split(/(https?:\/\/\S+)/)
    .map(part => {
      const [link, id] = PAYMENT_LINK.exec(part) ?? []
      return link === part && id !== undefined
        ? html`<a href="${payPath(id)}" target="_blank">${part}</a>`
        : html`${part}`
    })
    .join('')
}

/** Older questions stay open: students do answer them. */
function choices(context: PageContext, view: View, { conversation, channel }: Student, message: MessageState): string {
  const items = choicesOf(message)
  if (items.length === 0) return ''
  const chosen = chosenOf(message)
  const isList = items.length > MAX_BUTTONS
  return form(
    context,
    'choose',
    {
      back: hrefOf(view, {}, `student-${conversation.id}`),
      fields: { conversation: conversation.id, message: message.id },
      className: `choices ${isList ? 'list' : 'buttons'}`,
    },
    html`!${isList && channel === 'whatsapp' ? html`<p class="choices-title">!${ICONS.list} Choose one</p>` : ''}
!${items.map(
      ({ title, value }) =>
        html`<button name="value" value="${value}" !${value === chosen ? 'aria-pressed="true"' : ''}>!${isList || channel === 'widget' ? '' : ICONS.reply}<span>${title}</span></button>`,
    )}`,
  )
}

/** How to begin. */
function examples(context: PageContext, view: View, { conversation: { id }, language }: Student): string {
  return html`<div class="examples"><p><strong>Write as a student</strong><br>in any of these languages, or press:</p>
!${form(
    context,
    'example',
    { back: hrefOf(view, {}, `student-${id}`), fields: { conversation: id }, focus: `say-${id}` },
    html`!${[language, ...LANGUAGE_CODES.filter(code => code !== language)].map(
      code =>
        html`<button class="start" name="language" value="${code}"><span lang="${code}">${TEXTS[code].choices.book}</span> <small>${languageName(code)}</small></button>`,
    )}`,
  )}</div>`
}

function composer(context: PageContext, view: View, { conversation: { id }, name }: Student): string {
  const attach = (action: string, label: string, icon: string) =>
    html`<button class="round quiet" formaction="${BASE}/do/${action}" formnovalidate aria-label="${label}" title="${label}">!${icon}</button>`
  return form(
    context,
    'say',
    {
      back: hrefOf(view, {}, `student-${id}`),
      fields: { conversation: id },
      className: 'composer',
      id: `compose-${id}`,
    },
    html`<input id="say-${id}" name="text" required maxlength="4000" autocomplete="off" placeholder="Message" aria-label="Message of ${name}">
<button class="round" aria-label="Send" title="Send">!${ICONS.send}</button>
!${attach('picture', 'Send a picture', ICONS.picture)}!${attach('voice', 'Send a voice message', ICONS.microphone)}`,
  )
}

function newStudent(context: PageContext, view: View, count: number): string {
  const name = NAMES[Math.max(0, count - 1) % NAMES.length] as string
  const option = (value: string, label: string, isFirst = false) =>
    html`<label class="option"><input type="radio" name="channel" value="${value}" !${isFirst ? 'checked' : ''}> ${label}</label>`
  return html`<article class="student new" aria-labelledby="new-title">
<h3 id="new-title">Another student</h3>
!${form(
    context,
    'student',
    { back: hrefOf(view, {}, 'new-title'), className: 'card', id: 'new-student' },
    html`<p>Two who want the same time, one on the website, one who writes German.</p>
<label>Name <input id="new-name" name="name" value="${name}" required maxlength="60" autocomplete="off"></label>
<fieldset><legend>Writes on</legend>!${option('widget', CHANNEL_WORDS.widget, true)}!${option('whatsapp', CHANNEL_WORDS.whatsapp)}!${option('sms', CHANNEL_WORDS.sms)}</fieldset>
<label>Language <select name="language">!${LANGUAGE_CODES.map(code => html`<option value="${code}" !${code === 'en' ? 'selected' : ''}>${languageName(code)}</option>`)}</select></label>
<button class="main">Add the student</button>`,
  )}
</article>`
}
