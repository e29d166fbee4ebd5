import { Readable } from 'node:stream'
import createError from '@fastify/error'
import type { FastifyBaseLogger } from 'fastify'
import type { Clock } from '../../inbox/contracts.ts'
import type { Parts } from '../../operator/pages/layout.ts'

const TooManyPagesError = createError<[]>('OPERATOR_TOO_MANY_PAGES', 'Too many pages are open to update this one', 429)

/** Pages updated at the same time. */
const MAX_PAGES = 20
/** Interval of checks, ms; and after how many of them the store is read although no event came. */
const LOOK_MS = 1_000
const LOOKS_UNTOLD = 5
/** Checks without news before a keep-alive: proxies close connections that are silent for a minute. */
const LOOKS_SILENT = 15
/** Unsent bytes at which a page is disconnected; it reconnects by itself. */
const MAX_UNREAD_BYTES = 1024 * 1024

export interface View {
  /** Views with the same name are read once for all pages. */
  name: string
  render(): Promise<Parts>
}

interface Page {
  stream: Readable
  view: View
  /** What the page was sent last. */
  parts: Parts
  silent: number
  isOver(): boolean
}

/** Updates open pages by server-sent events: `parts` that changed, or `trouble` if they can't be read. */
export function createLive(clock: Clock, log: FastifyBaseLogger) {
  const pages = new Set<Page>()
  let cancelLook: (() => void) | undefined
  let closed = false
  let changed = false
  let looks = 0

  async function look(): Promise<void> {
    looks++
    const isFresh = changed || looks % LOOKS_UNTOLD === 0
    changed = false
    const views = new Map<string, Promise<Parts>>()
    for (const page of [...pages]) {
      if (page.isOver()) page.stream.destroy()
      else if (isFresh) await update(page, views)
      else page.silent++
      if (page.silent >= LOOKS_SILENT) push(page, ':\n\n')
    }
    cancelLook = pages.size > 0 && !closed ? clock.after(LOOK_MS, look) : undefined
  }

  async function update(page: Page, views: Map<string, Promise<Parts>>): Promise<void> {
    const rendered = views.get(page.view.name) ?? page.view.render()
    views.set(page.view.name, rendered)
    try {
      const parts = await rendered
      const news = Object.entries(parts).filter(([id, html]) => page.parts[id] !== html)
      page.parts = parts
      if (news.length > 0) push(page, message('parts', Object.fromEntries(news)))
      else page.silent++
    } catch (error) {
      log.warn(`can't update the operator's page (${(error as Error).message})`)
      // Send everything once it can be read again.
      page.parts = {}
      push(page, message('trouble', {}))
    }
  }

  function push(page: Page, text: string): void {
    page.silent = 0
    page.stream.push(text)
    if (page.stream.readableLength > MAX_UNREAD_BYTES) page.stream.destroy()
  }

  return {
    /** Something has happened: the next check reads it. */
    change(): void {
      changed = true
    },
    /** Streams server-sent events to a page that shows a view, until `isOver`. @throws 429 too many pages */
    open(view: View, isOver: () => boolean): Readable {
      if (closed || pages.size >= MAX_PAGES) throw new TooManyPagesError()
      const stream = new Readable({ read() {} })
      const page: Page = { stream, view, parts: {}, silent: 0, isOver }
      pages.add(page)
      stream.once('close', () => pages.delete(page))
      cancelLook ??= clock.after(LOOK_MS, look)
      push(page, 'retry: 2000\n\n')
      void update(page, new Map())
      return stream
    },
    /** Disconnects all pages: a closing server doesn't wait for them. */
    close(): void {
      closed = true
      cancelLook?.()
      for (const { stream } of pages) stream.destroy()
    },
  }
}

function message(event: string, data: object): string {
  return `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`
}
