import type { Test } from 'tap'
import t from 'tap'
import type { WebhooksOptions } from '../../../app.ts'
import { chatwoot as samples } from '../../../commands/samples.ts'
import { chatwootRequest, webhookApp } from '../../helpers/app.ts'
import { OPERATOR_TOKEN, operator } from '../../helpers/operator.ts'
import { chat, startInWorld } from '../../helpers/world.ts'

/** Who has a conversation, on the operator's page and in the API, and the way back to the bot. */

async function started(t: Test, chatwoot: WebhooksOptions['chatwoot'] = {}) {
  const parts = await startInWorld(t, chatwoot, { operator: { token: OPERATOR_TOKEN } })
  const { world, quiet, conversation, app } = parts
  const id = world.addStudent({ name: 'Renée', channel: 'whatsapp', language: 'nl' })
  const says = async (text: string) => {
    world.say(id, text)
    await quiet()
    return chat(conversation(id)).at(-1)
  }
  await says('Hoi')
  return { ...parts, ...operator(app), id, says, of: () => conversation(id) }
}

t.test('on the page: who has it, and a button that gives it back; the hand-over’s note names the page', async t => {
  const { world, quiet, id, says, of, page, form, signIn, log } = await started(t, { mode: 'bot' })
  const token = await signIn()
  const url = `/dashboard/conversations/${id}`
  const before = await page(url)
  t.match(before, { statusCode: 200, body: /The bot/ })
  t.notMatch(before.body, 'Give back')
  t.match((await form(`${url}/give-back`, { form: token })).body, /is not a person’s: the bot has it/)
  await says('ik wil iemand spreken')
  const [note] = of().messages.filter(message => message.private)
  t.match(note?.content, `\nOf geef het terug op de pagina van TutorBot: ${url}\n`)
  t.match((await page(url)).body, /A person: it was handed over, and no person has written since/)
  world.answer(id, 'Dag', 'chatwoot')
  await quiet()
  const after = await page(url)
  t.match(after.body, /A person: a person has written to the student[\s\S]*A person last wrote/)
  t.match(after.body, 'Give back to the bot')
  const given = await form(`${url}/give-back`, { form: token })
  t.match(given, { statusCode: 303, headers: { location: `${url}?done=given-back` } })
  t.match((await page(`${url}?done=given-back`)).body, /Given back to the bot\.[\s\S]*The bot/)
  await quiet()
  t.match(of(), { status: 'pending', labels: [], custom_attributes: { person_wrote_at: null } })
  t.match(await says('Prijzen'), /^> Onze prijzen/)
  t.match(
    log.lines.find(({ msg }) => msg === 'conversation given back to the bot by the operator'),
    { conversation: `${id}` },
  )
})

t.test('a delivery’s page leads there', async t => {
  const { app, page, signIn, id } = await started(t)
  await signIn()
  const [first] = await app.webhooks.inbox.list({ source: 'chatwoot', event: 'message_created' })
  t.match(
    (await page(`/dashboard/deliveries/${first?.id}`)).body,
    `<a href="/dashboard/conversations/${id}">who has it</a>`,
  )
})

t.test('in the list: a button for each conversation, which leads back to the same list', async t => {
  const { id, says, of, page, form, signIn, world, quiet } = await started(t, { mode: 'bot' })
  const token = await signIn()
  await says('ik wil iemand spreken')
  const other = world.addStudent({ name: 'Jan', channel: 'widget' })
  world.say(other, 'Hoi')
  await quiet()
  const query = 'name=ren%C3%A9e&source=chatwoot&limit=50'
  const { body } = await page(`/dashboard/deliveries?${query}`)
  t.match(body, '<strong><bdi>Renée</bdi></strong> <bdi>ik wil iemand spreken</bdi>')
  const forms = [...body.matchAll(/action="([^"]*give-back)">.*?name="list" value="([^"]*)"><button class="quiet">/g)]
  t.equal(forms.length, 1, 'one, however many deliveries it has')
  const [, url = '', list = ''] = forms[0] ?? []
  t.equal(url, `/dashboard/conversations/${id}/give-back`)
  const here = list.replaceAll('&#61;', '=').replaceAll('&#38;', '&')
  t.equal(here, query)
  t.equal((await form(url, { form: 'x', list: here })).statusCode, 403)
  t.match(of().labels, ['intent:handoff'])
  const given = await form(url, { form: token, list: here })
  t.match(given, {
    statusCode: 303,
    headers: { location: `/dashboard/deliveries?${query}&done=given-back&given=${id}` },
  })
  t.match((await page(`${given.headers.location}`)).body, `Conversation ${id} was given back to the bot.`)
  t.match(of(), { status: 'pending', labels: [] })
  t.match((await form(url, { form: token, list: here })).body, /is not a person’s: the bot has it/)
  await says('ik wil iemand spreken')
  const elsewhere = await form(url, { form: token, list: 'https://evil.example/?x=1&state=dead' })
  t.equal(elsewhere.headers.location, `/dashboard/deliveries?state=dead&done=given-back&given=${id}`)
  const two = (await page('/dashboard/deliveries')).body
  t.equal(two.split('<button class="quiet">Give back to the bot').length, 3)
  t.notMatch((await page('/dashboard')).body, 'Give back', 'not on what updates itself')
})

t.test('the same rules as for other actions: a session, its own form, from this site', async t => {
  const { id, form, post, page, signIn, app, of, says } = await started(t)
  await says('ik wil iemand spreken')
  const url = `/dashboard/conversations/${id}`
  t.match(await page(url), { statusCode: 303 })
  t.equal((await form(`${url}/give-back`, { form: 'x' })).statusCode, 401)
  const token = await signIn()
  t.equal((await form(`${url}/give-back`, { form: 'x' })).statusCode, 403)
  t.equal((await post(`${url}/give-back`, { form: token }, { 'sec-fetch-site': 'cross-site' })).statusCode, 403)
  t.equal((await page(`${url}/give-back`)).statusCode, 404)
  t.equal((await app.inject(`/conversations/${id}`)).statusCode, 401)
  t.equal((await app.inject({ method: 'POST', url: `/conversations/${id}/give-back` })).statusCode, 401)
  t.match(of().labels, ['intent:handoff'])
})

t.test('through the API, in account mode: nobody is assigned any more', async t => {
  const { world, quiet, clock, id, says, of, api } = await started(t, { mode: 'account' })
  of().status = 'open'
  t.match(await api('GET', `/conversations/${id}`), { status: 'open', has: 'bot', why: null, personWroteAt: null })
  world.assign(id, true)
  await quiet()
  t.match(await api('GET', `/conversations/${id}`), { has: 'person', why: 'assigned', canBeGivenBack: true })
  world.answer(id, 'Dag', 'phone')
  await quiet()
  const wrote = { has: 'person', why: 'wrote', personWroteAt: new Date(clock.now()).toISOString() }
  t.match(await api('GET', `/conversations/${id}`), wrote)
  t.match(await api('POST', `/conversations/${id}/give-back`), { status: 'given back', id: `${id}` })
  await quiet()
  t.match(of(), { status: 'open', assignee: null, labels: [], custom_attributes: { person_wrote_at: null } })
  t.match(await says('Prijzen'), /^> Onze prijzen/)
})

t.test('in bot mode: open alone is a person’s, and what is resolved stays so', async t => {
  const { world, quiet, id, of, api } = await started(t, { mode: 'bot' })
  of().status = 'open'
  t.match(await api('GET', `/conversations/${id}`), { has: 'person', why: 'open' })
  t.match(await api('POST', `/conversations/${id}/give-back`), { status: 'given back' })
  t.equal(of().status, 'pending')
  world.assign(id, true)
  world.resolve(id)
  await quiet()
  t.match(await api('GET', `/conversations/${id}`), { status: 'resolved', has: 'bot', why: null })
  t.match(await api('POST', `/conversations/${id}/give-back`), { statusCode: 409 })
  t.equal(of().status, 'resolved')
})

t.test('a person’s own switch and a team are not touched: it says where to change them', async t => {
  const { id, of, api, world, page, signIn } = await started(t)
  await signIn()
  Object.assign(of(), { custom_attributes: { bot_disabled: true } })
  t.match(await api('POST', `/conversations/${id}/give-back`), {
    statusCode: 409,
    code: 'OPERATOR_CONFLICT',
    message: `The conversation ${id} was not given back: the bot is switched off in it: clear its attribute bot_disabled in Chatwoot`,
  })
  t.notMatch((await page(`/dashboard/conversations/${id}`)).body, 'Give back')
  const shown = samples.incoming({ conversation: id }).conversation
  const team = { ...shown, custom_attributes: {}, meta: { ...shown.meta, team: { id: 3, name: 'Docenten' } } }
  world.chatwoot.fail(/^GET /, { status: 200, body: team })
  t.match(await api('GET', `/conversations/${id}`), { has: 'person', why: 'team', canBeGivenBack: false })
})

t.test('what goes wrong is said', async t => {
  const { id, api, world, page, form, signIn } = await started(t)
  const token = await signIn()
  t.match(await api('GET', '/conversations/x'), { statusCode: 404, code: 'OPERATOR_UNKNOWN_CONVERSATION' })
  t.match(await api('POST', '/conversations/999/give-back'), { statusCode: 404, message: /no conversation 999/ })
  world.chatwoot.fail(/^GET /, { status: 403, body: { error: 'You are not allowed' } })
  t.match(await api('GET', `/conversations/${id}`), {
    statusCode: 409,
    code: 'OPERATOR_CHATWOOT_REFUSED',
    message: /Chatwoot answered 403 .*: You are not allowed/,
  })
  world.chatwoot.fail(/^GET /, { status: 200, body: [] })
  t.match(await page(`/dashboard/conversations/${id}`), {
    statusCode: 409,
    body: /Not possible now[\s\S]*Nothing was decided/,
  })
  world.chatwoot.fail(/^GET /, { status: 503, body: 'away' })
  t.match(await form(`/dashboard/conversations/${id}/give-back`, { form: token }), {
    statusCode: 409,
    body: /Nothing was decided: Chatwoot answered 503/,
  })
})

t.test('without a token for Chatwoot, and when something breaks', async t => {
  const { app } = await webhookApp(t, { operator: { token: OPERATOR_TOKEN } })
  const tokenless = operator(app)
  await tokenless.signIn()
  await app.inject(chatwootRequest(samples.incoming()))
  const { body } = await tokenless.page('/dashboard/deliveries')
  t.match(body, /Conversation \d+/)
  t.notMatch(body, 'Give back')
  t.match(await operator(app).api('GET', '/conversations/1'), {
    statusCode: 409,
    code: 'OPERATOR_NO_CHATWOOT',
    message: /set CW_TOKEN/,
  })
  const { api, world, id } = await started(t)
  world.chatwoot.fail(/^GET /, { status: 200, body: { custom_attributes: {} } })
  t.match(await api('GET', `/conversations/${id}`), { statusCode: 500, code: 'OPERATOR_FAILED' })
})
