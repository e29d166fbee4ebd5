import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { folder, freePort, startDaemon, waiting } from './proxies.ts'

const SITE = readFileSync(new URL('../../ops/nginx.conf', import.meta.url), 'utf8')

/**
 * nginx with the shipped site, except for its ports; its working files are kept in a folder here.
 * @param backends one port, or two that replace the one named twice
 */
export async function startNginx(t: Test, backends: number | number[], waitMs?: number): Promise<string> {
  return startNginxWith(t, '', backends, waitMs)
}

/** The same, with further locations. */
export async function startNginxWith(
  t: Test,
  locations: string,
  backends: number | number[],
  waitMs?: number,
): Promise<string> {
  const ports = [backends].flat()
  const port = await freePort()
  let server = 0
  const site = waiting(SITE, waitMs)
    .replace('listen 80;', `listen 127.0.0.1:${port};\n${locations}`)
    .replaceAll('127.0.0.1:3000', () => `127.0.0.1:${ports[server++ % ports.length]}`)
  const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(kind => `${kind}_temp_path ${kind};`)
  const prefix = folder(t, {
    'site.conf': site,
    'nginx.conf': `
      daemon off;
      master_process off;
      pid nginx.pid;
      error_log stderr notice;
      events { worker_connections 512; }
      http { access_log off; ${paths.join(' ')} include site.conf; }`,
  })
  await startDaemon(t, 'nginx', ['-p', prefix, '-c', join(prefix, 'nginx.conf'), '-e', 'stderr'], /using the "epoll"/)
  return `http://127.0.0.1:${port}`
}
