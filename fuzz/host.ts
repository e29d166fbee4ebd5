/**
 * The service with handlers that do what a delivery says and record it. Additional environment: FUZZ_JOURNAL,
 * CLOCK_OFFSET_MS, and FUZZ_BREAK, which breaks a promise on purpose to show that the checks fail. A line on stdin sets
 * the clock's offset, ms.
 */
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import Fastify from 'fastify'
import webhooks, { type Clock, type HandlerOf, PermanentError, TransientError } from '../app.ts'
import { readEnv } from '../environment.ts'
import healthRoutes from '../routes/health.ts'
import { serverOptions, webhooksOptions } from '../server.ts'
import { chatwootVerifier } from '../sources/chatwoot.ts'
import { type Kind, openJournal } from './history.ts'

/** Timeout of handlers, ms. */
const HANDLER_TIMEOUT_MS = 1_000

const journal = openJournal(process.env.FUZZ_JOURNAL as string)
const broken = process.env.FUZZ_BREAK ?? ''
const { pid } = process

let offsetMs = Number(process.env.CLOCK_OFFSET_MS ?? 0)
const clock: Clock = {
  now: () => Date.now() + offsetMs,
  after(ms, callback) {
    const timer = setTimeout(callback, Math.min(ms, 2 ** 31 - 1))
    return () => clearTimeout(timer)
  },
}
process.stdin.setEncoding('utf8').on('data', text => {
  offsetMs = Number(String(text).trim().split('\n').at(-1))
})

/** The instructions in a delivery; null if it isn't ours but, say, simulate's. */
function taskOf(content: unknown): { n: number; conversation: number; kind: Kind; ms: number; step?: string } | null {
  try {
    const { fuzz } = JSON.parse(String(content))
    return fuzz ?? null
  } catch {
    return null
  }
}

const handler: HandlerOf<'chatwoot', 'message_created'> = async ({ payload }, { attempt, signal, once }) => {
  const task = taskOf(payload.content)
  if (task === null) return
  const { n, conversation, kind, ms, step } = task
  journal.add({ what: 'begun', pid, n, conversation, attempt })
  signal.addEventListener('abort', () => {
    if (/Another process/.test((signal.reason as Error).message)) journal.add({ what: 'lapsed', pid, n, conversation })
  })
  try {
    const effect = () => journal.add({ what: 'effect', pid, step: step as string })
    if (step !== undefined) {
      await (broken === 'once' ? effect() : once(step, effect))
      journal.add({ what: 'recorded', pid, step })
    }
    const ended = behave(kind, ms, attempt, signal)
    // Not awaited: the mailbox goes on meanwhile.
    if (broken === 'overlap' && kind === 'slow') {
      void ended.then(() => journal.add({ what: 'finished', pid, n, conversation, ok: true }))
      return
    }
    await ended
    journal.add({ what: 'finished', pid, n, conversation, ok: true })
  } catch (error) {
    journal.add({ what: 'finished', pid, n, conversation, ok: false })
    throw error
  }
}

async function behave(kind: Kind, ms: number, attempt: number, signal: AbortSignal): Promise<void> {
  if (kind === 'slow') await sleep(ms)
  if (kind === 'failing' && attempt <= 1 + (ms % 2)) throw new TransientError('fails at first')
  if (kind === 'dying' && attempt === 1) throw new PermanentError('dies until it is replayed')
  if (kind === 'listening' && attempt === 1) await sleep(HANDLER_TIMEOUT_MS * 5, undefined, { signal })
  if (kind === 'deaf' && attempt === 1) {
    await sleep(HANDLER_TIMEOUT_MS + ms)
    if (ms % 2 === 0) throw new Error('ends too late, and fails')
  }
}

const config = await readEnv({})
const app = Fastify(serverOptions(config))
if (broken === 'lost') {
  let requests = 0
  // Acknowledged but not stored.
  app.addHook('onRequest', async (_request, reply) => {
    if (++requests % 20 === 0) return reply.send({ status: 'accepted', id: randomUUID() })
  })
}
const options = webhooksOptions(config)
await app.register(webhooks, {
  ...options,
  // By the machine's clock, as it is signed.
  chatwoot: { ...options.chatwoot, verify: chatwootVerifier(options.chatwoot ?? {}, app.log) },
  inbox: { ...options.inbox, clock, handlerTimeoutMs: HANDLER_TIMEOUT_MS, graceMs: 2_000 },
  handlers: { chatwoot: { message_created: handler } },
})
await app.register(healthRoutes)
await app.listen({ port: 0 })
process.once('SIGTERM', () => void app.close().then(() => process.exit(0)))
