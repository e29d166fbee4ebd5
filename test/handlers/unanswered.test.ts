import { setImmediate } from 'node:timers/promises'
import type { Test } from 'tap'
import t from 'tap'
import type { UnansweredEvent, WebhooksOptions } from '../../app.ts'
import { awaitAnswer } from '../../handlers/unanswered.ts'
import { TUTOR } from '../../sandbox/chatwoot-api.ts'
import { chat, startInWorld } from '../helpers/world.ts'

/** A hand-over that nobody answers alerts, once, and stays a person's. */

const MINUTE = 60_000
const HOUR = 60 * MINUTE

async function handedOver(t: Test, options: WebhooksOptions['chatwoot'] = {}) {
  const parts = await startInWorld(t, options)
  const { world, quiet, conversation, app, clock, log } = parts
  const id = world.addStudent({ name: 'Renée', channel: 'whatsapp', language: 'nl' })
  const of = () => conversation(id)
  const says = async (text: string) => {
    world.say(id, text)
    await quiet()
    return chat(of()).at(-1)
  }
  await says('Hoi')
  await says('ik ben ziek, de les gaat niet door')
  t.match(of(), { status: 'open', labels: ['intent:handoff'] })
  const alerts: UnansweredEvent[] = []
  app.webhooks.events.on('unanswered', event => alerts.push(event))
  return {
    ...parts,
    id,
    of,
    says,
    alerts,
    scheduled: () => app.webhooks.inbox.list({ state: 'scheduled' }),
    /** Two hours go by; whatever becomes of the alert has been decided. */
    async due() {
      const from = log.lines.length
      const isDecided = () => log.lines.slice(from).some(({ event }) => `${event}`.startsWith('tutorbot.'))
      clock.advance(2 * HOUR)
      while (!isDecided()) {
        await setImmediate()
        // The inbox looks for what is due this often.
        if (Number(clock.next()) <= clock.now() + 500) clock.advance(500)
      }
    },
  }
}

t.test('after two hours: an alert with the conversation and since when, once; it stays a person’s', async t => {
  const { clock, says, due, alerts, of, log, scheduled, id } = await handedOver(t)
  const since = new Date(clock.now()).toISOString()
  t.match(await scheduled(), [{ event: 'tutorbot.handoff_unanswered', orderingKey: `conversation:1:${id}` }])
  await says('hallo?')
  t.equal((await scheduled()).length, 1)
  await due()
  const unanswered = { conversation: `${id}`, since, minutes: 120 }
  t.strictSame(alerts, [unanswered])
  t.match(
    log.lines.find(({ msg }) => msg === 'no person has answered a conversation that was handed over'),
    unanswered,
  )
  clock.advance(48 * HOUR)
  t.equal(await says('hallo??'), 'hallo??', 'never taken back silently')
  t.strictSame(await scheduled(), [])
  t.equal(alerts.length, 1)
  t.match(of(), { status: 'open', labels: ['intent:handoff'] })
})

t.test('a person answers, or the bot gets it back: no alert; the next hand-over has its own', async t => {
  const { world, quiet, clock, says, due, alerts, scheduled, id } = await handedOver(t)
  world.answer(id, 'Beterschap!', 'phone')
  await quiet()
  t.strictSame(await scheduled(), [], 'answered')
  for (const act of [world.giveBack, world.resolve]) {
    world.giveBack(id)
    await quiet()
    await says('Hoi')
    await says('ik wil iemand spreken')
    t.equal((await scheduled()).length, 1)
    act(id)
    await quiet()
    t.strictSame(await scheduled(), [])
  }
  clock.advance(MINUTE)
  await says('ik wil iemand spreken')
  await due()
  t.equal(alerts.length, 1)
  for (const count of [2, 3]) {
    world.giveBack(id)
    await quiet()
    await says('ik wil iemand spreken')
    t.equal((await scheduled()).length, 1)
    await due()
    t.equal(alerts.length, count)
  }
  world.giveBack(id)
  await quiet()
  await says('ik wil iemand spreken')
  world.answer(id, 'Ik ben er', 'chatwoot')
  await quiet()
  t.strictSame(await scheduled(), [], 'after others that became due')
})

t.test('what a person wrote long ago does not give a later hand-over back', async t => {
  const { world, quiet, clock, says, of, id } = await handedOver(t)
  world.answer(id, 'Beterschap!', 'phone')
  await quiet()
  clock.advance(25 * HOUR)
  t.match(await says('Prijzen'), /^> Onze prijzen/)
  t.match(await says('ik wil iemand spreken'), /^> Een ogenblik/)
  t.match(of().custom_attributes, { person_wrote_at: null })
  clock.advance(25 * HOUR)
  t.equal(await says('hallo?'), 'hallo?')
})

t.test('looked up before: what nobody told of counts', async t => {
  const ways: Record<string, (parts: Awaited<ReturnType<typeof handedOver>>) => void> = {
    'a person has answered': ({ of, world }) => {
      of().messages.push(message(world, { sender: TUTOR }))
    },
    'from the phone': ({ of, world }) => {
      of().messages.push(message(world, { sender: null, content_attributes: { external_echo: true } }))
    },
    'it is pending': ({ of }) => {
      of().status = 'pending'
    },
    'the label is gone': ({ of }) => {
      of().labels = []
    },
    'a person’s message is noted': ({ of, clock }) => {
      Object.assign(of(), { custom_attributes: { person_wrote_at: new Date(clock.now() + MINUTE).toISOString() } })
    },
    'it is deleted': ({ world, id }) => void world.chatwoot.conversations.delete(id),
  }
  for (const [name, act] of Object.entries(ways)) {
    t.test(name, async t => {
      const parts = await handedOver(t)
      act(parts)
      await parts.due()
      t.strictSame(parts.alerts, [])
    })
  }
})

t.test('what is no answer of a person’s does not count', async t => {
  const { of, world, clock, due, alerts } = await handedOver(t)
  const before = message(world, { sender: TUTOR })
  before.created_at = Math.floor(clock.now() / 1_000) - 60
  of().messages.push(before, message(world, { sender: TUTOR, private: true }), message(world, { sender: null }))
  Object.assign(of(), { custom_attributes: { person_wrote_at: new Date(clock.now() - HOUR).toISOString() } })
  await due()
  t.equal(alerts.length, 1)
})

t.test('a bot’s token alone: the last message tells; where nothing may be read, the alert is given', async t => {
  t.test('answered', async t => {
    const { of, world, due, alerts } = await handedOver(t, { adminToken: undefined })
    of().messages.push(message(world, { sender: TUTOR }))
    await due()
    t.strictSame(alerts, [])
  })
  t.test('a Chatwoot that lets bots read nothing', async t => {
    const { world, due, alerts } = await handedOver(t, { adminToken: undefined })
    world.chatwoot.fail(
      /^GET /,
      { status: 401, body: { error: 'Access to this endpoint is not authorized for bots' } },
      9,
    )
    await due()
    t.equal(alerts.length, 1)
  })
})

t.test('Chatwoot answers nonsense until it is given up: alerted all the same', async t => {
  const { world, alerts, log, due } = await handedOver(t)
  world.chatwoot.fail(/^GET /, { status: 400, body: { error: 'no' } })
  await due()
  t.equal(alerts.length, 1)
  t.match(log.lines.at(-1), { event: 'tutorbot.handoff_unanswered', state: 'dead' })
})

t.test('handed over again while it waits for a person: its time stays', async t => {
  const waiting = { id: '1', isHandedOver: true, status: 'open', personWroteAt: undefined }
  const context = { once: () => t.fail('scheduled again') }
  await awaitAnswer({ now: Date.now } as never, { accountId: '1' } as never, waiting as never, 'key', context as never)
})

t.test('off: nothing is scheduled, and what was is not told', async t => {
  const { scheduled, app, due, alerts, clock, id } = await handedOver(t, { handoffAlertMinutes: 0 })
  t.strictSame(await scheduled(), [])
  const payload = { conversation: `${id}`, since: clock.now(), key: 'k' }
  const event = 'tutorbot.handoff_unanswered'
  await app.webhooks.inbox.schedule({ key: 'k', orderingKey: 'k', event, payload, at: clock.now() + HOUR })
  await due()
  t.strictSame(alerts, [])
})

/** A message to the student of which no webhook told. */
function message({ chatwoot }: Awaited<ReturnType<typeof handedOver>>['world'], parts: object) {
  const { state } = chatwoot
  const blank = { content: 'Beterschap!', content_type: 'text', content_attributes: {}, private: false }
  const at = Math.floor(Date.now() / 1_000) + 60
  return {
    ...blank,
    id: state.nextId(),
    message_type: 1,
    created_at: at,
    attachments: [],
    ...parts,
  } as never as ReturnType<typeof state.addMessage>
}
