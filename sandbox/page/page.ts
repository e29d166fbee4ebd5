import { html } from 'ghtml'
import type { SandboxPageOptions } from './options.ts'
import { BASE } from './view.ts'

/**
 * In these templates, what is inserted is escaped, but for what follows a `!`: that is HTML made here. A text must not end
 * with an exclamation mark before something is inserted.
 */

/** The style sheets, in this order. */
export const STYLES = [
  'sandbox.css',
  'controls.css',
  'phone.css',
  'compose.css',
  'panels.css',
  'wire.css',
  'checkout.css',
]

/** What every panel needs. */
export interface PageContext extends SandboxPageOptions {
  /** Of this run: each form carries it. */
  formToken: string
}

interface Form {
  /** Where it leads back to. */
  back: string
  /** What it carries, beside what is typed or pressed. */
  fields?: Record<string, string | number>
  className?: string
  /** Of a form that one types into: by it, the script knows it again. */
  id?: string
  /** It opens another page beside this one. */
  opens?: boolean
  /** The id of the element that has the focus after it, if what was pressed is gone by then. */
  focus?: string
}

/** A form that does something, by the name of what it does (actions.ts). */
export function form({ formToken }: PageContext, action: string, parts: Form, content: string): string {
  const fields = { form: formToken, back: parts.back, ...parts.fields }
  return html`<form !${parts.id === undefined ? '' : html`id="${parts.id}" `}method="post" action="${BASE}/do/${action}" class="${parts.className ?? ''}" data-focus="${parts.focus ?? ''}" !${parts.opens ? 'target="_blank" rel="noopener"' : ''}>
!${Object.entries(fields).map(([name, value]) => html`<input type="hidden" name="${name}" value="${value}">`)}
!${content}
</form>`
}

export interface Frame {
  title: string
  className: string
  /** Whether the script keeps it up to date. */
  live: boolean
}

/** A whole page. The script replaces what is in #page. */
export function frame({ title, className, live }: Frame, content: string): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>${title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="${BASE}/icon.svg">
!${STYLES.map(name => html`<link rel="stylesheet" href="${BASE}/${name}">`)}
<script defer src="${BASE}/sandbox.js"></script>
</head>
<body class="${className}" data-events="${live ? `${BASE}/events` : ''}">
<div id="page">!${content}</div>
<p id="notice" role="alert"></p>
</body>
</html>
`
}

/** Minor currency units as an amount: €60.00. */
export function money(cents: number, currency = 'eur'): string {
  return new Intl.NumberFormat('en-IE', { style: 'currency', currency }).format(cents / 100)
}

/** A time in the tutor's zone, as the browser's script goes on to write it. @param at Unix ms */
export function clockTime(at: number, zone: string): string {
  return new Intl.DateTimeFormat('en-GB', {
    weekday: 'short',
    day: 'numeric',
    month: 'short',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    timeZone: zone,
  }).format(at)
}

/** Such as 10:31. @param at Unix ms */
export function hourAndMinute(at: number, zone: string): string {
  return new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', timeZone: zone }).format(at)
}
