import tap from 'tap'
import { redactSecrets } from '../../inbox/redact.ts'

function redacted(json: string): unknown {
  const bytes = Buffer.from(json)
  redactSecrets(bytes)
  return JSON.parse(bytes.toString())
}

tap.test('secret fields are overwritten at any depth, in objects and arrays; others stay', async t => {
  const payload = {
    name: 'Zoë 🎓',
    conversation: { contact_inbox: { pubsub_token: 'a"b\\', source_id: 'b' } },
    channel: [{ secret: '', hmac_token: 'dé' }],
    client_secret: null,
    token_count: 3,
    my_token: 'stays',
  }
  t.same(redacted(JSON.stringify(payload)), {
    name: 'Zoë 🎓',
    // Every byte of the original, escapes included.
    conversation: { contact_inbox: { pubsub_token: '******', source_id: 'b' } },
    channel: [{ secret: '', hmac_token: '***' }],
    client_secret: null,
    token_count: 3,
    my_token: 'stays',
  })
  t.same(redacted('{"token" :\n"x","a":1}'), { token: '*', a: 1 })
})

tap.test('a string that looks like a field stays', async t => {
  const payload = { content: '{"token":"x"}', list: ['"secret":"y"', 'token', 'z'] }
  t.same(redacted(JSON.stringify(payload)), payload)
})

tap.test('names in capitals, in other spellings, and with escapes', async t => {
  const fields = [
    'Token',
    'SECRET',
    'api_key',
    'apiKey',
    'API-Key',
    'Authorization',
    'accessToken',
    'tokens',
    'privateKey',
  ]
  for (const field of fields) t.same(redacted(`{"a":1,"${field}":"abc"}`), { a: 1, [field]: '***' }, field)
  for (const name of ['\\u0074oken', 'api\\u005Fkey', '\\u0061\\u0050\\u0049-key', 'tok\\u0065n']) {
    t.same(Object.values(redacted(`{"${name}" : "abc", "b\\u0062": "c"}`) as object), ['***', 'c'], name)
  }
  for (const field of ['my_token', 'tokenized', 'authorization_url', 'keys', 'b\\u0062', 'tok\\nen', '\\\\u0074oken']) {
    t.same(Object.values(redacted(`{"${field}":"abc","x":"\\u0061"}`) as object), ['abc', 'a'], field)
  }
})

tap.test('lists, objects and numbers in secret fields, completely', async t => {
  t.same(redacted('{"tokens":["ab","c\\"d"],"a":["x"]}'), { tokens: ['**', '****'], a: ['x'] })
  t.same(redacted('{"secret":["ab",["c",{"d":"ef","g" :[1,-2.5e3]}]],"h":"i"}'), {
    secret: ['**', ['*', { d: '**', g: [0, 0] }]],
    h: 'i',
  })
  t.same(redacted('{"token":{"token":"ab","name":12},"b":34}'), { token: { token: '**', name: 0 }, b: 34 })
  t.same(redacted('{"password":123456,"a":[1]}'), { password: 0, a: [1] })
  t.same(redacted('{"secret":true,"token":null,"api_key":[],"tokens":{},"a":"b"}'), {
    secret: true,
    token: null,
    api_key: [],
    tokens: {},
    a: 'b',
  })
})

tap.test('the length stays, and invalid JSON stays invalid', async t => {
  for (const text of [
    '{"token":"abc\\',
    '{"token":"abc',
    '{"token":["abc","d',
    '{"token":[[[',
    '{"token":{"a"',
    '{"token":',
    '{"token":-',
    '{"\\u0074oken":12',
    '"token":]]',
    '{"tok\\u0065n":{"a":"b"',
  ]) {
    const bytes = Buffer.from(text)
    redactSecrets(bytes)
    t.equal(bytes.length, text.length, text)
    t.throws(() => JSON.parse(bytes.toString()), text)
    t.notMatch(bytes.toString(), /abc|12/)
  }
})
