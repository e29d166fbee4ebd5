import t, { type Test } from 'tap'
import type { ConversationState } from '../../sandbox/chatwoot-state.ts'
import { startWithReceiver } from '../helpers/world-receiver.ts'

async function start(test: Test) {
  const parts = await startWithReceiver(test)
  const { world, receiver } = parts
  const call = async (method: string, path: string, body?: object, token = world.chatwoot.tokens.bot) => {
    const response = await fetch(`${world.chatwoot.url}/api/v1/accounts/1${path}`, {
      method,
      headers: { api_access_token: token, 'content-type': 'application/json' },
      body: body === undefined ? null : JSON.stringify(body),
    })
    return { status: response.status, body: await response.text() }
  }
  /** The bodies that have arrived since it was last asked. */
  const bodies = async () => {
    await world.settled()
    return receiver.calls.splice(0).map(({ body }) => body)
  }
  const conversation = (id: number) => world.chatwoot.conversations.get(id) as ConversationState
  return { ...parts, call, bodies, conversation }
}

const QUESTION = {
  content: 'Kies',
  message_type: 'outgoing',
  content_type: 'input_select',
  content_attributes: {
    items: [
      { title: 'Les boeken', value: 'book' },
      { title: 'Prijzen', value: 'prices' },
    ],
  },
}

t.test('students of both channels write, and ids rise over all conversations', async t => {
  const { world, bodies } = await start(t)
  const [renee, zoe] = [
    world.addStudent({ name: 'Renée', channel: 'whatsapp', language: 'nl' }),
    world.addStudent({ name: 'Zoë', channel: 'widget', language: 'en' }),
  ]
  t.match(await bodies(), [
    { event: 'contact_created', name: 'Renée', phone_number: /^\+316\d{8}$/, custom_attributes: { language: 'nl' } },
    { event: 'contact_created', name: 'Zoë', phone_number: null, custom_attributes: {} },
    { event: 'webwidget_triggered', contact: { name: 'Zoë' }, current_conversation: null },
  ])
  world.say(renee, 'Hoi')
  await world.settled()
  world.say(zoe, 'Hi')
  await world.settled()
  world.say(renee, 'Daar?')
  const [created, first, widget, second, third] = await bodies()
  t.match(created, { event: 'conversation_created', id: renee, messages: [], status: 'pending' })
  t.match(first, {
    event: 'message_created',
    id: 1,
    content: 'Hoi',
    message_type: 'incoming',
    sender: { name: 'Renée' },
    inbox: { id: 7 },
    conversation: { id: renee, channel: 'Channel::Whatsapp', meta: { sender: { type: 'contact', name: 'Renée' } } },
  })
  t.match(widget, { event: 'conversation_created', additional_attributes: { browser_language: 'en' } })
  t.match(second, { id: 2, inbox: { id: 8 }, conversation: { id: zoe, channel: 'Channel::WebWidget' } })
  t.match(third, { id: 3, content: 'Daar?' })
  const plain = world.addStudent({ name: 'Kim', channel: 'whatsapp' })
  const guest = world.addStudent({ name: 'Guest', channel: 'widget' })
  t.same(world.chatwoot.contacts.get(plain)?.custom_attributes, {})
  t.same(world.chatwoot.conversations.get(guest)?.additional_attributes, {})
})

t.test('a choice comes back as its title on WhatsApp, and as an update of the question in the widget', async t => {
  const { world, bodies, call, conversation } = await start(t)
  for (const channel of ['whatsapp', 'widget'] as const) {
    const id = world.addStudent({ name: 'Renée', channel })
    world.say(id, 'Hoi')
    await call('POST', `/conversations/${id}/messages`, QUESTION)
    await call('POST', `/conversations/${id}/messages`, { content: 'Later', message_type: 'outgoing' })
    await bodies()
    const [, question, text] = conversation(id).messages
    world.choose(id, question?.id as number, 'prices')
    const [body] = await bodies()
    const submitted = [{ title: 'Prijzen', value: 'prices' }]
    if (channel === 'widget') {
      t.match(body, { event: 'message_updated', id: question?.id, content_attributes: { submitted_values: submitted } })
      t.match(body, { message_type: 'outgoing', sender: { type: 'agent_bot' }, content_type: 'input_select' })
    } else t.match(body, { event: 'message_created', content: 'Prijzen', message_type: 'incoming' })
    t.throws(() => world.choose(id, question?.id as number, 'other'), { message: 'There is no such choice: other.' })
    t.throws(() => world.choose(id, text?.id as number, 'prices'), { name: 'RefusedError' })
    t.throws(() => world.choose(id, 99_999, 'prices'), { name: 'RefusedError' })
  }
})

t.test('a voice note and a picture have no text', async t => {
  const { world, bodies } = await start(t)
  const id = world.addStudent({ name: 'Renée', channel: 'whatsapp' })
  await bodies()
  world.sendVoice(id)
  world.sendPicture(id)
  t.match(await bodies(), [
    { event: 'conversation_created' },
    { content: null, message_type: 'incoming', attachments: [{ file_type: 'audio', extension: 'ogg' }] },
    { content: null, message_type: 'incoming', attachments: [{ file_type: 'image', extension: 'jpg' }] },
  ])
})

t.test('a person answers from Chatwoot as a user, from the phone as an echo', async t => {
  const { world, bodies, conversation } = await start(t)
  const id = world.addStudent({ name: 'Renée', channel: 'whatsapp' })
  world.say(id, 'Hoi')
  await bodies()
  world.answer(id, 'Dag Renée', 'chatwoot')
  world.answer(id, 'Ik bel je zo', 'phone')
  world.note(id, 'Terugbellen')
  const [fromChatwoot, fromPhone, noted] = await bodies()
  t.match(fromChatwoot, { message_type: 'outgoing', private: false, sender: { type: 'user', name: 'Sam' } })
  t.match(fromPhone, { message_type: 'outgoing', sender: null, content_attributes: { external_echo: true } })
  t.match(noted, { private: true, sender: { type: 'user' } })
  t.match(conversation(id), { status: 'pending', assignee: null }, 'an answer neither opens nor assigns')
  t.throws(() => world.answer(id, ' ', 'chatwoot'), { message: 'Nothing is sent: write something first.' })
  t.throws(() => world.note(id, ''), { message: 'Nothing is noted: write something first.' })
  t.throws(() => world.say(id, '\n'), { message: 'Nothing is sent: write something first.' })
  t.throws(() => world.say(id, 'x'.repeat(150_001)), { message: 'Chatwoot takes 150000 characters at most.' })
  const guest = world.addStudent({ name: 'Guest', channel: 'widget' })
  t.throws(() => world.answer(guest, 'Hi', 'phone'), { message: 'The web widget is not answered from a phone.' })
  t.throws(() => world.say(99, 'Hoi'), { message: 'There is no conversation 99.' })
})

t.test('assigned, given back, resolved, and written in again', async t => {
  const { world, bodies, conversation } = await start(t)
  const id = world.addStudent({ name: 'Renée', channel: 'whatsapp' })
  world.say(id, 'Hoi')
  await bodies()
  world.assign(id, true)
  world.assign(id, true)
  t.match(await bodies(), [
    { event: 'conversation_updated', meta: { assignee: { name: 'Sam', type: 'user' } }, status: 'pending' },
  ])
  world.resolve(id)
  t.match(
    (await bodies()).map(({ event }) => event),
    ['conversation_resolved', 'conversation_status_changed', 'conversation_updated'],
  )
  world.say(id, 'Nog iets')
  const reopened = await bodies()
  t.same(
    reopened.map(({ event }) => event),
    ['conversation_status_changed', 'conversation_updated', 'message_created'],
  )
  t.match(reopened[0], { changed_attributes: [{ status: { previous_value: 'resolved', current_value: 'pending' } }] })
  t.ok(conversation(id).assignee, 'with the assignee of before')
  world.giveBack(id)
  t.match(conversation(id), { assignee: null, status: 'pending' })
  world.assign(id, true)
  world.assign(id, false)
  t.equal(conversation(id).assignee, null)
})

t.test('what the bot does in Chatwoot comes back as webhooks', async t => {
  const { world, bodies, call, conversation } = await start(t)
  const id = world.addStudent({ name: 'Renée', channel: 'whatsapp' })
  world.say(id, 'Hoi')
  await bodies()
  const path = `/conversations/${id}`
  const events = async (method: string, part: string, body: object, token?: string) => {
    t.equal((await call(method, part, body, token)).status, 200)
    return (await bodies()).map(({ event }) => event)
  }
  t.same(await events('POST', `${path}/messages`, { content: 'Dag', message_type: 'outgoing' }), ['message_created'])
  t.same(await events('POST', `${path}/labels`, { labels: ['vip'] }), ['conversation_updated', 'conversation_updated'])
  t.same(await events('POST', `${path}/labels`, { labels: ['vip'] }), [], 'nothing has changed')
  t.same(await events('POST', `${path}/custom_attributes`, { custom_attributes: { a: 1 } }), ['conversation_updated'])
  t.same(await events('POST', `${path}/custom_attributes`, { custom_attributes: { a: 1 } }), [])
  t.same(await events('POST', `${path}/toggle_status`, { status: 'open' }), [
    'conversation_opened',
    'conversation_status_changed',
    'conversation_updated',
  ])
  const { admin } = world.chatwoot.tokens
  t.same(await events('PUT', '/contacts/1', { custom_attributes: { segment: 'new' } }, admin), ['contact_updated'])
  t.same(await events('PUT', '/contacts/1', { custom_attributes: { segment: 'new' } }, admin), [])
  t.equal((await call('PUT', '/contacts/1', { custom_attributes: {} })).status, 401, 'not by a bot')
  t.equal((await call('POST', `${path}/toggle_status`, { status: 'closed' })).status, 500, 'no such status')
  t.equal(conversation(id).status, 'open')
})

t.test('what a person sees of the API’s faults: down, slow, 429', async t => {
  const { world, clock, call } = await start(t)
  const id = world.addStudent({ name: 'Renée', channel: 'whatsapp' })
  let changes = 0
  world.events.on('changed', () => changes++)
  world.setFaults({ chatwoot: 'down', stripe: 'down' })
  t.same(world.faults, { chatwoot: 'down', stripe: 'down', twice: false })
  t.ok(changes > 0)
  t.match(await call('GET', `/conversations/${id}`), { status: 502, body: /nginx/ })
  const stripe = () => fetch(`${world.stripe.url}/v1/prices/price_1`)
  await t.rejects(stripe())
  t.match(world.wire.at(-1), { kind: 'call', system: 'stripe', status: null, error: /closed/ })

  world.setFaults({ chatwoot: '429', stripe: '429' })
  t.match(await call('GET', `/conversations/${id}`), { status: 429, body: /Retry later/ })
  t.equal((await stripe()).headers.get('retry-after'), '5')

  world.setFaults({ chatwoot: 'slow', stripe: 'none' })
  t.equal((await stripe()).status, 401)
  const timer = clock.timerSet()
  const slow = call('GET', `/conversations/${id}`)
  await timer
  const begun = world.wire.at(-1)
  t.match(begun, { kind: 'call', status: null, ms: null, path: `/api/v1/accounts/1/conversations/${id}` })
  clock.advance(3_000)
  t.equal((await slow).status, 200)
  t.match(world.wire.at(-1), { id: begun?.id, status: 200, ms: Number })

  world.setFaults({ chatwoot: 'none' })
  t.equal((await call('GET', `/conversations/${id}`)).status, 200)
})
