import { once } from 'node:events'
import http, { type IncomingMessage, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer, json, text } from 'node:stream/consumers'
import t, { type Test } from 'tap'
import { passOn } from '../../sandbox/proxy.ts'
import { inTime } from '../helpers/wait.ts'

async function serve(t: Test, listener: RequestListener) {
  const server = http.createServer(listener)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const close = () => {
    server.closeAllConnections()
    server.close()
  }
  t.teardown(close)
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close }
}

/** A service, and the sandbox's port before it. */
async function passing(t: Test, listener: RequestListener) {
  const service = await serve(t, listener)
  const base: { now: string | undefined } = { now: service.url }
  const before = await serve(t, (request, response) => passOn(request, response, base.now))
  return { service, base, url: before.url }
}

const DOWN = {
  statusCode: 502,
  code: 'SANDBOX_SERVICE_DOWN',
  error: 'Bad Gateway',
  message: 'The service of the sandbox does not answer; start it again on the page /sandbox',
}

t.test('a request goes on as it came, with what the service can’t know', async t => {
  const asked: { method: string | undefined; url: string | undefined; raw: string[]; body: string }[] = []
  const { service, url } = await passing(t, async (request, response) => {
    const { method, url, rawHeaders: raw } = request
    asked.push({ method, url, raw, body: await text(request) })
    response.writeHead(418, 'Short and stout', [
      'Set-Cookie', 'a=1', 'Set-Cookie', 'b=2', 'X-Own', 'yes', 'Keep-Alive', 'timeout=1', 'Content-Length', '4',
    ]) // biome-ignore format: a pair on each
    response.end('tea\n')
  })
  const request = http.request(`${url}/cw/?a=%20b&a=2`, {
    method: 'PUT',
    headers: { 'X-Mixed-Case': 'kept', TE: 'trailers', Expect: '100-continue', Host: 'sandbox.test:3000' },
  })
  request.end('{"a": 1}')
  const [answer] = (await once(request, 'response')) as [IncomingMessage]
  t.match(answer, { statusCode: 418, statusMessage: 'Short and stout' })
  t.match(answer.headers, { 'set-cookie': ['a=1', 'b=2'], 'x-own': 'yes', 'content-length': '4' })
  t.not(answer.headers['keep-alive'], 'timeout=1')
  t.equal(await text(answer), 'tea\n')
  const [{ raw = [], ...first } = {}] = asked
  t.same(first, { method: 'PUT', url: '/cw/?a=%20b&a=2', body: '{"a": 1}' })
  t.match(raw.join('\n'), /X-Mixed-Case\nkept\n/)
  const headers = Object.fromEntries(raw.flatMap((name, index) => (index % 2 ? [] : [[name, raw[index + 1]]])))
  t.match(headers, {
    Host: 'sandbox.test:3000',
    'X-Forwarded-For': '127.0.0.1',
    'X-Forwarded-Proto': 'http',
  })
  t.notMatch(raw.join('\n'), /^(te|expect)$/im)
  t.not(url, service.url)

  const forwarded = { 'x-forwarded-for': '203.0.113.7', 'x-forwarded-proto': 'https', 'x-forwarded-host': 'own.test' }
  await fetch(url, { headers: forwarded })
  t.match((asked[1]?.raw ?? []).join('\n').toLowerCase(), /x-forwarded-for\n203\.0\.113\.7, 127\.0\.0\.1/)
  t.equal((asked[1]?.raw ?? []).filter(name => /^x-forwarded-(proto|host)$/i.test(name)).length, 2, 'no second ones')
})

t.test('a body of 4 MB, of known length and in chunks, there and back', async t => {
  const { url } = await passing(t, (request, response) => void request.pipe(response))
  const body = Buffer.alloc(4 * 1024 * 1024, 'é')
  for (const headers of [{ 'content-length': `${body.length}` }, { 'transfer-encoding': 'chunked' }]) {
    for (const method of ['POST', 'DELETE']) {
      const request = http.request(url, { method, headers })
      request.end(body)
      const [answer] = (await once(request, 'response')) as [IncomingMessage]
      t.ok((await buffer(answer)).equals(body), `${method} ${Object.keys(headers)}`)
    }
  }
  const head = await fetch(url, { method: 'HEAD' })
  t.equal(head.status, 200)
})

t.test('a stream arrives piece by piece', async t => {
  const { promise: read, resolve } = Promise.withResolvers<void>()
  const { url } = await passing(t, async (_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write('data: first\n\n')
    await read
    response.end('data: second\n\n')
  })
  const answer = await fetch(url)
  const reader = (answer.body as ReadableStream<Uint8Array>).getReader()
  t.equal(
    Buffer.from((await inTime(reader.read(), { what: 'the first piece' })).value ?? []).toString(),
    'data: first\n\n',
  )
  resolve()
  t.equal(Buffer.from((await reader.read()).value ?? []).toString(), 'data: second\n\n')
})

t.test('whoever goes away ends the request at the service, too', async t => {
  const { promise: closed, resolve } = Promise.withResolvers<void>()
  const { url } = await passing(t, (_request, response) => {
    response.write('data: first\n\n')
    response.once('close', resolve)
  })
  const aborting = new AbortController()
  await fetch(url, { signal: aborting.signal })
  aborting.abort()
  await inTime(closed, { what: 'the end of the request' })
})

t.test('502 while the service is down', async t => {
  const { service, base, url } = await passing(t, () => {})
  service.close()
  const post = () => fetch(url, { method: 'POST', body: 'x'.repeat(1_000_000) })
  const refused = await post()
  t.equal(refused.status, 502)
  t.same(await refused.json(), DOWN)
  base.now = undefined
  t.same(await (await post()).json(), DOWN)
})

t.test('a service that dies in the middle of its answer: the answer is cut, not completed', async t => {
  const { url } = await passing(t, (_request, response) => {
    response.write('half')
    setImmediate(() => response.destroy())
  })
  const answer = await fetch(url)
  await t.rejects(answer.text())
})

t.test('an answer before the body has been read reaches its sender', async t => {
  const { url } = await passing(t, (request, response) => {
    response.writeHead(413, { connection: 'close', 'content-type': 'application/json' }).end('{"code":"TOO_LARGE"}')
    response.once('finish', () => setImmediate(() => request.socket.destroy()))
  })
  const request = http.request(url, { method: 'POST', headers: { 'content-length': 5_000_000 } })
  request.flushHeaders()
  const [answer] = (await once(request, 'response')) as [IncomingMessage]
  t.equal(answer.statusCode, 413)
  t.same(await json(answer), { code: 'TOO_LARGE' })
  // What is still sent is read, and thrown away: the connection is good for more.
  request.end(Buffer.alloc(5_000_000))
  await inTime(once(request, 'close'), { what: 'the end of the sending' })
})
