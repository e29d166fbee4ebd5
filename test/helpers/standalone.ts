import type { ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'
import { ENV_SCHEMA } from '../../environment.ts'
import { type CapturedLog, captureLog } from './log.ts'
import { startProgram } from './program.ts'

export const SERVER_FILE = fileURLToPath(new URL('../../server.ts', import.meta.url))

export interface Standalone {
  child: ChildProcess
  log: CapturedLog
  /** The port that it is listening on, once it is. */
  port(): Promise<number>
  /** How it ended, with everything written to stderr. */
  ended: Promise<{ code: number | null; signal: string | null; stderr: string }>
}

export interface StandaloneOptions {
  /** Runs instead of Node with the server's file. */
  command?: string
  args?: string[]
  /** Folder with its `.env` and its store. */
  cwd: string
  /** File descriptors to pass, from 3. */
  handedOver?: number[]
}

/** The server in its own process, with only `env` as its environment; killed when the test ends. */
export function standalone(t: Test, env: Record<string, string>, options: StandaloneOptions): Standalone {
  const { command = process.execPath, args = [SERVER_FILE], cwd, handedOver = [] } = options
  const others = Object.entries(process.env).filter(([name]) => !(name in ENV_SCHEMA.properties))
  const log = captureLog()
  const server = startProgram(
    'the server',
    [command, ...args],
    {
      cwd,
      env: { ...Object.fromEntries(others), ...env },
      stdio: ['ignore', 'pipe', 'pipe', ...handedOver],
    },
    line => log.stream.write(line),
  )
  const { child, ended } = server
  void server.howItEnded.then(log.end)
  t.teardown(() => server.end('SIGKILL'))
  return {
    child,
    log,
    async port() {
      const { msg } = await log.line(({ msg }) => msg.startsWith('Server listening'))
      return Number(/:(\d+)$/.exec(msg)?.[1])
    },
    ended: ended.then(code => ({ code, signal: child.signalCode, stderr: server.errors() })),
  }
}
