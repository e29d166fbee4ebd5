import { chmodSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { folder, freePort, SHIPPED_WAIT_MS, startDaemon } from './proxies.ts'

const read = (path: string) => readFileSync(new URL(`../../ops/${path}`, import.meta.url), 'utf8')
const SITE = read('apache.conf')
const NOT_STORED = { 'not-stored.asis': read('apache/not-stored.asis') }

/** What the site says is to be enabled, and what Debian's Apache always has. */
const MODULES = `mpm_event authz_core ${/a2enmod (.*)/.exec(SITE)?.[1]}`.split(' ')

/**
 * The shipped site, except for its port and for the folder with the page of its errors.
 * @param pages what is in that folder
 * @returns the arguments for `apache2`, and the site's URL
 */
export async function configureApache(
  t: Test,
  backend: number,
  waitMs = SHIPPED_WAIT_MS,
  pages: Record<string, string> = NOT_STORED,
): Promise<{ args: string[]; url: string }> {
  const port = await freePort()
  const site = SITE.replace('*:80>', `127.0.0.1:${port}>`)
    .replace('127.0.0.1:3000', `127.0.0.1:${backend}`)
    // In seconds: Apache reads `4500ms` as 4500 s here.
    .replace('timeout=4 ', `timeout=${Math.ceil(waitMs / 1_000)} `)
    .replaceAll('/etc/apache2/tutorbot-webhooks', `\${PREFIX}`)
  const modules = MODULES.map(name => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`)
  const prefix = folder(t, {
    ...pages,
    'site.conf': site,
    'apache2.conf': `
      ServerRoot \${PREFIX}
      ServerName 127.0.0.1
      DefaultRuntimeDir .
      PidFile apache2.pid
      ErrorLog "|/bin/cat"
      User www-data
      Group www-data
      ${modules.join('\n')}
      Listen 127.0.0.1:${port}
      Include site.conf`,
  })
  // Started by root, Apache serves as www-data.
  chmodSync(prefix, 0o755)
  return {
    args: ['-C', `Define PREFIX ${prefix}`, '-f', join(prefix, 'apache2.conf')],
    url: `http://127.0.0.1:${port}`,
  }
}

/** Apache with the shipped site. */
export async function startApache(t: Test, backend: number, waitMs?: number): Promise<string> {
  const { args, url } = await configureApache(t, backend, waitMs)
  await startDaemon(t, 'apache2', ['-D', 'FOREGROUND', ...args], /resuming normal operations/)
  return url
}
