import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { startChild } from '../test/helpers/child.ts'
import type { Journal } from './history.ts'

const HOST = fileURLToPath(new URL('host.ts', import.meta.url))

export interface Instance {
  /** '' while it does not listen. */
  url: string
  kill(): Promise<void>
  terminate(): Promise<void>
  freeze(): void
  thaw(): void
  setClock(offsetMs: number): void
}

interface FleetOptions {
  instances: number
  folder: string
  env: Record<string, string>
  journal: Journal
}

/** The processes under test, restarted whenever one ends. */
export async function startFleet({ instances, folder, env, journal }: FleetOptions) {
  let offsetMs = 0
  let isOver = false
  const log = createWriteStream(join(folder, 'host.log'))

  /** Starts a process; resolves when it listens. */
  async function start(): Promise<{ child: ChildProcess; url: string; ended: Promise<void>; ask(): void }> {
    const child = startChild(process.execPath, [HOST], {
      env: { PATH: process.env.PATH, CLOCK_OFFSET_MS: `${offsetMs}`, ...env },
      cwd: folder,
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    const pid = child.pid as number
    journal.add({ what: 'started', pid })
    child.stdin?.on('error', () => {})
    child.stderr?.pipe(log, { end: false })
    let asked = false
    const ended = once(child, 'exit').then(([code]) => journal.add({ what: 'ended', pid, code, asked }))
    const { promise, resolve } = Promise.withResolvers<string>()
    createInterface({ input: child.stdout as NodeJS.ReadableStream }).on('line', line => {
      log.write(`${line}\n`)
      const listening = /Server listening at (http:[^"]+)/.exec(line)?.[1]
      if (listening !== undefined) resolve(listening)
    })
    void ended.then(() => resolve(''))
    const ask = () => {
      asked = true
    }
    return { child, url: await promise, ended, ask }
  }

  async function instance(): Promise<Instance & { stop(): Promise<void> }> {
    let current = await start()
    const self = { url: current.url, kill, terminate, freeze, thaw, setClock, stop: () => end('SIGTERM') }
    const pid = () => current.child.pid as number

    async function end(signal: NodeJS.Signals): Promise<void> {
      self.url = ''
      current.ask()
      journal.add({ what: 'killing', pid: pid(), signal })
      current.child.kill(signal)
      await current.ended
    }
    async function again(signal: NodeJS.Signals): Promise<void> {
      await end(signal)
      if (isOver) return
      current = await start()
      self.url = current.url
    }
    function kill(): Promise<void> {
      return again('SIGKILL')
    }
    function terminate(): Promise<void> {
      return again('SIGTERM')
    }
    function freeze(): void {
      journal.add({ what: 'frozen', pid: pid() })
      current.child.kill('SIGSTOP')
    }
    function thaw(): void {
      current.child.kill('SIGCONT')
      journal.add({ what: 'thawed', pid: pid() })
    }
    function setClock(ms: number): void {
      current.child.stdin?.write(`${ms}\n`)
    }
    return self
  }

  const all = await Promise.all(Array.from({ length: instances }, instance))
  return {
    instances: all as Instance[],
    moveClock(ms: number): void {
      offsetMs = ms
      journal.add({ what: 'clock', offsetMs })
      for (const one of all) one.setClock(ms)
    },
    async stop(): Promise<void> {
      isOver = true
      await Promise.all(all.map(one => one.stop()))
      log.end()
    },
  }
}

export type Fleet = Awaited<ReturnType<typeof startFleet>>
