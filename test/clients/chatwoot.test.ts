import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import Fastify from 'fastify'
import t, { type Test } from 'tap'
import { type ChatwootClient, type ChatwootOptions, createChatwootClient } from '../../clients/chatwoot.ts'
import { ChatwootRefusedError, ChatwootUnavailableError } from '../../clients/chatwoot-api.ts'
import type { Gate } from '../../clients/http.ts'
import { causeOf } from '../../inbox/cause.ts'
import { PermanentError, TransientError } from '../../inbox/errors.ts'
import chatwootPlugin from '../../plugins/chatwoot.ts'
import { type ChatwootApi, startChatwootApi } from '../../sandbox/chatwoot-api.ts'
import type { Answer, Behaviour } from '../../sandbox/stand-in.ts'

const { signal } = new AbortController()

/** The stand-in with conversation 42 of contact 5, and a client for it. */
async function setUp(t: Test, options: ChatwootOptions = {}) {
  const api = await startChatwootApi()
  t.teardown(() => api.close())
  const conversation = api.addConversation({ id: 42, contact: 5 })
  return { api, conversation, client: clientOf(api, options) }
}

function clientOf(api: ChatwootApi, options: ChatwootOptions = {}): ChatwootClient {
  const { url, accountId, tokens } = api
  return createChatwootClient({ url, accountId, token: tokens.bot, ...options }) as ChatwootClient
}

/** The error of a call that fails in a given way. */
async function failureOf(t: Test, behaviour: Behaviour, options: ChatwootOptions = {}): Promise<Error> {
  const { api, client } = await setUp(t, options)
  api.fail(/./, behaviour)
  return client.getConversation('42', signal).then(
    () => t.fail('the call succeeded') as never,
    (error: Error) => error,
  )
}

t.test('without a token there is no client', async t => {
  t.equal(createChatwootClient({}), null)
  t.equal(createChatwootClient({ accountId: '1' }), null)
  t.throws(() => createChatwootClient({ accountId: 1 as never }), /CW_ACC_ID/, 'no event would ever be of this account')
})

t.test('a wrong option is an error at once, without the token', async t => {
  const good = { url: 'https://chat.example.com', accountId: '1', token: 'abc' }
  const cases: [ChatwootOptions, string][] = [
    [{ accountId: undefined as never }, 'CW_ACC_ID'],
    [{ accountId: '../2' }, 'CW_ACC_ID'],
    [{ accountId: '01' }, 'CW_ACC_ID'],
    [{ accountId: 1 as never }, 'CW_ACC_ID'],
    [{ url: undefined as never }, 'CW_URL'],
    [{ url: 'chat' }, 'CW_URL'],
    [{ url: 'ftp://chat.example.com' }, 'CW_URL'],
    [{ url: 'https://me@chat.example.com' }, 'CW_URL'],
    [{ url: 'https://:pass-word@chat.example.com' }, 'CW_URL'],
    [{ token: 'abc\ndef' }, 'CW_TOKEN'],
    [{ adminToken: '“abc”' }, 'CW_ADMIN_TOKEN'],
  ]
  for (const [wrong, name] of cases) {
    const error = t.throws(() => createChatwootClient({ ...good, ...wrong }), TypeError) as Error
    t.match(error.message, name, JSON.stringify(wrong))
    t.notMatch(error.message, /abc|pass-word/)
  }
})

t.test('works as a plugin, for a host’s routes', async t => {
  const { api, conversation } = await setUp(t)
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(chatwootPlugin, { url: `${api.url}/`, accountId: '1', token: api.tokens.bot })
  app.post('/hello', async () => app.webhooks.chatwoot?.sendMessage('42', 'Hello', signal))

  t.equal((await app.inject({ method: 'POST', url: '/hello' })).statusCode, 200)
  t.match(conversation.messages, [{ content: 'Hello' }])
})

t.test('a CW_URL with a path before /api and trailing slashes', async t => {
  const { api } = await setUp(t)
  const client = clientOf(api, { url: `${api.url}/support//` })
  await t.rejects(client.getConversation('42', signal), ChatwootRefusedError)
  t.equal(api.calls[0]?.path, '/support/api/v1/accounts/1/conversations/42')
})

t.test('messages, choices and notes', async t => {
  const { api, client, conversation } = await setUp(t)
  const items = [{ title: 'Prijzen', value: 'prices' }]
  await client.sendMessage('42', 'Hoi <b>&', signal)
  await client.sendMessage('42', 'Kies', signal, { items })
  await client.sendPrivateNote('42', 'Let op', signal)

  t.match(conversation.messages, [
    { content: 'Hoi <b>&', content_type: 'text', private: false },
    { content: 'Kies', content_type: 'input_select', content_attributes: { items }, private: false },
    { content: 'Let op', private: true },
  ])
  const message = { message_type: 'outgoing', private: false, content_type: 'text', content_attributes: {} }
  t.strictSame(
    api.calls.map(({ body }) => body),
    [
      { ...message, content: 'Hoi <b>&' },
      { ...message, content: 'Kies', content_type: 'input_select', content_attributes: { items } },
      { ...message, content: 'Let op', private: true },
    ],
    'and never a source_id, with which the channel would not send them',
  )
})

t.test('a sent message is recognised by its marker', async t => {
  const { client, api } = await setUp(t, { adminToken: 'token-of-an-administrator' })
  const wasSent = (marker: string) => client.wasSent('42', marker, signal)
  t.equal(await wasSent('a'), false)
  await client.sendMessage('42', 'Hoi', signal, { marker: 'a' })
  for (let n = 0; n < 99; n++) await client.sendPrivateNote('42', 'Let op', signal, { marker: `note ${n}` })
  t.equal(await wasSent('a'), true, 'the 100th from the end')
  t.equal(await wasSent('note 98'), true)
  await client.sendMessage('42', 'Dag', signal)
  t.equal(await wasSent('a'), false, 'further back nobody looks')
  t.equal(await wasSent('b'), false)

  api.fail(/messages$/, { status: 500 })
  await t.rejects(wasSent('a'), { name: 'ChatwootUnavailableError' })
  api.fail(/messages$/, { status: 200, body: { payload: {} } })
  await t.rejects(wasSent('a'), { message: "The answer to GET /conversations/42/messages is not Chatwoot's" })
})

t.test('with a bot’s token only, a sent message is recognised while it is the last', async t => {
  const { client, api } = await setUp(t)
  const wasSent = (marker: string) => client.wasSent('42', marker, signal)
  t.equal(await wasSent('a'), false)
  await client.sendMessage('42', 'Hoi', signal, { marker: 'a' })
  t.equal(await wasSent('a'), true)
  await client.sendPrivateNote('42', 'Let op', signal, { marker: 'b' })
  t.equal(await wasSent('a'), false)
  t.equal(await wasSent('b'), true)
  api.conversations.clear()
  await t.rejects(wasSent('a'), { name: 'ChatwootRefusedError', status: 404 })
})

t.test(
  'before PR 14655 bots may not read or label: the administrator does, and what is not known was not sent',
  async t => {
    const api = await startChatwootApi({ isBefore14655: true })
    t.teardown(() => api.close())
    const conversation = api.addConversation({ id: 42, labels: ['vip'] })
    const client = clientOf(api)
    await client.sendMessage('42', 'Hoi', signal, { marker: 'a' })
    t.equal(await client.wasSent('42', 'a', signal), false)
    await t.rejects(client.changeLabels('42', { add: ['x'] }, signal), ChatwootRefusedError)
    api.fail(/GET .*42$/, { status: 500 })
    await t.rejects(client.wasSent('42', 'a', signal), ChatwootUnavailableError)
    const both = clientOf(api, { adminToken: api.tokens.admin })
    t.equal(await both.wasSent('42', 'a', signal), true)
    await both.changeLabels('42', { add: ['x'] }, signal)
    t.strictSame(conversation.labels, ['vip', 'x'])
  },
)

t.test('attributes are merged, although the API replaces them', async t => {
  const { client, conversation } = await setUp(t)
  conversation.custom_attributes = { order_id: 'A1', payment_status: 'pending' }
  await client.mergeAttributes('42', { payment_status: 'paid' }, signal)
  t.strictSame(conversation.custom_attributes, { order_id: 'A1', payment_status: 'paid' })

  conversation.custom_attributes = null
  await client.mergeAttributes('42', { payment_status: 'paid' }, signal)
  t.strictSame(conversation.custom_attributes, { payment_status: 'paid' })
})

t.test('labels are added and removed, although the API replaces them', async t => {
  const { client, conversation } = await setUp(t)
  conversation.labels = ['vip', 'status:awaiting_pay']
  await client.changeLabels('42', { add: ['payment:paid', 'vip'], remove: ['status:awaiting_pay'] }, signal)
  t.strictSame(conversation.labels, ['vip', 'payment:paid'])
  await client.changeLabels('42', { remove: ['payment:paid'] }, signal)
  t.strictSame(conversation.labels, ['vip'])
  await client.changeLabels('42', { add: ['x'] }, signal)
  t.strictSame(conversation.labels, ['vip', 'x'])
})

t.test(
  'what is known is not read again, what has been written since is; what is so already is not written',
  async t => {
    const { api, client, conversation } = await setUp(t)
    Object.assign(conversation, { labels: ['vip'], custom_attributes: { order_id: 'A1' } })
    const known = await client.getConversation('42', signal)
    const calls = async (change: Promise<void>) => {
      const before = api.calls.length
      await change
      return api.calls.slice(before).map(({ method, path }) => `${method} ${path.replace(/^.*42/, '')}`)
    }
    const merge = (attributes: object) => calls(client.mergeAttributes('42', { ...attributes }, signal, known))
    const label = (...add: string[]) => calls(client.changeLabels('42', { add }, signal, known))
    t.strictSame(await merge({ order_id: 'A1', payment_link: null }), [])
    t.strictSame(await label('vip'), [])
    t.strictSame(await merge({ payment_status: 'paid' }), ['POST /custom_attributes'])
    t.strictSame(await label('x'), ['POST /labels'])
    t.strictSame(await merge({ payment_status: null }), ['GET ', 'POST /custom_attributes'])
    t.strictSame(await label('y'), ['GET /labels', 'POST /labels'])
    t.match(conversation, { labels: ['vip', 'x', 'y'], custom_attributes: { order_id: 'A1', payment_status: null } })
  },
)

t.test('concurrent changes of one conversation lose nothing; a failing one stops no other', async t => {
  const { api, client, conversation } = await setUp(t)
  api.fail('POST /api/v1/accounts/1/conversations/42/custom_attributes', { status: 500 })
  const results = await Promise.allSettled([
    client.mergeAttributes('42', { lost: 1 }, signal),
    client.mergeAttributes('42', { a: 1 }, signal),
    client.changeLabels('42', { add: ['x'] }, signal),
    client.mergeAttributes('42', { b: 2 }, signal),
    client.changeLabels('42', { add: ['y'] }, signal),
  ])
  t.strictSame(
    results.map(({ status }) => status),
    ['rejected', 'fulfilled', 'fulfilled', 'fulfilled', 'fulfilled'],
  )
  t.strictSame(conversation.custom_attributes, { a: 1, b: 2 })
  t.strictSame(conversation.labels, ['x', 'y'])
})

t.test('status and assignment', async t => {
  const { client, conversation } = await setUp(t)
  await client.setStatus('42', 'open', signal)
  await client.assign('42', 7, signal)
  t.match(conversation, { status: 'open', assignee: 7 })
})

t.test('contacts need an administrator’s token', async t => {
  const { api, client } = await setUp(t)
  const refused = await client.updateContact('5', { segment: 'new' }, signal).catch(error => error)
  t.type(refused, ChatwootRefusedError)
  t.equal(refused.status, 401)
  t.equal(
    refused.message,
    'Chatwoot answered 401 to PUT /contacts/5: Access to this endpoint is not authorized for bots',
  )

  await clientOf(api, { adminToken: api.tokens.admin }).updateContact('5', { segment: 'new' }, signal)
  await clientOf(api, { token: api.tokens.admin }).updateContact('5', { language: 'en' }, signal)
  t.strictSame(api.contacts.get(5)?.custom_attributes, { segment: 'new', language: 'en' })
})

t.test('a refusal is permanent and quotes Chatwoot’s message', async t => {
  const { api, client } = await setUp(t)
  t.match(await client.getConversation('77', signal).catch(error => error), {
    constructor: ChatwootRefusedError,
    status: 404,
    message: 'Chatwoot answered 404 to GET /conversations/77: Resource could not be found',
  })
  t.match(await client.sendMessage('42', 'x'.repeat(150_001), signal).catch(error => error), {
    constructor: ChatwootRefusedError,
    status: 422,
    message: /^Chatwoot answered 422 to POST .*: Content is too long/,
  })
  const bodies: [unknown, string][] = [
    [{ errors: [{ field: 'status' }] }, ': [{"field":"status"}]'],
    [{ error: { code: 1 } }, ': {"code":1}'],
    [{ error: 'e'.repeat(300) }, `: ${'e'.repeat(200)}`],
    [{ message: '' }, ''],
  ]
  for (const [body, detail] of bodies) {
    api.fail(/./, { status: 403, body })
    const error = await client.getConversation('42', signal).catch(error => error)
    t.equal(error.message, `Chatwoot answered 403 to GET /conversations/42${detail}`)
  }
})

t.test('a refused token is an outage of everything, a refused administrator’s token is not', async t => {
  const { api, client } = await setUp(t)
  const stranger = clientOf(api, { token: 'some-other-token' })
  t.match(await stranger.getConversation('42', signal).catch(error => error), {
    constructor: ChatwootUnavailableError,
    message: 'Chatwoot answered 401 to GET /conversations/42: Invalid Access Token',
    outage: { system: 'chatwoot', isProof: true },
  })
  await t.rejects(stranger.probe(signal), ChatwootUnavailableError)

  const former = clientOf(api, { adminToken: 'token-of-a-former-administrator' })
  t.match(await former.updateContact('5', { segment: 'new' }, signal).catch(error => error), {
    constructor: ChatwootRefusedError,
    message: 'Chatwoot answered 401 to PUT /contacts/5: Invalid Access Token',
  })
  await former.probe(signal)

  const allowed = { error: 'You are not authorized to do this action' }
  api.fail(/./, { status: 401, body: allowed })
  t.type(await client.getConversation('42', signal).catch(error => error), ChatwootRefusedError)
})

t.test('what is proof that Chatwoot is unavailable, and what may be about one call', async t => {
  const cases: [Behaviour, boolean][] = [
    [{ status: 429, body: 'Retry later' }, true],
    [{ status: 502, body: '<html>' }, true],
    [{ status: 503, body: '' }, true],
    [{ status: 504, body: '' }, true],
    [{ status: 403, body: '<html>' }, true],
    [{ status: 200, body: '<html>' }, true],
    [{ status: 500, body: { error: 'Internal Server Error' } }, false],
    [{ status: 408, body: '' }, false],
    [{ status: 413, body: '<html>' }, false],
    [{ status: 200, body: { status: 'ok' } }, false],
    ['drop', false],
  ]
  for (const [behaviour, isProof] of cases) {
    const error = (await failureOf(t, behaviour)) as TransientError
    t.match(error.outage, { system: 'chatwoot', isProof }, JSON.stringify(behaviour))
  }
  const hanging = (await failureOf(t, 'hang', { timeoutMs: 50 })) as TransientError
  t.strictSame(hanging.outage, { system: 'chatwoot', isProof: false, code: 'timeout' }, 'too slow')
  const causeFor = async (behaviour: Behaviour) => causeOf(await failureOf(t, behaviour))
  t.equal(await causeFor({ status: 503, body: '' }), 'ChatwootUnavailableError:chatwoot:503')
  t.equal(await causeFor({ status: 404, body: { error: 'Gone' } }), 'ChatwootRefusedError:chatwoot:404')

  const { client } = await setUp(t)
  const aborted = await client.getConversation('42', AbortSignal.abort()).catch(error => error)
  t.match(aborted, { constructor: ChatwootUnavailableError, outage: undefined }, 'we have stopped the call')
})

t.test('the gate is asked before each call, and told of Chatwoot’s own answers; the probe passes it', async t => {
  const { api } = await setUp(t)
  let answered = 0
  let problem: Error | undefined
  const gate: Gate = {
    enter() {
      if (problem !== undefined) throw problem
    },
    answered: () => void answered++,
  }
  const { url, accountId, tokens } = api
  const client = createChatwootClient({ url, accountId, token: tokens.bot }, gate) as ChatwootClient
  await client.getConversation('42', signal)
  t.equal(answered, 1)
  await t.rejects(client.getConversation('77', signal), ChatwootRefusedError)
  t.equal(answered, 2, 'a refusal is an answer')
  api.fail(/./, { status: 502, body: '' })
  await t.rejects(client.getConversation('42', signal), ChatwootUnavailableError)
  t.equal(answered, 2)

  problem = new TransientError('held')
  const before = api.calls.length
  await t.rejects(client.getConversation('42', signal), problem)
  t.equal(api.calls.length, before, 'no call is made')
  await client.probe(signal)
  t.match(api.calls.at(-1), { method: 'GET', path: '/api/v1/accounts/1/conversations/0' })
  t.equal(answered, 2)
})

t.test('a 4xx without Chatwoot’s JSON comes from a proxy and is transient', async t => {
  const answers: Answer[] = [
    { status: 404, headers: { 'content-type': 'text/plain; charset=utf-8' }, body: '404 page not found\n' },
    { status: 403, body: '<html><head><title>Attention Required! | Cloudflare</title></head></html>' },
    { status: 401, body: 'null' },
    { status: 403, body: { success: false } },
    { status: 404, body: [{ error: 'in a list' }] },
    { status: 404, body: { error: null, errors: null } },
    { status: 400, body: '' },
  ]
  for (const answer of answers) {
    t.match(await failureOf(t, answer), {
      constructor: ChatwootUnavailableError,
      message: `Chatwoot answered ${answer.status} to GET /conversations/42, in words that are not Chatwoot's`,
    })
  }
})

t.test('an invalid id causes no request', async t => {
  const { api, client } = await setUp(t)
  for (const id of ['..', '42/labels', '4 2', 'a'.repeat(255)]) {
    await t.rejects(client.getConversation(id, signal), PermanentError, id)
    await t.rejects(client.updateContact(id, {}, signal), PermanentError, id)
  }
  t.equal(api.calls.length, 0)
})

for (const status of [500, 502, 503, 408, 425, 429]) {
  t.test(`${status} is transient`, async t => {
    t.match(await failureOf(t, { status, body: 'oops' }), {
      constructor: ChatwootUnavailableError,
      message: `Chatwoot answered ${status} to GET /conversations/42`,
      retryAfterMs: 0,
    })
  })
}

t.test('Retry-After in seconds, as a date, in the past, and as nonsense', async t => {
  const wait = async (header: string) => {
    const error = await failureOf(t, { status: 429, body: 'Retry later', headers: { 'retry-after': header } })
    t.type(error, TransientError)
    return (error as TransientError).retryAfterMs
  }
  t.equal(await wait('7'), 7_000)
  t.equal(await wait('-7'), 0)
  t.equal(await wait('soon'), 0)
  t.equal(await wait(new Date(Date.now() - 60_000).toUTCString()), 0)

  // An HTTP date has whole seconds, and the client's clock keeps running meanwhile.
  const at = Math.ceil(Date.now() / 1_000) * 1_000 + 120_000
  const before = at - Date.now()
  const ms = await wait(new Date(at).toUTCString())
  t.ok(ms <= before && ms >= at - Date.now(), `${ms} ms`)
})

t.test('dropped connections are transient, before and after the request was processed', async t => {
  for (const behaviour of ['drop', 'drop after'] as const) {
    t.match(await failureOf(t, behaviour), {
      constructor: ChatwootUnavailableError,
      message: 'Chatwoot could not be reached for GET /conversations/42',
      cause: { code: 'ECONNRESET' },
    })
  }
})

t.test('connection refused: the cause has the reason', async t => {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise(resolve => server.once('listening', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise(resolve => server.close(resolve))

  const client = createChatwootClient({ url: `http://127.0.0.1:${port}`, accountId: '1', token: 'abc' })
  t.match(await client?.getConversation('42', signal).catch(error => error), {
    constructor: ChatwootUnavailableError,
    outage: { system: 'chatwoot', isProof: true },
    cause: { code: 'ECONNREFUSED' },
  })
})

t.test('an answer that never comes ends with the timeout', async t => {
  t.match(await failureOf(t, 'hang', { timeoutMs: 50 }), {
    constructor: ChatwootUnavailableError,
    message: 'Chatwoot did not answer GET /conversations/42 within 50 ms',
  })
})

t.test('a slow answer within the timeout is accepted', async t => {
  const { api, client } = await setUp(t)
  api.fail(/./, { wait: 20 })
  t.equal((await client.getConversation('42', signal)).id, 42)
})

t.test('the signal aborts a call', async t => {
  const { api, client } = await setUp(t)
  const controller = new AbortController()
  api.fail(/./, 'hang')
  const failure = client.getConversation('42', controller.signal).catch(error => error)
  await api.arrived(/./)
  controller.abort(new Error('The handler has had its time'))
  t.match(await failure, {
    constructor: ChatwootUnavailableError,
    message: 'Chatwoot could not be reached for GET /conversations/42',
    cause: { message: 'The handler has had its time' },
  })
})

t.test('an answer that is not Chatwoot’s is transient, and nothing is written because of it', async t => {
  const pages = ['<html>We are moving house</html>', '[1]', 'null', '7', '', '{"status":"ok"}']
  const { api, client, conversation } = await setUp(t)
  conversation.custom_attributes = { order_id: 'A1' }
  conversation.labels = ['vip']
  for (const body of pages) {
    api.fail(/GET/, { status: 200, body })
    await t.rejects(
      client.mergeAttributes('42', { a: 1 }, signal),
      new ChatwootUnavailableError("The answer to GET /conversations/42 is not Chatwoot's"),
      `attributes: ${body}`,
    )
  }
  for (const body of [...pages, '{"payload":"x"}']) {
    api.fail(/GET/, { status: 200, body })
    await t.rejects(
      client.changeLabels('42', { add: ['a'] }, signal),
      new ChatwootUnavailableError("The answer to GET /conversations/42/labels is not Chatwoot's"),
      `labels: ${body}`,
    )
  }
  t.match(conversation, { custom_attributes: { order_id: 'A1' }, labels: ['vip'] })
})

t.test('the token is not sent to a redirect’s target', async t => {
  const elsewhere = await startChatwootApi()
  t.teardown(() => elsewhere.close())
  const error = await failureOf(t, { status: 302, headers: { location: elsewhere.url } })
  t.match(error, { constructor: ChatwootUnavailableError, message: 'Chatwoot answered 302 to GET /conversations/42' })
  t.equal(elsewhere.calls.length, 0)
})

t.test('conversations and messages are listed with an administrator’s token', async t => {
  const { api, conversation, client } = await setUp(t, { adminToken: 'token-of-an-administrator' })
  conversation.messages.push({
    id: 9,
    content: 'Hoi',
    message_type: 0,
    private: false,
    content_type: 'text',
    content_attributes: {},
  })
  t.match(await client.listConversations('pending', 1, signal), [{ id: 42, last_non_activity_message: { id: 9 } }])
  t.same(await client.listConversations('pending', 2, signal), [])
  t.same(await client.listConversations('open', 1, signal), [])
  t.match(await client.listMessages('42', signal), [{ id: 9, content: 'Hoi' }])
  await t.rejects(clientOf(api).listConversations('open', 1, signal), ChatwootRefusedError, 'a bot may not')
  for (const body of ['null', '{}', '{"data":{"payload":1}}']) {
    api.fail(/conversations/, { status: 200, body: JSON.parse(body) })
    await t.rejects(client.listConversations('open', 1, signal), ChatwootUnavailableError)
  }
})
