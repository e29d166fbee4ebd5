import { readFileSync } from 'node:fs'
import type { IncomingHttpHeaders } from 'node:http'
import type { BodyCheck, SourceRequest, Verdict, Verifier } from '../../sources/source.ts'

/** A request accepted by a sender's own SDK, or shown in its documentation (`checkedWith`). */
export interface Signed {
  secret: string
  headers: Record<string, string>
  body: string
  url?: string
  method?: string
  /** Unix time, s, at which it is genuine. */
  now?: number
  /** For an asymmetric signature: base64 SPKI. */
  publicKey?: string
}

export function signedBy(name: string): Signed {
  return JSON.parse(readFileSync(new URL(`../fixtures/senders/${name}.json`, import.meta.url), 'utf8')) as Signed
}

/** A verifier's result for a request: `genuine`, or the code of its error. */
export async function verdictOn(
  verify: Verifier,
  headers: IncomingHttpHeaders,
  body: string | Buffer,
  more: Partial<SourceRequest> = {},
) {
  const request = { method: 'POST', url: '/', headers, query: {}, ...more } as SourceRequest
  return wordFor(await decide(verify(request), Buffer.from(body)))
}

function decide(first: Verdict | BodyCheck, body: Buffer): Verdict | Promise<Verdict> {
  return typeof first === 'function' ? first(body) : first
}

function wordFor(verdict: Verdict): string {
  return verdict instanceof Error ? (verdict as Error & { code: string }).code : verdict ? 'genuine' : 'refused'
}

/** A verifier's result before the body is read: `read on`, or as above. */
export function verdictBeforeBody(verify: Verifier, headers: IncomingHttpHeaders): string {
  const first = verify({ method: 'POST', url: '/', headers, query: {} } as SourceRequest)
  return typeof first === 'function' ? 'read on' : wordFor(first)
}
