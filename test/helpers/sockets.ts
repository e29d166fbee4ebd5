import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { inTime } from './wait.ts'

/** An open connection to this machine. */
export async function open(port: number, host = '127.0.0.1'): Promise<Socket> {
  const socket = connect(port, host)
  await once(socket, 'connect')
  return socket
}

/** Writes the parts and returns everything received until the server closes the connection; '' if it is reset. */
export async function exchange(port: number, ...parts: (string | Buffer)[]): Promise<string> {
  const socket = await open(port)
  const answer = readAll(socket)
  for (const part of parts) socket.write(part)
  return answer
}

/** Everything received on a connection until it is closed. */
export function readAll(socket: Socket): Promise<string> {
  let text = ''
  socket.setEncoding('latin1')
  socket.on('data', chunk => {
    text += chunk
  })
  // A reset connection has no answer; the caller checks that.
  socket.on('error', () => {})
  const closed = new Promise<string>(resolve => socket.on('close', () => resolve(text)))
  return inTime(closed, { what: 'the connection to be closed', seen: () => [text] })
}

/** Resolves when what has been received on a connection matches. */
export function receives(socket: Socket, fits: RegExp): Promise<string> {
  let text = ''
  const received = new Promise<string>(resolve => {
    socket.on('data', chunk => {
      text += chunk
      if (fits.test(text)) resolve(text)
    })
  })
  return inTime(received, { what: `an answer like ${fits}`, seen: () => [text] })
}

export type Headers = Record<string, string | string[]>

/** The bytes of a POST; a header with an array as its value is sent once per element. */
export function post(path: string, headers: Headers, body: string | Buffer = '', connection = 'close'): Buffer {
  const lines = Object.entries({
    host: 'localhost',
    connection,
    'content-length': String(Buffer.byteLength(body)),
    ...headers,
  })
    .flatMap(([name, value]) => [value].flat().map(one => `${name}: ${one}\r\n`))
    .join('')
  return Buffer.concat([Buffer.from(`POST ${path} HTTP/1.1\r\n${lines}\r\n`), Buffer.from(body)])
}

export function statusOf(answer: string): number {
  return Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1])
}

/** The JSON body of an answer. */
export function bodyOf(answer: string): Record<string, unknown> {
  return JSON.parse(answer.slice(answer.indexOf('\r\n\r\n') + 4)) as Record<string, unknown>
}
