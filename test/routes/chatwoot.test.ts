import { hash } from 'node:crypto'
import { DatabaseSync } from 'node:sqlite'
import t from 'tap'
import { chatwoot, railsJson } from '../../commands/samples.ts'
import { deliveryId } from '../../inbox/delivery-id.ts'
import { signChatwoot } from '../../plugins/verification.ts'
import { CHATWOOT_SECRET, chatwootRequest, listen, webhookApp } from '../helpers/app.ts'
import { chatwootDelivery } from '../helpers/identify.ts'
import { LEVELS } from '../helpers/log.ts'
import { bodyOf, exchange, type Headers, post, statusOf } from '../helpers/sockets.ts'

const UUID = '3f2b8a52-6f0e-4b0a-9d3b-0c6a2a7b1d11'
const OTHER_UUID = '9c1d7e00-1111-4222-8333-444455556666'
const FOUR_MIB = 4 * 1024 * 1024

const identify = (
  payload: { event: string; account?: { id?: unknown } },
  dispatch = UUID,
  account: string | undefined = '1',
) => chatwootDelivery(payload.event, account, payload, () => dispatch)

t.test('a new delivery is stored and accepted, a copy is a duplicate', async t => {
  const { app } = await webhookApp(t)
  const payload = chatwoot.incoming({ account: 1, conversation: 42, message: 11 })
  const id = deliveryId('chatwoot', '1:42_11_message_created')

  const first = await app.inject(chatwootRequest(payload, UUID))
  t.equal(first.statusCode, 200)
  t.same(first.json(), { status: 'accepted', id })

  const copy = await app.inject(chatwootRequest(payload, OTHER_UUID))
  t.equal(copy.statusCode, 200)
  t.same(copy.json(), { status: 'duplicate', id })

  t.match(await app.webhooks.inbox.list(), [
    {
      id,
      source: 'chatwoot',
      event: 'message_created',
      key: '1:42_11_message_created',
      orderingKey: 'conversation:1:42',
    },
  ])
})

t.test('a bot’s retry is a duplicate although its bytes differ', async t => {
  const { app } = await webhookApp(t)
  const payload = chatwoot.incoming()
  t.match((await app.inject(chatwootRequest(payload, UUID))).json(), { status: 'accepted' })
  payload.conversation.contact_inbox.updated_at = '2026-11-20T15:04:09.000Z'
  t.match((await app.inject(chatwootRequest(payload, UUID))).json(), { status: 'duplicate' })
})

t.test('keys and ordering keys', async t => {
  const cases: [string, ReturnType<typeof identify>, string, string][] = [
    [
      'a message',
      identify(chatwoot.incoming({ conversation: 42, message: 11 })),
      '1:42_11_message_created',
      'conversation:1:42',
    ],
    [
      'a choice in the web widget',
      identify(chatwoot.submitted({ conversation: 42, message: 11, choice: { title: 'Prijzen', value: 'prices' } })),
      `1:42_11_message_updated_${hash('sha256', '[{"title":"Prijzen","value":"prices"}]')}`,
      'conversation:1:42',
    ],
    [
      'a message’s status',
      identify(chatwoot.statusOnly({ conversation: 42, message: 11 })),
      `1:42_11_message_updated_${UUID}`,
      'conversation:1:42',
    ],
    [
      'a conversation',
      identify(chatwoot.conversationCreated({ conversation: 42 })),
      '1:42_conversation_created',
      'conversation:1:42',
    ],
    [
      'a conversation’s update',
      identify(chatwoot.conversationUpdated({ conversation: 42 })),
      `1:42_conversation_updated_${UUID}`,
      'conversation:1:42',
    ],
    [
      'typing',
      identify(chatwoot.typing({ conversation: 42 })),
      `1:42_conversation_typing_on_${UUID}`,
      'conversation:1:42',
    ],
    ['a contact', identify(chatwoot.contactCreated()), '1:4100001_contact_created', 'contact:1:4100001'],
    [
      'a contact’s update',
      identify({ ...chatwoot.contactCreated(), event: 'contact_updated' }),
      `1:4100001_contact_updated_${UUID}`,
      'contact:1:4100001',
    ],
  ]
  for (const [name, delivery, key, orderingKey] of cases) {
    t.match(delivery, { source: 'chatwoot', key, orderingKey, id: deliveryId('chatwoot', key) }, name)
    t.equal(delivery.unreadable, undefined)
    t.match(delivery.id, /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/, 'UUIDv8')
  }
})

t.test('a widget event is in its conversation’s mailbox, else its contact’s', async t => {
  const visit = { event: 'webwidget_triggered', id: 5, account: { id: 1 }, contact: { id: 7 } }
  t.match(identify({ ...visit }), { orderingKey: 'contact:1:7', key: `1:5_webwidget_triggered_${UUID}` })
  t.match(identify({ ...visit, current_conversation: { id: 42 } } as typeof visit), {
    orderingKey: 'conversation:1:42',
    key: `1:42_5_webwidget_triggered_${UUID}`,
  })
})

t.test('an event without ids is identified by its dispatch, and has its own mailbox', async t => {
  const delivery = identify({ event: 'inbox_created', account: { id: 1 } })
  t.equal(delivery.unreadable, undefined)
  t.equal(delivery.key, `1:_inbox_created_${UUID}`)
  t.equal(delivery.orderingKey, `delivery:${delivery.id}`)
  t.not(identify({ event: 'inbox_created', account: { id: 1 } }, OTHER_UUID).id, delivery.id)
})

t.test('different events with the same ids are different deliveries', async t => {
  const same = { account: 1, conversation: 42, message: 42 }
  const ids = [
    identify(chatwoot.incoming(same)),
    identify(chatwoot.incoming({ ...same, account: 2 }), UUID, '2'),
    identify(chatwoot.incoming({ ...same, conversation: 43 })),
    identify(chatwoot.incoming({ ...same, message: 43 })),
    identify(chatwoot.statusOnly(same)),
    identify(chatwoot.statusOnly(same), OTHER_UUID),
    identify(chatwoot.submitted(same)),
    identify(chatwoot.submitted({ ...same, choice: { title: 'Mens', value: 'human' } })),
    identify(chatwoot.conversationCreated(same)),
    identify(chatwoot.conversationUpdated(same)),
    identify(chatwoot.conversationUpdated(same), OTHER_UUID),
    identify({ ...chatwoot.contactCreated(), id: 42 } as { event: string }),
    chatwootDelivery('message_created', '1', { id: 2, conversation: { id: 422 } }, () => UUID),
    chatwootDelivery('message_created', '1', { id: 22, conversation: { id: 42 } }, () => UUID),
  ].map(({ id }) => id)
  t.equal(new Set(ids).size, ids.length)
})

t.test('a repeated choice, also by another webhook, is a duplicate; another choice is not', async t => {
  const choice = { title: 'Prijzen', value: 'prices' }
  const { id } = identify(chatwoot.submitted({ choice }))
  t.equal(identify(chatwoot.submitted({ choice }), OTHER_UUID).id, id)
  t.not(identify(chatwoot.submitted({ choice: { title: 'Prijzen', value: 'other' } })).id, id)
})

t.test('repeatable events are distinguished by Chatwoot’s delivery UUID, else by their bodies', async t => {
  const { app } = await webhookApp(t, { handlers: { conversation_updated: () => {} } })
  const payload = chatwoot.conversationUpdated()
  const send = async (uuid?: string, body: object = payload) =>
    (await app.inject(chatwootRequest(body, uuid))).json().status
  t.equal(await send(UUID), 'accepted')
  t.equal(await send(UUID, { ...payload, unread_count: 2 }), 'duplicate', 'the same dispatch, with other bytes')
  t.equal(await send(OTHER_UUID), 'accepted', 'another dispatch')
  t.equal(await send(), 'accepted', 'no UUID')
  t.equal(await send(), 'duplicate', 'no UUID, the same bytes')
  t.equal(await send(undefined, { ...payload, unread_count: 2 }), 'accepted', 'no UUID, other bytes')
})

t.test('the account is the payload’s, else the configured one', async t => {
  const { account: _, ...accountless } = chatwoot.conversationCreated({ conversation: 42 })
  await t.test('configured', async t => {
    const { app } = await webhookApp(t, { chatwoot: { accountId: '7' } })
    t.match((await app.inject(chatwootRequest(accountless))).json(), { status: 'accepted' })
    const same = await app.inject(chatwootRequest(chatwoot.conversationCreated({ account: 7, conversation: 42 })))
    t.match(same.json(), { status: 'duplicate' })
    t.match(await app.webhooks.inbox.list(), [{ key: '7:42_conversation_created', orderingKey: 'conversation:7:42' }])
  })
  await t.test('not configured', async t => {
    const { app } = await webhookApp(t)
    t.match((await app.inject(chatwootRequest(accountless))).json(), { status: 'accepted' })
    t.match(await app.webhooks.inbox.list({ state: 'dead' }), [{ error: /account\.id is missing.*CW_ACC_ID/ }])
  })
})

t.test('another account’s event is ignored, with a warning', async t => {
  const { app, log } = await webhookApp(t, { chatwoot: { accountId: '7' } })
  const response = await app.inject(chatwootRequest(chatwoot.incoming({ account: 8 })))
  t.equal(response.statusCode, 200)
  t.same(response.json(), { status: 'ignored' })
  t.same(await app.webhooks.inbox.list(), [])
  t.match(await log.line(line => line.path === '/cw'), {
    level: LEVELS.warn,
    outcome: 'ignored',
    reason: 'account 8, not 7 (CW_ACC_ID)',
  })
})

t.test('an event without a handler is ignored', async t => {
  const { app, log } = await webhookApp(t)
  let requests = 0
  for (const [payload, reason] of [
    [chatwoot.contactCreated(), 'no handler for this event'],
    [{ event: 'constructor' }, 'no handler for this event'],
    [{ id: 1 }, 'it names no event'],
    [{ event: 7 }, 'it names no event'],
    [{ event: '' }, 'it names no event'],
  ] as const) {
    const response = await app.inject(chatwootRequest(payload))
    t.equal(response.statusCode, 200)
    t.same(response.json(), { status: 'ignored' })
    t.match(await log.request(++requests), { level: LEVELS.info, outcome: 'ignored', reason })
  }
  t.same(await app.webhooks.inbox.list(), [])
})

t.test('an unreadable event is stored as dead', async t => {
  const { app, log } = await webhookApp(t)
  const message = (parts: object) => ({ ...chatwoot.incoming(), ...parts })
  const cases: [object, RegExp][] = [
    [message({ id: { $gt: 0 } }), /^id is missing/],
    [message({ id: [11] }), /^id is missing/],
    [message({ id: null }), /^id is missing/],
    [message({ id: 1.5 }), /^id is missing/],
    [message({ id: -1 }), /^id is missing/],
    [message({ id: 1e300 }), /^id is missing/],
    [message({ id: 'x'.repeat(256) }), /^id is missing/],
    [message({ id: 'with a space' }), /^id is missing/],
    [message({ conversation: undefined }), /^conversation\.id is missing/],
    [message({ conversation: null }), /^conversation\.id is missing/],
    [message({ conversation: 42 }), /^conversation\.id is missing/],
    [message({ conversation: { id: {} } }), /^conversation\.id is missing/],
    [message({ account: { id: true } }), /^account\.id is missing/],
    [message({ account: [] }), /^account\.id is missing/],
    [{ ...chatwoot.conversationCreated(), id: '' }, /^id is missing/],
  ]
  for (const [payload, error] of cases) {
    const response = await app.inject(chatwootRequest(payload))
    t.equal(response.statusCode, 200)
    t.match(response.json(), { status: 'accepted', id: /-8/ })
    const stored = await app.webhooks.inbox.get(response.json().id)
    t.match(stored, { state: 'dead', attempts: 0, error, payload: { event: /./ } })
    t.match(await log.line(line => line.msg === 'webhook dead' && line.delivery === stored?.id), {
      level: LEVELS.error,
    })
  }
  t.equal((await app.webhooks.inbox.list({ state: 'dead' })).length, cases.length)
  const [again] = cases[0] as (typeof cases)[0]
  t.match((await app.inject(chatwootRequest(again))).json(), { status: 'duplicate' }, 'sent again')
})

t.test('malformed bodies: 400, nothing stored', async t => {
  const { app } = await webhookApp(t)
  const cases: [string, RegExp][] = [
    ['', /^The body is not a JSON object: /],
    ['{', /^The body is not a JSON object: /],
    ['{"event":"message_created"', /^The body is not a JSON object: /],
    ['\uFEFF{}', /^The body is not a JSON object: /],
    ['event=message_created', /^The body is not a JSON object: /],
    ['[]', /it is an array$/],
    ['null', /it is null$/],
    ['7', /it is 7$/],
    [JSON.stringify('a text of which no more than the beginning is told'), /it is "a text of which no $/],
  ]
  for (const [body, message] of cases) {
    const response = await app.inject(chatwootRequest(body))
    t.match(response.json(), { statusCode: 400, code: 'WEBHOOK_MALFORMED', error: 'Bad Request', message })
  }
  t.same(await app.webhooks.inbox.list(), [])
})

t.test('deeply nested bodies are stored', async t => {
  const { app } = await webhookApp(t)
  const deep = `${'['.repeat(1e5)}${']'.repeat(1e5)}`
  const body = `{"event":"message_created","id":1,"account":{"id":1},"conversation":{"id":1},"deep":${deep}}`
  t.match((await app.inject(chatwootRequest(body))).json(), { status: 'accepted' })
})

t.test('not authentic: 401, nothing stored, one warning without the content', async t => {
  const { app, log } = await webhookApp(t)
  const payload = railsJson(chatwoot.incoming({ content: 'a very private text' }))
  const signed = signChatwoot(payload, CHATWOOT_SECRET)
  const cases: [string, Record<string, string>, string?][] = [
    ['WEBHOOK_SIGNATURE_MISSING', { 'content-type': 'application/json' }],
    ['WEBHOOK_SIGNATURE_MALFORMED', { ...signed, 'x-chatwoot-signature': 'sha256=dead' }],
    ['WEBHOOK_SIGNATURE_MISMATCH', signChatwoot(payload, 'another')],
    ['WEBHOOK_SIGNATURE_MISMATCH', signed, JSON.stringify(JSON.parse(payload))],
    ['WEBHOOK_TIMESTAMP_INVALID', { ...signed, 'x-chatwoot-timestamp': 'now' }],
    ['WEBHOOK_TIMESTAMP_OUTSIDE_TOLERANCE', signChatwoot(payload, CHATWOOT_SECRET, 1)],
  ]
  let requests = 0
  for (const [code, headers, body = payload] of cases) {
    const before = log.lines.length
    const response = await app.inject({ method: 'POST', url: '/cw', headers, payload: body })
    t.match(response.json(), { statusCode: 401, code, error: 'Unauthorized' })
    await log.request(++requests)
    const lines = log.lines.slice(before)
    t.equal(lines.length, 1)
    t.match(lines, [{ level: LEVELS.warn, path: '/cw', outcome: 'refused', reason: code, status: 401 }])
  }
  t.same(await app.webhooks.inbox.list(), [])
  t.notMatch(log.text(), 'private text')
  t.notMatch(log.text(), signed['x-chatwoot-signature']?.slice(7) as string)
  t.notMatch(log.text(), CHATWOOT_SECRET)
})

t.test('the signature is checked before the body', async t => {
  const { app } = await webhookApp(t)
  const response = await app.inject({
    method: 'POST',
    url: '/cw',
    headers: { 'content-type': 'application/json' },
    payload: '{',
  })
  t.equal(response.statusCode, 401)
})

t.test('content types', async t => {
  const { app } = await webhookApp(t)
  const payload = railsJson(chatwoot.incoming())
  const signed = signChatwoot(payload, CHATWOOT_SECRET)
  const send = async (type: string) =>
    (await app.inject({ method: 'POST', url: '/cw', headers: { ...signed, 'content-type': type }, payload })).json()
  for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/xml', 'application/jsonp']) {
    t.match(await send(type), {
      statusCode: 415,
      code: 'FST_ERR_CTP_INVALID_MEDIA_TYPE',
      error: 'Unsupported Media Type',
    })
  }
  t.match(await send('application/json; charset=utf-8'), { status: 'accepted' })
})

t.test('4 MiB is accepted, a byte more is not, with Content-Length and chunked', async t => {
  const { app } = await webhookApp(t)
  const port = await listen(app)
  const bodyOfLength = (length: number, message: number) => {
    const empty = railsJson(chatwoot.incoming({ content: '', message }))
    return `${empty.slice(0, -1)},"padding":"${'x'.repeat(length - Buffer.byteLength(empty) - 13)}"}`
  }
  const chunked = (body: string): [Headers, string] => [
    { ...signChatwoot(body, CHATWOOT_SECRET), 'transfer-encoding': 'chunked', 'content-length': [] },
    `${Buffer.byteLength(body).toString(16)}\r\n${body}\r\n`,
  ]

  const fits = bodyOfLength(FOUR_MIB, 1)
  t.equal(Buffer.byteLength(fits), FOUR_MIB)
  t.match(bodyOf(await exchange(port, post('/cw', signChatwoot(fits, CHATWOOT_SECRET), fits))), { status: 'accepted' })
  const [headers, chunk] = chunked(bodyOfLength(FOUR_MIB, 2))
  t.match(bodyOf(await exchange(port, post('/cw', headers, chunk), '0\r\n\r\n')), { status: 'accepted' }, 'chunked')

  const tooLarge = bodyOfLength(FOUR_MIB + 1, 3)
  const declared = { ...signChatwoot(tooLarge, CHATWOOT_SECRET), 'content-length': `${FOUR_MIB + 1}` }
  const error = { statusCode: 413, code: 'FST_ERR_CTP_BODY_TOO_LARGE', error: 'Payload Too Large' }
  t.match(bodyOf(await exchange(port, post('/cw', declared))), error)
  const [largeHeaders, largeChunk] = chunked(tooLarge)
  t.match(bodyOf(await exchange(port, post('/cw', largeHeaders, largeChunk))), error, 'chunked')
  t.equal((await app.webhooks.inbox.list()).length, 2)
})

t.test('a failing store: 500 for every copy, logged, and accepted once it works', async t => {
  const { app, log, store } = await webhookApp(t)
  const other = new DatabaseSync(store)
  t.teardown(() => other.close())
  other.exec('ALTER TABLE delivery RENAME TO gone')
  const request = chatwootRequest(chatwoot.incoming())
  const answers = await Promise.all([app.inject(request), app.inject(request)])
  for (const answer of answers) {
    t.same(answer.json(), {
      statusCode: 500,
      code: 'WEBHOOK_NOT_STORED',
      error: 'Internal Server Error',
      message: 'The delivery could not be stored; send it again',
    })
  }
  t.match(await log.line(line => line.path === '/cw'), {
    level: LEVELS.error,
    outcome: 'failed',
    reason: 'WEBHOOK_NOT_STORED',
    status: 500,
  })
  t.match(log.text(), 'no such table: ', 'the cause is in the log')
  other.exec('ALTER TABLE gone RENAME TO delivery')
  t.match((await app.inject(request)).json(), { status: 'accepted' })
})

t.test('too many at once: 429 with Retry-After', async t => {
  const { app } = await webhookApp(t, { inbox: { maxWaiting: 1 } })
  const [one, two] = await Promise.all(
    [1, 2].map(message => app.inject(chatwootRequest(chatwoot.incoming({ message })))),
  )
  t.match(one?.json(), { status: 'accepted' })
  t.match(two?.json(), { statusCode: 429, code: 'WEBHOOK_INBOX_BUSY', error: 'Too Many Requests' })
  t.equal(two?.headers['retry-after'], '1')
})

t.test('too many bytes at once: 429, chunked ones too', async t => {
  const { app } = await webhookApp(t, { inbox: { maxWaitingBytes: 100 } })
  t.equal((await app.inject(chatwootRequest(chatwoot.incoming()))).statusCode, 429)
  const body = railsJson(chatwoot.incoming())
  const headers = { ...signChatwoot(body, CHATWOOT_SECRET), 'transfer-encoding': 'chunked', 'content-length': [] }
  const chunked = post('/cw', headers, `${Buffer.byteLength(body).toString(16)}\r\n${body}\r\n0\r\n\r\n`)
  t.equal(statusOf(await exchange(await listen(app), chunked)), 429)
})

t.test('a custom path and prefix', async t => {
  const { app, log } = await webhookApp(t, { prefix: '/hooks', chatwoot: { path: '/bot' } })
  const response = await app.inject(chatwootRequest(chatwoot.incoming(), UUID, '/hooks/bot'))
  t.match(response.json(), { status: 'accepted' })
  t.match(await log.line(line => line.path !== undefined), { path: '/hooks/bot' })
  t.equal((await app.inject(chatwootRequest(chatwoot.incoming()))).statusCode, 404)
})
