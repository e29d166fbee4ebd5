import { spawnSync } from 'node:child_process'
import t from 'tap'
import { isInstalled, systemPath } from '../helpers/installed.ts'
import { configureApache, startApache } from './apache.ts'
import { ask, freePort, testProxy } from './proxies.ts'

if (isInstalled(t, 'apache2', '-v')) {
  testProxy(t, startApache, { triesAgain: false, waits: false })

  t.test('without the page that makes a 500 of a 502, the configuration is refused', async t => {
    async function check(pages?: Record<string, string>) {
      const { args } = await configureApache(t, await freePort(), undefined, pages)
      return spawnSync('apache2', [...args, '-t'], { env: systemPath(), encoding: 'utf8' })
    }
    t.match(await check(), { status: 0, stderr: 'Syntax OK\n' })
    t.match(await check({}), { status: 1, stderr: /not-stored\.asis is missing: copy it from ops\/apache/ })
  })

  t.test('that page is not public', async t => {
    t.match(await ask(`${await startApache(t, await freePort())}/not-stored.asis`), { status: 404 })
  })
}
