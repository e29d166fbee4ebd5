/**
 * `npm run bench:replies -- FOLDER [STUDENTS] [DELAY_MS]`: this checkout and another one, in turn, from a student's message
 * to the reply. Chatwoot and Stripe are stand-ins that take DELAY_MS (150) for each call.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { systemClock } from '../inbox/contracts.ts'
import { OUTGOING } from '../sandbox/chatwoot-state.ts'
import { standInSettings } from '../sandbox/environment.ts'
import { startWorld, type World } from '../sandbox/world.ts'

const [other, students = '9', delay = '150'] = process.argv.slice(2)
if (other === undefined) {
  throw new Error('npm run bench:replies -- FOLDER [STUDENTS] [DELAY_MS]: the folder of another checkout')
}
const folder = mkdtempSync(join(tmpdir(), 'webhooks-bench-'))
const SECRETS = { chatwoot: 'a secret of the benchmark', stripe: 'whsec_aSecretOfTheBenchmark' }
const STEPS = ['first message', 'choice', 'time and link', 'payment'] as const

/** A checkout's server, and a world of its own around it. */
interface Side {
  world: World
  server: ChildProcess
  /** By step: how long each took, ms, and how many calls. */
  results: Record<(typeof STEPS)[number], { ms: number; chatwoot: number; stripe: number }[]>
}

const sides: Record<string, Side> = {}
try {
  sides.this = await begin('this', fileURLToPath(new URL('..', import.meta.url)))
  sides.other = await begin('other', resolve(other))
  for (let n = 0; n <= Number(students); n++) {
    const order = n % 2 === 0 ? Object.values(sides) : Object.values(sides).reverse()
    // The first is the warm-up.
    for (const side of order) await book(side, n > 0)
  }
  report()
} finally {
  for (const { server, world } of Object.values(sides)) {
    server.kill('SIGTERM')
    await once(server, 'exit')
    await world.close()
  }
  rmSync(folder, { recursive: true, force: true })
}

async function begin(name: string, path: string): Promise<Side> {
  let url = ''
  const world = await startWorld({
    clock: systemClock,
    payUrl: 'http://127.0.0.1/pay',
    secrets: SECRETS,
    serviceUrl: () => url,
  })
  const { chatwoot, stripe } = world
  stripe.addPrice('price_1', 6_000)
  const { scripts } = JSON.parse(readFileSync(join(path, 'package.json'), 'utf8'))
  const env = {
    PATH: [join(path, 'node_modules/.bin'), process.env.PATH].join(delimiter),
    PORT: '0',
    DATABASE_URL: join(folder, `${name}.db`),
    MESSAGE_QUIET_MS: '0',
    ...standInSettings(world, SECRETS),
    STANDARD_PRICE_ID_60: 'price_1',
  }
  const server = spawn('sh', ['-c', scripts.start], { cwd: path, env, stdio: ['ignore', 'pipe', 'inherit'] })
  url = await new Promise<string>((found, failed) => {
    createInterface({ input: server.stdout }).on('line', line => {
      const listening = /Server listening at (http:[^"]+)/.exec(line)
      if (listening) found(listening[1] as string)
    })
    void once(server, 'exit').then(([code]) => failed(new Error(`${path} ended with ${code}`)))
  })
  const wait = { wait: Number(delay) }
  for (const api of [chatwoot, stripe]) api.fail(() => true, wait, Number.POSITIVE_INFINITY)
  return { world, server, results: { 'first message': [], choice: [], 'time and link': [], payment: [] } }
}

/** From the first word to the paid lesson. */
async function book({ world, results }: Side, isCounted: boolean): Promise<void> {
  const { chatwoot, stripe } = world
  const conversation = world.addStudent({ name: 'Renée', channel: 'whatsapp', language: 'nl' })
  const state = chatwoot.conversations.get(conversation)
  const replies = () =>
    state?.messages.filter(({ message_type, private: isNote }) => message_type === OUTGOING && !isNote)
  const firstChoice = () => {
    const items = replies()?.at(-1)?.content_attributes.items as [{ title: string }]
    return items[0].title
  }
  const payNewest = () => world.pay([...stripe.sessions.keys()].at(-1) as string, 'card')
  await world.settled()
  for (const [step, act] of [
    ['first message', () => world.say(conversation, 'Hoi')],
    ['choice', () => world.say(conversation, 'Les boeken')],
    ['time and link', () => world.say(conversation, firstChoice())],
    ['payment', payNewest],
  ] as const) {
    const before = { at: performance.now(), replies: replies()?.length, ...counts() }
    act()
    while (replies()?.length === before.replies) await once(world.events, 'changed')
    const ms = performance.now() - before.at
    // What belongs to it and comes later counts too.
    await world.settled()
    await quiet(world)
    const now = counts()
    const { chatwoot: calls, stripe: callsOfStripe } = before
    if (isCounted) results[step].push({ ms, chatwoot: now.chatwoot - calls, stripe: now.stripe - callsOfStripe })
  }

  function counts() {
    return { chatwoot: chatwoot.calls.length, stripe: stripe.calls.length }
  }
}

/** Until nothing has happened for longer than a call takes. */
async function quiet({ events }: World): Promise<void> {
  for (;;) {
    const silence = AbortSignal.timeout(3 * Number(delay) + 200)
    const happened = await once(events, 'changed', { signal: silence }).catch(() => null)
    if (happened === null) return
  }
}

function report(): void {
  const { this: ours, other: theirs } = sides as Record<'this' | 'other', Side>
  const rows = STEPS.map(step => {
    const [a, b] = [ours.results[step], theirs.results[step]]
    const [ms, before] = [median(a.map(each => each.ms)), median(b.map(each => each.ms))]
    return [
      step,
      {
        'this, ms': Math.round(ms),
        'other, ms': Math.round(before),
        ratio: Math.round((ms / before) * 100) / 100,
        'this, calls': `${median(a.map(each => each.chatwoot))} + ${median(a.map(each => each.stripe))}`,
        'other, calls': `${median(b.map(each => each.chatwoot))} + ${median(b.map(each => each.stripe))}`,
      },
    ] as const
  })
  console.log(`median of ${students} students, ${delay} ms a call; calls of Chatwoot + Stripe`)
  console.table(Object.fromEntries(rows))
}

function median(numbers: number[]): number {
  return numbers.sort((a, b) => a - b)[numbers.length >> 1] as number
}
