import { once } from 'node:events'
import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { startChild } from './helpers/child.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))

t.test('npm version refuses while the changelog says unreleased', async t => {
  const folder = t.testdir()
  for (const file of ['package.json', 'CHANGELOG.md']) cpSync(join(ROOT, file), join(folder, file))
  const versionIn = () => JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')).version
  const before = versionIn()
  const release = async () => {
    const child = startChild('npm', ['version', 'patch', '--no-git-tag-version', '--loglevel=error'], { cwd: folder })
    const [said, [code]] = await Promise.all([text(child.stderr), once(child, 'close')])
    return { said, code }
  }
  const changelog = readFileSync(join(folder, 'CHANGELOG.md'), 'utf8')
  writeFileSync(join(folder, 'CHANGELOG.md'), changelog.replace(/^## \[.*$/m, '## [Unreleased]'))
  const refused = await release()
  t.not(refused.code, 0)
  t.match(refused.said, 'CHANGELOG.md says Unreleased: put the version and its date there first')
  t.equal(versionIn(), before)

  writeFileSync(join(folder, 'CHANGELOG.md'), changelog.replace(/^## \[.*$/m, '## [9.9.9] - 2026-11-29'))
  t.match(await release(), { code: 0 })
  t.not(versionIn(), before)
})
