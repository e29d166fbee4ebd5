import t, { type Test } from 'tap'
import { conversationSettings } from '../../handlers/conversation-options.ts'
import { sendFile } from '../../sandbox/chatwoot-people.ts'
import type { MessageState } from '../../sandbox/chatwoot-state.ts'
import { chat, lastQuestion, startInWorld } from '../helpers/world.ts'

/** A student writes in several messages: one answer to all of them, once there is silence. */

const QUIET_MS = 2_500
const HEAD = /^webhook handled$/

async function started(t: Test) {
  const { world, app, log, clock, conversation } = await startInWorld(t, { messageQuietMs: QUIET_MS })
  const id = world.addStudent({ name: 'Renée', channel: 'whatsapp', language: 'nl' })
  let ended = 0
  const runs = () => log.lines.filter(({ msg }) => HEAD.test(msg)).length
  /** Resolves when one more run has been handled. */
  const handled = async () => {
    ended++
    await log.line(() => runs() >= ended)
    await world.settled()
  }
  return {
    world,
    id,
    app,
    handled,
    of: () => conversation(id),
    conversation,
    clock,
    log,
    /** Writes them one after the other, each within the wait of the one before. */
    async says(...texts: string[]) {
      for (const text of texts) {
        world.say(id, text)
        await world.settled()
      }
    },
    /** There is silence. Returns what the bot has said meanwhile. */
    async silence() {
      const before = chat(conversation(id)).length
      clock.advance(QUIET_MS)
      await handled()
      return chat(conversation(id)).slice(before)
    },
  }
}

t.test('several messages get one answer, to all of them', async t => {
  const { says, silence, of, log } = await started(t)
  await says('Hoi', 'Ik heb een vraag', 'Wat zijn de prijzen?')
  t.same(chat(of()), ['Hoi', 'Ik heb een vraag', 'Wat zijn de prijzen?'], 'nothing is answered yet')
  t.match(await silence(), [/^> Onze prijzen/])
  t.match(await log.line(({ msg }) => HEAD.test(msg)), { together: 4 }, 'the new conversation, and three messages')
})

t.test('that the bot’s last message was delivered and read does not end the wait', async t => {
  const { world, says, silence, of } = await started(t)
  await says('Hoi')
  await silence()
  const question = lastQuestion(of())
  await says('Ik heb een vraag')
  for (const status of ['delivered', 'read'] as const) {
    world.chatwoot.state.updateMessage(of(), question, { status })
    await world.settled()
  }
  await says('Wat zijn de prijzen?')
  t.match(await silence(), [/^> Onze prijzen/], 'one answer')
  t.equal(chat(of()).filter(text => text.startsWith('> ')).length, 2)
})

t.test('what is urgent in any of them goes to a person, who is told all', async t => {
  const { says, silence, of } = await started(t)
  await says('Wat zijn de prijzen?', 'Oh nee, ik ben ziek', 'dankjewel')
  t.match(await silence(), [/^> Een ogenblik/])
  const note = of().messages.find(message => message.private)?.content
  for (const text of ['prijzen?', 'ziek', 'dankjewel']) t.match(note, text)
})

t.test('a pupil in one of them is named for all of them', async t => {
  const { says, silence } = await started(t)
  await says('Dag', 'mijn dochter heet Fien', 'Kan het dinsdag om 17:00?')
  t.match(await silence(), [/^> Goed, voor Fien\.\n\ndinsdag 24 november om 17:00 is vrij/])
})

t.test('a pupil is chosen in one of them', async t => {
  const { says, silence, log, of } = await started(t)
  const said = (text: string) => log.line(() => chat(of()).some(each => each.startsWith(`> ${text}`)))
  await says('bijles voor Tim en Anna')
  await silence()
  await says('Les boeken')
  await said('Voor wie is de les?')
  await says('Dank je', '2')
  await said('Goed, voor Anna.\n\nWanneer wil je je les')
})

t.test('where they mean nothing together, the last one that means something by itself is answered', async t => {
  const { says, silence } = await started(t)
  await says('Dag', 'ik zit in de derde')
  t.match(await silence(), [/^> Hoi! Waarmee kan ik je helpen\?/])
})

t.test('a person’s message takes the answer away, at once', async t => {
  const { world, id, says, handled, of } = await started(t)
  await says('Hoi', 'Kan ik een les boeken?')
  world.answer(id, 'Dag Renée, ik help je', 'phone')
  await handled()
  t.same(chat(of()), ['Hoi', 'Kan ik een les boeken?', '> Dag Renée, ik help je'])
  t.match(of(), { labels: ['intent:handoff'] })
})

t.test('the first of them is forgotten while an answer may have been said: it is not said twice', async t => {
  const { world, says, handled, of, app, log, clock } = await started(t)
  await says('Hoi', 'Wat zijn de prijzen?')
  // What it does is done; that it was is not heard.
  world.chatwoot.fail(/^POST .*messages$/, 'drop after')
  clock.advance(QUIET_MS)
  const failed = await log.line(({ msg }) => msg === 'webhook failed, will retry')
  t.match(chat(of()).slice(2), [/^> Onze prijzen/])
  const first = (await app.webhooks.inbox.list({ event: 'message_created' }))[0]
  t.equal(await app.webhooks.inbox.forget([first?.id as string]), 1)
  clock.advance(Number(failed.nextAttemptAt) - clock.now())
  await handled()
  t.equal(chat(of()).length, 3, chat(of()).join('\n'))
})

t.test('a choice does not wait', async t => {
  const { says, silence, handled, of } = await started(t)
  await says('Hoi')
  await silence()
  const [choice] = (lastQuestion(of()).content_attributes.items as { title: string }[]).slice(-1)
  await says(choice?.title as string)
  // The echo of the bot's own message, which waits too, is taken along.
  await handled()
  await handled()
  t.not(chat(of()).at(-1), choice?.title, 'it is answered without a silence')
})

t.test('a choice in the website’s widget does not wait either: it comes as an update of the question', async t => {
  const { world, handled, conversation, clock } = await started(t)
  const id = world.addStudent({ name: 'Emma', channel: 'widget', language: 'nl' })
  world.say(id, 'Hoi')
  await world.settled()
  clock.advance(QUIET_MS)
  await handled()
  const question = lastQuestion(conversation(id))
  const [choice] = (question.content_attributes.items as { title: string; value: string }[]).slice(-1)
  const before = chat(conversation(id)).length
  world.choose(id, question.id, choice?.value as string)
  // The echo of the bot's own message, which waits too, is taken along.
  await handled()
  await handled()
  t.ok(chat(conversation(id)).length > before, 'it is answered without a silence')
})

t.test('what is said in a voice message joins what is written beside it', async t => {
  const { world, id, says, silence, of, app } = await started(t)
  await says('Hoi')
  const conversation = of()
  sendFile(world.chatwoot.state, conversation, { file_type: 'audio', extension: 'ogg' })
  await world.settled()
  const voice = conversation.messages.at(-1) as MessageState
  const attachments = (voice.attachments ?? []).map(file => ({ ...file, transcribed_text: 'Wat zijn de prijzen?' }))
  world.chatwoot.state.updateMessage(conversation, voice, { attachments })
  await world.settled()
  t.match(await silence(), [/^> Onze prijzen/], `${id}: one answer`)
  t.same(await app.webhooks.inbox.list({ state: 'scheduled' }), [], 'nothing is waited for any more')
})

t.test('wrong times are refused', async t => {
  for (const messageQuietMs of [-1, 1.5, Number.NaN, 3_600_001, '5' as never]) {
    t.throws(() => conversationSettings({ messageQuietMs }), { message: /messageQuietMs \(MESSAGE_QUIET_MS\) must be/ })
  }
  for (const messageQuietMaxMs of [-1, 2_499, Number.NaN, 3_600_001]) {
    t.throws(() => conversationSettings({ messageQuietMaxMs }), {
      message: /\(MESSAGE_QUIET_MAX_MS\).*\(2500\) to 3600000$/,
    })
  }
  t.match(conversationSettings({}), { quietMs: 2_500, quietMaxMs: 10_000 })
})
