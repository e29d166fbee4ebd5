import t from 'tap'
import { choicesOf } from '../../sandbox/chatwoot-people.ts'
import type { Session } from '../../sandbox/stripe-api.ts'
import type { World } from '../../sandbox/world.ts'
import { chat, lastQuestion, startInWorld } from '../helpers/world.ts'

type Started = Awaited<ReturnType<typeof startInWorld>>

async function chooses({ world, quiet, conversation }: Started, id: number, title: string): Promise<void> {
  const question = lastQuestion(conversation(id))
  const choice = choicesOf(question).find(item => item.title === title)
  world.choose(id, question.id, String(choice?.value))
  await quiet()
}

/** The student asks for a lesson and takes the first time; the session to pay. */
async function books(started: Started, id: number, [greeting, menu]: [string, string]): Promise<Session> {
  started.world.say(id, greeting)
  await started.quiet()
  await chooses(started, id, menu)
  await chooses(started, id, choicesOf(lastQuestion(started.conversation(id)))[0]?.title as string)
  return [...started.world.stripe.sessions.values()].at(-1) as Session
}

const lessons = ({ app }: Started) => app.webhooks.calendar.lessons?.(0, 8e15)
const DUTCH: [string, string] = ['Hoi', 'Les boeken']

function statuses(world: World) {
  return [...new Set(world.wire.filter(({ kind }) => kind === 'webhook').map(({ status }) => status))]
}

t.test('a student on WhatsApp books in Dutch and pays by iDEAL, with everything sent twice', async t => {
  const started = await startInWorld(t)
  const { world, quiet, conversation } = started
  world.setFaults({ twice: true })
  const id = world.addStudent({ name: 'Renée', channel: 'whatsapp', language: 'nl' })
  const session = await books(started, id, DUTCH)
  t.match(chat(conversation(id)).at(-1), session.url)
  world.pay(session.id, 'ideal')
  await quiet()
  t.equal((await lessons(started))?.length, 1)
  t.match(chat(conversation(id)).at(-1), 'Je les staat vast: dinsdag 24 november om 10:00. Tot dan!')
  t.equal(new Set(chat(conversation(id))).size, chat(conversation(id)).length, 'nothing is said twice')
  t.same(statuses(world), [200])
})

t.test('a student in the web widget books in English, pays by card, and gets the money back', async t => {
  const started = await startInWorld(t)
  const { world, quiet, conversation } = started
  const id = world.addStudent({ name: 'Zoë', channel: 'widget', language: 'en-GB' })
  const session = await books(started, id, ['Hi', 'Book a lesson'])
  world.pay(session.id, 'card')
  await quiet()
  t.equal((await lessons(started))?.length, 1)
  t.match(chat(conversation(id)).at(-1), /Your lesson/)
  world.refund(session.id, 2000)
  await quiet()
  t.equal((await lessons(started))?.length, 1, 'refunded in part: it stays')
  world.refund(session.id, 4000)
  await quiet()
  t.equal((await lessons(started))?.length, 0)
  t.match(chat(conversation(id)).at(-1), /60/)
})

t.test('SEPA: under way, then paid and booked, then disputed', async t => {
  const started = await startInWorld(t)
  const { world, quiet, conversation } = started
  const id = world.addStudent({ name: 'Renée', channel: 'whatsapp', language: 'nl' })
  const session = await books(started, id, DUTCH)
  world.pay(session.id, 'sepa')
  await quiet()
  t.match(conversation(id).custom_attributes, { payment_status: 'pending' })
  world.settle(session.id, 'succeeded')
  await quiet()
  t.match(conversation(id).custom_attributes, { payment_status: 'paid' })
  t.equal((await lessons(started))?.length, 1)
  world.dispute(session.id, 'created')
  await quiet()
  t.match(conversation(id).custom_attributes, { payment_status: 'disputed' })
})

t.test('nobody pays: the session expires by the clock, and what it held is free', async t => {
  const started = await startInWorld(t)
  const { world, quiet, clock, conversation } = started
  const id = world.addStudent({ name: 'Renée', channel: 'whatsapp', language: 'nl' })
  const session = await books(started, id, DUTCH)
  clock.advance(Number(session.expires_at) * 1_000 - clock.now())
  await quiet()
  t.equal(session.status, 'expired')
  t.same(conversation(id).custom_attributes?.order_id ?? null, null)
  t.equal((await lessons(started))?.length, 0)
})

t.test('the tutor answers from Chatwoot and from the phone, and the service takes what is sent', async t => {
  const { world, quiet, conversation } = await startInWorld(t)
  const id = world.addStudent({ name: 'Renée', channel: 'whatsapp', language: 'nl' })
  world.say(id, 'Hoi')
  await quiet()
  world.answer(id, 'Dag Renée', 'chatwoot')
  world.answer(id, 'Ik bel je zo', 'phone')
  world.note(id, 'Belt graag')
  world.assign(id, true)
  world.sendVoice(id)
  await quiet()
  t.match(chat(conversation(id)).slice(-3), ['> Dag Renée', '> Ik bel je zo', 'null'], 'the bot keeps silent')
  world.giveBack(id)
  world.resolve(id)
  await quiet()
  t.same(statuses(world), [200])
})
