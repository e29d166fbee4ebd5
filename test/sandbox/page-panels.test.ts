import t from 'tap'
import { formsOf, startPage, textOf } from '../helpers/sandbox-page.ts'
import { chat, lastQuestion } from '../helpers/world.ts'

t.test('the script is told where to go, or what is wrong, and stays where it is', async t => {
  const { post, token, conversation, control } = await startPage(t)
  const script = { accept: 'application/json' }
  const form = await token()
  const said = await post(
    '/sandbox/do/say',
    { form, conversation: '1', text: ' Hoi ', back: '/sandbox?tutor=1#x' },
    script,
  )
  t.same(await said.json(), { to: '/sandbox?tutor=1#x' })
  t.same(chat(conversation(1)), ['Hoi'])
  const rows: [string, Record<string, string>, number, RegExp][] = [
    ['say', { conversation: '1', text: ' ' }, 400, /^text must be 1 to 4000 characters long$/],
    ['say', { conversation: '1', text: 'x'.repeat(4_001) }, 400, /^text must be/],
    ['say', { conversation: '1' }, 400, /^text is missing$/],
    ['say', { conversation: '99', text: 'Hoi' }, 400, /^There is no such conversation: the sandbox was started again$/],
    ['say', { conversation: 'x', text: 'Hoi' }, 400, /^conversation must be a whole number$/],
    ['choose', { conversation: '1', message: '99', value: 'book' }, 409, /^There is no such choice: book\.$/],
    ['student', { name: 'Max', channel: 'telegram' }, 400, /^channel must be one of whatsapp, widget, sms$/],
    ['pay', { session: 'cs_test_99', method: 'card' }, 400, /^There is no such payment/],
    ['pay', { method: 'card' }, 400, /^There is no such payment/],
    ['clock', { to: 'expiry' }, 400, /^No payment link is open, so none expires$/],
    ['resend', { wire: '99' }, 409, /can not be sent again/],
  ]
  for (const [action, fields, status, says] of rows) {
    const response = await post(`/sandbox/do/${action}`, { form, ...fields }, script)
    t.equal(response.status, status, `${action} ${JSON.stringify(fields)}`)
    t.match(await response.json(), { message: says })
  }
  const plain = await post('/sandbox/do/say', { form, conversation: '1', text: '' })
  t.match(textOf(await plain.text()), /Not done ?text must be 1 to 4000 characters long/, 'without a script, as a page')
  for (const back of ['https://example.com/sandbox', '//example.com/sandbox', '/dashboard', '/sandboxed', '']) {
    const { headers } = await post('/sandbox/do/faults', { form, back })
    t.equal(headers.get('location'), '/sandbox', `back to ${back}`)
  }
  await control.become('stopped')
  const dashboard = await post('/sandbox/do/dashboard', { form }, script)
  t.equal(dashboard.status, 409)
  t.match(await dashboard.json(), { message: 'it is not running: start it first' })
})

t.test('the dashboard opens signed in, at a delivery too', async t => {
  const { post, token, press, get, world } = await startPage(t)
  const form = await token()
  const response = await post('/sandbox/do/dashboard', { form })
  t.equal(response.headers.get('location'), '/dashboard')
  t.same(response.headers.getSetCookie(), ['tutorbot_operator=signed-in; Path=/dashboard; HttpOnly'])
  await press('/sandbox', 'say', { text: 'Hoi' })
  const entry = world.wire.find(({ delivery }) => delivery !== undefined)
  const opened = formsOf(await get(`/sandbox?wire=${entry?.id}`)).find(({ fields }) => fields.delivery !== undefined)
  const { headers } = await post('/sandbox/do/dashboard', { ...opened?.fields })
  t.equal(headers.get('location'), `/dashboard/deliveries/${entry?.delivery}`)
})

t.test('students on both channels, in every language', async t => {
  const { press, post, get, conversation } = await startPage(t)
  await press('/sandbox', 'student', { name: 'Emma', channel: 'widget', language: 'en' })
  t.match(textOf(await get('/sandbox')), /Emma Website widget, English/)
  const asked = await press('/sandbox', 'example', { language: 'de' }, 'name="conversation" value="2"')
  t.match(textOf(asked), /Emma Website widget, Deutsch/, 'who has not written yet may write in any')
  t.match(chat(conversation(2)).at(-1), /^> Wann/)
  const question = lastQuestion(conversation(2))
  const { value } = (question.content_attributes.items as { value: string }[])[0] as { value: string }
  const chosen = await press('/sandbox', 'choose', { value }, `name="message" value="${question.id}"`)
  t.match(chosen, /aria-pressed="true"><span>/, 'in the widget, a choice is seen in the question')
  t.match(chosen, /<a class="preview" href="\/sandbox\/pay\/cs_test_1" target="_blank">/)
  const compose = formsOf(await get('/sandbox')).find(({ content }) => content.includes('id="say-1"'))
  t.match(compose?.content, /formaction="\/sandbox\/do\/picture"/)
  t.match(compose?.content, /formaction="\/sandbox\/do\/voice"/)
  await post('/sandbox/do/picture', { ...compose?.fields })
  await post('/sandbox/do/voice', { ...compose?.fields })
  const sent = textOf(await get('/sandbox?tutor=1'))
  t.match(sent, /Picture.*Voice message/)
  t.match(sent, /\(image\).*\(audio\)/, 'in the tutor’s view')
})

t.test('what a channel could not deliver is not on the phone; the tutor sees that it was not', async t => {
  const { get, world, conversation } = await startPage(t)
  world.addStudent({ name: 'Sofie', channel: 'sms' })
  const { state } = world.chatwoot
  const message = state.addMessage(conversation(2), { content: 'Tot dinsdag' })
  const phones = async () => (await get('/sandbox?tutor=2')).split('id="tutor"')[0] as string
  const tutor = async () => textOf((await get('/sandbox?tutor=2')).split('id="tutor"')[1] as string)
  t.match(textOf(await phones()), /Sofie SMS \(no buttons\).*Bijles & Co: Tot dinsdag/)
  t.notMatch(await tutor(), /not delivered/)
  state.failMessage(conversation(2), message, '30003: Unreachable destination handset')
  t.notMatch(await phones(), /Tot dinsdag/)
  t.match(await tutor(), /11:00, not delivered Tot dinsdag/)
})

t.test('the tutor answers, notes, assigns, gives back and resolves', async t => {
  const { press, post, token, get, world, conversation } = await startPage(t)
  await press('/sandbox', 'say', { text: 'Iemand spreken' })
  t.match(textOf(await get('/sandbox')), /A person has it open/)
  t.match(textOf(await get('/sandbox')), /intent:handoff/)
  await press('/sandbox', 'answer', { text: 'Hallo, met Sam', via: 'chatwoot' })
  await press('/sandbox', 'answer', { text: 'Vanaf mijn telefoon', via: 'phone' })
  t.same(chat(conversation(1)).slice(-2), ['> Hallo, met Sam', '> Vanaf mijn telefoon'])
  t.match(textOf(await get('/sandbox')), /From the phone’s app, 11:00 Vanaf mijn telefoon/)
  const form = await token()
  await post('/sandbox/do/note', { form, conversation: '1', text: 'Belt morgen' })
  t.match(textOf(await get('/sandbox')), /Private note of Sam, 11:00 Belt morgen/)
  const content = 'Conversation was marked open by system'
  world.chatwoot.state.addMessage(conversation(1), { content, message_type: 2, sender: null })
  t.match(textOf(await get('/sandbox')), `Chatwoot, 11:00 ${content}`)
  t.match(textOf(await press('/sandbox', 'assign', {}, 'Assign to Sam')), /assigned to Sam/)
  t.match(textOf(await press('/sandbox', 'assign', {}, 'Unassign')), /nobody assigned/)
  t.match(textOf(await press('/sandbox', 'give-back')), /The bot has it pending/)
  t.match(textOf(await press('/sandbox', 'resolve')), /Resolved resolved/)
  conversation(1).status = 'muted'
  t.match(textOf(await get('/sandbox')), /muted muted/, 'a status that there is not yet')
  world.addStudent({ name: 'Emma', channel: 'widget' })
  t.notMatch(await get('/sandbox?tutor=2'), 'From the phone’s app')
})
