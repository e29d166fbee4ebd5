import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { folder, freePort, SHIPPED_WAIT_MS, startDaemon } from './proxies.ts'

const SHIPPED = readFileSync(new URL('../../ops/haproxy.cfg', import.meta.url), 'utf8')
/** Between two tries of a connection that is refused, ms: `timeout connect`. */
const PAUSE_MS = 600

/** HAProxy with the shipped file, except for its ports. */
export async function startHaproxy(t: Test, backend: number, waitMs = SHIPPED_WAIT_MS): Promise<string> {
  const port = await freePort()
  const config = SHIPPED.replace('bind :80', `bind 127.0.0.1:${port}`)
    .replace('127.0.0.1:3000', `127.0.0.1:${backend}`)
    .replace('timeout server 4s', `timeout server ${waitMs}ms`)
    .replace('retries 6', `retries ${Math.floor(waitMs / PAUSE_MS)}`)
  const prefix = folder(t, { 'haproxy.cfg': config })
  await startDaemon(t, 'haproxy', ['-W', '-db', '-f', join(prefix, 'haproxy.cfg')], /Loading success/)
  return `http://127.0.0.1:${port}`
}
