import t from 'tap'
import { choicesOf } from '../../sandbox/chatwoot-people.ts'
import type { Session } from '../../sandbox/stripe-api.ts'
import { chat, lastQuestion, startInWorld } from '../helpers/world.ts'

t.test('a student on WhatsApp books in Dutch, pays, and is booked', async t => {
  const { world, quiet, conversation, app } = await startInWorld(t)
  const id = world.addStudent({ name: 'Renée', channel: 'whatsapp', language: 'nl' })
  world.say(id, 'Hoi')
  await quiet()
  const choose = async (title: string) => {
    const question = lastQuestion(conversation(id))
    const choice = choicesOf(question).find(item => item.title === title)
    world.choose(id, question.id, String(choice?.value))
    await quiet()
  }
  await choose('Les boeken')
  await choose('di 24 nov 10:00')
  const [session] = [...world.stripe.sessions.values()] as [Session]
  t.match(chat(conversation(id)).at(-1), session.url)
  world.pay(session.id, 'ideal')
  await quiet()
  t.equal((await app.webhooks.calendar.lessons?.(0, 8e15))?.length, 1)
  t.match(chat(conversation(id)).at(-1), 'Je les staat vast: dinsdag 24 november om 10:00. Tot dan!')
  const webhooks = world.wire.filter(({ kind }) => kind === 'webhook')
  t.same(new Set(webhooks.map(({ status }) => status)), new Set([200]))
})
