import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { folder, freePort, SHIPPED_WAIT_MS, startDaemon, waiting } from './proxies.ts'

const CADDYFILE = readFileSync(new URL('../../ops/Caddyfile', import.meta.url), 'utf8')

/** Caddy with the shipped file, except for its ports and plain HTTP. */
export async function startCaddy(t: Test, backend: number, waitMs = SHIPPED_WAIT_MS): Promise<string> {
  const port = await freePort()
  const site = waiting(CADDYFILE, waitMs)
    .replace('lb_try_duration 3s', `lb_try_duration ${waitMs - 1_000}ms`)
    .replace('hooks.example.com {', `http://:${port} {\n\tbind 127.0.0.1`)
  const prefix = folder(t, {
    Caddyfile: `{\n\tadmin off\n}\n${site.replace('127.0.0.1:3000', `127.0.0.1:${backend}`)}`,
  })
  const args = ['run', '--config', join(prefix, 'Caddyfile'), '--adapter', 'caddyfile']
  await startDaemon(t, 'caddy', args, /serving initial configuration/)
  return `http://127.0.0.1:${port}`
}
