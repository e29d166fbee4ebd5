import { join } from 'node:path'
import t, { type Test } from 'tap'
import { stripeCharge, stripeEvent } from '../../commands/samples.ts'
import { startChatwootApi } from '../../sandbox/chatwoot-api.ts'
import { pay, sessionEvent } from '../../sandbox/payments.ts'
import type { Call } from '../../sandbox/stand-in.ts'
import { type Session, startStripeApi } from '../../sandbox/stripe-api.ts'
import { CHATWOOT_SECRET, STRIPE_SECRET } from '../helpers/app.ts'
import { startGoogleApi } from '../helpers/google-api.ts'
import { captureLog } from '../helpers/log.ts'
import { type ServerProcess, startServer } from '../helpers/server-process.ts'
import { deliverStripe, type Receiver, student } from '../helpers/story.ts'

/**
 * A lesson asked for, paid and booked, while the real process is killed at each of its outside effects in turn, when
 * the effect has happened and the process can't know that: everything happens once all the same.
 */

/** Runs that share the effects between them: a delivery is parked if it kills the process each time. */
const RUNS = 2

/** Chatwoot's, Stripe's and Google's calls that change something there. */
function isEffect({ method, path }: Call): boolean {
  return method !== 'GET' && !path.includes('/freeBusy') && !path.includes('/token')
}

async function setUp(t: Test, run: number) {
  const [chatwoot, stripe, google] = [await startChatwootApi(), await startStripeApi(), await startGoogleApi()]
  t.teardown(() => Promise.all([chatwoot.close(), stripe.close(), google.close()]))
  stripe.addPrice('price_1', 6000)
  const env = {
    DATABASE_URL: join(t.testdir(), 'webhooks.db'),
    CW_HMAC_SECRET: CHATWOOT_SECRET,
    STRIPE_WEBHOOK_SECRET: STRIPE_SECRET,
    CW_URL: chatwoot.url,
    CW_ACC_ID: chatwoot.accountId,
    CW_TOKEN: chatwoot.tokens.bot,
    CW_ADMIN_TOKEN: chatwoot.tokens.admin,
    STRIPE_SECRET_KEY: stripe.secretKey,
    STRIPE_API_BASE: stripe.url,
    STANDARD_PRICE_ID_60: 'price_1',
    GCAL_SERVICE_ACCOUNT_JSON: google.serviceAccount,
    GCAL_CALENDAR_ID: google.calendarId,
    GCAL_API_BASE: google.url,
  }
  const log = captureLog()
  const onLine = (line: string) => log.stream.write(line)
  let server: Promise<ServerProcess> = startServer(env, 'exec', onLine)
  t.teardown(async () => (await server).end('SIGKILL'))

  /** Each effect, by what is asked for, in the order in which it is first seen. */
  const effects: string[] = []
  const killed = new Set<string>()
  let armed = true

  /** Whether this call is the first of an effect whose turn it is in this run; then the process is killed after it. */
  function isFatal(call: Call): boolean {
    if (!armed || !isEffect(call)) return false
    const effect = `${call.method} ${call.path} ${JSON.stringify(call.body)}`
    if (!effects.includes(effect)) effects.push(effect)
    if (effects.indexOf(effect) % RUNS !== run || killed.has(effect)) return false
    killed.add(effect)
    server = server.then(async process => {
      await process.end('SIGKILL')
      return startServer(env, 'exec', onLine)
    })
    return true
  }
  for (const api of [chatwoot, stripe, google]) api.fail(isFatal, 'hang', Number.POSITIVE_INFINITY)

  const receiver: Receiver = {
    url: async () => (await server).url,
    handled: async delivery => {
      const { msg } = await log.line(
        line => line.delivery === delivery && /^webhook (handled|dead|parked)/.test(line.msg),
      )
      await server
      return msg
    },
  }
  /** Does something without being killed. */
  async function inPeace(story: () => Promise<unknown>): Promise<void> {
    armed = false
    await story()
    armed = true
  }
  const deliver = async (event: object) => receiver.handled(await deliverStripe(receiver, event))
  return { chatwoot, stripe, google, receiver, effects, killed, inPeace, deliver }
}

for (let run = 0; run < RUNS; run++) {
  t.test(`a lesson is booked while every other effect kills the process, from number ${run}`, async t => {
    const world = await setUp(t, run)
    const renee = student(world)
    await renee.says('Hoi, ik zoek bijles wiskunde')
    await renee.says('Les boeken')
    const slot = renee.choices()[0] as string
    await renee.says(slot)
    const [session] = world.stripe.sessions.values()
    const { succeeded, completed } = pay(session as Session)
    for (const event of [succeeded, completed]) {
      t.equal(await world.deliver(event), 'webhook handled')
    }

    t.ok(world.killed.size >= 5, `killed ${world.killed.size} times, of ${world.effects.length} effects`)
    t.match(renee.read(), [
      'Hoi! Waarmee kan ik je helpen?',
      /^Wanneer wil je/,
      /^Je les op .* staat voor je klaar/,
      /^Dank je wel! .*\nJe les staat vast/,
    ])
    t.equal(renee.read().length, 4, 'every message once')
    t.match(renee.notes(), [/^Payment received: 60.00 EUR/])
    t.equal(renee.notes().length, 1)
    t.equal(world.stripe.sessions.size, 1)
    t.match(world.google.current(), [{ status: 'confirmed', summary: /Renée/ }])
    t.equal(world.google.current().length, 1, 'one lesson, and no hold')
    t.strictSame(renee.conversation.labels, ['payment:paid', 'status:booked'])
    t.match(renee.conversation.custom_attributes, {
      payment_status: 'paid',
      pending_intent: 'menu',
      lesson_minutes: 60,
    })
    t.match(world.chatwoot.contacts.get(4100001)?.custom_attributes, {
      segment: 'existing',
      has_paid_lesson: true,
      lesson_booked: true,
    })
  })

  t.test(
    `an expired link, a failed payment and a refund while every other effect kills the process, from number ${run}`,
    async t => {
      const world = await setUp(t, run)
      const renee = student(world)
      const session = (n: number) => [...world.stripe.sessions.values()][n - 1] as Session
      const book = async () => {
        await renee.says('Les boeken')
        await renee.says('1')
      }
      await world.inPeace(async () => {
        await renee.says('Hoi')
        await book()
      })
      Object.assign(session(1), { status: 'expired' })
      t.equal(await world.deliver(sessionEvent(session(1), 'expired')), 'webhook handled')
      t.match(renee.read().slice(3), [/^Je reservering voor .* is vervallen/])
      t.equal(renee.read().length, 4)
      t.strictSame(world.google.current(), [])
      t.strictSame(renee.conversation.labels, [])

      await world.inPeace(book)
      Object.assign(session(2), { status: 'complete', payment_intent: 'pi_sepa' })
      t.equal(await world.deliver(sessionEvent(session(2), 'async_payment_failed')), 'webhook handled')
      t.match(renee.read().slice(6), [/^Je betaling is helaas niet gelukt.*\nJe les op .* staat voor je klaar/])
      t.equal(renee.read().length, 7)
      t.equal(world.stripe.sessions.size, 3)
      t.match(world.google.current(), [{ status: 'tentative' }])
      t.equal(world.google.current().length, 1)
      t.strictSame(renee.conversation.labels, ['status:awaiting_pay', 'payment:failed'])

      const { completed } = pay(session(3), 'pi_3')
      await world.inPeace(() => world.deliver(completed))
      const metadata = session(3).metadata as Record<string, string>
      const charge = stripeCharge({ paymentIntent: 'pi_3', metadata })
      t.equal(await world.deliver(stripeEvent('charge.refunded', charge, { id: 'evt_refund' })), 'webhook handled')
      t.match(renee.read().slice(8), [/^Je betaling van 60.00 EUR is terugbetaald.\nJe les op .* gaat niet door/])
      t.equal(renee.read().length, 9)
      t.match(renee.notes(), [/^Payment received/, /^Payment refunded: .* is cancelled$/])
      t.equal(renee.notes().length, 2)
      t.strictSame(world.google.current(), [])
      t.strictSame(renee.conversation.labels, [])
      t.ok(world.killed.size >= 6, `killed ${world.killed.size} times, of ${world.effects.length} effects`)
    },
  )
}
