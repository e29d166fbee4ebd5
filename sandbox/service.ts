// First: nothing may keep the method that it replaces.
import './only-loopback.ts'
import type { Logger } from 'pino'
import { explainFailure, start } from '../server.ts'
import { offsetClock } from './offset-clock.ts'

/** The service, as a child process of the sandbox: the same as ever, with an environment and a clock from its parent. */

/** What the parent says: all of it at the beginning, then how far its clock is ahead. */
export interface FromParent {
  env?: Record<string, string>
  offsetMs: number
}

/** What it says to its parent: that it listens, and each time that its clock has been moved on. */
export type FromService = { listening: string } | { offsetMs: number }

const clock = offsetClock()

process.on('message', ({ env, offsetMs }: FromParent) => {
  clock.move(offsetMs - clock.offsetMs())
  if (env !== undefined) void run(env)
  else process.send?.({ offsetMs } satisfies FromService)
})
// The parent is gone, however it ended, and with it what this store's conversations are in.
process.once('disconnect', () => process.exit())

async function run(env: Record<string, string>): Promise<void> {
  try {
    const app = await start({ env, clock })
    // Its lines first: the parent has the last word about the start.
    ;(app.log as Logger).flush()
    process.send?.({ listening: app.listeningOrigin } satisfies FromService)
  } catch (error) {
    // After what its log still holds back.
    process.once('exit', () => console.error(explainFailure(error)))
    process.exit(1)
  }
}
