import t, { type Test } from 'tap'
import { conversationSettings } from '../../handlers/conversation-options.ts'
import type { Behaviour } from '../../sandbox/stand-in.ts'
import { LEVELS } from '../helpers/log.ts'
import { chat, startInWorld } from '../helpers/world.ts'

/** Students see that an answer is coming, if that is wanted. */

const QUIET_MS = 2_500
const TYPING = /toggle_typing_status$/

async function started(t: Test, showTyping?: boolean) {
  const options = { messageQuietMs: QUIET_MS, ...(showTyping !== undefined && { showTyping }) }
  const { world, log, clock, conversation } = await startInWorld(t, options)
  const id = world.addStudent({ name: 'Renée', channel: 'widget', language: 'nl' })
  const { chatwoot } = world
  let [runs, seen] = [0, 0]
  return {
    world,
    id,
    log,
    clock,
    chatwoot,
    of: () => conversation(id),
    async says(...texts: string[]) {
      for (const text of texts) {
        world.say(id, text)
        await world.settled()
      }
    },
    /** There is silence, until that many more runs were handled. */
    async silence(count = 1) {
      clock.advance(QUIET_MS)
      runs += count
      await log.line(() => log.lines.filter(({ msg }) => msg === 'webhook handled').length >= runs)
      await world.settled()
    },
    /** What was shown since this was asked last, and the messages that were sent. */
    shown(): unknown[] {
      const calls = chatwoot.calls
        .slice(seen)
        .filter(({ method, path }) => method === 'POST' && /typing|messages/.test(path))
      seen = chatwoot.calls.length
      return calls.map(({ path, body }) => (TYPING.test(path) ? body.typing_status : 'message'))
    },
  }
}

t.test('from the first message on until the answer, once', async t => {
  const { says, silence, shown, of, clock } = await started(t, true)
  await says('Hoi', 'Ik heb een vraag')
  t.same(shown(), ['on'])
  await says('Wat zijn de prijzen?')
  t.same(shown(), [])
  await silence()
  t.same(shown(), ['message', 'off'])
  t.match(chat(of()).at(-1), /^> Onze prijzen/)
  // Copies of the bot's own message wait too, and show nothing.
  clock.advance(QUIET_MS)
  t.same(shown(), [])
})

t.test(
  'where no answer is needed it ends too; a choice is answered at once, and a person’s conversation shows none',
  async t => {
    const { world, id, says, silence, shown, of, chatwoot } = await started(t, true)
    await says('Hoi')
    await silence()
    shown()
    await says('bedankt!')
    await silence()
    t.same(shown(), ['on', 'off'])
    chatwoot.state.setLabels(of(), ['intent:handoff'])
    chatwoot.state.setStatus(of(), 'open')
    world.say(id, 'Hallo?')
    await world.settled()
    t.same(shown(), [])
  },
)

t.test('off unless set', async t => {
  const { says, silence, shown } = await started(t)
  await says('Hoi')
  await silence()
  t.same(shown(), ['message'])
  t.equal(conversationSettings({}).showsTyping, false)
})

t.test('where it can’t be shown, the answer comes nevertheless', async t => {
  const cases: [Behaviour, unknown[], number][] = [
    [
      { status: 401, body: { error: 'Access to this endpoint is not authorized for bots' } },
      ['on', 'message', 'message'],
      1,
    ],
    [{ status: 500, body: '' }, ['on', 'message', 'off', 'on', 'message', 'off'], 0],
  ]
  for (const [behaviour, expected, lines] of cases) {
    t.test(JSON.stringify(behaviour), async t => {
      const { says, silence, shown, chatwoot, log } = await started(t, true)
      chatwoot.fail(TYPING, behaviour, 100)
      await says('Hoi')
      await silence()
      await says('Wat zijn de prijzen?')
      await silence()
      t.same(shown(), expected)
      const told = log.lines.filter(({ msg }) => msg.includes('that it is typing'))
      t.equal(told.length, lines)
      for (const { level } of told) t.equal(level, LEVELS.warn)
    })
  }
})
