import Fastify from 'fastify'
import tap from 'tap'
import { createBreakers } from '../../inbox/breaker.ts'
import type { Store } from '../../inbox/contracts.ts'
import { createDrain } from '../../inbox/drain.ts'
import { createStoreRetry } from '../../inbox/store-retry.ts'
import { NO_CLIENTS } from '../helpers/clients.ts'
import { testClock } from '../helpers/clock.ts'
import { claimed } from '../helpers/inbox.ts'

/** What the inbox's tests can't reach through a store and a scheduler. */

tap.test('a delivery claimed by its insert is only begun while the claim leaves time to finish', async t => {
  const clock = testClock()
  const { log } = Fastify()
  const handled: string[] = []
  const store = { settle: async () => true } as unknown as Store
  const { drain, stop, abort } = createDrain({
    store,
    handlerOf: () => delivery => void handled.push(delivery.key),
    wake() {},
    onHandled() {},
    handlerTimeoutMs: 1_000,
    clock,
    log,
    storeRetry: createStoreRetry({ clock, log }),
    breakers: createBreakers({ clock, log, onTurn() {} }),
    clients: () => NO_CLIENTS,
  })
  stop()
  await drain('box', claimed('a'))
  t.same(handled, ['a'])
  abort()
  await drain('box', claimed('b'))
  t.same(handled, ['a'])
})
