import { Readable } from 'node:stream'
import createError from '@fastify/error'

const TooManyPagesError = createError<[]>(
  'SANDBOX_TOO_MANY_PAGES',
  'Too many pages of the sandbox are open to keep this one up to date',
  429,
)

const MAX_PAGES = 20
/** What happens within so many ms is told once. */
const GATHER_MS = 40

/** Tells open pages that something has changed, by server-sent events; each then asks for itself again. */
export function createLive() {
  const pages = new Set<Readable>()
  let telling: NodeJS.Timeout | undefined
  let closed = false

  function tell(): void {
    telling = undefined
    // A page that does not read what it was told is told once, and not again and again.
    for (const page of pages) if (page.readableLength === 0) page.push('data: changed\n\n')
  }

  return {
    change(): void {
      if (!closed && pages.size > 0) telling ??= setTimeout(tell, GATHER_MS)
    },
    /** A stream of server-sent events. @throws 429 too many pages */
    open(): Readable {
      if (closed || pages.size >= MAX_PAGES) throw new TooManyPagesError()
      const page = new Readable({ read() {} })
      pages.add(page)
      page.once('close', () => pages.delete(page))
      // Whoever comes back after the connection was lost has missed something.
      page.push('retry: 1000\ndata: changed\n\n')
      return page
    },
    close(): void {
      closed = true
      clearTimeout(telling)
      for (const page of pages) page.destroy()
    },
  }
}
