import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { startChild } from './child.ts'

const SERVER = fileURLToPath(new URL('../../server.ts', import.meta.url))
/** Where these processes, whose coverage nobody takes, keep their compiled code from start to start. */
const NODE_COMPILE_CACHE = fileURLToPath(new URL('../../.tap/compiled', import.meta.url))

export interface ServerProcess {
  child: ChildProcess
  url: string
  /** Its log so far, line by line. */
  lines: string[]
  /** Sends a signal, and resolves with the exit code (null: killed) when the process is gone. */
  end(signal: NodeJS.Signals): Promise<number | null>
}

/**
 * Starts the real server on a free port and resolves when it listens.
 * @param shell how a shell runs its command line, such as `ulimit -f 100 && exec`
 * @param onLine told each line of its log
 */
export async function startServer(
  env: Record<string, string>,
  shell = 'exec',
  onLine: (line: string) => void = () => {},
): Promise<ServerProcess> {
  // Without what the test runner would load into it: the server as it is.
  const child = startChild('sh', ['-c', `unset NODE_OPTIONS; ${shell} "${process.execPath}" "${SERVER}"`], {
    env: { PATH: process.env.PATH, PORT: '0', NODE_COMPILE_CACHE, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exited = once(child, 'exit')
  const lines: string[] = []
  const url = await new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stdout as NodeJS.ReadableStream }).on('line', line => {
      lines.push(line)
      onLine(line)
      const listening = /Server listening at (http:[^"]+)/.exec(line)
      if (listening) resolve(listening[1] as string)
    })
    void exited.then(([code]) => reject(new Error(`the server ended with ${code}\n${lines.join('\n')}`)))
  })
  return {
    child,
    url,
    lines,
    async end(signal) {
      child.kill(signal)
      const [code] = await exited
      return code
    },
  }
}
