import { fileURLToPath } from 'node:url'
import type { ChatwootApi } from '../../sandbox/chatwoot-api.ts'
import { type Program, startProgram } from './program.ts'

const SERVER = fileURLToPath(new URL('../../server.ts', import.meta.url))
/** Compile cache of these processes, kept between runs; their coverage is not collected. */
const NODE_COMPILE_CACHE = fileURLToPath(new URL('../../.tap/compiled', import.meta.url))
const LISTENS = /Server listening at (http:[^"]+)/

/** The variables of a server that answers in this Chatwoot, as a bot. @param secret of its webhooks */
export function chatwootEnv({ url, accountId, tokens }: ChatwootApi, secret: string) {
  return { CW_HMAC_SECRET: secret, CW_URL: url, CW_ACC_ID: accountId, CW_TOKEN: tokens.bot }
}

export interface ServerProcess extends Program {
  url: string
}

/**
 * Starts the real server on a free port and resolves when it is listening.
 * @param shell prefix of its command line, such as `ulimit -f 100 && exec`
 * @param onLine called with each line of its log
 * @param file another program that says the same when it listens
 */
export async function startServer(
  env: Record<string, string>,
  shell = 'exec',
  onLine?: (line: string) => void,
  file = SERVER,
): Promise<ServerProcess> {
  // Without the test runner's own imports: the server as it is.
  const command = ['sh', '-c', `unset NODE_OPTIONS; ${shell} "${process.execPath}" "${file}"`]
  // Each message by itself: what is sent can be counted.
  const environment = { PATH: process.env.PATH, PORT: '0', NODE_COMPILE_CACHE, MESSAGE_QUIET_MS: '0', ...env }
  const server = startProgram('the server', command, { env: environment, stdio: ['ignore', 'pipe', 'pipe'] }, onLine)
  const [, url = ''] = LISTENS.exec(await server.line(LISTENS)) ?? []
  return { ...server, url }
}
