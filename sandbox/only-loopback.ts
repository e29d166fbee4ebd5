import net from 'node:net'

/*
 * The service of the sandbox connects to this machine and to nothing else, whatever its clients are told: what is typed
 * in a sandbox must never reach a real Chatwoot, Stripe or Google. Every client, fetch too, ends in this one method.
 */

interface Target {
  host?: string | undefined
  port?: number | string | undefined
  /** Of a Unix socket, behind which anything may be. */
  path?: string | undefined
}

const LOOPBACK = new net.BlockList()
LOOPBACK.addSubnet('127.0.0.0', 8)
LOOPBACK.addAddress('::1', 'ipv6')

const { connect } = net.Socket.prototype
net.Socket.prototype.connect = function (this: net.Socket, ...args: unknown[]) {
  const target = targetOf(args)
  if (isLoopback(target)) return connect.apply(this, args as Parameters<typeof connect>)
  const { host, port, path } = target
  const error = new Error(`The sandbox connects to this machine only, not to ${path ?? `${host}:${port}`}`)
  // As a connection that fails, which every client knows what to do with.
  process.nextTick(() => this.destroy(Object.assign(error, { code: 'ERR_SANDBOX_FOREIGN_HOST' })))
  return this
} as typeof connect

/** Of `connect(options)`, `connect(port, host)` and `connect(path)`; net.connect hands them on as one list. */
function targetOf(args: unknown[]): Target {
  const [first, second] = (Array.isArray(args[0]) ? args[0] : args) as [Target | string | number, unknown]
  if (typeof first === 'object') return first
  if (Number.isNaN(Number(first))) return { path: `${first}` }
  return { port: first, host: typeof second === 'string' ? second : undefined }
}

/** Without a host it is this machine. */
function isLoopback({ host = 'localhost', path }: Target): boolean {
  if (path !== undefined && path !== null) return false
  if (host === 'localhost') return true
  const family = net.isIP(host)
  return family !== 0 && LOOPBACK.check(host, family === 6 ? 'ipv6' : 'ipv4')
}
