import { once } from 'node:events'
import { connect } from 'node:net'
import t, { type Test } from 'tap'
import { pay } from '../../sandbox/payments.ts'
import { type Session, startStripeApi } from '../../sandbox/stripe-api.ts'
import { startWithReceiver } from '../helpers/world-receiver.ts'

/** What the stand-ins refuse, as the real ones do. */

async function stripeCalls(test: Test) {
  const stripe = await startStripeApi()
  test.teardown(() => stripe.close())
  stripe.addPrice('price_1', 6000)
  async function call(method: string, path: string, form?: Record<string, string>, key = '') {
    const response = await fetch(`${stripe.url}/v1${path}`, {
      method,
      headers: {
        authorization: `Bearer ${stripe.secretKey}`,
        ...(key !== '' && { 'idempotency-key': key }),
        'content-type': 'application/x-www-form-urlencoded',
      },
      body: form === undefined ? null : new URLSearchParams(form),
    })
    return { status: response.status, body: await response.json() }
  }
  const expires_at = String(Math.floor(Date.now() / 1_000) + 3_600)
  const good = { 'line_items[0][price]': 'price_1', success_url: 'http://127.0.0.1/', expires_at }
  return { stripe, call, good }
}

t.test('Stripe refuses a session that can not be sold, and a key for another request', async t => {
  const { stripe, call, good } = await stripeCalls(t)
  stripe.prices.set('price_old', { id: 'price_old', active: false, unit_amount: 6000, currency: 'eur' })
  stripe.prices.set('price_tiers', { id: 'price_tiers', unit_amount: null, currency: 'eur' })
  const { success_url: _, ...without } = good
  for (const [form, says] of [
    [{ ...good, 'line_items[0][price]': 'price_2' }, /No such price: 'price_2'/],
    [{ ...good, 'line_items[0][price]': 'price_old' }, /inactive/],
    [{ ...good, 'line_items[0][price]': 'price_tiers' }, /no unit_amount/],
    [without, /success_url/],
    [{ ...good, expires_at: String(Math.floor(Date.now() / 1_000) + 60) }, /at least 30 minutes/],
  ] as const) {
    t.match(await call('POST', '/checkout/sessions', form), { status: 400, body: { error: { message: says } } })
  }
  const first = await call('POST', '/checkout/sessions', good, 'key')
  t.match(first, { status: 200, body: { id: 'cs_test_1', status: 'open', url: /^https:\/\/checkout\.stripe\.com\// } })
  t.same(await call('POST', '/checkout/sessions', good, 'key'), first, 'the same again')
  t.match(await call('POST', '/checkout/sessions', { ...good, locale: 'nl' }, 'key'), {
    status: 400,
    body: { error: { type: 'idempotency_error' } },
  })
})

t.test('Stripe’s lists and what it does not know', async t => {
  const { stripe, call, good } = await stripeCalls(t)
  stripe.intents.set('pi_1', { order_id: 'OPL-1' })
  t.match(await call('GET', '/payment_intents/pi_1'), { status: 200, body: { metadata: { order_id: 'OPL-1' } } })
  t.match(await call('GET', '/payment_intents/pi_2'), { status: 404, body: { error: { code: 'resource_missing' } } })
  t.match(await call('GET', '/prices/price_2'), { status: 404, body: { error: { message: /No such price/ } } })
  t.match(await call('GET', '/checkout/sessions/cs_2'), { status: 404 })
  t.match(await call('GET', '/balance'), { status: 404, body: { error: { message: /GET: \/v1\/balance/ } } })
  await call('POST', '/checkout/sessions', good, 'a')
  await call('POST', '/checkout/sessions', good, 'b')
  for (const session of stripe.sessions.values()) session.payment_intent = 'pi_1'
  t.match(await call('GET', '/checkout/sessions?payment_intent=pi_1&limit=1'), { body: { has_more: true } })
  t.match(await call('GET', '/checkout/sessions?payment_intent=pi_1'), { body: { has_more: false } })
  const { body } = await call('GET', '/checkout/sessions/cs_test_1?expand[0]=payment_intent.latest_charge')
  t.match(body, { payment_intent: { status: 'processing', latest_charge: { refunded: false } } })

  for (const n of [1, 2, 3]) stripe.events.push({ id: `evt_${n}`, type: n === 2 ? 'b' : 'a', created: n })
  t.match(await call('GET', '/events/evt_2'), { status: 200, body: { type: 'b' } })
  const ids = async (query: string) => {
    const { body } = await call('GET', `/events?${query}`)
    return (body as { data: { id: string }[] }).data.map(({ id }) => id)
  }
  t.same(await ids('types[0]=a&created[gte]=1'), ['evt_3', 'evt_1'])
  t.same(await ids('types[0]=a&created[gte]=1&limit=1'), ['evt_3'])
  t.same(await ids('types[0]=a&types[1]=b&created[gte]=1&starting_after=evt_3'), ['evt_2', 'evt_1'])
})

t.test('Stripe gives back what is left of a payment, and no more', async t => {
  const { stripe, call, good } = await stripeCalls(t)
  const refund = (amount: number, key = '', more = {}) =>
    call('POST', '/refunds', { payment_intent: 'pi_1', amount: String(amount), ...more }, key)
  t.match(await refund(1), { status: 404, body: { error: { code: 'resource_missing' } } })
  await call('POST', '/checkout/sessions', good)
  const [session] = stripe.sessions.values() as Iterable<Session>
  Object.assign(session as Session, { payment_intent: 'pi_1', status: 'complete' })
  t.match(await call('GET', '/payment_intents/pi_1'), { body: { status: 'processing', latest_charge: 'ch_cs_test_1' } })
  t.match(await refund(1), { status: 400, body: { error: { code: 'payment_intent_unexpected_state' } } })
  t.match(await call('POST', '/payment_intents/pi_1/cancel'), { body: { error: { message: /Checkout Session/ } } })
  t.match(await call('POST', '/payment_intents/pi_2/cancel'), { status: 404 })
  t.match(await call('GET', '/payment_intents'), { status: 404 })
  t.match(await call('DELETE', '/payment_intents/pi_1'), { status: 404, body: { error: { message: /DELETE/ } } })

  pay(session as Session, 'pi_1')
  t.match(await refund(6001), { status: 400, body: { error: { code: 'amount_too_large' } } })
  const first = await refund(2000, 'key', { 'metadata[order_id]': 'OPL-1', reason: 'requested_by_customer' })
  t.match(first, {
    status: 200,
    body: { id: 're_1', amount: 2000, currency: 'eur', status: 'succeeded', metadata: { order_id: 'OPL-1' } },
  })
  t.same(await refund(2000, 'key', { 'metadata[order_id]': 'OPL-1', reason: 'requested_by_customer' }), first)
  const all = await call('POST', '/refunds', { payment_intent: 'pi_1' })
  t.match(all, { body: { id: 're_2', amount: 4000, reason: null, metadata: {} } })
  t.match(await refund(1), { status: 400, body: { error: { code: 'charge_already_refunded' } } })
  t.match(await call('GET', '/payment_intents/pi_1?expand[0]=latest_charge'), {
    body: { status: 'succeeded', amount_received: 6000, latest_charge: { amount_refunded: 6000, refunded: true } },
  })
  t.match(await call('GET', '/refunds?payment_intent=pi_1'), { body: { data: [{ id: 're_2' }, { id: 're_1' }] } })
  t.match(await call('GET', '/refunds?limit=1'), { body: { has_more: true, data: [{ id: 're_2' }] } })
  const later = Math.floor(Date.now() / 1_000) + 60
  t.match(await call('GET', `/refunds?created[gte]=${later}`), { body: { has_more: false, data: [] } })

  Object.assign(session as Session, { dispute: 'created' })
  t.match(await refund(1), { status: 400, body: { error: { code: 'charge_disputed' } } })
  Object.assign(session as Session, { intent_status: 'requires_capture' })
  t.match(await call('POST', '/payment_intents/pi_1/cancel'), { status: 200, body: { status: 'canceled' } })
})

t.test('Chatwoot knows no other path, and bears a conversation without attributes', async t => {
  const { world, receiver } = await startWithReceiver(t)
  const id = world.addStudent({ name: 'Renée', channel: 'whatsapp' })
  const { url, tokens, conversations } = world.chatwoot
  const call = (path: string, token: string, body?: object) =>
    fetch(`${url}/api/v1/accounts/1${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      headers: { api_access_token: token },
      body: body === undefined ? null : JSON.stringify(body),
    })
  t.equal((await call('/agents', tokens.admin)).status, 404)
  t.equal((await call('/contacts/99', tokens.admin)).status, 404)
  for (const assignee_id of [11, null]) {
    t.equal((await call(`/conversations/${id}/assignments`, tokens.bot, { assignee_id })).status, 200)
  }
  const items = [{ title: 'Les', value: 'les', description: 'een uur' }]
  const refused = await call(`/conversations/${id}/messages`, tokens.bot, {
    content: 'Kies',
    content_attributes: { items },
  })
  t.match(await refused.text(), /invalid keys for items: description/)
  t.equal((await call(`/conversations/${id}/messages`, tokens.bot, { content: 'x'.repeat(150_001) })).status, 422)
  t.equal((await call(`/conversations/${id}/other`, tokens.admin)).status, 404)
  t.equal((await call('/conversations/99', tokens.admin)).status, 404)
  t.equal((await call(`/conversations/${id}`, 'another')).status, 401)
  const conversation = conversations.get(id)
  Object.assign(conversation as object, { custom_attributes: null })
  const message = { message_type: 1, private: false, content_type: 'text', content_attributes: {} }
  conversation?.messages.push({ ...message, id: 1, content: 'Hoi' })
  world.assign(id, true)
  await world.settled()
  t.match(receiver.calls.at(-1)?.body, { custom_attributes: {}, messages: [{ content: 'Hoi', sender_type: null }] })
})

t.test('24 hours after the last message WhatsApp takes a template alone: free text is accepted, and fails', async t => {
  const { world, clock } = await startWithReceiver(t)
  const { url, tokens, conversations } = world.chatwoot
  /** The message's state after it was sent, and whether the conversation says that it can be answered. */
  async function send(id: number, body: object) {
    const path = `${url}/api/v1/accounts/1/conversations/${id}`
    const headers = { api_access_token: tokens.bot }
    const sent = await fetch(`${path}/messages`, { method: 'POST', headers, body: JSON.stringify(body) })
    const { can_reply } = (await (await fetch(path, { headers })).json()) as { can_reply: boolean }
    const { status, content_attributes } = conversations.get(id)?.messages.at(-1) ?? {}
    return { answer: sent.status, canReply: can_reply, status, why: content_attributes?.external_error }
  }
  const [phone, site] = [
    world.addStudent({ name: 'Renée', channel: 'whatsapp' }),
    world.addStudent({ name: 'Emma', channel: 'widget' }),
  ]
  for (const id of [phone, site]) world.say(id, 'Hoi')
  const text = { content: 'Je les is morgen' }
  const taken = { answer: 200, status: undefined, why: undefined }
  clock.advance(24 * 60 * 60_000)
  t.same(await send(phone, text), { ...taken, canReply: true })
  clock.advance(1_000)
  t.same(await send(phone, text), {
    answer: 200,
    canReply: false,
    status: 'failed',
    why: '131047: Re-engagement message',
  })
  t.same(await send(phone, { ...text, template_params: { name: 'lesson' } }), { ...taken, canReply: false })
  t.same(await send(phone, { ...text, private: true }), { ...taken, canReply: false })
  t.same(await send(site, text), { ...taken, canReply: true }, 'the widget takes anything')
})

t.test('a call waits for a time or for a promise', async t => {
  const { receiver } = await startWithReceiver(t)
  const { promise, resolve } = Promise.withResolvers<void>()
  receiver.fail('GET /a', { wait: promise })
  receiver.fail('GET /b', { wait: 1 })
  const waits = fetch(`${receiver.url}/a`)
  t.equal((await fetch(`${receiver.url}/b`)).status, 200)
  resolve()
  t.equal((await waits).status, 200)
})

t.test('a body that is not JSON, or breaks off, is refused and ends nothing', async t => {
  const { stripe, call, good } = await stripeCalls(t)
  const headers = { 'content-type': 'text/plain' }
  const answer = await fetch(`${stripe.url}/v1/anything`, { method: 'POST', body: '{bad', headers })
  t.equal(answer.status, 400)
  t.same(await answer.json(), { error: 'The body is not JSON' })

  const socket = connect(Number(new URL(stripe.url).port), '127.0.0.1')
  socket.write('POST /v1/anything HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\nExpect: 100-continue\r\n\r\n')
  // Its headers have been read by then.
  await once(socket, 'data')
  socket.resetAndDestroy()
  t.equal((await call('POST', '/checkout/sessions', good)).status, 200)
  t.equal(stripe.calls.length, 1, 'only what could be read')
})
