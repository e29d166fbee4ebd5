import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { inTime } from './wait.ts'

/** A connection to this machine, open. */
export async function open(port: number, host = '127.0.0.1'): Promise<Socket> {
  const socket = connect(port, host)
  await once(socket, 'connect')
  return socket
}

/** Writes the parts, and gives all that comes back until the server closes the connection; '' if it is cut. */
export async function exchange(port: number, ...parts: (string | Buffer)[]): Promise<string> {
  const socket = await open(port)
  const answer = readAll(socket)
  for (const part of parts) socket.write(part)
  return answer
}

/** All that comes on a connection until it is closed. */
export function readAll(socket: Socket): Promise<string> {
  let text = ''
  socket.setEncoding('latin1')
  socket.on('data', chunk => {
    text += chunk
  })
  // What is cut off midway has no answer; that is what the caller looks at.
  socket.on('error', () => {})
  const closed = new Promise<string>(resolve => socket.on('close', () => resolve(text)))
  return inTime(closed, { what: 'the connection to be closed', seen: () => [text] })
}

/** Resolved when what has come on a connection fits. */
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

/** The bytes of a POST; a header whose value is an array is sent once for each. */
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
