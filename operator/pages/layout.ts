import { html } from 'ghtml'
import { DateTime } from 'luxon'
import { showableTime, utcTime } from '../../inbox/utc-time.ts'
import { type ChatwootPlace, conversationUrl } from '../conversation-url.ts'

/**
 * The layout of every page. Templates escape inserted values, except after a `!`, which marks our own HTML; so a text
 * must not end with an exclamation mark before an inserted value.
 */

/** The part of a session that pages need. */
export interface PageSession {
  /** Sent with every form, against cross-site request forgery. */
  formToken: string
}

export interface Frame {
  title: string
  session: PageSession | null
  /** The current entry in the navigation. */
  current?: 'overview' | 'lessons' | 'deliveries'
  /** The query of /live, if the page updates itself. */
  live?: string
  notice?: string | undefined
  /** The page loads itself again after so many s. */
  refresh?: number | undefined
}

export type Layout = ReturnType<typeof createLayout>

/**
 * @param base the page's path
 * @param zone the IANA time zone of times shown
 * @param chatwoot where it is, to link to it
 */
export function createLayout(base: string, zone: string, chatwoot: ChatwootPlace) {
  return { base, zone, chatwoot, frame, local, time, inChatwoot }

  function frame({ title, session, current, live, notice, refresh }: Frame, content: string): string {
    const entry = (name: Frame['current'], path: string, text: string) =>
      html`<li><a href="${base}${path}" !${name === current ? 'aria-current="page"' : ''}>${text}</a></li>`
    return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>${title} · tutorbot-webhooks</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">!${
      refresh === undefined
        ? ''
        : html`
<meta http-equiv="refresh" content="${refresh}">`
    }
<link rel="icon" href="${base}/icon.svg">
<link rel="stylesheet" href="${base}/uplot.css">
<link rel="stylesheet" href="${base}/page.css">
<script defer src="${base}/uplot.js"></script>
<script defer src="${base}/page.js"></script>
</head>
<body data-live="${live === undefined ? '' : `${base}/live?${live}`}" data-zone="${zone}">
<a class="skip" href="#main">Skip to the content</a>
<header>
<p class="name">tutorbot-webhooks</p>
!${
      session === null
        ? ''
        : html`<nav aria-label="Pages"><ul>!${entry('overview', '', 'Overview')}!${entry('lessons', '/lessons', 'Lessons')}!${entry('deliveries', '/deliveries', 'Deliveries')}</ul></nav>
<form method="post" action="${base}/sign-out">!${formToken(session)}<button class="quiet">Sign out</button></form>`
    }
</header>
<main id="main" tabindex="-1">
<div class="title"><h1>${title}</h1>!${live === undefined ? '' : '<p id="live" class="muted" role="status"></p>'}</div>
!${notice === undefined ? '' : html`<p class="notice" role="status">${notice}</p>`}
!${content}
</main>
<footer class="muted">Times are in ${zone}.</footer>
</body>
</html>
`
  }

  function local(at: number): DateTime {
    return DateTime.fromMillis(showableTime(at), { zone, locale: 'en-GB' })
  }

  /** A link to Chatwoot's own page of a conversation, if it is known where that is. */
  function inChatwoot(id: string, accountId = chatwoot.accountId): string {
    const url = conversationUrl({ ...chatwoot, accountId }, id)
    return url === null ? '' : html`<a href="${url}" rel="noreferrer">in Chatwoot</a>`
  }

  function time(at: number): string {
    return html`<time datetime="${utcTime(at)}">${local(at).toFormat('d LLL yyyy, HH:mm:ss')}</time>`
  }
}

export function formToken({ formToken }: PageSession): string {
  return html`<input type="hidden" name="form" value="${formToken}">`
}

/** Updatable parts of a page: HTML by element id. */
export type Parts = Record<string, string>
