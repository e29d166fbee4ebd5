import t from 'tap'
import { type SharedTokenOptions, sharedToken } from '../../sources/shared-token.ts'
import type { SourceRequest } from '../../sources/source.ts'
import { signedBy, verdictBeforeBody } from '../helpers/senders.ts'

const TOKEN = 'a-long-random-token-1'
const OTHER = 'a-long-random-token-2'

t.test('a token in a header, as in a sender’s documentation', async t => {
  for (const [fixture, name] of [
    ['xendit-token', 'X-Callback-Token'],
    ['chargebee-basic-auth', 'Authorization'],
  ] as const) {
    const { headers } = signedBy(fixture)
    const key = name.toLowerCase()
    const token = headers[key] as string
    const verify = sharedToken({ in: 'header', name, tokens: [OTHER, token] })
    t.equal(verdictBeforeBody(verify, headers), 'genuine', fixture)
    for (let at = 0; at < token.length; at++) {
      const changed = `${token.slice(0, at)}~${token.slice(at + 1)}`
      t.equal(verdictBeforeBody(verify, { [key]: changed }), 'WEBHOOK_TOKEN_MISMATCH')
    }
    t.equal(verdictBeforeBody(verify, { [key]: `${token} ` }), 'WEBHOOK_TOKEN_MISMATCH')
    t.equal(verdictBeforeBody(verify, { [key]: token.slice(1) }), 'WEBHOOK_TOKEN_MISMATCH')
    t.equal(verdictBeforeBody(verify, { [key]: '' }), 'WEBHOOK_TOKEN_MISSING')
    t.equal(verdictBeforeBody(verify, {}), 'WEBHOOK_TOKEN_MISSING')
  }
})

t.test('a token in the query', async t => {
  const verify = sharedToken({ in: 'query', name: 'Token', tokens: [TOKEN, OTHER] })
  t.equal(verify.secretQuery, 'Token')
  const verdict = (query: unknown) => verify({ headers: {}, query } as SourceRequest)
  t.equal(verdict({ Token: TOKEN }), true)
  t.equal(verdict({ Token: OTHER }), true)
  for (const query of [{}, { token: TOKEN }, { Token: [TOKEN, TOKEN] }, null, undefined])
    t.match(verdict(query), { code: 'WEBHOOK_TOKEN_MISSING', message: 'The query parameter Token is missing' })
  t.match(verdict({ Token: `${TOKEN}x` }), {
    code: 'WEBHOOK_TOKEN_MISMATCH',
    statusCode: 401,
    message: 'The query parameter Token is not one of the tokens',
  })
})

t.test('invalid options are errors that name them, without tokens', async t => {
  const none = [] as never as [SharedTokenOptions]
  t.throws(() => sharedToken(...none), { name: 'TypeError', message: 'sharedToken.in must be query or header' })
  const wrong: [object, string][] = [
    [{ in: 'body' }, 'sharedToken.in must be query or header'],
    [{ token: TOKEN }, 'sharedToken.token is not an option (did you mean sharedToken.tokens?)'],
    [{ name: '' }, 'sharedToken.name must be the name of a query parameter'],
    [{ in: 'header', name: 'X Y' }, 'sharedToken.name must be the name of a header'],
    [{ tokens: TOKEN }, 'sharedToken.tokens must be a list'],
    [{ tokens: [] }, 'sharedToken.tokens is empty: nothing could be verified'],
    [{ tokens: [TOKEN, undefined] }, 'sharedToken.tokens[1] is empty'],
    [{ tokens: [TOKEN, 'hunter2'] }, 'sharedToken.tokens[1] must have at least 16 characters'],
  ]
  for (const [options, message] of wrong) {
    const given = { in: 'query', name: 'token', tokens: [TOKEN], ...options } as SharedTokenOptions
    t.throws(() => sharedToken(given), { name: 'TypeError', message })
  }
})
