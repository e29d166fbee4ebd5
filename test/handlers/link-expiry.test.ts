import type { Test } from 'tap'
import t from 'tap'
import { linkHandlers } from '../../handlers/link-expiry.ts'
import { pay, sessionEvent } from '../../sandbox/payments.ts'
import { goOn } from '../helpers/later.ts'
import { MINUTE, reserved, setUp } from '../helpers/lesson-story.ts'

/** Ten minutes before a payment link expires the student is told so, if it can still be paid. */

const EVENT = 'tutorbot.link_expires'
const TEXT =
  'Je betaallink verloopt om 11:40. Daarna is je les op dinsdag 24 november om 10:00 niet meer gereserveerd. Betalen kan nog hier: https://checkout.stripe.com/c/pay/cs_test_1'

async function waiting(t: Test, parts: Parameters<typeof reserved>[1] = {}) {
  const tutor = await setUp(t)
  const renee = await reserved(tutor, parts)
  const start = tutor.clock.now()
  return {
    ...tutor,
    renee,
    scheduled: async () => {
      const all = await tutor.app.webhooks.inbox.list({ state: 'scheduled' })
      return all
        .filter(({ event }) => event === EVENT)
        .map(({ nextAttemptAt }) => (Number(nextAttemptAt) - start) / MINUTE)
    },
    /** Returns what the student has been told meanwhile. */
    async goOn(minutes: number) {
      const before = renee.read().length
      await goOn(tutor, start + minutes * MINUTE)
      return renee.read().slice(before)
    },
    why: () => tutor.log.lines.findLast(({ msg }) => msg.startsWith('a link’s expiry is not told'))?.msg,
  }
}

t.test('ten minutes before, once; the question stays open', async t => {
  const { goOn, scheduled, renee, session, deliver } = await waiting(t)
  t.strictSame(await scheduled(), [30])
  t.strictSame(await goOn(29.9), [])
  t.strictSame(await goOn(30), [TEXT.replace('https://checkout.stripe.com/c/pay/cs_test_1', `${session().url}`)])
  t.strictSame(await goOn(39), [])
  t.match(await renee.says('Link opnieuw sturen'), [/^Je les op dinsdag 24 november/])
  await deliver(pay(session()).completed)
  t.match(renee.read().at(-1), /Je les staat vast/)
})

t.test('paid: nothing is left to be told', async t => {
  const { scheduled, session, deliver } = await waiting(t)
  await deliver(pay(session()).completed)
  t.strictSame(await scheduled(), [])
})

t.test('paid, and the webhook is late', async t => {
  const { goOn, session, why } = await waiting(t)
  pay(session())
  t.strictSame(await goOn(30), [])
  t.match(why(), /it is complete/)
})

t.test('another time was chosen: that link’s expiry is told', async t => {
  const { renee, clock, goOn, scheduled, why } = await waiting(t)
  clock.advance(5 * MINUTE)
  await renee.says('woensdag 16:00')
  t.strictSame(await scheduled(), [30, 35])
  t.strictSame(await goOn(30), [])
  t.match(why(), /not awaited any more/)
  t.match(await goOn(35), [/^Je betaallink verloopt om 11:45\. Daarna is je les op woensdag 25 november om 16:00/])
})

t.test('not wanted any more, or expired: nothing', async t => {
  t.test('stopped', async t => {
    const { renee, goOn, why } = await waiting(t)
    await renee.says('laat maar')
    t.strictSame(await goOn(30), [])
    t.match(why(), /not awaited/)
  })
  t.test('expired: the service was away', async t => {
    const { goOn, why } = await waiting(t)
    t.strictSame(await goOn(40), [])
    t.match(why(), /not awaited/)
  })
  t.test('no reminders', async t => {
    const { renee, goOn, why } = await waiting(t)
    t.match(await renee.says('geen herinneringen meer graag'), [/^Je krijgt geen herinneringen meer\..*\n\nJe les op/])
    t.strictSame(await goOn(30), [])
    t.match(why(), /does not want any/)
  })
  t.test('the conversation is gone', async t => {
    const { renee, chatwoot, goOn, why } = await waiting(t)
    chatwoot.conversations.delete(renee.conversation.id)
    t.strictSame(await goOn(30), [])
    t.match(why(), /is gone/)
  })
})

t.test('a payment that failed has a new link, whose expiry is told', async t => {
  const { goOn, session, deliver, scheduled } = await waiting(t)
  Object.assign(session(), { status: 'complete', payment_intent: 'pi_sepa' })
  await deliver(sessionEvent(session(), 'completed'))
  await deliver(sessionEvent(session(), 'async_payment_failed'))
  t.strictSame(await scheduled(), [30, 30])
  t.match(await goOn(30), [/^Je betaallink verloopt/])
})

t.test('a person has the conversation: it is a note', async t => {
  const { renee, goOn } = await waiting(t)
  Object.assign(renee.conversation, { status: 'open', assignee: 7 })
  t.strictSame(await goOn(30), [])
  t.match(renee.notes().at(-1), /^TutorBot is silent here, .*"Je betaallink verloopt/)
})

t.test('without a key there is nobody to ask', async t => {
  const { services, app, why } = await waiting(t)
  const due = (parts: object) => {
    const handler = linkHandlers({ ...services, ...parts })[EVENT]
    return handler?.handle({ key: 'key', payload: { at: 0 } } as never, { log: app.log } as never)
  }
  await due({ stripe: null })
  t.match(why(), /STRIPE_SECRET_KEY is not set/)
})

t.test('Stripe refuses it: given up, and in the log', async t => {
  const { stripe, goOn, log } = await waiting(t)
  stripe.fail(/GET .*sessions/, { status: 400, body: { error: { message: 'no' } } })
  t.strictSame(await goOn(30), [])
  t.match(log.lines.at(-1), { event: EVENT, state: 'dead' })
})
