import { pino } from 'pino'
import t from 'tap'
import type { Call } from '../../sandbox/stand-in.ts'
import { chatwootVerifier } from '../../sources/chatwoot.ts'
import { stripeVerifier } from '../../sources/stripe.ts'
import { CHATWOOT_SECRET, STRIPE_SECRET } from '../helpers/app.ts'
import { captureLog } from '../helpers/log.ts'
import { verdictOn } from '../helpers/senders.ts'
import { eventIn, startWithReceiver } from '../helpers/world-receiver.ts'

const HOUR = 3_600_000
const isIncoming = ({ body }: Call) => body.event === 'message_created' && body.message_type === 'incoming'
const isEvent = (name: string) => (call: Call) => eventIn(call) === name
const signed = (one: Call) => [one.headers['x-chatwoot-delivery'], one.headers['x-chatwoot-signature']]

t.test('what a bot’s webhook is about is sent again after 500 and 429, 3 s later, signed anew', async t => {
  const { world, receiver, clock } = await startWithReceiver(t)
  const id = world.addStudent({ name: 'Renée', channel: 'whatsapp' })
  receiver.fail(isIncoming, { status: 500 })
  receiver.fail(isIncoming, { status: 429 })
  world.say(id, 'Hoi')
  await world.settled()
  t.equal(receiver.called(isIncoming).length, 1)
  clock.advance(2_999)
  await world.settled()
  t.equal(receiver.called(isIncoming).length, 1)
  clock.advance(1)
  await world.settled()
  clock.advance(3_000)
  await world.settled()
  const [first, second, third] = receiver.called(isIncoming).map(signed)
  t.equal(first?.[0], second?.[0], 'one delivery UUID')
  t.equal(first?.[0], third?.[0])
  t.not(first?.[1], second?.[1], 'a new signature')
  clock.advance(60_000)
  await world.settled()
  t.equal(receiver.called(isIncoming).length, 3)
  t.equal(world.chatwoot.conversations.get(id)?.status, 'pending')
})

t.test('a bot’s webhook that fails for good hands a pending conversation to a person', async t => {
  const { world, receiver, clock } = await startWithReceiver(t, { webhookTimeoutMs: 200 })
  const statusAfter = async (behaviour: Parameters<typeof receiver.fail>[1], times = 1) => {
    const id = world.addStudent({ name: 'Renée', channel: 'whatsapp' })
    receiver.fail(isIncoming, behaviour, times)
    world.say(id, 'Hoi')
    for (let tries = 0; tries < 4; tries++) {
      await world.settled()
      clock.advance(3_000)
    }
    const conversation = world.chatwoot.conversations.get(id)
    return [conversation?.status, conversation?.messages.at(-1)?.content]
  }
  const opened = 'Conversation was marked open by system due to an error with the agent bot.'
  t.same(await statusAfter({ status: 503 }), ['open', `${opened} (503)`])
  t.same(await statusAfter({ status: 500 }, 3), ['open', `${opened} (500)`], 'after the third')
  t.same(await statusAfter({ status: 500 }, 2), ['pending', 'Hoi'])
  t.same(await statusAfter('hang'), ['open', `${opened} (no answer within 200 ms)`])
  const [status, why] = await statusAfter('drop')
  t.equal(status, 'open')
  t.match(why, /\(UND_ERR_SOCKET|ECONNRESET\)/)
  t.ok(receiver.called(isEvent('conversation_opened')).length > 0)
})

t.test('a refused connection hands a pending conversation to a person, and no other', async t => {
  let url = 'http://127.0.0.1:1'
  const { world, receiver } = await startWithReceiver(t, { serviceUrl: () => url })
  const id = world.addStudent({ name: 'Renée', channel: 'widget' })
  const conversation = world.chatwoot.conversations.get(id)
  world.say(id, 'Hoi')
  await world.settled()
  t.match(world.wire.at(-1), { status: null, error: /ECONNREFUSED|bad port/ })
  t.equal(conversation?.status, 'open')
  world.resolve(id)
  world.answer(id, 'Tot zo', 'chatwoot')
  await world.settled()
  t.equal(conversation?.status, 'resolved')
  url = receiver.url
  world.say(id, 'Dank je')
  await world.settled()
  t.equal(conversation?.status, 'pending', 'a resolved one that the student writes in is the bot’s again')
})

t.test('an account’s webhook is never sent again', async t => {
  const { world, receiver, clock } = await startWithReceiver(t)
  receiver.fail(isEvent('contact_created'), { status: 500 })
  world.addStudent({ name: 'Renée', channel: 'widget', language: 'en' })
  await world.settled()
  t.equal(clock.next(), undefined)
  t.same(receiver.calls.map(eventIn), ['contact_created', 'webwidget_triggered'])
})

t.test('Stripe sends again until it gets a 2xx, with longer waits, for 3 days', async t => {
  const { world, receiver, clock, checkout } = await startWithReceiver(t)
  const isCompleted = isEvent('checkout.session.completed')
  receiver.fail(isCompleted, { status: 500 })
  receiver.fail(isCompleted, { status: 302, headers: { location: '/' } })
  receiver.fail(isCompleted, { status: 401 })
  world.pay(await checkout(), 'card')
  for (const wait of [5_000, 10_000, 20_000]) {
    await world.settled()
    clock.advance(wait - 1)
    await world.settled()
    const before = receiver.called(isCompleted).length
    clock.advance(1)
    await world.settled()
    t.equal(receiver.called(isCompleted).length, before + 1, `after ${wait} ms`)
  }
  t.equal(receiver.called(isCompleted).length, 4)
  t.equal(receiver.called(isEvent('payment_intent.succeeded')).length, 1)

  receiver.fail(() => true, { status: 500 }, Number.POSITIVE_INFINITY)
  world.pay(await checkout(), 'card')
  await world.settled()
  for (let hours = 0; hours < 80; hours++) {
    clock.advance(3_600_000)
    await world.settled()
  }
  const all = receiver.calls.length
  clock.advance(24 * 3_600_000)
  await world.settled()
  t.equal(receiver.calls.length, all, 'it has given up')
})

t.test('the service’s own verification takes what is signed here', async t => {
  const { world, receiver, clock, checkout } = await startWithReceiver(t)
  const id = world.addStudent({ name: '<b>Renée & co</b>', channel: 'whatsapp', language: 'nl' })
  world.say(id, 'a <b>& c</b> \u2028')
  world.pay(await checkout(), 'card')
  await world.settled()
  const { stream } = captureLog()
  const logger = pino(stream)
  const chatwoot = chatwootVerifier({ secrets: [CHATWOOT_SECRET], legacySignature: false }, logger, clock.now)
  const stripe = stripeVerifier({ secrets: [STRIPE_SECRET] }, logger, clock.now)
  for (const entry of world.wire.filter(({ kind }) => kind === 'webhook')) {
    const call = receiver.calls.find(({ body }) => JSON.stringify(body) === JSON.stringify(JSON.parse(entry.request)))
    const verify = entry.system === 'chatwoot' ? chatwoot : stripe
    t.equal(await verdictOn(verify, call?.headers ?? {}, entry.request), 'genuine', entry.event as string)
    t.notMatch(entry.system === 'chatwoot' && entry.request, /[<>&\u2028]/)
    t.equal(entry.delivery, 'delivery-1')
  }
})

t.test('everything twice, and again by hand: the same bytes', async t => {
  const { world, receiver, clock } = await startWithReceiver(t)
  world.setFaults({ twice: true })
  const id = world.addStudent({ name: 'Renée', channel: 'whatsapp' })
  world.say(id, 'Hoi')
  await world.settled()
  t.same(receiver.calls.map(eventIn), [
    'contact_created',
    'contact_created',
    'conversation_created',
    'conversation_created',
    'message_created',
    'message_created',
  ])
  const [one, other] = receiver.called(isIncoming)
  t.not(one?.headers['x-chatwoot-delivery'], other?.headers['x-chatwoot-delivery'])
  t.same(one?.body, other?.body)

  const entry = world.wire.at(-1)
  clock.advance(60_000)
  world.resend(entry?.id as number)
  await world.settled()
  const again = receiver.called(isIncoming).at(-1)
  t.equal(world.wire.at(-1)?.request, entry?.request)
  t.equal(again?.headers['x-chatwoot-delivery'], other?.headers['x-chatwoot-delivery'])
  t.not(again?.headers['x-chatwoot-signature'], other?.headers['x-chatwoot-signature'])
  t.throws(() => world.resend(9_999), { message: /can not be sent again/ })
})

t.test('the wire has the latest 500, and what is no longer there is not sent again', async t => {
  const { world, receiver } = await startWithReceiver(t)
  receiver.fail(isIncoming, { status: 200, body: 'no JSON' })
  receiver.fail(isIncoming, { status: 200, body: {} })
  const id = world.addStudent({ name: 'Renée', channel: 'whatsapp' })
  for (let n = 0; n < 505; n++) world.say(id, `${n}`)
  await world.settled()
  t.equal(world.wire.length, 500)
  t.throws(() => world.resend(1), { message: /too old/ })
  world.resend(world.wire[0]?.id as number)
  await world.settled()
})

t.test('what is on its way ends with the world, and what waits is not sent', async t => {
  const { world, receiver, clock, checkout } = await startWithReceiver(t)
  const id = world.addStudent({ name: 'Renée', channel: 'whatsapp' })
  await checkout()
  receiver.fail(isIncoming, { status: 500 })
  receiver.fail(isIncoming, 'hang')
  world.say(id, 'Hoi')
  world.say(id, 'Hallo')
  world.say(id, 'Daar?')
  await receiver.arrived(isIncoming, 2)
  await world.close()
  clock.advance(60 * 60_000)
  t.equal(receiver.called(isIncoming).length, 2)
  t.equal(receiver.called(isEvent('checkout.session.expired')).length, 0)
})

t.test('while the clock is moved on, no webhook is on its way', async t => {
  const { world, receiver, clock } = await startWithReceiver(t)
  const id = world.addStudent({ name: 'Renée', channel: 'whatsapp' })
  await world.settled()
  const { promise: answered, resolve: answer } = Promise.withResolvers<void>()
  receiver.fail(isIncoming, { wait: answered })
  world.say(id, 'before')
  await receiver.arrived(isIncoming)
  const before = clock.now()
  let arrivedBefore: string[] = []
  const moved = world.pauseFor(async () => {
    clock.advance(HOUR)
    world.say(id, 'meanwhile')
    await new Promise(resolve => setImmediate(resolve))
    arrivedBefore = receiver.called(isIncoming).map(({ body }) => `${body.content}`)
  })
  const failed = world.pauseFor(() => Promise.reject(new Error('the past')))
  t.equal(clock.now(), before, 'what is on its way is answered first')
  answer()
  await moved
  await t.rejects(failed, { message: 'the past' })
  await world.settled()
  t.same(arrivedBefore, ['before'], 'the rest waits')
  t.same(
    receiver.called(isIncoming).map(({ body, headers }) => [body.content, Number(headers['x-chatwoot-timestamp'])]),
    [
      ['before', Math.floor(before / 1_000)],
      ['meanwhile', Math.floor((before + HOUR) / 1_000)],
    ],
  )
})
