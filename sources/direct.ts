import type { IncomingHttpHeaders } from 'node:http'
import type { SourceRequest } from './source.ts'

/** Loopback names, with any port. */
const LOOPBACK_HOST = /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?$/i
/** Headers that proxies add. */
const FORWARDING_HEADER = /^(forwarded|x-forwarded-.*|x-real-ip|via)$/

/**
 * Whether a request comes from this machine, and not through a proxy on it, which would let anybody in. A proxy that
 * adds no header still passes on its public host name (HAProxy) or speaks HTTP/1.0 (nginx with a plain `proxy_pass`).
 */
export function isDirectLoopback({ headers, raw }: SourceRequest): boolean {
  const isLocal = /^(127\.|::1$|::ffff:127\.)/.test(String(raw.socket.remoteAddress))
  if (!isLocal || raw.httpVersion === '1.0') return false
  if (Object.keys(headers).some(name => FORWARDING_HEADER.test(name))) return false
  const hosts = hostsOf(headers, String(raw.url))
  return hosts.length > 0 && hosts.every(host => LOOPBACK_HOST.test(host))
}

/** The host names in a request: of HTTP/1, of HTTP/2, and of an absolute URL. */
function hostsOf(headers: IncomingHttpHeaders, target: string): string[] {
  const named = [headers.host, headers[':authority']].filter(host => host !== undefined).map(String)
  const inTarget = /^[a-z][a-z0-9+.-]*:\/\/([^/?#]*)/i.exec(target)?.[1]
  return inTarget === undefined ? named : [...named, inTarget]
}
