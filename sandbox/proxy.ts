import { request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http'

/** Passes on to the service what comes to the sandbox's port and is not for its page. */

/** What is between two hops only: RFC 9110, 7.6.1. `Expect` is answered by Node at once. */
const OF_ONE_HOP = new Set(['connection', 'keep-alive', 'proxy-connection', 'te', 'trailer', 'upgrade', 'expect'])

/**
 * Streams a request to the service and its answer back, both as they come.
 * @param base where the service is; undefined: it is down
 */
export function passOn(request: IncomingMessage, response: ServerResponse, base: string | undefined): void {
  if (base === undefined) {
    refuse(request, response)
    return
  }
  const { hostname, port } = new URL(base)
  const { method, url: path } = request
  const headers = forwardHeaders(request)
  // A connection of its own: one that is kept would be a dead one once the service was killed.
  const onward = httpRequest({ hostname, port, method, path, headers, setHost: false, agent: false })
  onward.once('response', answer => {
    response.writeHead(answer.statusCode as number, answer.statusMessage, answerHeaders(answer))
    answer.pipe(response)
    answer.once('error', () => response.destroy())
  })
  onward.on('error', () => {
    if (!response.headersSent) refuse(request, response)
  })
  response.once('close', () => {
    onward.destroy()
    // What it has not read is thrown away.
    request.unpipe(onward).resume()
  })
  const { 'content-length': length, 'transfer-encoding': coding } = request.headers
  if (length === undefined && coding === undefined) {
    onward.end()
    return
  }
  // At once: the service may answer before anything of the body has come.
  onward.flushHeaders()
  request.pipe(onward)
}

function refuse(request: IncomingMessage, response: ServerResponse): void {
  request.resume()
  const body = {
    statusCode: 502,
    code: 'SANDBOX_SERVICE_DOWN',
    error: 'Bad Gateway',
    message: 'The service of the sandbox does not answer; start it again on the page /sandbox',
  }
  response.writeHead(502, { 'content-type': 'application/json; charset=utf-8' }).end(JSON.stringify(body))
}

/** As they came, Host too, and what the service can't know of itself. */
function forwardHeaders({ rawHeaders, headers, socket }: IncomingMessage): string[] {
  const forwarded = [headers['x-forwarded-for'], socket.remoteAddress].filter(Boolean).join(', ')
  const passed = withoutNames(rawHeaders, name => OF_ONE_HOP.has(name) || name === 'x-forwarded-for')
  passed.push('X-Forwarded-For', forwarded)
  if (headers['x-forwarded-proto'] === undefined) passed.push('X-Forwarded-Proto', 'http')
  return passed
}

/** Node frames the body anew where its length is not known. */
function answerHeaders({ rawHeaders }: IncomingMessage): string[] {
  return withoutNames(rawHeaders, name => OF_ONE_HOP.has(name) || name === 'transfer-encoding')
}

/** A list of names and values, in turn, without some. */
function withoutNames(list: readonly string[], isLeftOut: (name: string) => boolean): string[] {
  return list.filter((_, index) => !isLeftOut((list[index - (index % 2)] as string).toLowerCase()))
}
