import t from 'tap'
import { answer } from '../../sandbox/chatwoot-people.ts'
import { reserved, setUp } from '../helpers/lesson-story.ts'

/** A Chatwoot before PR 14655: a bot's token may neither read conversations nor label them. */

t.test('with CW_ADMIN_TOKEN what bots may not do is done as the administrator', async t => {
  const tutor = await setUp(t, { isOlder: true })
  const renee = tutor.student()
  t.match(await renee.says('Hoi'), [/^Hoi/])
  t.match(await renee.says('xyzzy'), [/^Sorry, dat begreep ik niet/])
  t.match(await renee.says('xyzzy plugh'), [/^Sorry, ik begrijp je nog steeds niet/])
  t.strictSame(await renee.says('plover'), ['Een ogenblik: iemand van ons neemt dit gesprek over.'])
  t.match(renee.notes(), [/:\n"xyzzy"\n"xyzzy plugh"\n"plover"\n/])
  t.match(renee.conversation, { status: 'open', labels: ['intent:handoff'], assignee: 7 })
})

t.test('with CW_ADMIN_TOKEN a first message that needs a person gets one, and a link is labelled', async t => {
  const tutor = await setUp(t, { isOlder: true })
  const renee = tutor.student()
  t.strictSame(await renee.says('Ik ben ziek'), ['Een ogenblik: iemand van ons neemt dit gesprek over.'])
  t.match(renee.notes(), [/is ziek.*\n"Ik ben ziek"\n/])
  t.match(renee.conversation, { status: 'open', labels: ['intent:handoff'] })
  const tim = await reserved(tutor, { id: 4100043, contact: 4100002 })
  t.strictSame(tim.conversation.labels, ['status:awaiting_pay'])
})

for (const text of ['Ik ben ziek', 'Hoi', 'Les boeken']) {
  t.test(`with a bot’s token alone every message goes to a person: ${text}`, async t => {
    const tutor = await setUp(t, { isOlder: true, admin: false, mode: 'bot' })
    const renee = tutor.student()
    t.match(await renee.says(text), [/^Sorry, dat lukte nu even niet. Iemand van ons/])
    t.match(renee.conversation, { status: 'open', labels: [], assignee: 7 })
    t.equal(renee.notes().length, 1)
    t.match(renee.notes()[0], /Chatwoot answered 401 to GET .*conversations/)
    t.match(renee.notes()[0], `\nThe student wrote:\n"${text}"\n`)
    t.match(renee.notes()[0], /To give the conversation back to TutorBot/)
    t.strictSame(await renee.says('hallo?'), [], 'open is a person’s')
  })
}

for (const admin of [true, false]) {
  t.test(`a parked message goes to a person (CW_ADMIN_TOKEN: ${admin})`, async t => {
    const tutor = await setUp(t, { isOlder: true, admin })
    const renee = tutor.student()
    // Not even for the hand-over can it be read.
    tutor.chatwoot.fail(/GET .*4100042$/, { status: 500 }, 20)
    const delivery = await renee.sends('Kan ik dinsdag om 17:00 een les?')
    for (let attempt = 1; attempt < 7; attempt++) await tutor.nextAttempt(delivery, attempt)
    t.match(await tutor.ended(delivery, 7), { state: 'parked' })
    t.match(renee.read(), [/^Sorry, dat lukte nu even niet. Iemand van ons/])
    t.match(renee.notes(), [/\nThe student wrote:\n"Kan ik dinsdag om 17:00 een les\?"\n/])
    t.match(renee.conversation, { status: 'open', labels: admin ? ['intent:handoff'] : [], assignee: 7 })
  })
}

t.test('with a bot’s token alone, a person who writes has the conversation', async t => {
  const tutor = await setUp(t, { isOlder: true, admin: false, mode: 'bot' })
  const renee = tutor.student()
  await renee.happens(() => answer(tutor.chatwoot.state, renee.conversation, 'Dag Renée', 'chatwoot'))
  t.equal(renee.conversation.status, 'open')
})
