import t from 'tap'
import { isSimulated } from '../../operator/simulated.ts'

t.test('made-up ids, and no real ones', async t => {
  const of = (source: string, key: string, orderingKey: string) => isSimulated({ source, key, orderingKey })
  t.ok(of('stripe', 'evt_simulated_1', 'stripe:pi_1'))
  t.notOk(of('stripe', 'evt_1', 'conversation:1:9000000000'))
  t.ok(of('chatwoot', 'k', 'conversation:1:1795915575254000'))
  t.notOk(of('chatwoot', 'evt_simulated_1', `conversation:1:${2 ** 31 - 1}`))
  t.notOk(of('chatwoot', 'k', 'delivery:x'))
  t.notOk(of('own', 'evt_simulated_1', 'conversation:1:1795915575254000'))
})
