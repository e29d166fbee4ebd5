/**
 * `node bench/flood.ts [--bodies 250] [--again]`: one process sends that many bodies of 4 MiB with well-formed forged
 * headers, almost to the end but never finished (`--again`: anew whenever one is cut off), while genuine webhooks and
 * /health are requested. Prints the server's memory, and the latency of /health and of the genuine webhooks.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { signChatwoot } from '../plugins/verification.ts'
import { folder, load, round, rss, start, stop } from './server.ts'

const { values } = parseArgs({
  options: {
    bodies: { type: 'string', default: '250' },
    again: { type: 'boolean', default: false },
    seconds: { type: 'string', default: '10' },
    port: { type: 'string' },
  },
})
const BODY_BYTES = 4 * 1024 * 1024

/** The attackers' process: one connection per body. */
function flood(port: number): void {
  const body = Buffer.alloc(BODY_BYTES - 1, 'x')
  const begin = () => {
    const headers = Object.entries({ host: 'x', ...signChatwoot('', 'forged'), 'content-length': BODY_BYTES })
    const socket = connect(port, '127.0.0.1')
    socket.on('error', () => {}).resume()
    if (values.again) socket.on('close', begin)
    socket.write(`POST /cw HTTP/1.1\r\n${headers.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`)
    socket.write(body)
  }
  for (let n = 0; n < Number(values.bodies); n++) begin()
}

/** Requests /health in a loop: the slowest answer, ms. */
async function watchHealth(port: number, until: Promise<unknown>): Promise<{ asked: number; slowest: number }> {
  let over = false
  until.finally(() => {
    over = true
  })
  let [asked, slowest] = [0, 0]
  while (!over) {
    const startedAt = performance.now()
    await (await fetch(`http://127.0.0.1:${port}/health`)).text()
    slowest = Math.max(slowest, performance.now() - startedAt)
    asked++
    await sleep(10)
  }
  return { asked, slowest }
}

async function measure(): Promise<void> {
  const server = await start('../server.ts', join(folder, 'flood.db'), { pinned: false, env: { PORT: '0' } })
  await load([server], 2_000, { connections: 8 })
  // Warm-up of this process.
  await watchHealth(server.port, sleep(500))
  const before = rss(server)
  let most = before
  const sampler = setInterval(() => {
    most = Math.max(most, rss(server))
  }, 20)
  const args = process.argv.slice(2)
  const strangers = spawn(process.execPath, [fileURLToPath(import.meta.url), ...args, '--port', `${server.port}`])
  const over = sleep(Number(values.seconds) * 1_000)
  const health = watchHealth(server.port, over)
  // Throws if one is not accepted.
  const genuine = load([server], 50 * Number(values.seconds), { connections: 4, rate: 50 })
  const [{ asked, slowest }, { p99, max }] = await Promise.all([health, genuine])
  clearInterval(sampler)
  const died = once(strangers, 'exit')
  strangers.kill('SIGKILL')
  await died
  await stop(server)
  console.log(`${values.bodies} unfinished bodies of 4 MiB${values.again ? ', repeatedly' : ''}`)
  console.table({
    'RSS before, MiB': round(before),
    'RSS at most, MiB': round(most),
    'more, MiB': round(most - before),
    '/health, slowest of': asked,
    '/health, ms': round(slowest),
    'genuine webhooks, all 200: p99, ms': round(p99, 1),
    'genuine webhooks, max, ms': round(max, 1),
  })
}

if (values.port !== undefined) flood(Number(values.port))
else {
  try {
    await measure()
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
