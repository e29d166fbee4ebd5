import { EventEmitter } from 'node:events'
import Fastify from 'fastify'
import type { Test } from 'tap'
import type { SharedClock } from '../../sandbox/offset-clock.ts'
import { sandboxPage } from '../../sandbox/page/index.ts'
import type { SandboxPageOptions } from '../../sandbox/page/options.ts'
import type { ServiceControl } from '../../sandbox/service-process.ts'
import { listen } from './app.ts'
import { captureLog } from './log.ts'
import { startInWorld } from './world.ts'

/** A form of a page, as a browser without a script sends it. */
export interface PageForm {
  action: string
  fields: Record<string, string>
  /** HTML. */
  content: string
}

/** The sandbox's page beside the real service, which runs in this process. */
export async function startPage(t: Test, options: Partial<SandboxPageOptions> = {}) {
  const inWorld = await startInWorld(t)
  const { world, app: service } = inWorld
  const control = serviceControl()
  const page = Fastify({ logger: { level: 'warn', stream: captureLog().stream } })
  await page.register(sandboxPage, {
    world,
    service: control,
    clock: movable(inWorld.clock),
    calendar: { week: from => weekOf(service.webhooks.calendar, from) },
    admin: { signIn: async () => ['tutorbot_operator=signed-in; Path=/dashboard; HttpOnly'] },
    zone: 'Europe/Amsterdam',
    ...options,
  })
  t.teardown(() => page.close())
  const url = `http://127.0.0.1:${await listen(page)}`
  const get = async (path: string) => (await fetch(url + path)).text()
  const post = (action: string, fields: Record<string, string>, headers: Record<string, string> = {}) =>
    fetch(`${url}${action}`, {
      method: 'POST',
      redirect: 'manual',
      headers: { origin: url, ...headers },
      body: new URLSearchParams(fields),
    })

  return {
    ...inWorld,
    page,
    control,
    url,
    get,
    post,
    /** Submits the form that does `action` and contains `words`, with the given input; returns the next page. */
    async press(path: string, action: string, pressed: Record<string, string> = {}, words = ''): Promise<string> {
      const form = formsOf(await get(path)).find(
        each => each.action === `/sandbox/do/${action}` && each.content.includes(words),
      )
      if (form === undefined) throw new Error(`${path} has no form ${action} with "${words}"`)
      const response = await post(form.action, { ...form.fields, ...pressed })
      if (response.status !== 303) return response.text()
      await inWorld.quiet()
      return get(String(response.headers.get('location')))
    },
    /** The fields of each form on the page. */
    token: async () => String(formsOf(await get('/sandbox'))[0]?.fields.form),
  }
}

export function formsOf(html: string): PageForm[] {
  return [...html.matchAll(/<form [^>]*action="([^"]+)"[^>]*>(.*?)<\/form>/gs)].map(([, action = '', content = '']) => {
    const hidden = content.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)">/g)
    const fields = Object.fromEntries([...hidden].map(([, name = '', value = '']) => [name, decoded(value)]))
    return { action, fields, content }
  })
}

/** The visible text of a page. */
export function textOf(html: string): string {
  return decoded(html.replace(/<[^>]*>/g, ' ')).replace(/\s+/g, ' ')
}

function decoded(html: string): string {
  return html
    .replace(/&#(\d+);/g, (_, code) => String.fromCodePoint(Number(code)))
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&')
}

function movable(clock: { now(): number; after: SharedClock['after']; advance(ms: number): void }): SharedClock {
  let offset = 0
  return {
    ...clock,
    offsetMs: () => offset,
    async move(ms) {
      offset += ms
      clock.advance(ms)
    },
  }
}

/** The service's process, as the page sees it. */
function serviceControl() {
  let state: ReturnType<ServiceControl['state']> = 'running'
  const events: ServiceControl['events'] = new EventEmitter()
  const become = async (next: typeof state) => {
    state = next
    events.emit('changed')
  }
  return {
    state: () => state,
    url: (): string | undefined => 'http://127.0.0.1:40123',
    lastLines: () => ['the last line of the log'],
    kill: () => become('stopped'),
    start: () => become('running'),
    become,
    events,
  }
}

type Calendar = Awaited<ReturnType<typeof startInWorld>>['app']['webhooks']['calendar']

async function weekOf(calendar: Calendar, from: number) {
  const to = from + 7 * 24 * 3_600_000
  const lessons = (await calendar.lessons?.(from, to)) ?? []
  const busy = await calendar.busy(from, to, AbortSignal.timeout(1_000))
  return { lessons, holds: busy.filter(({ start }) => !lessons.some(lesson => lesson.start === start)) }
}
