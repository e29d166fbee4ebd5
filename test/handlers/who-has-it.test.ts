import t from 'tap'
import { chatwoot as samples } from '../../commands/samples.ts'
import { BOT } from '../../sandbox/chatwoot-api.ts'
import { MINUTE, setUp } from '../helpers/lesson-story.ts'

/**
 * What becomes of a student's message, for each status, assignee, holder, last writer and label: the bot answers it, or is
 * silent because somebody has it in a queue, or opens it for somebody.
 */

const HOUR = 60 * MINUTE
const PERSON = 11
const TEAM = { id: 3, name: 'Docenten' }

const STATUSES = ['pending', 'open', 'resolved', 'snoozed'] as const
const ASSIGNEES = ['nobody', 'a person', 'a bot'] as const
const HOLDERS = ['none', 'a team', 'switched off'] as const
const WRITERS = ['the bot', 'a person', 'a person, long ago'] as const
const LABELS = ['none', 'intent:handoff'] as const

interface Case {
  mode: 'bot' | 'account'
  status: (typeof STATUSES)[number]
  assignee: (typeof ASSIGNEES)[number]
  holder: (typeof HOLDERS)[number]
  writer: (typeof WRITERS)[number]
  label: (typeof LABELS)[number]
}

/** The first line that fits decides. */
const OUTCOMES: [Partial<Case>, 'answered' | 'silent' | 'opened'][] = [
  [{ holder: 'a team', status: 'pending' }, 'opened'],
  [{ holder: 'a team' }, 'silent'],
  [{ holder: 'switched off', status: 'pending' }, 'opened'],
  [{ holder: 'switched off' }, 'silent'],
  [{ status: 'pending' }, 'answered'],
  [{ status: 'resolved' }, 'answered'],
  [{ writer: 'a person' }, 'silent'],
  [{ writer: 'a person, long ago' }, 'answered'],
  [{ assignee: 'a person' }, 'silent'],
  [{ label: 'intent:handoff' }, 'silent'],
  [{ mode: 'bot' }, 'silent'],
  [{ mode: 'account' }, 'answered'],
]

const outcomeOf = (one: Case) =>
  OUTCOMES.find(([parts]) => Object.entries(parts).every(([name, value]) => one[name as keyof Case] === value))?.[1]

function* cases(mode: Case['mode'], status: Case['status']): Generator<Case> {
  for (const assignee of ASSIGNEES)
    for (const holder of HOLDERS)
      for (const writer of WRITERS) for (const label of LABELS) yield { mode, status, assignee, holder, writer, label }
}

for (const mode of ['bot', 'account'] as const) {
  for (const status of STATUSES) {
    t.test(`CW_MODE=${mode}, ${status}`, async t => {
      const tutor = await setUp(t, { mode })
      let id = 100
      for (const one of cases(mode, status)) {
        id++
        const wroteAt =
          tutor.clock.now() - { 'a person': HOUR, 'a person, long ago': 25 * HOUR, 'the bot': 0 }[one.writer]
        const parts = {
          status,
          assignee: { nobody: null, 'a person': PERSON, 'a bot': BOT.id }[one.assignee],
          team: one.holder === 'a team' ? TEAM : null,
          labels: one.label === 'none' ? [] : [one.label],
        }
        const attributes = {
          ...(one.holder === 'switched off' && { bot_disabled: true }),
          ...(one.writer !== 'the bot' && { person_wrote_at: new Date(wroteAt).toISOString() }),
        }
        const conversation = tutor.chatwoot.addConversation({
          id,
          contact: id,
          ...parts,
          custom_attributes: attributes,
        })
        const message = samples.incoming({ conversation: id, message: id, attributes, at: tutor.clock.now(), ...parts })
        if (one.assignee === 'a bot') message.conversation.meta.assignee_type = 'AgentBot'
        await tutor.handle(message)
        const said = conversation.messages.filter(message => !message.private)
        const isOpened = status === 'pending' && conversation.status === 'open'
        const outcome = said.length > 0 ? 'answered' : isOpened ? 'opened' : 'silent'
        t.equal(outcome, outcomeOf(one), JSON.stringify(one))
        if (outcome !== 'answered') t.not(conversation.status, 'pending', 'in nobody’s queue')
        else t.notOk(conversation.labels.includes('intent:handoff'), `no stale label: ${JSON.stringify(one)}`)
        if (!isOpened) t.equal(conversation.status, status)
      }
    })
  }
}

t.test('what is pending and a person’s is opened as it is now, if it is there', async t => {
  const tutor = await setUp(t, { mode: 'bot' })
  const custom_attributes = { bot_disabled: true }
  const conversation = tutor.chatwoot.addConversation({ id: 7, custom_attributes, status: 'resolved' })
  const message = samples.incoming({ conversation: 7, message: 1, attributes: custom_attributes })
  t.match(await tutor.handle(message), { msg: 'webhook handled' })
  t.equal(conversation.status, 'resolved', 'the webhook told of before')
  const gone = samples.incoming({ conversation: 8, message: 2, attributes: custom_attributes })
  t.match(await tutor.handle(gone), { msg: 'webhook handled' })
  t.match(tutor.log.text(), /a conversation that a person has was not opened/)
  Object.assign(conversation, { status: 'pending' })
  const late = samples.incoming({ conversation: 7, message: 3, at: tutor.clock.now() - 5 * MINUTE })
  t.match(await tutor.handle(late), { msg: 'webhook handled' })
  t.equal(conversation.status, 'open', 'also where the message is late')
  Object.assign(conversation, { status: 'pending' })
  const at = tutor.clock.now()
  const since = samples.incoming({ conversation: 7, message: 5, at })
  t.match(await tutor.handle(since), { msg: 'webhook handled' })
  t.equal(conversation.status, 'open', 'switched off since the webhook')
  tutor.chatwoot.fail(/toggle_status/, { status: 500 })
  Object.assign(conversation, { status: 'pending' })
  const delivery = await tutor.send(samples.incoming({ conversation: 7, message: 4, at }))
  t.match(await tutor.ended(delivery), { msg: 'webhook failed, will retry' })
  await tutor.nextAttempt(delivery, 1)
  t.equal(conversation.status, 'open')
})

t.test('late: what a machine has sent meanwhile is no answer', async t => {
  const machines = [
    { sender: { id: 5, name: 'Other', type: 'agent_bot' } },
    { content_attributes: { automation_rule_id: 1 } },
    { additional_attributes: { campaign_id: 1 } },
    { additional_attributes: { template_params: { name: 'hello' } } },
  ]
  const tutor = await setUp(t, { mode: 'account' })
  const at = tutor.clock.now() - 5 * MINUTE
  const all = [...machines, { sender: { id: PERSON, name: 'Sam', type: 'user' } }]
  for (const [index, parts] of all.entries()) {
    const id = 200 + index
    const renee = tutor.student('whatsapp', { id, contact: id, status: 'open' })
    tutor.chatwoot.state.addMessage(renee.conversation, { content: 'Fijn dat je schrijft!', ...parts } as never)
    await tutor.handle(samples.incoming({ conversation: id, message: id, at, status: 'open' }))
    t.equal(renee.read().length, index < machines.length ? 2 : 1, JSON.stringify(parts))
  }
})
