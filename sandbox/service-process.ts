import { type ChildProcess, fork } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { getCompileCacheDir } from 'node:module'
import { extname } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { ENV_SCHEMA } from '../environment.ts'
import type { FromParent, FromService } from './service.ts'

/** The service as a child process of the sandbox, which can be killed and started again. */
export interface ServiceControl {
  /** stopped: it was killed, or ended by itself; `lastLines` says what it wrote before. */
  state(): 'starting' | 'running' | 'stopped'
  /** Where it listens, on the same port at each start; undefined: it has never listened. */
  url(): string | undefined
  /** The latest lines of its log, as they are shown. */
  lastLines(): readonly string[]
  /** Ends it as `kill -9` does. Resolves when it is gone. */
  kill(): Promise<void>
  /** Starts it again. Resolves when it listens, or when it has ended instead. */
  start(): Promise<void>
  events: EventEmitter<{ changed: [] }>
}

export interface ServiceProcessOptions {
  /** The service's environment, all of it. */
  env: Record<string, string>
  /** How far the service's clock is ahead of the machine's, ms. */
  offsetMs(): number
  /** Told each line that the service writes. */
  onLine(line: string): void
  /** How a line is shown in `lastLines`. */
  shown?(line: string): string
}

export interface ServiceProcess extends ServiceControl {
  /** Of its process, also once that has ended; undefined: it has never been started. */
  pid(): number | undefined
  /** Tells it that the offset has changed. Resolves when it goes by it, or is gone. */
  moveClock(): Promise<void>
  /** Ends it in order, or after some seconds regardless. Resolves when it is gone. */
  close(): Promise<void>
}

const SERVICE_FILE = fileURLToPath(new URL(`./service${extname(import.meta.url)}`, import.meta.url))
const MAX_LAST_LINES = 20
/** What handlers get to finish when the sandbox ends, ms: nobody looks at their work any more. */
const CLOSE_MS = 3_000

export function serviceProcess(options: ServiceProcessOptions): ServiceProcess {
  const { env, offsetMs, onLine, shown = line => line } = options
  const events = new EventEmitter<{ changed: [] }>()
  const lastLines: string[] = []
  let state: ReturnType<ServiceControl['state']> = 'stopped'
  let url: string | undefined
  let child: ChildProcess | undefined
  /** Resolves when the child is gone, and all that it wrote is read. */
  let gone: Promise<void> = Promise.resolve()

  function change(to: typeof state): void {
    state = to
    events.emit('changed')
  }

  function write(line: string): void {
    lastLines.push(shown(line))
    if (lastLines.length > MAX_LAST_LINES) lastLines.shift()
    onLine(line)
  }

  function start(): Promise<void> {
    if (state !== 'stopped') return Promise.resolve()
    // A process group of its own: Ctrl-C is for the parent, which ends it.
    const started = fork(SERVICE_FILE, [], {
      env: processEnv(),
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    })
    child = started
    for (const output of [started.stdout, started.stderr]) createInterface(output as Readable).on('line', write)
    gone = once(started, 'close').then(([code, signal]) => {
      if (signal !== null) write(`the service was ended by ${signal}`)
      else write(`the service has ended with exit code ${code}`)
      change('stopped')
    })
    send({ env: url === undefined ? env : { ...env, PORT: new URL(url).port }, offsetMs: offsetMs() })
    change('starting')
    const listening = said(started, message => {
      if (!('listening' in message)) return false
      url = message.listening
      change('running')
      return true
    })
    // What it has written before is read by then.
    return Promise.race([listening.then(() => new Promise<void>(resolve => setImmediate(resolve))), gone])
  }

  /** Resolves when a message of the child's is the one that is waited for. */
  function said(from: ChildProcess, isIt: (message: FromService) => boolean): Promise<void> {
    return new Promise(resolve => {
      from.on('message', function listener(message: FromService) {
        if (!isIt(message)) return
        from.off('message', listener)
        resolve()
      })
    })
  }

  function send(message: FromParent): void {
    // One that is just dying: its end is said by itself.
    child?.send(message, () => {})
  }

  async function end(signal: NodeJS.Signals): Promise<void> {
    if (state !== 'stopped') child?.kill(signal)
    await gone
  }

  return {
    state: () => state,
    pid: () => child?.pid,
    url: () => url,
    lastLines: () => lastLines,
    events,
    start,
    kill: () => end('SIGKILL'),
    async moveClock() {
      if (state === 'stopped') return
      const to = offsetMs()
      const moved = said(child as ChildProcess, message => 'offsetMs' in message && message.offsetMs === to)
      send({ offsetMs: to })
      await Promise.race([moved, gone])
    },
    async close() {
      const timer = setTimeout(() => child?.kill('SIGKILL'), CLOSE_MS)
      await end('SIGTERM')
      clearTimeout(timer)
    },
  }
}

/** What Node goes by, without anything that would configure the service, or lead its connections elsewhere. */
function processEnv(): NodeJS.ProcessEnv {
  const isForeign = (name: string) => name in ENV_SCHEMA.properties || /_proxy$/i.test(name)
  const kept = Object.entries(process.env).filter(([name]) => !isForeign(name))
  return { ...Object.fromEntries(kept), NODE_COMPILE_CACHE: getCompileCacheDir() }
}
