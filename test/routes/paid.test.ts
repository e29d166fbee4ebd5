import Fastify from 'fastify'
import t, { type Test } from 'tap'
import webhooks, { type WebhooksOptions } from '../../app.ts'
import { setUp } from '../helpers/lesson-story.ts'

/** The page on which students land after paying. */

async function host(t: Test, options: WebhooksOptions) {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(webhooks, { store: `${t.testdir()}/webhooks.db`, ...options })
  return app
}

t.test('it says thanks in each language, without scripts or anything from elsewhere', async t => {
  const app = await host(t, { prefix: '/hooks', stripe: { publicUrl: 'https://tutor.example' } })
  const cases = [
    ['?language=nl', 'nl', /Bedankt!<\/h1>\n<p>Je kunt dit venster sluiten/],
    ['?language=en', 'en', /Thank you!<\/h1>\n<p>You can close this window/],
    ['?language=de', 'de', /Danke!<\/h1>\n<p>Du kannst dieses Fenster schließen/],
    ['', 'nl', /Bedankt/],
    ['?language=%3Cscript%3E', 'nl', /Bedankt/],
    ['?language=en&language=de', 'nl', /Bedankt/],
  ] as const
  for (const [query, language, text] of cases) {
    const { statusCode, headers, body } = await app.inject(`/hooks/paid${query}`)
    t.equal(statusCode, 200)
    t.equal(headers['content-type'], 'text/html; charset=utf-8')
    t.match(body, `<html lang="${language}">`, query)
    t.match(body, text)
    t.notMatch(body, /<script|src=|href=/)
    t.match(headers['content-security-policy'], /^default-src 'none'; style-src 'sha256-/)
    t.match(headers, {
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cache-control': 'no-store',
    })
  }
})

t.test('it has the tutor’s texts and languages', async t => {
  const texts = { nl: { paidPage: { title: 'Dank & tot <straks>' } } }
  const tutor = { languages: ['nl', 'en'] as const, texts }
  const app = await host(t, { stripe: { publicUrl: 'https://tutor.example' }, tutor })
  t.match((await app.inject('/paid?language=de')).body, /<h1>Dank &amp; tot &lt;straks><\/h1>\n<p>Je kunt dit venster/)
  t.match((await app.inject('/paid?language=en')).body, /<h1>Thank you!/)
})

t.test('without a public address there is none: the path may be the host’s', async t => {
  const app = await host(t, {})
  t.equal((await app.inject('/paid')).statusCode, 404)
})

t.test('Stripe is told of it, in the student’s language; an address of the tutor’s own comes first', async t => {
  const cases: [string, NonNullable<WebhooksOptions['stripe']>, string | undefined][] = [
    ['ours', { publicUrl: 'https://tutor.example/' }, 'https://tutor.example/paid?language=de'],
    [
      'the tutor’s',
      { publicUrl: 'https://tutor.example', returnUrl: 'https://my.site/thanks' },
      'https://my.site/thanks',
    ],
    ['neither', {}, undefined],
  ]
  for (const [name, stripe, url] of cases) {
    await t.test(name, async t => {
      const tutor = await setUp(t, { stripe })
      const lena = tutor.student('whatsapp', {}, { language: 'de' })
      for (const text of ['Hallo', 'Stunde buchen', 'Option 1']) await lena.says(text)
      t.equal(tutor.session().success_url, url ?? tutor.chatwoot.url)
    })
  }
})
