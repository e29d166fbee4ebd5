import Fastify from 'fastify'
import t from 'tap'
import { TransientError } from '../../inbox/errors.ts'
import { createPace } from '../../inbox/pace.ts'
import { breakersOf, gateOf } from '../../plugins/breakers.ts'
import chatwootPlugin from '../../plugins/chatwoot.ts'
import { testClock } from '../helpers/clock.ts'

t.test('a gate: shut while its system is held, also to who has waited for a turn', async t => {
  const app = Fastify()
  t.teardown(() => app.close())
  const clock = testClock()
  const breakers = breakersOf(app, clock)
  t.equal(breakersOf(app), breakers, 'made once')
  breakers.watch('chatwoot', () => new Promise(() => {}))
  const pace = createPace(60, clock)
  const gate = gateOf(breakers, 'chatwoot', pace)
  const { signal } = new AbortController()
  for (let n = 0; n < 60; n++) await gate.enter(signal)
  const [first, second] = [gate.enter(signal), gate.enter(signal)]
  clock.advance(1_000)
  await first
  gate.answered()
  t.equal(breakers.states()[0]?.state, 'closed')

  const held: unknown[] = []
  app.webhooks.events.on('held', event => held.push(event))
  breakers.failed('box', new TransientError('502', { outage: { system: 'chatwoot', isProof: true } }))
  t.match(held, [{ system: 'chatwoot', isHeld: true }])
  const shut = { name: 'TransientError', message: 'chatwoot is unavailable: no call is made until it is back' }
  const refused = t.rejects(Promise.resolve(second), shut)
  clock.advance(999)
  clock.advance(1)
  await refused
  await t.rejects(Promise.resolve(gate.enter(signal)), shut)
})

t.test('callsPerMinute: a number, or 0 for no limit', async t => {
  const register = (callsPerMinute?: unknown) => {
    const app = Fastify()
    t.teardown(() => app.close())
    return app.register(chatwootPlugin, { callsPerMinute: callsPerMinute as number })
  }
  await register()
  await register(0)
  await register(30)
  for (const wrong of [-1, Number.NaN, Number.POSITIVE_INFINITY, '60']) {
    await t.rejects(Promise.resolve(register(wrong)), { message: /CW_CALLS_PER_MINUTE/ }, String(wrong))
  }
})
