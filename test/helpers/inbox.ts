import Fastify from 'fastify'
import type { Clock, Delivery, NewDelivery, TakenDelivery } from '../../inbox/contracts.ts'
import { deliveryId } from '../../inbox/delivery-id.ts'
import inboxPlugin, { type InboxOptions } from '../../plugins/inbox.ts'
import { type BackendClock, backend } from './backend.ts'
import { captureLog } from './log.ts'
import { arrivals, inTime } from './wait.ts'

interface Folders {
  testdir(): string
  teardown(end: () => unknown): void
}

/** An inbox, started, on its own store or an existing one; with its log. */
export async function startInbox(t: Folders, options: InboxOptions & { clock?: Clock } = {}) {
  const log = captureLog()
  const app = Fastify({ logger: { level: 'debug', stream: log.stream } })
  const store = options.store ?? (await backend.store(t))
  t.teardown(() => app.close())
  await app.register(inboxPlugin, { ...options, store })
  if (options.clock !== undefined) await backend.opened(options.clock as BackendClock, store)
  return { app, inbox: app.webhooks.inbox, log, store }
}

/** A delivery of the made-up source `test`. */
export function delivery(key: string, parts: Partial<NewDelivery> = {}): NewDelivery {
  const source = parts.source ?? 'test'
  return {
    id: deliveryId(source, key),
    source,
    event: 'ping',
    key,
    orderingKey: `mailbox:${key}`,
    payload: { key },
    receivedAt: 0,
    ...parts,
  }
}

/** The same, as claimed by an insert for its first attempt. */
export function claimed(key: string, parts: Partial<NewDelivery> = {}): TakenDelivery {
  return { ...delivery(key, parts), attempts: 1, state: 'pending', crashed: false }
}

/** A promise that the test resolves, for a handler that waits until then. */
export function gate<T = void>() {
  const { promise, resolve, reject } = Promise.withResolvers<T>()
  return { opened: inTime(promise, { what: 'a gate to be opened' }), open: resolve, fail: reject }
}

/** Collects handled deliveries; `reached(n)` resolves at n of them. */
export function recorder() {
  const { items: keys, add, first } = arrivals<string>(key => key)
  return {
    keys,
    add: ({ key }: Delivery) => add(key),
    async reached(count: number): Promise<void> {
      if (keys.length < count) await first(`${count} deliveries to be handled`, () => keys.length >= count)
    },
  }
}
