import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import { request } from '../../clients/request.ts'

const never = new AbortController().signal

async function serve(t: Test, listener: RequestListener) {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return { server, host: `127.0.0.1:${(server.address() as AddressInfo).port}` }
}

t.test('what is sent, what is answered, and one connection for all', async t => {
  let connections = 0
  const { server, host } = await serve(t, async (received, response) => {
    const { method, url, headers } = received
    const body = (await received.toArray()).join('')
    response.writeHead(418, { 'retry-after': '7' })
    // A character cut in two.
    response.write(Buffer.from('Zo\xc3', 'latin1'))
    response.end(Buffer.from('\xab', 'latin1'))
    const sent = [method, url, headers['content-length'], headers['transfer-encoding'], headers.x, body]
    server.emit('seen', sent)
  })
  server.on('connection', () => connections++)
  for (const [method, body, length] of [
    ['POST', 'Zoë', '4'],
    ['GET', undefined, undefined],
  ] as const) {
    const seen = once(server, 'seen')
    const answer = await request(`http://${host}/a?b=1`, {
      method,
      headers: { x: 'y' },
      ...(body !== undefined && { body }),
      signal: never,
    })
    t.match(answer, { status: 418, headers: { 'retry-after': '7' }, text: 'Zoë' })
    t.same((await seen)[0], [method, '/a?b=1', length, undefined, 'y', body ?? ''])
  }
  t.equal(connections, 1)
})

t.test('https is really used', async t => {
  const { host } = await serve(t, (_, response) => response.end('not encrypted'))
  await t.rejects(request(`https://${host}/`, { method: 'GET', headers: {}, signal: never }), { code: 'EPROTO' })
})

t.test('an answer that is cut off is no answer', async t => {
  const { host } = await serve(t, (_, response) => {
    response.writeHead(200, { 'content-length': '10' })
    response.write('half', () => response.destroy())
  })
  await t.rejects(request(`http://${host}/`, { method: 'GET', headers: {}, signal: never }), { code: 'ECONNRESET' })
})

t.test('the signal ends a call at any point, with its reason', async t => {
  const reason = new Error('enough')
  const { server, host } = await serve(t, ({ url }, response) => {
    if (url === '/body') {
      response.write('half', () => server.emit('here'))
    } else server.emit('here')
  })
  for (const path of ['/headers', '/body']) {
    const controller = new AbortController()
    const answer = request(`http://${host}${path}`, { method: 'GET', headers: {}, signal: controller.signal })
    await once(server, 'here')
    controller.abort(reason)
    await t.rejects(answer, reason, path)
  }
  await t.rejects(
    request(`http://${host}/`, { method: 'GET', headers: {}, signal: AbortSignal.abort(reason) }),
    reason,
    'before it began',
  )
})
