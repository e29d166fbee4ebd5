import { setImmediate } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import type { TestClock } from './clock.ts'

/** The inbox looks for what is due at least this often, ms. */
const LOOKS_EVERY = 500

/** Time goes on until then; what is due by then has been handled, or waits for its next attempt. */
export async function goOn({ app, clock }: { app: FastifyInstance; clock: TestClock }, at: number): Promise<void> {
  const { inbox } = app.webhooks
  const isLeft = async () => {
    const left = [...(await inbox.list({ state: 'scheduled' })), ...(await inbox.list({ state: 'pending' }))]
    return left.some(({ nextAttemptAt }) => Number(nextAttemptAt) <= clock.now())
  }
  clock.advance(at - clock.now())
  while (await isLeft()) {
    await setImmediate()
    if (Number(clock.next()) <= clock.now() + LOOKS_EVERY) clock.advance(LOOKS_EVERY)
  }
}
