import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import tap, { type Test } from 'tap'
import { lingerAfterResponse } from '../../plugins/linger.ts'
import { signChatwoot } from '../../plugins/verification.ts'
import { listen, webhookApp } from '../helpers/app.ts'
import { bodyOf, exchange, open, post, readAll, receives, statusOf } from '../helpers/sockets.ts'

const MIB = 1024 * 1024
const head = (bytes: number) =>
  `POST /cw HTTP/1.1\r\nHost: test\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: ${bytes}\r\n\r\n`

/** A server that refuses at once. */
async function refusing(t: Test, ms: number, bytes: number) {
  const requests: IncomingMessage[] = []
  const server = createServer((request, response) => {
    requests.push(request)
    lingerAfterResponse(request, ms, bytes)
    response.writeHead(401).end('no')
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  return { port: (server.address() as AddressInfo).port, requests }
}

/** Writes as long as the other side reads; resolves when the connection is closed. */
async function pour(socket: Socket): Promise<void> {
  const block = Buffer.alloc(64 * 1024)
  socket.on('error', () => {})
  const closed = new Promise(resolve => socket.on('close', resolve))
  const more = () => {
    while (socket.writable && socket.write(block));
  }
  socket.on('drain', more)
  more()
  await closed
}

tap.test('a sender that reads only after sending everything gets the answer, too', async t => {
  const { app } = await webhookApp(t)
  const port = await listen(app)
  const socket = await open(port)
  const bytes = 6 * MIB
  socket.pause()
  socket.write(head(bytes))
  await new Promise<void>((resolve, reject) =>
    socket.write(Buffer.alloc(bytes, 'x'), error => (error ? reject(error) : resolve())),
  )
  const answer = readAll(socket)
  socket.resume()
  t.equal(statusOf(await answer), 401)
  const wrong = { 'content-type': 'application/json', ...signChatwoot('{}', 'another secret') }
  const refused = await exchange(port, post('/cw', wrong, '{}'))
  t.match(bodyOf(refused), { statusCode: 401, code: 'WEBHOOK_SIGNATURE_MISMATCH' }, 'after its body has come')
})

tap.test('a connection with a complete request is closed as usual', async t => {
  const { port, requests } = await refusing(t, 60_000, MIB)
  const socket = await open(port)
  const answer = readAll(socket)
  socket.write(`${head(2)}{}`)
  t.equal(statusOf(await answer), 401)
  t.equal(requests.length, 1)
})

/** A sender that keeps sending although the other side has ended its half of the connection. */
async function stubborn(port: number): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  await once(socket, 'connect')
  return socket
}

tap.test('a sender that never ends is cut off after a number of bytes', async t => {
  const { port, requests } = await refusing(t, 60_000, MIB)
  const socket = await stubborn(port)
  socket.resume()
  socket.write(head(1024 * MIB))
  await pour(socket)
  const [request] = requests as [IncomingMessage]
  t.ok(request.socket.bytesRead > MIB)
})

tap.test('a sender that goes silent is answered at once, and cut off after a while', async t => {
  const { port, requests } = await refusing(t, 200, MIB)
  const socket = await stubborn(port)
  const answered = receives(socket, /no/)
  socket.write(head(10))
  t.equal(statusOf(await answered), 401)
  const [request] = requests as [IncomingMessage]
  t.equal(request.socket.destroyed, false)
  await once(request.socket, 'close')
  socket.destroy()
})
