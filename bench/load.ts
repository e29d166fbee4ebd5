/**
 * The load generator, a separate process: sends prepared, distinct, signed deliveries over plain sockets as fast as they
 * are answered (or at a given rate), and prints the results as one line of JSON.
 */
import { once } from 'node:events'
import { connect } from 'node:net'
import { chatwoot, railsJson, stripeEvent, stripeSession } from '../commands/samples.ts'
import { signChatwoot, signStripe } from '../plugins/verification.ts'

export interface LoadOptions {
  /** The servers' ports; connections are spread over them. */
  ports: number[]
  source: 'chatwoot' | 'stripe'
  secret: string
  connections: number
  requests: number
  /** Number of the first delivery: must not repeat an earlier run's on the same server. */
  from: number
  /** Requests per second; default: as fast as possible. */
  rate?: number
  /** What every answer has; default: `"accepted"`. */
  answer?: string
}

export interface LoadResult {
  perSecond: number
  /** Latencies from when a request was due, ms. */
  p50: number
  p99: number
  max: number
  /** Other answers. */
  wrong: number
}

/** One request; about 2.7 KB of body for either source. */
function prepare({ source, secret }: LoadOptions, number: number): Buffer {
  const body =
    source === 'chatwoot'
      ? railsJson(chatwoot.incoming({ message: number, conversation: 1 + (number % 5_000), at: Date.now() }))
      : railsJson(stripeOf(number))
  const headers = source === 'chatwoot' ? signChatwoot(body, secret) : signStripe(body, secret)
  const path = source === 'chatwoot' ? '/cw' : '/webhook/payments'
  const lines = Object.entries({ host: '127.0.0.1', ...headers, 'content-length': Buffer.byteLength(body) })
  return Buffer.from(
    `POST ${path} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n${body}`,
  )
}

function stripeOf(number: number) {
  const metadata = { conversation_id: String(1 + (number % 5_000)), note: 'x'.repeat(1_620) }
  return stripeEvent('checkout.session.completed', stripeSession({ metadata, paymentIntent: `pi_${number}` }), {
    id: `evt_${number}`,
  })
}

async function run(options: LoadOptions): Promise<LoadResult> {
  const { answer = '"accepted"' } = options
  const requests = Array.from({ length: options.requests }, (_, n) => prepare(options, options.from + n))
  const latencies = new Float64Array(requests.length)
  let sent = 0
  let answered = 0
  let wrong = 0
  const sockets = await Promise.all(
    Array.from({ length: options.connections }, async (_, n) => {
      const socket = connect(options.ports[n % options.ports.length] as number, '127.0.0.1')
      socket.setNoDelay(true)
      await once(socket, 'connect')
      return socket
    }),
  )
  const startedAt = performance.now()
  const dueAt = (n: number) => (options.rate === undefined ? performance.now() : startedAt + (n * 1_000) / options.rate)

  await Promise.all(
    sockets.map(socket => {
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      let due = 0
      const send = () => {
        if (sent === requests.length) return void socket.end(resolve)
        const number = sent++
        due = dueAt(number)
        const wait = due - performance.now()
        const write = () => socket.write(requests[number] as Buffer)
        if (wait > 0.5) setTimeout(write, wait)
        else write()
      }
      socket.on('error', reject)
      // An answer is small and arrives in one piece.
      socket.on('data', (data: Buffer) => {
        latencies[answered++] = performance.now() - due
        if (!data.includes(answer)) wrong++
        send()
      })
      send()
      return promise
    }),
  )
  const seconds = (performance.now() - startedAt) / 1_000
  const sorted = latencies.sort()
  const quantile = (q: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] as number
  return { perSecond: requests.length / seconds, p50: quantile(0.5), p99: quantile(0.99), max: quantile(1), wrong }
}

if (import.meta.main) console.log(JSON.stringify(await run(JSON.parse(process.argv[2] as string))))
