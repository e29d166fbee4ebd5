import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import type { Test } from 'tap'
import { inTime } from './wait.ts'

/**
 * A relay in front of a PostgreSQL server, for one test; as a pooler it gives connections other process ids. Returns
 * its URL, what clients have sent, how many connected, and a promise for when the first has gone.
 */
export async function startRelay(t: Test, to: string, isPooler: boolean) {
  const { hostname, port } = new URL(to)
  const gone = Promise.withResolvers<void>()
  let sent = ''
  let connections = 0
  const relay = createServer(client => {
    connections++
    const server = connect(Number(port), hostname)
    client.on('data', data => {
      sent += data.toString('latin1')
    })
    client.pipe(server).on('data', data => client.write(isPooler ? withOtherPid(data) : data))
    client.on('close', () => server.end(gone.resolve))
  }).listen(0, '127.0.0.1')
  t.teardown(() => relay.close())
  await once(relay, 'listening')
  const url = new URL(to)
  url.host = `127.0.0.1:${(relay.address() as AddressInfo).port}`
  return {
    url: url.href,
    sent: () => sent,
    connections: () => connections,
    gone: inTime(gone.promise, { what: 'a client to go' }),
  }
}

/** BackendKeyData has the process id: `K`, 12 (a length), the id. */
function withOtherPid(data: Buffer): Buffer {
  const key = data.indexOf('K\0\0\0\x0c', 'latin1')
  if (key >= 0) data.writeInt32BE(1, key + 5)
  return data
}
