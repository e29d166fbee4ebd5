import t from 'tap'
import { chatwoot as samples } from '../../commands/samples.ts'
import { WHATSAPP, WIDGET } from '../../sandbox/chatwoot-state.ts'
import { MINUTE, setUp } from '../helpers/lesson-story.ts'
import { deliverChatwoot } from '../helpers/story.ts'

/** What needs no answer, or would be answered for ever: reactions, stories, blocked contacts, machines, copies. */

type Tutor = Awaited<ReturnType<typeof setUp>>

const HANDOFF = 'Een ogenblik: iemand van ons neemt dit gesprek over.'
let lastId = 4_300_000

/** A further student, with whom nothing has been said yet. */
function another(tutor: Tutor, channel: 'whatsapp' | 'widget' | 'sms') {
  const id = ++lastId
  return tutor.student(channel, { id, contact: id })
}

for (const channel of ['whatsapp', 'widget'] as const) {
  t.test(`what needs no answer gets none, and nothing is changed in Chatwoot (${channel})`, async t => {
    const tutor = await setUp(t)
    const silent: [name: string, content: string | null, content_attributes: object][] = [
      ['a reaction', '👍', { is_reaction: true }],
      ['a reaction in words', 'Ik wil iemand spreken', { is_reaction: true }],
      ['a story mention', null, { image_type: 'story_mention' }],
      ['an automatic reply', 'Ik ben met vakantie. Bel voor spoed 06-12345678', { email: { auto_reply: true } }],
    ]
    for (const [name, content, content_attributes] of silent) {
      t.strictSame(
        await another(tutor, channel).sendsMessage({ content, content_attributes: { ...content_attributes } }),
        [],
        name,
      )
    }
    for (const place of ['the message', 'the conversation']) {
      const id = ++lastId
      const { inbox, channel: name } = {
        whatsapp: { inbox: WHATSAPP, channel: WHATSAPP.channel },
        widget: { inbox: WIDGET, channel: WIDGET.channel },
      }[channel]
      tutor.chatwoot.state.addConversation({ id, inbox })
      const message = samples.incoming({ conversation: id, message: ++lastId, channel: name, content: 'Hoi' })
      Object.assign(place === 'the message' ? (message.sender as object) : message.conversation.meta.sender, {
        blocked: true,
      })
      await tutor.receiver.handled(await deliverChatwoot(tutor.receiver, message))
    }
    t.strictSame(tutor.chatwoot.calls, [])
    t.match(
      await another(tutor, channel).sendsMessage({
        content: 'Hoi',
        content_attributes: { email: { auto_reply: false } },
      }),
      [/^Hoi!/],
    )
  })

  t.test(`the same text three times: one hand-over, then silence; not what is chosen (${channel})`, async t => {
    const tutor = await setUp(t)
    const loop = another(tutor, channel)
    for (let n = 0; n < 10; n++) await loop.says('Hallo!')
    t.match(loop.read(), [/^Hoi!/, /^Hoi!/, HANDOFF])
    t.match(loop.notes(), [/drie keer hetzelfde geschreven:\n"Hallo!"/])
    t.match(loop.conversation, { status: 'open', labels: ['intent:handoff'] })
    const patient = another(tutor, channel)
    for (const text of ['Hoi', 'Les boeken']) await patient.says(text)
    for (let n = 0; n < 5; n++) await patient.chooses('Andere tijden')
    t.equal(patient.conversation.status, 'pending')
    t.match(await patient.says('hallo'), [/^Wanneer/])
    tutor.clock.advance(20 * MINUTE)
    for (let n = 0; n < 2; n++) t.match(await patient.says('hallo'), [/^Wanneer/], 'long after the first one')
  })

  t.test(`a machine that answers every answer, each time in other words, goes to a person (${channel})`, async t => {
    const tutor = await setUp(t)
    const machine = another(tutor, channel)
    const reply = (n: number) =>
      `Bedankt voor je bericht ${n}. Wij zijn maandag tot en met vrijdag van 9:00 tot 17:00 open.`
    let n = 0
    while (machine.conversation.status === 'pending' && n < 100) await machine.says(reply(++n))
    t.equal(n, 31)
    t.equal(machine.read().at(-1), HANDOFF)
    t.match(machine.notes(), [
      /^TutorBot heeft binnen tien minuten 30 keer geantwoord, misschien aan een machine:\n"Bedankt voor je bericht 31\./,
    ])
    t.strictSame(await machine.says(reply(++n)), [])
    t.match(await another(tutor, channel).says('Hoi'), [/^Hoi!/], 'only that one')
  })
}

t.test('a student who takes the time may write as much as that', async t => {
  const tutor = await setUp(t)
  const renee = another(tutor, 'whatsapp')
  for (let n = 1; n <= 31; n++) {
    tutor.clock.advance(MINUTE)
    await renee.says(`kan het ook op ${n} december?`)
  }
  t.equal(renee.conversation.status, 'pending')
})

for (const channel of ['Channel::Telegram', 'Channel::TwilioSms', 'Channel::Line']) {
  t.test(`two rows of one message are answered once (${channel})`, async t => {
    const tutor = await setUp(t)
    const id = ++lastId
    const conversation = tutor.chatwoot.state.addConversation({ id })
    const message = lastId * 10
    const row = (n: number) => ({
      ...samples.incoming({ conversation: id, message: message + n, channel, content: 'Hoi' }),
      source_id: 'SM1',
    })
    const deliveries = await Promise.all([1, 2].map(n => deliverChatwoot(tutor.receiver, row(n))))
    for (const delivery of deliveries) await tutor.receiver.handled(delivery)
    t.equal(conversation.messages.length, 1)
    const another = { ...row(3), source_id: 'SM2' }
    await tutor.receiver.handled(await deliverChatwoot(tutor.receiver, another))
    t.equal(conversation.messages.length, 2, 'who writes it again is answered')
  })
}
