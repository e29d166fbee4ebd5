import { get } from 'node:http'
import { createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** From the start of a process to its first answer: what a restart costs. */

export function freePort(): Promise<number> {
  return new Promise(settle => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number }
      server.close(() => settle(port))
    })
  })
}

/**
 * Until `/health` on this port answers 200; wall time, ms.
 * @throws what `hasEnded` says, if the process has ended before
 */
export async function firstAnswer(port: number, hasEnded: () => string | undefined): Promise<number> {
  const startedAt = performance.now()
  while (!(await answers(port))) {
    const end = hasEnded()
    if (end !== undefined) throw new Error(end)
    await sleep(2)
  }
  return performance.now() - startedAt
}

function answers(port: number): Promise<boolean> {
  return new Promise(settle => {
    const request = get({ host: '127.0.0.1', port, path: '/health', agent: false }, response => {
      response.resume()
      settle(response.statusCode === 200)
    })
    request.once('error', () => settle(false))
  })
}

export function median(numbers: number[]): number | undefined {
  const middle = numbers.sort((a, b) => a - b)[numbers.length >> 1]
  return middle && Math.round(middle)
}
