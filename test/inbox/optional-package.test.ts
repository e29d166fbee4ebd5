import { pathToFileURL } from 'node:url'
import t from 'tap'
import { OptionError } from '../../inbox/errors.ts'
import { loadOptional } from '../../inbox/optional-package.ts'

t.test('what needs a package that is not installed says what to install', async t => {
  const folder = t.testdir({
    'uses.mjs': `import 'not-installed'`,
    'broken.mjs': `import './not-there.mjs'`,
    'fine.mjs': 'export const answer = 42',
  })
  const load = (file: string) =>
    loadOptional('STORE', ['one', 'not-installed'], () => import(`${pathToFileURL(folder)}/${file}`))
  t.match(await load('fine.mjs'), { answer: 42 })
  const error = new OptionError('STORE needs packages that are not installed: npm install one not-installed')
  await t.rejects(load('uses.mjs'), error)
  await t.rejects(load('broken.mjs'), { code: 'ERR_MODULE_NOT_FOUND' }, 'a file of ours is another matter')
})
