import type { IncomingMessage } from 'node:http'
import type { FastifyInstance } from 'fastify'

const COVER = '[redacted]'

/**
 * Covers a query parameter in the URLs of requests to an instance's routes, before anything can log them: Fastify
 * itself, a host's serializer, or its hooks. `request.query` still has it.
 */
export function coverQueryParameter(app: FastifyInstance, name: string): void {
  const { childLoggerFactory } = app
  // It is called once a route is found, and before the first line about its request.
  app.setChildLoggerFactory(function coverAndMake(logger, bindings, options, raw) {
    cover(raw as IncomingMessage & { originalUrl?: string }, name)
    return childLoggerFactory.call(this, logger, bindings, options, raw)
  })
}

function cover(raw: IncomingMessage & { originalUrl?: string }, name: string): void {
  raw.url = covered(String(raw.url), name)
  // As it was before a host's rewriteUrl.
  if (raw.originalUrl !== undefined) raw.originalUrl = covered(raw.originalUrl, name)
  const path = raw.headers[':path']
  if (typeof path === 'string') raw.headers[':path'] = covered(path, name)
}

function covered(url: string, name: string): string {
  const given = [...url.matchAll(/[?&;]([^=&;#]*)=/g)].filter(({ 1: key }) => decoded(key as string) === name)
  return given.reduceRight((text, { index, 0: { length } }) => {
    const start = index + length
    // A `;` may be a part of the value.
    return text.slice(0, start) + COVER + text.slice(start).replace(/^[^&#]*/, '')
  }, url)
}

function decoded(key: string): string {
  try {
    return decodeURIComponent(key)
  } catch {
    return key
  }
}
