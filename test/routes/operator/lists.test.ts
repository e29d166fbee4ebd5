import tap, { type Test } from 'tap'
import { chatwoot, railsJson, stripeEvent, stripePaymentIntent, stripeSession } from '../../../commands/samples.ts'
import { PermanentError } from '../../../inbox/errors.ts'
import { signChatwoot, signStripe } from '../../../plugins/verification.ts'
import { CHATWOOT_SECRET, listen, STRIPE_SECRET, webhookApp } from '../../helpers/app.ts'
import { run, runJson } from '../../helpers/cli.ts'
import { delivery } from '../../helpers/inbox.ts'
import { STORES } from '../../helpers/stores.ts'

/** The operator's lists: who writes what, searched by name, on both stores, over HTTP. */

const TOKEN = 'the-token-of-the-operator'
const CHATWOOT = 'https://chat.example.com'

interface Listed {
  id: string
  student: string | null
  words: string | null
  conversation: string | null
  conversationUrl: string | null
}

/** The service, whose handlers give up on every message, asked over HTTP. */
async function operatedApp(t: Test, store: string) {
  const { app, log } = await webhookApp(t, {
    store,
    operator: { token: TOKEN },
    chatwoot: { url: `${CHATWOOT}/` },
    handlers: {
      message_created: () => {
        throw new PermanentError('no')
      },
    },
  })
  const base = `http://127.0.0.1:${await listen(app)}`
  const { inbox } = app.webhooks
  const post = async (path: string, body: string, headers: Record<string, string>) => {
    const answer = await fetch(base + path, { method: 'POST', headers, body })
    return ((await answer.json()) as { id: string }).id
  }
  /** As Chatwoot sends it; resolves when it is given up. */
  const say = async (message: number, name: string, content: string, conversation = message) => {
    const body = railsJson(chatwoot.incoming({ message, name, content, conversation }))
    const id = await post('/cw', body, signChatwoot(body, CHATWOOT_SECRET))
    await log.line(line => line.delivery === id && line.msg === 'webhook dead')
    return id
  }
  const pay = (object: object, event: string) => {
    const body = JSON.stringify(stripeEvent(event as never, object as never))
    return post('/webhook/payments', body, signStripe(body, STRIPE_SECRET))
  }
  const api = async (path: string, payload?: object) => {
    const answer = await fetch(base + path, {
      headers: { authorization: `Bearer ${TOKEN}`, ...(payload && { 'content-type': 'application/json' }) },
      ...(payload && { method: 'POST', body: JSON.stringify(payload) }),
    })
    return (await answer.json()) as { deliveries: Listed[]; next: string | null; searched: number | null }
  }
  const form = new URLSearchParams({ token: TOKEN })
  const signedIn = await fetch(`${base}/dashboard/sign-in`, { method: 'POST', body: form, redirect: 'manual' })
  const cookie = signedIn.headers.getSetCookie()[0]?.split(';')[0] as string
  const page = async (path: string) => (await fetch(`${base}/dashboard${path}`, { headers: { cookie } })).text()
  return { inbox, say, pay, api, page, env: { DATABASE_URL: store, CW_URL: CHATWOOT } }
}

for (const [name, storeFor] of Object.entries(STORES)) {
  tap.test(`${name}: page, API and command show the student and the first words`, async t => {
    const { say, pay, api, page, env } = await operatedApp(t, await storeFor(t))
    const renee = await say(1, "Renée O'Hara", `Hoi, <b>kan</b> het\nmorgen? ${'x'.repeat(100)}`, 42)
    const metadata = { conversation_id: '42', student_name: 'Renée' }
    const paid = await pay(stripePaymentIntent({ metadata }), 'payment_intent.succeeded')
    const words = `Hoi, <b>kan</b> het morgen? ${'x'.repeat(51)}…`

    const { deliveries, searched } = await api('/deliveries')
    t.equal(searched, null)
    t.match(deliveries, [
      { id: paid, student: 'Renée', words: '60.00 EUR', conversation: null, conversationUrl: null },
      {
        id: renee,
        student: "Renée O'Hara",
        words,
        conversation: '42',
        conversationUrl: `${CHATWOOT}/app/accounts/1/conversations/42`,
      },
    ])
    t.match(await api(`/deliveries/${renee}`), { student: "Renée O'Hara", words, conversation: '42' })

    for (const path of ['', '/deliveries']) {
      const body = await page(path)
      t.match(body, '<strong><bdi>Renée O&#39;Hara</bdi></strong> <bdi>Hoi, &#60;b&#62;kan&#60;/b&#62; het morgen? xxx')
      t.match(body, '<strong><bdi>Renée</bdi></strong> <bdi>60.00 EUR</bdi>')
      t.match(body, '<a href="/dashboard/conversations/42">Conversation 42</a>')
      t.match(
        body,
        `<a href="${CHATWOOT.replace(/=/g, '')}/app/accounts/1/conversations/42" rel="noreferrer">in Chatwoot</a>`,
      )
      t.notMatch(body, /pubsub_token|Qm4pToken/, 'nothing else of the content')
    }
    t.match(
      await page(`/deliveries/${renee}`),
      /<dt>Student<\/dt><dd><strong><bdi>Renée.*rel="noreferrer">in Chatwoot/s,
    )

    const { out } = await run(env, 'list')
    t.match(out, /^state +received +student +words +source/)
    t.match(out, / {2}Renée O'Hara +Hoi, <b>kan<\/b> het morgen\? x{11}… +chatwoot/)
    t.match(out, / {2}Renée +60\.00 EUR +stripe/)
    t.match(await runJson(env, 'show', renee), {
      result: { student: "Renée O'Hara", conversationUrl: `${CHATWOOT}/app/accounts/1/conversations/42` },
    })
  })

  tap.test(`${name}: once forgotten, nothing of it is left in the lists`, async t => {
    const { inbox, say, api, page, env } = await operatedApp(t, await storeFor(t))
    const id = await say(1, 'Renée', 'mijn geheim')
    t.match((await api('/deliveries?name=renee')).deliveries, [{ id }])
    await inbox.forget([id])
    t.match((await api('/deliveries')).deliveries, [{ id, student: null, words: null }])
    t.same((await api('/deliveries?name=renee')).deliveries, [])
    const shown = [await page(''), await page('/deliveries'), await page(`/deliveries/${id}`)]
    for (const text of [...shown, (await run(env, 'list')).out, (await run(env, 'show', id)).out])
      t.notMatch(text, /Renée|geheim/)
  })

  tap.test(`${name}: searched by the student’s name, in any case, with other filters, page by page`, async t => {
    const { inbox, say, pay, api, page, env } = await operatedApp(t, await storeFor(t))
    const first = await say(1, 'Renée de Vries', 'a')
    await say(2, 'Jan Jansen', 'Renée is mijn zus')
    const third = await say(3, 'RENEE Bakker', 'c')
    const paid = await pay(stripeSession(), 'checkout.session.expired')
    const ids = async (query: string) => (await api(`/deliveries?${query}`)).deliveries.map(({ id }) => id)
    t.same(await ids('name=renee'), [paid, third, first])
    t.same(await ids('name=vries+ren%C3%A9e'), [first])
    t.same(await ids('name=renee&state=dead'), [third, first])
    t.same(await ids('name=renee&conversation=3'), [third])
    t.same(await ids('name=zus'), [])
    const one = await api('/deliveries?name=renee&limit=2')
    t.match(one, { deliveries: [{ id: paid }, { id: third }], searched: 2 })
    t.match(await api(`/deliveries?name=renee&limit=2&cursor=${one.next}`), {
      deliveries: [{ id: first }],
      next: null,
      searched: 2,
    })
    const last = await api('/deliveries?name=jan&limit=1')
    t.match(await api(`/deliveries?name=renee&limit=1&cursor=${last.next}`), {
      deliveries: [{ id: first }],
      next: null,
    })

    const body = await page('/deliveries?name=Vries')
    t.match(body, 'name="name" value="Vries" type="search"')
    t.match(body, 'The name was sought in the last 4 deliveries. There are no older ones.')
    t.match(body, `href="/dashboard/deliveries/${first}"`)
    t.notMatch(body, third)
    t.match(await run(env, 'list', '--name', 'bakker'), {
      out: /RENEE Bakker/,
      err: 'searched 4 deliveries for the name',
    })
    t.match((await runJson<{ searched: number }>(env, 'list', '--name', 'bakker')).result, { searched: 4 })

    await inbox.schedule({
      key: 'k',
      source: 'chatwoot',
      orderingKey: 'o',
      event: 'e',
      payload: chatwoot.incoming({ name: 'Kim' }),
      at: 8.64e12,
    })
    t.match(await api('/deliveries?name=kim&state=scheduled'), { deliveries: [{ student: 'Kim', state: 'scheduled' }] })
  })

  tap.test(`${name}: what is replayed is what the name shows`, async t => {
    const { say, api, page, env } = await operatedApp(t, await storeFor(t))
    await say(1, 'Renée', 'a')
    await say(2, 'Jan', 'b')
    t.match(await api('/deliveries/replay', { filter: { name: 'renee' }, dryRun: true }), { matched: 1 })
    t.match(
      await page('/deliveries/replay?name=renee'),
      /Replay 1 delivery\?.*<input type="hidden" name="name" value="renee">/s,
    )
    t.match(await run(env, 'replay', '--name', 'nobody'), { code: 0, out: '0 replayed' })
    t.match(await run(env, 'replay', '--name', 'jan'), { code: 0, out: '1 replayed' })
  })

  tap.test(`${name}: a search is bounded: it says how far it came, and goes on from there`, async t => {
    const { inbox, api, page, env } = await operatedApp(t, await storeFor(t))
    const put = async (key: string, name: string, more = {}) =>
      inbox.accept(
        delivery(key, {
          source: 'chatwoot',
          event: 'message_created',
          unreadable: 'x',
          payload: { ...more, conversation: { meta: { sender: { name } } } },
        }),
        1,
      )
    await put('oldest', 'Zoë')
    for (let n = 0; n < 5_010; n += 501)
      await Promise.all(Array.from({ length: 501 }, (_, m) => put(`${n + m}`, 'Jan')))
    let others = 0
    let isOver = false
    const other = () => {
      others++
      if (!isOver) setImmediate(other)
    }
    setImmediate(other)
    const first = await api('/deliveries?name=zoe')
    isOver = true
    t.match(first, { deliveries: [], searched: 5_000, next: String })
    t.ok(others > 200, 'others had their turn at least once for each 25 deliveries')
    t.match(await api(`/deliveries?name=zoe&cursor=${first.next}`), {
      deliveries: [{ student: 'Zoë' }],
      searched: 11,
      next: null,
    })
    const body = await page('/deliveries?name=zoe')
    t.match(body, 'The name was sought in the last 5,000 deliveries. Older ones have not been searched.')
    t.match(body, /href="[^"]*name&#61;zoe&#38;cursor&#61;\d+" rel="next">Search older ones<\/a>/)
    const next = await page(`/deliveries?name=zoe&cursor=${first.next}`)
    t.match(next, 'The name was sought in the next 11 deliveries. There are no older ones.')
    t.match(await run(env, 'list', '--name', 'zoe'), {
      out: 'no deliveries',
      err: `searched 5000 deliveries for the name\nfor older deliveries: --cursor ${first.next}`,
    })

    for (let n = 0; n < 350; n++) await put(`large ${n}`, 'Kim', { text: 'x'.repeat(60_000) })
    t.match(await api('/deliveries?name=zoe'), { deliveries: [], searched: 300 }, 'bounded by bytes too')
    await put('too large', 'Lou', { text: 'x'.repeat(70_000) })
    t.match((await api('/deliveries?limit=1')).deliveries, [{ student: null, words: null }])
    t.match(await api('/deliveries?name=lou&limit=1'), { deliveries: [] })
  })
}
