import t from 'tap'
import { chatwootConversation, chatwoot as samples } from '../../commands/samples.ts'
import { chatwootRequest } from '../helpers/app.ts'
import { startTutor } from '../helpers/tutor.ts'
import { chat, startInWorld } from '../helpers/world.ts'

/** A person answers a student: the bot is silent until it has the conversation again. */

const HOUR = 60 * 60_000
const PRICES = /^> Onze prijzen/

async function started(t: Parameters<typeof startInWorld>[0]) {
  const parts = await startInWorld(t)
  const { world, quiet, conversation } = parts
  const id = world.addStudent({ name: 'Renée', channel: 'whatsapp', language: 'nl' })
  /** What is said after the student's message. */
  const says = async (text: string) => {
    world.say(id, text)
    await quiet()
    const said = chat(conversation(id))
    return said.slice(said.lastIndexOf(text) + 1)
  }
  await says('Hoi')
  return { ...parts, id, says, of: () => conversation(id) }
}

for (const via of ['chatwoot', 'phone'] as const) {
  t.test(`a person answers (${via}): silence, until it is pending again`, async t => {
    const { world, quiet, id, says, of } = await started(t)
    world.answer(id, 'Dag Renée, ik help je even', via)
    await quiet()
    t.match(of(), { status: 'open', labels: ['intent:handoff'], assignee: null })
    t.type(of().custom_attributes?.person_wrote_at, 'string')
    t.strictSame(await says('Prijzen'), [])
    const calls = world.chatwoot.calls.length
    world.answer(id, 'Nog iets?', via)
    await quiet()
    t.equal(world.chatwoot.calls.length, calls, 'no call for what is known')
    world.giveBack(id)
    await quiet()
    t.match(await says('Prijzen'), [PRICES])
    t.match(of(), { status: 'pending', labels: [], custom_attributes: { person_wrote_at: null } })
  })
}

t.test('a person answers while a booked lesson is shown: what comes next is not about it any more', async t => {
  const { world, quiet, id, says, of } = await started(t)
  for (const text of ['Gratis proefles', 'optie 1', 'Mijn les']) await says(text)
  t.match(of().custom_attributes?.my_lesson, /^lesson /)
  world.answer(id, 'Dag Renée, ik help je even', 'chatwoot')
  await quiet()
  t.match(of(), { status: 'open', custom_attributes: { my_lesson: null } })
  t.type(of().custom_attributes?.person_wrote_at, 'string')
})

t.test('a day after the person’s last message the bot has it again', async t => {
  const { world, quiet, clock, id, says, of } = await started(t)
  world.answer(id, 'Dag', 'phone')
  await quiet()
  clock.advance(20 * HOUR)
  world.answer(id, 'Nog iets?', 'chatwoot')
  await quiet()
  clock.advance(20 * HOUR)
  t.strictSame(await says('Prijzen'), [], 'counted from the last one')
  clock.advance(4 * HOUR)
  t.match(await says('Prijzen'), [PRICES])
  t.strictSame(of().labels, [])
  t.match(await says('annuleren'), [/^> Een ogenblik/])
  t.match(of(), { labels: ['intent:handoff'], custom_attributes: { person_wrote_at: null } })
  clock.advance(48 * HOUR)
  t.strictSame(await says('hallo?'), [], 'a hand-over that nobody has answered is not taken back')
})

t.test('resolved and written to again: the bot has it, and the old label and assignee silence nobody', async t => {
  const { world, quiet, id, says, of } = await started(t)
  world.answer(id, 'Dag', 'chatwoot')
  world.assign(id, true)
  await quiet()
  world.resolve(id)
  await quiet()
  t.match(of(), { status: 'resolved', labels: [], custom_attributes: { person_wrote_at: null } })
  t.match(await says('Prijzen'), [PRICES])
  world.chatwoot.state.setLabels(of(), ['vip', 'intent:handoff'])
  await quiet()
  t.match(await says('hoeveel kost het?'), [PRICES])
  t.strictSame(of().labels, ['vip'])
  for (const text of ['Les boeken', 'optie 1']) await says(text)
  world.chatwoot.state.setLabels(of(), ['intent:handoff', 'status:awaiting_pay'])
  await quiet()
  t.match(await says('laat maar'), [/^> Hoi/])
  t.strictSame(of().labels, [], 'beside what the answer itself takes away')
  world.resolve(id)
  await quiet()
  t.equal(of().status, 'resolved')
})

for (const ended of ['pending', 'resolved'] as const) {
  t.test(
    `what a person wrote is handled only when the conversation is ${ended} again: nothing is taken over`,
    async t => {
      const { app, log, world, quiet, id, says, of } = await started(t)
      const { handle } = posting({ app, log })
      if (ended === 'resolved') world.resolve(id)
      await quiet()
      const { labels, custom_attributes } = structuredClone(of())
      const sender = { id: 11, name: 'Sam', type: 'user' }
      const late = samples.outgoing({ conversation: id, message: 900, status: 'open' })
      await handle({ ...late, sender })
      await quiet()
      t.strictSame([of().status, of().labels, of().custom_attributes], [ended, labels, custom_attributes])
      t.match(await says('Prijzen'), [PRICES])
    },
  )
}

t.test('resolved, and Chatwoot refuses what that changes: nobody is written to because of it', async t => {
  const tutor = await startTutor(t)
  tutor.chatwoot.addConversation({ labels: ['intent:handoff'] })
  const refused = { status: 404, body: { error: 'Conversation not found' } }
  tutor.chatwoot.fail(/./, refused, Number.POSITIVE_INFINITY)
  const resolved = chatwootConversation({ labels: ['intent:handoff'], status: 'resolved' })
  t.match(await tutor.handle({ ...resolved, event: 'conversation_resolved' }), { msg: 'webhook dead' })
  t.strictSame(tutor.chatwoot.called(/^POST/), [])
})

t.test('a team, or a person who is assigned to an open conversation: silence; an agent bot is no person', async t => {
  const { app, log, of, quiet, clock } = await started(t)
  const { handle } = posting({ app, log })
  const before = of().messages.length
  const team = samples.incoming({ conversation: 1, message: 900 })
  team.conversation.meta.team = { id: 3, name: 'Docenten' } as never
  const assigned = samples.incoming({ conversation: 1, message: 901, status: 'open', assignee: 11 })
  for (const payload of [team, assigned]) await handle(payload)
  await quiet()
  t.equal(of().messages.length, before)
  const open = { conversation: 1, message: 902, status: 'open', assignee: 11 }
  const bot = samples.incoming({ ...open, content: 'Prijzen', at: clock.now() })
  Object.assign(bot.conversation.meta.assignee as object, { type: 'agent_bot' })
  bot.conversation.meta.assignee_type = null as never
  await handle(bot)
  await quiet()
  t.match(chat(of()).at(-1), PRICES)
})

t.test('what no person wrote takes nothing over, and neither does one where the bot is switched off', async t => {
  const { app, log, world, quiet } = await started(t)
  const { handle } = posting({ app, log })
  const calls = world.chatwoot.calls.length
  const user = { id: 11, name: 'Sam', type: 'user' }
  const outgoing = (parts: object) => ({ ...samples.outgoing({ conversation: 1 }), sender: user, ...parts })
  const payloads = [
    outgoing({ sender: { ...user, type: 'agent_bot' } }),
    outgoing({ sender: null }),
    outgoing({ private: true }),
    outgoing({ content_attributes: { tutorbot: '1:message' } }),
    outgoing({ sender: null, content_attributes: { external_echo: true, tutorbot: '1:message' } }),
    outgoing({ content_attributes: { is_reaction: true } }),
    outgoing({ content_attributes: { automation_rule_id: 1 } }),
    outgoing({ additional_attributes: { campaign_id: 1 } }),
    outgoing({ additional_attributes: { template_params: { name: 'hello' } } }),
    { ...samples.outgoing({ conversation: 1, attributes: { bot_disabled: true } }), sender: user },
  ]
  for (const [index, payload] of payloads.entries()) await handle({ ...payload, id: 1_000 + index })
  await quiet()
  t.equal(world.chatwoot.calls.length, calls)
  await handle({
    ...outgoing({ sender: null, content_attributes: { external_sender_name: 'Sam' } }),
    id: 1_100,
    created_at: null,
  })
  t.ok(world.chatwoot.calls.length > calls)
})

/** Events that the world does not make. */
function posting({ app, log }: Pick<Awaited<ReturnType<typeof startInWorld>>, 'app' | 'log'>) {
  return {
    async handle(payload: object) {
      const response = await app.inject(chatwootRequest(payload))
      const { id } = response.json()
      await log.line(line => line.delivery === id && line.event !== undefined && line.attempt === 1)
    },
  }
}
