import t from 'tap'
import { type StripeSampleOptions, stripeEvent, stripeSession } from '../../commands/samples.ts'
import { allStripeHandlers } from '../../handlers/all.ts'
import { ORIGIN } from '../../handlers/stripe-event.ts'
import type { HandlerContext, HandlerFunction, HandlerPair } from '../../inbox/drain.ts'
import { NO_CLIENTS } from '../helpers/clients.ts'
import { startTutor } from '../helpers/tutor.ts'

/** What is done of a payment while its conversation waits for Chatwoot: test/faults/systems-away.test.ts has the story. */

t.test('before its turn only a paid lesson of ours is booked, by the first payment of its order', async t => {
  const tutor = await startTutor(t)
  const { app, stripe, chatwoot, clock } = tutor
  chatwoot.addConversation({ id: 7, contact: 77 })
  const handler = allStripeHandlers(tutor.services)['checkout.session.completed'] as HandlerPair
  const { handle: ahead } = handler.ahead as { handle: HandlerFunction }
  const steps = new Map<string, unknown>()
  const once = async (key: string, step: (mayHaveActed: boolean) => unknown) => {
    if (!steps.has(key)) steps.set(key, await step(false))
    return steps.get(key)
  }
  const { signal } = new AbortController()
  const context = { signal, attempt: 0, log: app.log, together: [], run: '', once, ...NO_CLIENTS } as never
  const ours = {
    conversation_id: '7',
    order_id: '7-1',
    minutes: '60',
    lesson_start: new Date(clock.now() + 48 * 3_600_000).toISOString(),
    [ORIGIN]: await app.webhooks.inbox.installationId(),
  }
  const pay = async (paymentIntent: string, metadata: Record<string, string>, parts: StripeSampleOptions = {}) => {
    const session = stripeSession({ session: `cs_${paymentIntent}`, paymentIntent, metadata, ...parts })
    stripe.sessions.set(session.id, session)
    const payload = stripeEvent('checkout.session.completed', session)
    const names = { source: 'stripe', event: payload.type, key: payload.id, orderingKey: 'box' }
    await ahead({ id: paymentIntent, ...names, payload, receivedAt: clock.now() }, context as HandlerContext)
  }
  await pay('pi_nobody', {})
  await pay('pi_unpaid', ours, { paymentStatus: 'unpaid' })
  await pay('pi_other', { ...ours, [ORIGIN]: '99999999-8888-4777-8666-555555555555' })
  stripe.refunded.add('pi_back')
  await pay('pi_back', { ...ours, order_id: '7-0' })
  const start = clock.now() + 24 * 3_600_000
  const held = { order: '7-2', start, end: start + 3_600_000, student: '', service: '', conversation: '7' }
  await app.webhooks.calendar.keep({ ...held, payment: '60.00 EUR, pi_late, under way' }, signal)
  await app.webhooks.calendar.cancel('7-2', signal)
  await pay('pi_late', { ...ours, order_id: '7-2' })
  t.same(await app.webhooks.calendar.lessons?.(0, 8e15), [], 'nor what was cancelled while it was under way')
  await pay('pi_first', ours)
  await pay('pi_first', ours)
  await pay('pi_second', ours)
  const { lesson_start: _, ...ten } = { ...ours, order_id: '7-3', package_lessons: '10' }
  await pay('pi_ten', ten)
  await pay('pi_ten', ten)
  t.match(await app.webhooks.calendar.packages?.find('7-3'), { minutes: 600, left: 600 }, 'a package is recorded')
  t.match(await app.webhooks.calendar.lessons?.(0, 8e15), [{ order: '7-1', payment: /pi_first/ }])
  t.equal(steps.get('order:7-1:paid-by'), 'pi_first')
  t.same(
    chatwoot.calls.filter(({ method }) => method !== 'GET'),
    [],
    'nothing is said',
  )
})
