import { setImmediate } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { chatwoot as samples } from '../../commands/samples.ts'
import type { AttachmentState, MessageState } from '../../sandbox/chatwoot-state.ts'
import { setUp } from '../helpers/lesson-story.ts'

/** Voice messages: what is said is answered like what is written, once, whenever Chatwoot tells it. */

const WAIT = 4_000
const CANNOT =
  'Spraakberichten, foto’s en locaties kan ik niet beluisteren of bekijken. Iemand van ons kijkt ernaar en antwoordt je hier.'
const AUDIO: AttachmentState = { id: 1, file_type: 'audio', extension: 'ogg', data_url: 'http://127.0.0.1/1.ogg' }
const said = (transcribed_text: string) => [{ ...AUDIO, transcribed_text }]

async function speaking(t: Test, options: Parameters<typeof setUp>[1] = {}) {
  const tutor = await setUp(t, options)
  const renee = tutor.student()
  await renee.says('Hoi')
  const { state } = tutor.chatwoot
  const last = () => renee.conversation.messages.findLast(({ message_type }) => message_type === 0) as MessageState
  return {
    tutor,
    renee,
    /** Sends a voice message that nobody has written down yet. */
    speaks: (parts: Partial<MessageState> = {}) =>
      renee.sendsMessage({ content: null, attachments: [AUDIO], ...parts }),
    /** Chatwoot tells what is said in the last one. */
    heard: (text: string, message = last()) =>
      renee.happens(() => state.updateMessage(renee.conversation, message, { attachments: said(text) })),
    last,
    scheduled: async () => {
      const all = await tutor.app.webhooks.inbox.list({ state: 'scheduled' })
      return all.filter(({ event }) => event === 'tutorbot.voice_waited')
    },
    /** The wait is over. Returns what the bot says then. */
    async waited() {
      const before = renee.read().length
      const from = tutor.log.lines.length
      tutor.clock.advance(WAIT)
      while (!tutor.log.lines.slice(from).some(({ event }) => event === 'tutorbot.voice_waited')) {
        await setImmediate()
        // The inbox looks for what is due this often.
        if (Number(tutor.clock.next()) <= tutor.clock.now() + 500) tutor.clock.advance(500)
      }
      return renee.read().slice(before)
    },
  }
}

t.test('a voice message whose text comes within the wait is answered as if it was written', async t => {
  const { renee, speaks, heard, scheduled, tutor } = await speaking(t)
  t.strictSame(await speaks(), [], 'it may still be written down')
  t.match(await scheduled(), [{ event: 'tutorbot.voice_waited' }])
  t.match(await heard('Hoeveel kost een les?'), [/^Onze prijzen/])
  t.strictSame(await scheduled(), [])
  t.strictSame(await heard('Hoeveel kost een les??'), [], 'another update of it')
  tutor.clock.advance(11 * 60_000)
  t.strictSame(await heard('Wat kost een les?'), [], 'long after')
  t.equal(renee.conversation.status, 'pending')
})

t.test('one that Chatwoot has written down at once does not wait', async t => {
  const { renee, speaks, heard, scheduled } = await speaking(t)
  t.match(await speaks({ attachments: said('Les boeken') }), [/^Wanneer wil je/])
  t.match(await speaks({ attachments: said('dinsdag om vijf uur') }), [/^Je les op dinsdag 24 november om 17:00/])
  t.strictSame(await heard('dinsdag om vijf uur'), [])
  t.strictSame(await scheduled(), [])
  t.equal(renee.conversation.status, 'pending')
})

t.test('no text in time: one line, a person, and no miss; the text may still come', async t => {
  const { renee, speaks, heard, waited } = await speaking(t)
  await speaks()
  t.strictSame(await waited(), [CANNOT])
  t.match(renee.notes(), [/niet kan beluisteren of bekijken:\n"\[audio\]"/])
  t.notOk(renee.conversation.custom_attributes?.misunderstood)
  t.equal(renee.conversation.status, 'open')
  t.strictSame(await heard('Hoeveel kost een les?'), [])
  t.equal(renee.notes().length, 1)
})

t.test('what is said and not understood is no miss either: a person can listen to it', async t => {
  const asked: string[] = []
  const understand = async ({ text }: { text: string }) => void asked.push(text)
  const { renee, speaks } = await speaking(t, { understand })
  t.strictSame(await speaks({ attachments: said('ja eh dat ding van laatst') }), [CANNOT])
  t.strictSame(asked, ['ja eh dat ding van laatst'], 'the host’s own understanding is asked')
  t.match(renee.notes(), [/"ja eh dat ding van laatst"/])
  t.notOk(renee.conversation.custom_attributes?.misunderstood)
})

t.test('the wait counts from when it was spoken: one that comes late does not wait', async t => {
  const { speaks, scheduled, tutor } = await speaking(t)
  const created_at = tutor.clock.now() / 1_000 - 5
  t.strictSame(await speaks({ created_at }), [CANNOT])
  t.notOk((await scheduled()).some(({ event }) => event === 'tutorbot.voice_waited'))
})

t.test('the text comes, and the wait is over before that is handled: one answer', async t => {
  const { renee, speaks, heard, waited, tutor, last } = await speaking(t)
  await speaks()
  const voice = last()
  tutor.chatwoot.fail(/messages$/, { status: 503 })
  const failing = await renee.sends('Kunnen jullie ook natuurkunde?')
  await tutor.ended(failing)
  const answers = heard('Hoeveel kost een les?', voice)
  const isWaiting = async () =>
    (await tutor.app.webhooks.inbox.list({ state: 'pending' })).some(({ event }) => event === 'message_updated')
  while (!(await isWaiting())) await setImmediate()
  await waited()
  t.match((await answers).join(), /Onze prijzen/)
  t.equal(renee.read().filter(text => /^Onze prijzen/.test(text)).length, 1)
  t.notOk(renee.read().includes(CANNOT))
  t.ok(tutor.log.lines.some(({ msg }) => /^skipped: the voice message was answered with delivery/.test(msg)))
})

t.test('a channel that makes two messages of one: the voice is answered once', async t => {
  const { tutor, renee } = await speaking(t)
  const voice = (message: number, event: string, transcribed_text: string, source_id: string | null = 'wamid.1') => ({
    ...samples.incoming({ message, content: null }),
    event,
    created_at: new Date(tutor.clock.now()).toISOString(),
    attachments: [{ file_type: 'audio', transcribed_text }],
    source_id,
  })
  const before = renee.read().length
  for (const message of [1, 2]) await tutor.handle(voice(message, 'message_created', ''))
  for (const message of [1, 2]) await tutor.handle(voice(message, 'message_updated', 'Hallo'))
  t.equal(renee.read().length, before + 1)
  for (const message of [3, 4]) await tutor.handle(voice(message, 'message_updated', 'Hoi', null))
  t.equal(renee.read().length, before + 3, 'two messages')
})
