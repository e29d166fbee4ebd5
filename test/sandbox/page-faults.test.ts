import t from 'tap'
import { formsOf, startPage, textOf } from '../helpers/sandbox-page.ts'

t.test('the switches break things, and mend them', async t => {
  const { press, get, world } = await startPage(t)
  for (const system of ['chatwoot', 'stripe'] as const) {
    for (const fault of ['slow', '429', 'down', 'none'] as const) {
      const html = await press('/sandbox', 'faults', { [system]: fault }, `name="${system}"`)
      t.equal(world.faults[system], fault)
      t.match(html, `name="${system}" value="${fault}" aria-pressed="true"`)
    }
  }
  t.match(await press('/sandbox', 'faults', { twice: 'yes' }), 'name="twice" value="no" aria-pressed="true"')
  await press('/sandbox', 'say', { text: 'Hoi' })
  const messages = world.wire.filter(({ event, request }) => event === 'message_created' && request.includes('"Hoi"'))
  t.match(
    messages.map(({ response }) => JSON.parse(response).status).sort(),
    ['accepted', 'duplicate'],
    'sent twice, handled once',
  )
  await press('/sandbox', 'faults', { twice: 'no' })
  t.match(await get('/sandbox'), 'name="twice" value="yes" aria-pressed="false"')
})

t.test('the service is killed and started again', async t => {
  const { press, get, control } = await startPage(t)
  t.match(textOf(await get('/sandbox')), /Running ?127\.0\.0\.1:40123/)
  t.match(textOf(await press('/sandbox', 'kill')), /Stopped.*Start the service.*the last line of the log/)
  t.match(textOf(await press('/sandbox', 'start')), /Running/)
  await control.become('starting')
  t.match(await get('/sandbox'), /<button class="danger" disabled>Kill/)
})

t.test('the wire shows what goes to and fro, and sends it again', async t => {
  const { press, get, world, quiet } = await startPage(t)
  await press('/sandbox', 'say', { text: 'Hoi' })
  const webhook = world.wire.find(({ event }) => event === 'message_created')
  const opened = await get(`/sandbox?wire=${webhook?.id}`)
  t.match(textOf(opened), /message_created × 200 Chatwoot → service POST \/cw/)
  t.match(textOf(opened), /Request \{ "account"/)
  t.match(textOf(opened), /Response \{ "status": "accepted"/)
  const before = world.wire.length
  await press(`/sandbox?wire=${webhook?.id}`, 'resend')
  await quiet()
  t.match(world.wire[before], { event: 'message_created', request: webhook?.request })
  t.match(JSON.parse(String(world.wire[before]?.response)), { status: 'duplicate' })
  const call = world.wire.find(({ kind, method }) => kind === 'call' && method === 'POST')
  const html = await get(`/sandbox?wire=${call?.id}`)
  t.match(textOf(html), /service → Chatwoot POST \/api\/v1\/accounts\/1\/conversations\/1/)
  t.notOk(
    formsOf(html).some(({ action }) => action.endsWith('/resend')),
    'a call is the service’s',
  )
  await press('/sandbox', 'faults', { chatwoot: 'down' })
  const refused = world.wire.length
  await press('/sandbox', 'say', { text: 'Prijzen' })
  const bad = world.wire.slice(refused).find(({ status }) => status === 502)
  t.match(textOf(await get(`/sandbox?wire=${bad?.id}`)), /502 Bad Gateway/)
})

t.test('a message and a choice that the service has not received are marked, as long as the wire has them', async t => {
  const { press, get, world } = await startPage(t)
  world.addStudent({ name: 'Emma', channel: 'widget', language: 'en' })
  await press('/sandbox', 'say', { text: 'Hoi' })
  const asked = await press('/sandbox', 'example', { language: 'en' }, 'name="conversation" value="2"')
  const [, value = ''] = /name="value" value="([^"]+)"[^>]*><span>Tue 24 Nov 10:00/.exec(asked) ?? []
  await press('/sandbox', 'choose', { value }, 'Tue 24 Nov 10:00')
  t.notMatch(await get('/sandbox'), 'Not received')
  const entries = world.wire as (typeof world.wire)[number][]
  const latest = (event: string, said: RegExp) =>
    entries.findLast(each => each.event === event && said.test(each.request))
  for (const webhook of [latest('message_created', /"Hoi"/), latest('message_updated', /submitted_values/)]) {
    Object.assign(webhook ?? {}, { status: 500 })
  }
  const html = await get('/sandbox')
  t.equal(html.match(/Not received by the service: 500/g)?.length, 2)
  entries.length = 0
  t.notMatch(await get('/sandbox'), 'Not received')
})

t.test('an answer that does not come, and one under way', async t => {
  const { get, world } = await startPage(t)
  const entries = world.wire as (typeof world.wire)[number][]
  const entry = {
    at: Date.now(),
    kind: 'webhook',
    system: 'stripe',
    method: 'POST',
    path: '/webhook/payments',
  } as const
  const parts = { ...entry, event: 'charge.refunded', status: null, request: '{}', response: '' }
  entries.push({ ...parts, id: 9_001, ms: null }, { ...parts, id: 9_002, ms: 12, error: 'ECONNREFUSED' })
  t.match(textOf(await get('/sandbox?wire=9001')), /× under way Stripe → service/)
  t.match(textOf(await get('/sandbox?wire=9002')), /failed Stripe → service POST \/webhook\/payments ECONNREFUSED/)
  t.match(textOf(await get('/sandbox?wire=9002')), /Response \(empty\)/)
})

t.test('the calendar goes by weeks, and says which are free', async t => {
  const weeks: number[] = []
  const whose = { student: 'Noor', service: 'Bijles', order: 'o', conversation: '1' }
  const trial = { ...whose, payment: null, changedAt: null, sequence: 1 }
  const start = Date.parse('2026-11-25T10:00:00+01:00')
  const { get } = await startPage(t, {
    calendar: {
      week: async from => {
        weeks.push(from)
        const held = { start: start - 3_600_000, end: start, until: start - 86_400_000 }
        return { lessons: [{ ...trial, start, end: start + 1_800_000 }], holds: [held] }
      },
    },
  })
  const html = await get('/sandbox')
  t.match(textOf(html), /Wed 25 Nov 09:00–10:00 held until 10:00 10:00–10:30 Noor free trial/)
  t.match(html, /<h3 class="today"><time datetime="2026-11-23">/)
  await get('/sandbox?week=1')
  await get('/sandbox?week=-999')
  t.same(
    weeks.map(from => new Date(from).toISOString()),
    ['2026-11-22T23:00:00.000Z', '2026-11-29T23:00:00.000Z', '2025-11-23T23:00:00.000Z'],
    'from midnight of the tutor, a year at most',
  )
  t.match(await get('/sandbox?week=1'), 'href="/sandbox?week&#61;2#calendar"')
})

t.test('at the beginning, and when something fails', async t => {
  const { url, world, page } = await startPage(t, {
    calendar: { week: () => Promise.reject(new Error('the calendar is locked')) },
  })
  const failed = await fetch(`${url}/sandbox`)
  t.equal(failed.status, 500)
  t.match(textOf(await failed.text()), /the calendar is locked/)
  t.equal(world.chatwoot.conversations.size, 1, 'the first student')
  t.same(world.wire, [], 'nothing happens before somebody does something')
  await page.close()
})

t.test('what is not there yet, or not any more', async t => {
  const { control, get, world, press } = await startPage(t)
  await press('/sandbox', 'say', { text: 'Hoi' })
  world.chatwoot.contacts.clear()
  const session = { id: 'cs_test_8', payment_intent: null, status: 'open', amount_total: 5_000, currency: 'eur' }
  world.stripe.sessions.set('cs_test_8', { ...session, expires_at: 4e9 })
  const html = await get('/sandbox')
  t.match(textOf(html), /Nobody WhatsApp, Nederlands/, 'a contact that is gone')
  t.match(textOf(html), /Payments €50.00 open/, 'a payment of nobody’s')
  const payment = await get('/sandbox/pay/cs_test_8')
  t.match(textOf(payment), /€50.00 60 minutes/)
  t.match(payment, 'href="/sandbox#phones"')
  world.chatwoot.conversations.clear()
  ;(world.wire as unknown[]).length = 0
  control.url = () => undefined
  await control.become('starting')
  const empty = textOf(await get('/sandbox'))
  t.match(empty, /No conversation yet/)
  t.match(empty, /Every webhook and every call shows here as it happens/)
  t.match(empty, /Starting Mon/, 'no address yet')
})

t.test('a link that is no link to pay stays text', async t => {
  const { press } = await startPage(t)
  const links = 'http://127.0.0.1:3000/sandbox/pay/cs_test_404 x'
  const html = await press('/sandbox', 'say', { text: links })
  t.match(textOf(html), links)
  t.notMatch(html, 'class="preview"')
})
