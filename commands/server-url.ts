import { isIPv6 } from 'node:net'
import type { Env } from '../environment.ts'
import { UsageError } from './output.ts'

/** The server's base URL without a trailing slash; default: HOST and PORT. @throws {UsageError} */
export function serverUrl(url: string | undefined, { HOST, PORT }: Env): string {
  // A server that listens on all addresses is reached on loopback.
  const host = { '0.0.0.0': '127.0.0.1', '::': '::1' }[HOST] ?? HOST
  const base = url ?? `http://${isIPv6(host) ? `[${host}]` : host}:${PORT}`
  if (!/^https?:\/\//.test(base) || !URL.canParse(base)) {
    throw new UsageError(`--url ${base} is not a URL; use one like https://hooks.example.com`)
  }
  return base.replace(/\/+$/, '')
}

/** The error line when fetch can't reach the server. */
export function unreachable(url: string, { cause, message }: Error): string {
  const reason = (cause as { code?: string } | undefined)?.code ?? message
  return `${url} can't be reached (${reason}): start the server, or pass --url`
}
