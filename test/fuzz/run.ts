import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { startChild } from '../helpers/child.ts'

const FUZZ = fileURLToPath(new URL('../../fuzz/main.ts', import.meta.url))

/** `npm run fuzz`, and its output. */
export async function fuzz(...options: string[]): Promise<{ code: number | null; said: string }> {
  // Random coverage doesn't count: this is tap's switch for a process and its children.
  const env = { PATH: process.env.PATH, HOME: process.env.HOME, _TAPJS_PROCESSINFO_COVERAGE_: '0' }
  const child = startChild(process.execPath, [FUZZ, ...options], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  const [out, err, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
  return { code, said: out + err }
}
