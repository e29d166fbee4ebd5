import Fastify from 'fastify'
import t from 'tap'
import webhooks, { type WebhooksOptions } from '../../app.ts'
import { chatwoot, stripeEvent, stripePaymentIntent } from '../../commands/samples.ts'
import { CHATWOOT_SECRET, chatwootRequest, STRIPE_SECRET, stripeRequest, webhookApp } from '../helpers/app.ts'

const event = stripeEvent('payment_intent.succeeded', stripePaymentIntent())

t.test('a slash at the end of a path changes nothing', async t => {
  const cases: [string, string, WebhooksOptions][] = [
    ['/cw', '/webhook/payments', {}],
    ['/hooks/cw', '/hooks/webhook/payments', { prefix: '/hooks' }],
    ['/in', '/pay', { chatwoot: { path: '/in/' }, stripe: { path: '/pay' } }],
  ]
  for (const [messages, payments, options] of cases) {
    const { app, log } = await webhookApp(t, options)
    const answers = []
    for (const request of [
      chatwootRequest(chatwoot.incoming(), undefined, `${messages}/`),
      chatwootRequest(chatwoot.incoming(), undefined, messages),
      stripeRequest(event, `${payments}/`),
      stripeRequest(event, payments),
    ]) {
      answers.push((await app.inject(request)).json().status)
    }
    t.same(answers, ['accepted', 'duplicate', 'accepted', 'duplicate'], messages)
    t.match(
      log.lines.filter(({ outcome }) => outcome === 'accepted').map(({ source }) => source),
      ['chatwoot', 'stripe'],
    )
    await app.close()
  }
})

t.test('with any treatment of slashes by the host’s router', async t => {
  for (const routerOptions of [
    { ignoreTrailingSlash: true },
    { ignoreDuplicateSlashes: true },
    { ignoreTrailingSlash: true, caseSensitive: false },
  ]) {
    const app = Fastify({ routerOptions })
    t.teardown(() => app.close())
    const store = `${t.testdir()}/webhooks.db`
    await app.register(webhooks, {
      store,
      prefix: '/hooks',
      chatwoot: { path: '/', secrets: [CHATWOOT_SECRET] },
      stripe: { secrets: [STRIPE_SECRET] },
    })
    for (const url of ['/hooks', '/hooks/']) {
      t.equal((await app.inject(chatwootRequest(chatwoot.incoming(), undefined, url))).statusCode, 200, url)
    }
    for (const url of ['/hooks/webhook/payments', '/hooks/webhook/payments/']) {
      t.equal((await app.inject(stripeRequest(event, url))).statusCode, 200, url)
    }
    t.equal((await app.inject(stripeRequest(event, '/hooks/webhook/payments/x'))).statusCode, 404)
    await app.close()
  }
})
