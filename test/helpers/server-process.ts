import { fileURLToPath } from 'node:url'
import { type Program, startProgram } from './program.ts'

const SERVER = fileURLToPath(new URL('../../server.ts', import.meta.url))
/** Compile cache of these processes, kept between runs; their coverage is not collected. */
const NODE_COMPILE_CACHE = fileURLToPath(new URL('../../.tap/compiled', import.meta.url))
const LISTENS = /Server listening at (http:[^"]+)/

export interface ServerProcess extends Program {
  url: string
}

/**
 * Starts the real server on a free port and resolves when it is listening.
 * @param shell prefix of its command line, such as `ulimit -f 100 && exec`
 * @param onLine called with each line of its log
 */
export async function startServer(
  env: Record<string, string>,
  shell = 'exec',
  onLine?: (line: string) => void,
): Promise<ServerProcess> {
  // Without the test runner's own imports: the server as it is.
  const command = ['sh', '-c', `unset NODE_OPTIONS; ${shell} "${process.execPath}" "${SERVER}"`]
  // Each message by itself: what is sent can be counted.
  const environment = { PATH: process.env.PATH, PORT: '0', NODE_COMPILE_CACHE, MESSAGE_QUIET_MS: '0', ...env }
  const server = startProgram('the server', command, { env: environment, stdio: ['ignore', 'pipe', 'pipe'] }, onLine)
  const [, url = ''] = LISTENS.exec(await server.line(LISTENS)) ?? []
  return { ...server, url }
}
