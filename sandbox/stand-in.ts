import { EventEmitter } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A request that a stand-in got. */
export interface Call {
  method: string
  /** With its query. */
  path: string
  headers: IncomingMessage['headers']
  body: Record<string, unknown>
}

export interface Answer {
  status: number
  headers?: Record<string, string>
  /** A text is sent as it is, anything else as JSON. */
  body?: unknown
}

/** How a call goes wrong. */
export type Behaviour =
  | Answer
  /** The connection is closed before anything is done. */
  | 'drop'
  /** It is done, and then the connection is closed. */
  | 'drop after'
  /** It is done, and never answered. */
  | 'hang'
  /** It is done after so many ms, or when the promise is resolved; of a function, each call's own. */
  | { wait: number | Promise<unknown> | (() => Promise<unknown>) }

/** `POST /path` exactly; or a pattern for that; or a function. */
export type Matcher = string | RegExp | ((call: Call) => boolean)

export interface StandIn {
  /** Where it listens. */
  url: string
  /** What it was asked, in the order of arrival. */
  calls: Call[]
  /** Each call as it arrives and as it ends; null: the connection was closed without an answer. */
  traffic: EventEmitter<{ call: [Call]; answer: [Call, Answer | null] }>
  /** The calls that fit. */
  called(matcher: Matcher): Call[]
  /** Resolves with the call that is the `nth` to fit, made before or still to come. */
  arrived(matcher: Matcher, nth?: number): Promise<Call>
  /** Lets the next `times` calls that fit go wrong. */
  fail(matcher: Matcher, behaviour: Behaviour, times?: number): void
  /** Nothing goes wrong from now on. */
  recover(): void
  close(): Promise<void>
}

const UNREADABLE: Answer = { status: 400, body: { error: 'The body is not JSON' } }

/** A server on a free port of this machine, in the place of somebody else's. */
export async function startStandIn(answerTo: (call: Call) => Answer): Promise<StandIn> {
  const calls: Call[] = []
  const traffic: StandIn['traffic'] = new EventEmitter()
  let failures: { matcher: Matcher; behaviour: Behaviour; left: number }[] = []
  let waiting: { isHere: () => boolean; resolve: () => void }[] = []

  const server = createServer(async (request, response) => {
    const call = await read(request).catch(() => null)
    // Anybody on this machine can send anything, and a service that is killed breaks off what it sends.
    if (call === null) return send(response, UNREADABLE)
    calls.push(call)
    traffic.emit('call', call)
    for (const { resolve } of waiting.filter(({ isHere }) => isHere())) resolve()
    waiting = waiting.filter(({ isHere }) => !isHere())
    let answered: Answer | null = null
    response.once('close', () => traffic.emit('answer', call, answered))
    answered = await answerOf(takeFailure(call), call, response)
    if (answered !== null) send(response, answered)
  })

  function takeFailure(call: Call): Behaviour | undefined {
    const failure = failures.find(({ matcher }) => fits(matcher, call))
    if (failure === undefined) return undefined
    failure.left--
    failures = failures.filter(({ left }) => left > 0)
    return failure.behaviour
  }

  /** null: there is no answer, or only the end of the connection. */
  async function answerOf(
    behaviour: Behaviour | undefined,
    call: Call,
    response: ServerResponse,
  ): Promise<Answer | null> {
    if (typeof behaviour === 'object' && 'status' in behaviour) return behaviour
    if (typeof behaviour === 'object') await passed(behaviour.wait)
    const answer = behaviour === 'drop' ? null : answerTo(call)
    if (behaviour === 'drop' || behaviour === 'drop after') response.destroy()
    return behaviour === undefined || typeof behaviour === 'object' ? answer : null
  }

  const called = (matcher: Matcher) => calls.filter(call => fits(matcher, call))

  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    traffic,
    called,
    async arrived(matcher, nth = 1) {
      const isHere = () => called(matcher).length >= nth
      if (!isHere()) await new Promise<void>(resolve => waiting.push({ isHere, resolve }))
      return called(matcher)[nth - 1] as Call
    },
    fail(matcher, behaviour, times = 1) {
      failures.push({ matcher, behaviour, left: times })
    },
    recover() {
      failures = []
    },
    close() {
      server.closeAllConnections()
      return new Promise(resolve => server.close(() => resolve()))
    },
  }
}

function fits(matcher: Matcher, call: Call): boolean {
  if (typeof matcher === 'function') return matcher(call)
  const line = `${call.method} ${call.path}`
  return typeof matcher === 'string' ? matcher === line : matcher.test(line)
}

async function read(request: IncomingMessage): Promise<Call> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const text = Buffer.concat(chunks).toString()
  const { method = '', url = '', headers } = request
  return { method, path: url, headers, body: parse(text, headers['content-type']) }
}

/** A form's fields stay as they are named: `metadata[order_id]`. */
function parse(text: string, type = ''): Record<string, unknown> {
  if (text === '') return {}
  return type.startsWith('application/x-www-form-urlencoded')
    ? Object.fromEntries(new URLSearchParams(text))
    : JSON.parse(text)
}

function passed(wait: number | Promise<unknown> | (() => Promise<unknown>)): Promise<unknown> {
  if (typeof wait === 'function') return wait()
  return typeof wait === 'number' ? new Promise(resolve => setTimeout(resolve, wait)) : wait
}

function send(response: ServerResponse, { status, headers, body = '' }: Answer): void {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  const type = typeof body === 'string' ? 'text/html' : 'application/json'
  response.writeHead(status, { 'content-type': type, ...headers }).end(text)
}
