import t, { type Test } from 'tap'
import type { WebhooksOptions } from '../../app.ts'
import { conversationSettings } from '../../handlers/conversation-options.ts'
import { ACTIVITY } from '../../sandbox/chatwoot-state.ts'
import { chat, startInWorld } from '../helpers/world.ts'

/** What an open conversation means: with an agent bot it is a person's, with an account's webhook alone nothing. */

const HOUR = 60 * 60_000
const PRICES = /^> Onze prijzen/
const OPENED = 'Conversation was marked open by system due to an error with the agent bot.'

async function started(t: Test, chatwoot: WebhooksOptions['chatwoot'], more: WebhooksOptions = {}) {
  const parts = await startInWorld(t, chatwoot, more)
  const { world, quiet, conversation } = parts
  const id = world.addStudent({ name: 'Renée', channel: 'whatsapp', language: 'nl' })
  const { state } = world.chatwoot
  const of = () => conversation(id)
  return {
    ...parts,
    id,
    of,
    /** What is said after the student's message. */
    async says(text: string) {
      world.say(id, text)
      await quiet()
      const said = chat(of())
      return said.slice(said.lastIndexOf(text) + 1)
    },
    async becomes(status: string) {
      state.setStatus(of(), status)
      await quiet()
    },
    /** Chatwoot writes into the conversation. */
    activity: (content: string | null) => state.addMessage(of(), { content, message_type: ACTIVITY, sender: null }),
  }
}

t.test('with an agent bot, open is a person’s, until it is pending again', async t => {
  const { says, becomes, activity } = await started(t, { mode: 'bot' })
  await says('Hoi')
  await becomes('open')
  t.strictSame(await says('Prijzen'), [])
  activity('Conversation was reopened by Sam')
  t.strictSame(await says('Prijzen'), [])
  await becomes('pending')
  t.match(await says('Prijzen'), [PRICES])
})

t.test('what Chatwoot itself opened, since the bot could not be reached, is answered and pending again', async t => {
  const { says, becomes, activity, of } = await started(t, { mode: 'bot' })
  await says('Hoi')
  await becomes('open')
  activity(OPENED)
  t.match(await says('Prijzen'), [PRICES])
  t.equal(of().status, 'pending')
  await becomes('open')
  activity('Sam added vip')
  t.strictSame(await says('Prijzen'), [], 'a person has opened it since')
  activity(OPENED)
  t.match(await says('ik wil iemand spreken'), [/^> Een ogenblik/])
  t.match(of(), { status: 'open', labels: ['intent:handoff'] })
  await becomes('pending')
  await says('laat maar')
  await becomes('open')
  activity(null)
  t.strictSame(await says('Prijzen'), [], 'nothing to be read')
})

t.test('where nobody may read why it is open, it is a person’s', async t => {
  const { says, becomes, activity, world } = await started(t, { mode: 'bot', adminToken: undefined })
  await says('Hoi')
  await becomes('open')
  activity(OPENED)
  t.strictSame(await says('Prijzen'), [])
  world.chatwoot.fail(/GET .*messages/, { status: 500, body: {} })
  t.strictSame(await says('Prijzen'), [], 'and a failure is no answer')
})

t.test('with an account’s webhook alone, all are open: silence after a person’s message, until resolved', async t => {
  const { says, becomes, of, world, quiet, id } = await started(t, { mode: 'account' })
  of().status = 'open'
  t.match(await says('Hoi'), [/^> Hoi/])
  t.match(await says('Prijzen'), [PRICES])
  world.answer(id, 'Dag Renée', 'chatwoot')
  world.assign(id, true)
  await quiet()
  t.strictSame(await says('Prijzen'), [])
  await becomes('resolved')
  t.match(of(), { labels: [], assignee: null, custom_attributes: { person_wrote_at: null } })
  // Without a bot, Chatwoot opens it.
  of().status = 'open'
  t.match(await says('Prijzen'), [PRICES])
  t.match(await says('ik wil iemand spreken'), [/^> Een ogenblik/])
  const notes = of().messages.filter(message => message.private)
  t.match(notes.at(-1)?.content, /\nWil je het gesprek teruggeven aan TutorBot\? Sluit het af: op het volgende bericht/)
})

t.test('after HANDOFF_HOURS without a person’s message the bot has it again', async t => {
  const { says, clock, world, quiet, id } = await started(t, { mode: 'bot', handoffHours: 2 })
  await says('Hoi')
  world.answer(id, 'Dag Renée', 'phone')
  await quiet()
  clock.advance(1.9 * HOUR)
  t.strictSame(await says('Prijzen'), [])
  clock.advance(0.2 * HOUR)
  t.match(await says('Prijzen'), [PRICES])
})

t.test('the tutor’s settings say it too; HANDOFF_HOURS counts before them', async t => {
  const tutor = { handOver: { hours: 2 } }
  for (const [handoffHours, answer] of [
    [undefined, [PRICES]],
    [3, []],
  ] as const) {
    await t.test(`HANDOFF_HOURS=${handoffHours}`, async t => {
      const { says, clock, world, quiet, id } = await started(t, { mode: 'bot', handoffHours }, { tutor })
      await says('Hoi')
      world.answer(id, 'Dag Renée', 'phone')
      await quiet()
      clock.advance(2.1 * HOUR)
      t.match(await says('Prijzen'), answer)
      clock.advance(1.1 * HOUR)
      t.match(await says('Prijzen'), [PRICES])
    })
  }
})

t.test('settings that make no sense are named', async t => {
  t.throws(() => conversationSettings({ mode: 'agent' as never }), { message: /chatwoot\.mode \(CW_MODE\)/ })
  for (const handoffHours of [0, -1, Number.NaN, '24' as never]) {
    t.throws(() => conversationSettings({ handoffHours }), { message: /HANDOFF_HOURS/ })
  }
  for (const handoffAlertMinutes of [-1, Number.NaN, '24' as never]) {
    t.throws(() => conversationSettings({ handoffAlertMinutes }), { message: /HANDOFF_ALERT_MINUTES/ })
  }
})
