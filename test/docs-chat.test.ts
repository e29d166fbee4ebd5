import t from 'tap'
import { choicesOf } from '../sandbox/chatwoot-people.ts'
import type { Session } from '../sandbox/stripe-api.ts'
import { blockWith } from './helpers/docs.ts'
import { lastQuestion, startInWorld } from './helpers/world.ts'

/** The chat that the README and the sandbox's page show, had with the service and the stand-ins. */

const FROM_STUDENT = 0

t.test('the README and the sandbox’s page show a chat as it is', async t => {
  const { world, quiet, conversation } = await startInWorld(t)
  const id = world.addStudent({ name: 'Emma', channel: 'widget', language: 'en-GB' })
  const says = async (text: string) => {
    world.say(id, text)
    await quiet()
  }
  await says('Book a lesson')
  const offered = choicesOf(lastQuestion(conversation(id))).map(({ title }) => `[${title}]`)
  await says('tomorrow 10:00')
  const [session] = [...world.stripe.sessions.values()] as [Session]
  world.pay(session.id, 'card')
  await quiet()
  const lines = conversation(id)
    .messages.filter(message => !message.private)
    .flatMap(({ content, message_type }) => {
      const [first, ...more] = `${content}`.replace(/http:\S+/, 'http://…').split('\n')
      return [`${message_type === FROM_STUDENT ? 'Emma' : 'Bot '}   ${first}`, ...more.map(line => `       ${line}`)]
    })
  // The choices below the question: two of the times, and what is no time.
  lines.splice(2, 0, `         ${[...offered.slice(0, 2), '…', ...offered.slice(-4)].join(' ')}`)
  lines.splice(5, 0, 'Emma   pays, by card, iDEAL or SEPA')
  for (const page of ['README.md', 'docs/sandbox.md'])
    t.equal(blockWith(page, 'Emma   Book').text.trim(), lines.join('\n'), page)
})
