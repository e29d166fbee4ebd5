import t from 'tap'
import { checkSources } from '../../sources/check.ts'
import type { Source } from '../../sources/source.ts'

const github = { name: 'github', path: '/github', verify: () => true, identify: () => ({ event: 'push' }) }

t.test('valid sources pass', async () => {
  checkSources([])
  checkSources([github, { ...github, name: 'git-hub_2', path: '/', events: ['push'], accepts: ['form', 'text'] }])
})

t.test('an invalid source is an error that names the option', async t => {
  const wrong: [unknown, string | RegExp][] = [
    [null, 'sources[1] must be an object'],
    [{ ...github, acepts: ['form'] }, 'sources[1].acepts is not an option (did you mean sources[1].accepts?)'],
    [{ ...github, retries: 3 }, 'sources[1].retries is not an option'],
    [{ ...github, name: 'GitHub' }, 'sources[1].name must be up to 40 of a-z, 0-9, _ and -'],
    [{ ...github, name: 'a'.repeat(41) }, /^sources\[1\]\.name must be/],
    [github, 'sources[1].name must be another one: github is taken'],
    [{ ...github, name: 'constructor' }, 'sources[1].name must be another one: constructor is taken'],
    [{ ...github, name: 'stripe' }, 'sources[1].name must be another one: stripe is taken'],
    [{ ...github, name: 'b', path: 'b' }, 'sources[1].path must be a path that begins with /, such as /github'],
    [{ ...github, name: 'b', path: '/:b' }, /^sources\[1\]\.path must be/],
    [{ ...github, name: 'b', path: '/github/' }, 'sources[1].path must be another one: /github/ is taken'],
    [
      { ...github, name: 'b', path: '/b', verify: undefined },
      'sources[1].verify must be a verifier: hmac(), a preset, sharedToken(), or a function',
    ],
    [{ ...github, name: 'b', path: '/b', identify: 'type' }, 'sources[1].identify must be a function'],
    [{ ...github, name: 'b', path: '/b', read: {} }, 'sources[1].read must be a function'],
    [{ ...github, name: 'b', path: '/b', events: 'push' }, 'sources[1].events must be a list of names'],
    [{ ...github, name: 'b', path: '/b', events: [] }, 'sources[1].events must be a list of names'],
    [{ ...github, name: 'b', path: '/b', events: [1] }, 'sources[1].events must be a list of names'],
    [
      { ...github, name: 'b', path: '/b', accepts: ['xml'] },
      'sources[1].accepts must be a list of json, list, form, text',
    ],
  ]
  const stripe = { ...github, name: 'stripe', path: '/webhook/payments' }
  for (const [source, message] of wrong)
    t.throws(() => checkSources([github, source as Source], [stripe]), { name: 'TypeError', message })
  t.throws(() => checkSources({} as never), { message: 'sources must be a list' })
})
