import t, { type Test } from 'tap'
import { packageNewsHandlers } from '../../handlers/package-news.ts'
import { deliveryId } from '../../inbox/delivery-id.ts'
import { contactOf, setUp } from '../helpers/lesson-story.ts'

/** A student is told of a package that the tutor has added or corrected by a command. */

const EVENT = 'tutorbot.package_news'
const CASH = { payment: '450.00 EUR, cash, Mrs Jansen', amount: 45_000, currency: 'EUR' }

async function world(test: Test) {
  const tutor = await setUp(test)
  const { inbox, calendar } = tutor.app.webhooks
  const packages = calendar.packages as NonNullable<typeof calendar.packages>
  return {
    ...tutor,
    packages,
    async buy(conversation: string) {
      const time = { boughtAt: tutor.clock.now(), lessonMinutes: 60, minutes: 600 }
      await packages.buy({ id: `${conversation}-a`, conversation, student: 'Sam', ...time, ...CASH }, 'tutor')
    },
    /** As a command asks for it. */
    async tell(payload: { package: string; conversation: string; corrected?: number }, key = JSON.stringify(payload)) {
      await inbox.schedule({
        key,
        event: EVENT,
        orderingKey: `conversation:1:${payload.conversation}`,
        payload,
        at: 0,
      })
      return (await tutor.ended(deliveryId('inbox', key))).msg
    },
    why: () => tutor.log.lines.findLast(({ msg }) => msg.startsWith('the student was not told'))?.msg,
  }
}

for (const [language, added, corrected, none] of [
  [
    'nl',
    'Dank je wel! We hebben je betaling van € 450,00 ontvangen.\nJe hebt nog 10 lessen van 60 minuten over.',
    'We hebben je lespakket aangepast.\nJe hebt nog 9 lessen van 60 minuten over.',
    'We hebben je lespakket aangepast.\nJe hebt geen betaalde lessen meer over.',
  ],
  [
    'en',
    'Thank you! We have received your payment of €450.00.\nYou have 10 lessons of 60 minutes left.',
    'We have corrected your lesson package.\nYou have 9 lessons of 60 minutes left.',
    'We have corrected your lesson package.\nYou have no paid lessons left.',
  ],
  [
    'de',
    'Vielen Dank! Deine Zahlung über 450,00 € ist eingegangen.\nDu hast noch 10 Stunden zu 60 Minuten übrig.',
    'Wir haben dein Paket angepasst.\nDu hast noch 9 Stunden zu 60 Minuten übrig.',
    'Wir haben dein Paket angepasst.\nDu hast keine bezahlten Stunden mehr übrig.',
  ],
] as const) {
  t.test(`what is left is told, once: ${language}`, async t => {
    const { packages, buy, tell, student, ...tutor } = await world(t)
    const sam = student('widget', {}, { language })
    const conversation = `${sam.conversation.id}`
    const news = { package: `${conversation}-a`, conversation }
    const correct = async (minutes: number) => {
      const by = { who: 'tutor', at: 0, note: 'by telephone' } as const
      await packages.correct({ key: `c ${minutes}`, package: news.package, minutes, ...by })
      await tell({ ...news, corrected: minutes })
    }
    await buy(conversation)
    t.equal(await tell(news, 'added'), 'webhook handled')
    await tutor.app.webhooks.inbox.schedule({ key: 'added', event: EVENT, orderingKey: 'x', payload: news, at: 0 })
    await correct(-60)
    t.strictSame(sam.read(), [added, corrected])
    await correct(-600 + 60)
    await correct(30)
    t.equal(sam.read()[2], none)
    t.strictSame(sam.notes(), [
      `Package added by the tutor: 600 minutes, in lessons of 60, 450.00 EUR, cash, order ${news.package}.`,
      `Package corrected by the tutor: −60 minutes, order ${news.package}.`,
      `Package corrected by the tutor: −540 minutes, order ${news.package}.`,
      `Package corrected by the tutor: +30 minutes, order ${news.package}.`,
    ])
    t.match(contactOf(tutor as never), { has_paid_lesson: true, customer_since: /^2026-11-23/ })
  })
}

t.test('nobody to tell: the log says so', async t => {
  const { buy, tell, why } = await world(t)
  await tell({ package: '77-a', conversation: '77' })
  t.match(why(), /: this calendar has no such package$/)
  await buy('77')
  await tell({ package: '77-a', conversation: '77' }, 'again')
  t.match(why(), /: the conversation is gone$/)
})

t.test('without Chatwoot; and when it can’t be told, a note says so', async t => {
  const { services, log, app, student } = await world(t)
  const sam = student('widget')
  const payload = { package: 'a', conversation: `${sam.conversation.id}` }
  const given = { key: 'k', payload } as never
  const once = async (_: string, step: (mayHaveActed: boolean) => unknown) => step(false)
  const context = { log: app.log, once, signal: AbortSignal.timeout(60_000), error: new Error('no luck') } as never
  const without = packageNewsHandlers({ ...services, chatwoot: null })[EVENT]
  await without?.handle(given, context)
  t.match(log.lines.at(-1), { msg: 'the student was not told: CW_TOKEN is not set' })
  await without?.gaveUp(given, context)
  await packageNewsHandlers(services)[EVENT]?.gaveUp(given, context)
  t.strictSame(sam.notes(), ['The student was to be told of the package a, and something failed: Error: no luck.'])
})
