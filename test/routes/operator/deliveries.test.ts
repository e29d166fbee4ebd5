import swagger from '@fastify/swagger'
import Fastify, { type InjectOptions } from 'fastify'
import tap, { type Test } from 'tap'
import webhooks, { deliveryId, PermanentError, type StoredDelivery, type WebhooksOptions } from '../../../app.ts'
import { chatwoot } from '../../../commands/samples.ts'
import { FILTER_SCHEMA } from '../../../operator/filter.ts'
import { chatwootRequest, webhookApp } from '../../helpers/app.ts'

const TOKEN = 'the-token-of-the-operator'

/** An app with an operator, its API, and a handler that fails until it is fixed. */
async function operatedApp(t: Test, options: WebhooksOptions = {}) {
  const fixed = { now: false }
  const { app, log, store } = await webhookApp(t, {
    handlers: {
      message_created: () => {
        if (!fixed.now) throw new PermanentError('not yet')
      },
    },
    operator: { token: TOKEN },
    ...options,
  })
  const api = async (method: 'GET' | 'POST', url: string, payload?: object | string) => {
    const request: InjectOptions = { method, url, headers: { authorization: `Bearer ${TOKEN}` } }
    if (payload !== undefined) {
      request.payload = payload
      request.headers = { ...request.headers, 'content-type': 'application/json' }
    }
    const response = await app.inject(request)
    return { status: response.statusCode, headers: response.headers, body: response.json() }
  }
  const deliver = async (message: number, conversation = 1) => {
    const response = await app.inject(chatwootRequest(chatwoot.incoming({ message, conversation })))
    return response.json().id as string
  }
  /** Resolves with the delivery when its attempt ends. */
  const handled = (id: string, result: string) =>
    new Promise<void>(resolve => {
      const look = (event: { delivery: string; result: string }) => {
        if (event.delivery !== id || event.result !== result) return
        app.webhooks.events.off('handled', look)
        resolve()
      }
      app.webhooks.events.on('handled', look)
    })
  const deliverDead = async (message: number, conversation?: number) => {
    const dead = new Promise<void>(resolve => app.webhooks.events.once('handled', () => resolve()))
    const id = await deliver(message, conversation)
    await dead
    return id
  }
  await app.ready()
  return { app, log, store, api, deliver, deliverDead, handled, fixed }
}

tap.test('the list: newest first, by any filter, page by page', async t => {
  const { api, deliver, fixed } = await operatedApp(t)
  fixed.now = true
  const ids = [await deliver(1, 7), await deliver(2, 8), await deliver(3, 7)]
  const listed = async (query: string) => {
    const { body } = await api('GET', `/deliveries?${query}`)
    return body.deliveries.map(({ id }: { id: string }) => ids.indexOf(id) + 1)
  }
  t.same(await listed(''), [3, 2, 1])
  t.same(await listed('conversation=7'), [3, 1])
  t.same(await listed(`text=${ids[1]?.slice(4, 30)}`), [2])
  t.same(await listed('source=chatwoot&event=message_created&state=&from=2020-01-01'), [3, 2, 1])
  t.same(await listed('source=stripe'), [])
  t.same(await listed('to=2020-01-01T00:00:00Z'), [])
  const { body: first } = await api('GET', '/deliveries?limit=2')
  t.equal(first.deliveries.length, 2)
  t.same(await listed(`limit=2&cursor=${first.next}`), [1])
  t.match(first.deliveries[0], { source: 'chatwoot', event: 'message_created', error: null })
  t.equal('payload' in first.deliveries[0], false)
})

tap.test('a bad filter or cursor is a 400 that names the field', async t => {
  const { api } = await operatedApp(t)
  for (const [query, message] of [
    ['state=odd', 'state must be one of pending'],
    ['from=yesterday', 'from must be a time'],
    ['to=2020-99-99', 'to must be a time'],
    ['conversation=x', 'conversation must be a number'],
    ['cursor=abc', 'cursor must be a whole number'],
    ['cursor=0', 'cursor must be a whole number'],
    ['cursor=-1', 'cursor must be'],
    ['limit=201', 'limit must be a whole number from 1 to 200'],
    ['limit=1e2', 'limit must be'],
    ['source=a&source=b', 'source must be a string, given once'],
    [`text=${'x'.repeat(201)}`, 'text must not be longer'],
  ] as const) {
    const { status, body } = await api('GET', `/deliveries?${query}`)
    t.equal(status, 400, query)
    t.match(body, { code: 'OPERATOR_BAD_FILTER', error: 'Bad Request' })
    t.ok(body.message.startsWith(message), body.message)
  }
})

tap.test('one delivery: payload and history', async t => {
  const { api, deliverDead, handled, fixed } = await operatedApp(t)
  const id = await deliverDead(1)
  const { body } = await api('GET', `/deliveries/${id}`)
  t.match(body, { id, state: 'dead', attempts: 1, error: 'not yet', payload: { event: 'message_created', id: 1 } })
  const whats = (timeline: { what: string }[]) => timeline.map(({ what }) => what)
  t.same(whats(body.timeline), ['accepted', 'dead'])
  t.match(body.timeline[1], { attempt: 1, detail: 'not yet', ms: Number })
  fixed.now = true
  const done = handled(id, 'done')
  t.match(await api('POST', `/deliveries/${id}/replay`), { status: 202, body: { status: 'replayed', id } })
  await done
  const { body: after } = await api('GET', `/deliveries/${id}`)
  t.match(after, { state: 'done', attempts: 2 })
  t.same(whats(after.timeline), ['accepted', 'dead', 'replayed', 'done'])
  t.match(await api('GET', '/deliveries/nothing'), { status: 404, body: { code: 'OPERATOR_UNKNOWN_DELIVERY' } })
  t.match(await api('GET', `/deliveries/${'x'.repeat(99)}`), { status: 404 })
})

tap.test('an unreadable delivery was dead when stored', async t => {
  const { app, api } = await operatedApp(t)
  const response = await app.inject(chatwootRequest({ ...chatwoot.incoming(), id: {}, conversation: {} }))
  const { body } = await api('GET', `/deliveries/${response.json().id}`)
  t.match(body, { state: 'dead', attempts: 0 })
  t.match(body.timeline, [{ what: 'accepted' }, { what: 'dead', detail: /conversation\.id/ }])
})

tap.test('an impossible replay or discard is a 409 with the reason', async t => {
  const going = Promise.withResolvers<void>()
  const begun = Promise.withResolvers<void>()
  const { app, api, deliver, deliverDead, fixed } = await operatedApp(t, {
    handlers: {
      message_created: async ({ payload }) => {
        if (payload.id === 1) throw new PermanentError('no')
        begun.resolve()
        await going.promise
      },
    },
  })
  fixed.now = true
  const dead = await deliverDead(1, 1)
  const busy = await deliver(2, 2)
  await begun.promise
  const { body: shown } = await api('GET', `/deliveries/${busy}`)
  t.match(shown, { inFlight: true, timeline: [{ what: 'accepted' }, { what: 'started', attempt: 1 }] })
  for (const action of ['replay', 'discard']) {
    t.match(await api('POST', `/deliveries/${busy}/${action}`, { reason: 'x' }), {
      status: 409,
      body: { code: 'OPERATOR_CONFLICT', message: /is being handled/ },
    })
    t.match(await api('POST', `/deliveries/unknown/${action}`, { reason: 'x' }), { status: 404 })
  }
  for (const reason of [undefined, '', '  ', 5, 'x'.repeat(501)]) {
    t.match(await api('POST', `/deliveries/${dead}/discard`, { reason }), { status: 400, body: { message: /^reason/ } })
  }
  t.match(await api('POST', `/deliveries/${dead}/discard`, { reason: ' a test ' }), { status: 200 })
  t.match((await api('GET', `/deliveries/${dead}`)).body.timeline.at(-1), { what: 'discarded', detail: 'a test' })
  t.match(await api('POST', `/deliveries/${dead}/replay`), { status: 409, body: { message: /is discarded: only/ } })
  await app.webhooks.inbox.forget([dead])
  t.match(await api('POST', `/deliveries/${dead}/replay`), { status: 409, body: { message: /no payload any more/ } })
  going.resolve()
})

tap.test('replaying all that match a filter, after counting them', async t => {
  const { app, api, deliverDead, fixed } = await operatedApp(t)
  const ids = [await deliverDead(1, 1), await deliverDead(2, 2), await deliverDead(3, 2)]
  const replay = (payload?: object) => api('POST', '/deliveries/replay', payload)
  t.match(await replay({ dryRun: true }), { status: 200, body: { matched: 3, replayed: 0 } })
  t.match(await replay({ filter: { conversation: '2', state: 'dead' }, dryRun: true }), { body: { matched: 2 } })
  t.match(await replay({ filter: { state: 'parked' }, dryRun: true }), { body: { matched: 0 } })
  for (const [payload, message] of [
    [{ filter: { state: 'done' } }, /state must be parked, dead or quarantined/],
    [{ filter: { conversation: 5 } }, /conversation must be a string/],
    [{ dryrun: true }, /dryrun is not known/],
    [{ dryRun: 'yes' }, /dryRun must be true or false/],
    [{ filter: { stat: 'dead' } }, /^stat is no field of a filter$/],
    [{ filter: 'state=dead' }, /^filter must be an object$/],
    [{ filter: null }, /^filter must be an object$/],
  ] as const) {
    t.match(await replay(payload), { status: 400, body: { message } })
  }
  fixed.now = true
  const done = new Promise<void>(resolve => {
    let left = ids.length
    app.webhooks.events.on('handled', () => --left === 0 && resolve())
  })
  t.match(await replay({}), { status: 202, body: { matched: 3, replayed: 3 } })
  await done
  const states = await Promise.all(ids.map(async id => ((await app.webhooks.inbox.get(id)) as StoredDelivery).state))
  t.same(states, ['done', 'done', 'done'])
})

tap.test('replaying more than one page', async t => {
  const { app, api } = await operatedApp(t)
  const unreadable = Array.from({ length: 450 }, (_, n) => {
    const parts = { source: 'shop', event: 'order', orderingKey: `order:${n}`, payload: {}, receivedAt: 1 }
    return app.webhooks.inbox.accept({ id: deliveryId('shop', `${n}`), key: `${n}`, unreadable: 'odd', ...parts }, 1)
  })
  await Promise.all(unreadable)
  t.match(await api('POST', '/deliveries/replay', { dryRun: true }), { body: { matched: 450, replayed: 0 } })
  t.match(await api('POST', '/deliveries/replay', {}), { body: { matched: 450, replayed: 450 } })
})

tap.test('the next retry is in the timeline', async t => {
  const { app, api } = await operatedApp(t, {
    handlers: {
      message_created: () => {
        throw new Error('not now')
      },
    },
  })
  const failed = new Promise<void>(resolve => app.webhooks.events.once('handled', () => resolve()))
  const response = await app.inject(chatwootRequest(chatwoot.incoming()))
  await failed
  const { body } = await api('GET', `/deliveries/${response.json().id}`)
  t.match(body.timeline, [{ what: 'accepted' }, { what: 'failed', attempt: 1, detail: 'not now' }, { what: 'due' }])
  t.equal(body.timeline[2].at, body.nextAttemptAt)
})

tap.test('nothing without the token, and only the token after ten wrong ones within a minute', async t => {
  const { app, log } = await operatedApp(t)
  const get = (authorization?: string, remoteAddress = '10.0.0.1', url = '/deliveries') =>
    app.inject({ url, remoteAddress, headers: authorization === undefined ? {} : { authorization } })
  for (const url of [
    '/deliveries',
    '/deliveries/x',
    '/docs',
    '/docs/json',
    '/docs/static/index.html',
    '/docs/static/no',
  ]) {
    const response = await get(undefined, '10.0.0.9', url)
    t.match(response, { statusCode: 401, headers: { 'www-authenticate': 'Bearer', 'cache-control': 'no-store' } })
    t.match(response.json(), { code: 'OPERATOR_TOKEN_MISSING' })
  }
  t.equal((await get(`Basic ${TOKEN}`)).statusCode, 401)
  for (let n = 0; n < 10; n++) t.match((await get(`Bearer ${TOKEN}${n}`)).json(), { code: 'OPERATOR_TOKEN_WRONG' })
  const logged = log.lines.length
  const refused = await get(`Bearer ${TOKEN}11`)
  t.match(refused, { statusCode: 429, headers: { 'retry-after': /^\d+$/ } })
  t.equal(refused.json().message, 'Too many wrong tokens from this address; the right one is still accepted')
  t.equal(log.lines.length, logged, 'it fills no log')
  t.equal((await get(`Bearer ${TOKEN}`)).statusCode, 200, 'from the same address: a proxy may be behind it')
  t.equal((await get(`Bearer ${TOKEN}12`)).statusCode, 429, 'which does not begin the count anew')
  t.equal((await get(`bearer  ${TOKEN}`, '10.0.0.2')).statusCode, 200)
  t.notMatch(JSON.stringify(log.lines), TOKEN)
})

tap.test('without a token there is nothing, and a short one is refused', async t => {
  const { app } = await webhookApp(t)
  for (const url of ['/deliveries', '/docs', '/dashboard']) t.equal((await app.inject(url)).statusCode, 404)
  const other = Fastify()
  t.teardown(() => other.close())
  await t.rejects(
    async () => other.register(webhooks, { store: `${t.testdir()}/x.db`, operator: { token: 'short' } }),
    /operator.token \(ADMIN_TOKEN\) must have at least 16 random characters/,
  )
})

tap.test('our own errors are a 500 without details; invalid JSON is a 400', async t => {
  const { app, api, log } = await operatedApp(t)
  t.match(await api('POST', '/deliveries/replay', '{'), { status: 400 })
  t.match(await api('POST', '/deliveries/replay', 'null'), { status: 202, body: { matched: 0 } })
  t.match(await api('POST', '/deliveries/replay', JSON.stringify({ a: 'x'.repeat(70_000) })), { status: 413 })
  Object.assign(app.webhooks.inbox, { get: () => Promise.reject(new Error('a secret of the disk')) })
  const { status, body } = await api('GET', '/deliveries/x')
  t.same([status, body.code, body.message], [500, 'OPERATOR_FAILED', 'Something went wrong; see the log'])
  t.ok(log.lines.some(({ msg }) => msg === "request to the operator's API failed"))
})

tap.test('the documentation, from the schemas', async t => {
  const { app, api } = await operatedApp(t)
  const { body } = await api('GET', '/docs/json')
  t.same(Object.keys(body.paths).sort(), [
    '/causes',
    '/conversations/{id}',
    '/conversations/{id}/give-back',
    '/deliveries',
    '/deliveries/replay',
    '/deliveries/{id}',
    '/deliveries/{id}/discard',
    '/deliveries/{id}/replay',
    '/lessons',
    '/lessons/blocks',
    '/lessons/blocks/{id}/unblock',
    '/lessons/changes/{id}',
    '/lessons/weekly',
    '/lessons/weekly/{id}/end',
    '/lessons/{id}',
    '/lessons/{id}/cancel',
    '/lessons/{id}/move',
    '/lessons/{id}/paid',
    '/lessons/{id}/unpaid',
    '/packages',
    '/packages/{id}',
    '/replay-jobs',
    '/replay-jobs/{number}',
    '/replay-jobs/{number}/resume',
    '/replay-jobs/{number}/stop',
  ])
  const documented = body.paths['/deliveries'].get.parameters.map(({ name }: { name: string }) => name)
  t.same(documented, [...Object.keys(FILTER_SCHEMA), 'limit', 'cursor'])
  const page = await app.inject({ url: '/docs', headers: { authorization: `Bearer ${TOKEN}` } })
  t.match(page, {
    statusCode: 200,
    headers: { 'content-type': /html/, 'content-security-policy': /default-src 'self'/ },
  })
})

tap.test('in a host with its own @fastify/swagger and compilers', async t => {
  const host = Fastify()
  t.teardown(() => host.close())
  const refuse = () => {
    throw new Error("a host's compiler met our schema")
  }
  await host.register(swagger)
  await host.register(webhooks, { prefix: '/hooks', store: `${t.testdir()}/x.db`, operator: { token: TOKEN } })
  host.setValidatorCompiler(refuse)
  host.setSerializerCompiler(refuse)
  await host.ready()
  const headers = { authorization: `Bearer ${TOKEN}` }
  t.equal((await host.inject({ url: '/hooks/deliveries', headers })).statusCode, 200)
  t.ok(Object.keys(host.swagger().paths ?? {}).includes('/hooks/deliveries'))
  t.equal((await host.inject({ url: '/deliveries', headers })).statusCode, 404)
})
