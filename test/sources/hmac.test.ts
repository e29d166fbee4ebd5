import { createHmac } from 'node:crypto'
import t from 'tap'
import { type HmacOptions, hmac } from '../../sources/hmac.ts'
import { verdictBeforeBody, verdictOn } from '../helpers/senders.ts'

const secrets = ['a secret']
const AT = 1_795_881_600
const now = () => AT * 1_000

t.test('a bare signature of the body, with each algorithm and encoding', async t => {
  for (const algorithm of ['sha1', 'sha256', 'sha512'] as const) {
    for (const encoding of ['hex', 'base64'] as const) {
      const verify = hmac({ header: 'X-Sig', secrets, algorithm, encoding })
      const signature = createHmac(algorithm, 'a secret').update('Zoë').digest(encoding)
      const headers = { 'x-sig': signature }
      t.equal(await verdictOn(verify, headers, 'Zoë'), 'genuine', `${algorithm} ${encoding}`)
      t.equal(await verdictOn(verify, headers, 'Zoe'), 'WEBHOOK_SIGNATURE_MISMATCH')
      const other = algorithm === 'sha1' ? 'sha256' : 'sha1'
      const ofOther = createHmac(other, 'a secret').update('Zoë').digest(encoding)
      t.equal(verdictBeforeBody(verify, { 'x-sig': ofOther }), 'WEBHOOK_SIGNATURE_MALFORMED')
    }
  }
})

t.test('hex may be in capitals; base64 must be canonical', async t => {
  const of = (encoding: 'hex' | 'base64') => createHmac('sha256', 'a secret').update('x').digest(encoding)
  const hex = hmac({ header: 'X-Sig', secrets })
  t.equal(await verdictOn(hex, { 'x-sig': of('hex').toUpperCase() }, 'x'), 'genuine')
  const base64 = hmac({ header: 'X-Sig', secrets, encoding: 'base64' })
  const signature = of('base64')
  t.equal(await verdictOn(base64, { 'x-sig': signature }, 'x'), 'genuine')
  const last = signature.charCodeAt(42)
  const sameBytes = `${signature.slice(0, 42)}${String.fromCharCode(last + 1)}=`
  t.same(Buffer.from(sameBytes, 'base64'), Buffer.from(signature, 'base64'), 'the same bytes, written otherwise')
  for (const wrong of [sameBytes, signature.slice(0, 43), ` ${signature}`, `${signature}=`, 'ä'.repeat(44)])
    t.equal(verdictBeforeBody(base64, { 'x-sig': wrong }), 'WEBHOOK_SIGNATURE_MALFORMED', wrong)
})

t.test('the raw bytes are verified, whatever their encoding', async t => {
  const verify = hmac({ header: 'X-Sig', secrets })
  const bytes = Buffer.from([0, 0xff, 0xfe, 0xc3, 0x28, 0x0d, 0x0a])
  const signature = createHmac('sha256', 'a secret').update(bytes).digest('hex')
  t.equal(await verdictOn(verify, { 'x-sig': signature }, bytes), 'genuine')
  t.equal(await verdictOn(verify, { 'x-sig': signature }, Buffer.from(bytes.toString())), 'WEBHOOK_SIGNATURE_MISMATCH')
})

t.test('bare items, any of which may match; of many only some are tried', async t => {
  const verify = hmac({ header: 'X-Sig', secrets, items: ' ' })
  const signature = createHmac('sha256', 'a secret').update('x').digest('hex')
  const header = (wrong: number) => ({ 'x-sig': `${`${'0'.repeat(64)} `.repeat(wrong)}potato ${signature}` })
  t.equal(await verdictOn(verify, header(15), 'x'), 'genuine')
  t.equal(await verdictOn(verify, header(16), 'x'), 'WEBHOOK_SIGNATURE_MISMATCH')
})

t.test('the template’s text around the body is signed, too', async t => {
  const verify = hmac({
    header: 'X-Sig',
    secrets,
    template: '{method} {url} {id}\n{timestamp}|{body}|{timestamp}',
    url: 'https://x.example/{id}',
    id: ['X-Id', 'X-Old-Id'],
    timestamp: { header: 'X-Time', unit: 'ms' },
    now,
  })
  const text = `PUT https://x.example/{id} i1\n${AT}123|body|${AT}123`
  const headers = {
    'x-sig': createHmac('sha256', 'a secret').update(text).digest('hex'),
    'x-old-id': 'i1',
    'x-time': `${AT}123`,
  }
  t.equal(await verdictOn(verify, headers, 'body', { method: 'PUT' }), 'genuine')
  t.equal(
    verdictBeforeBody(verify, { ...headers, 'x-time': `${AT}` }),
    'WEBHOOK_TIMESTAMP_OUTSIDE_TOLERANCE',
    's for ms',
  )
  t.equal(verdictBeforeBody(verify, { ...headers, 'x-time': `${AT}123.5` }), 'WEBHOOK_TIMESTAMP_INVALID')
  t.equal(
    await verdictOn(
      verify,
      { ...headers, ...verify.sign('body', { id: 'i2', method: 'PUT', timestamp: AT }) },
      'body',
      { method: 'PUT' },
    ),
    'genuine',
  )
  t.equal(await verdictOn(verify, verify.sign('body'), 'body'), 'genuine', 'now, by a POST')
})

t.test('errors name the headers and the form', async t => {
  const error = (options: Partial<HmacOptions>, headers: Record<string, string>) =>
    (hmac({ header: ['X-Sig', 'X-Old'], secrets, ...options })({ headers } as never) as Error).message
  t.equal(error({}, {}), 'The header X-Sig or X-Old is missing')
  t.equal(
    error({ encoding: 'base64' }, { 'x-sig': 'x' }),
    'The header X-Sig or X-Old is not of the form <44 characters of base64>',
  )
  const listed = {
    items: ';',
    pair: '=',
    key: 'h1',
    template: '{timestamp}{body}',
    timestamp: { key: 'ts', unit: 'ms' },
  } as const
  t.equal(
    error(listed, { 'x-old': 'x' }),
    'The header X-Sig or X-Old is not of the form ts=<Unix time>;h1=<64 hex digits>',
  )
  const h1 = 'a'.repeat(64)
  t.equal(
    error(listed, { 'x-sig': `ts=x;h1=${h1}` }),
    'The header X-Sig or X-Old (ts=) is missing or not a Unix time in milliseconds',
  )
  t.equal(
    error({ id: ['A', 'B'], template: '{id}{body}' }, { 'x-sig': h1 }).slice(0, 41),
    'The header A or B is missing or not an id',
  )
})

t.test('secrets as text, base64 or hex, with a prefix or without', async t => {
  const key = Buffer.from([0, 1, 0xfe, 0xff, 5])
  const signature = createHmac('sha256', key).update('x').digest('hex')
  const take = (options: Partial<HmacOptions>) =>
    verdictOn(hmac({ header: 'X-Sig', secrets, ...options }), { 'x-sig': signature }, 'x')
  t.equal(await take({ secrets: ['AAH+/wU='], secretEncoding: 'base64' }), 'genuine')
  t.equal(await take({ secrets: ['AAH+/wU'], secretEncoding: 'base64' }), 'genuine', 'without padding')
  t.equal(await take({ secrets: ['key_AAH+/wU='], secretEncoding: 'base64', secretPrefix: 'key_' }), 'genuine')
  t.equal(await take({ secrets: ['0001FEff05'], secretEncoding: 'hex', secretPrefix: 'key_' }), 'genuine')
  t.equal(await take({ secrets: ['0001feff05'] }), 'WEBHOOK_SIGNATURE_MISMATCH', 'as a text it is another key')
})

t.test('invalid options are errors that name them, without secrets', async t => {
  t.throws(() => hmac(...([] as never as [HmacOptions])), { name: 'TypeError', message: /^hmac\.header must be/ })
  t.throws(() => hmac(null as never), { name: 'TypeError', message: 'hmac must be an object' })
  const time = { header: 'X-Time' }
  const wrong: [object, string | RegExp][] = [
    [{ headers: 'X-Sig' }, 'hmac.headers is not an option (did you mean hmac.header?)'],
    [{ header: undefined }, "hmac.header must be a header's name, or a list of such"],
    [{ header: [] }, /^hmac\.header must be/],
    [{ header: ['X-Sig', 'X Sig'] }, /^hmac\.header must be/],
    [{ algorithm: 'md5' }, 'hmac.algorithm must be one of sha1, sha256, sha512'],
    [{ encoding: 'base32' }, 'hmac.encoding must be hex or base64'],
    [{ items: '' }, 'hmac.items must be a string that is not empty'],
    [{ pair: 5, key: 'v1' }, 'hmac.pair must be a string that is not empty'],
    [{ pair: '=' }, 'hmac.key must be given: pair and key belong together'],
    [{ key: 'v1' }, 'hmac.pair must be given: pair and key belong together'],
    [{ url: '/x', template: '{url}{body}' }, 'hmac.url must be the whole URL, https://…'],
    [{ template: '{time}.{body}' }, /^hmac\.template has \{time\}, and there are \{body\}, \{method\}, \{timestamp\}/],
    [{ template: '{timestamp}', timestamp: time }, 'hmac.template must have {body} once: else the body is not signed'],
    [{ template: '{body}{body}' }, /^hmac\.template must have \{body\} once/],
    [{ template: '{timestamp}.{body}' }, 'hmac.timestamp is missing: what is signed has {timestamp}'],
    [{ template: '{id}.{body}' }, 'hmac.id is missing: what is signed has {id}'],
    [{ template: '{url}{body}' }, 'hmac.url is missing: what is signed has {url}'],
    [{ timestamp: time }, 'hmac.timestamp is not signed: hmac.template must have {timestamp}'],
    [{ id: 'X-Id' }, 'hmac.id is not signed: hmac.template must have {id}'],
    [{ url: 'https://x.example' }, 'hmac.url is not signed: hmac.template must have {url}'],
    [{ id: '' }, "hmac.id must be a header's name, or a list of such"],
    [{ timestamp: {} }, 'hmac.timestamp must have a header or a key'],
    [{ timestamp: { header: 'X-Time', key: 't' } }, 'hmac.timestamp must have a header or a key'],
    [{ timestamp: { header: 'X-Time', unit: 'm' } }, 'hmac.timestamp.unit must be s or ms'],
    [{ timestamp: { header: '' } }, "hmac.timestamp.header must be a header's name, or a list of such"],
    [{ timestamp: { key: 't' } }, 'hmac.timestamp.key needs hmac.pair'],
    [{ toleranceSeconds: 60 }, 'hmac.toleranceSeconds has no meaning: the sender signs no timestamp'],
    [
      { toleranceSeconds: 5, timestamp: time, template: '{timestamp}{body}' },
      'hmac.toleranceSeconds must be a whole number of seconds from 30 to 86400',
    ],
    [{ secrets: 'hunter2' }, 'hmac.secrets must be a list'],
    [{ secrets: [] }, 'hmac.secrets is empty: nothing could be verified'],
    [{ secrets: ['a', undefined] }, 'hmac.secrets[1] is empty'],
    [{ secrets: ['whsec_ '], secretPrefix: 'whsec_' }, 'hmac.secrets[0] is empty but for hmac.secretPrefix'],
    [{ secrets: ['hunter2!'], secretEncoding: 'base64' }, 'hmac.secrets[0] is not base64'],
    [{ secrets: ['whsec_'], secretEncoding: 'base64', secretPrefix: 'whsec_' }, 'hmac.secrets[0] is not base64'],
    [{ secrets: ['hunter2'], secretEncoding: 'hex' }, 'hmac.secrets[0] is not hex'],
    [{ secrets: ['abc'], secretEncoding: 'hex' }, 'hmac.secrets[0] is not hex'],
    [{ secretEncoding: 'utf8' }, 'hmac.secretEncoding must be text, base64 or hex'],
  ]
  for (const [options, message] of wrong) {
    t.throws(() => hmac({ header: 'X-Sig', secrets, ...options } as HmacOptions), { name: 'TypeError', message })
  }
})
