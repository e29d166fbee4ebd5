import type { IncomingMessage } from 'node:http'
import type { FastifyInstance } from 'fastify'

const REDACTED = '[redacted]'

/**
 * Redacts a query parameter in the URLs of requests to an instance's routes, before Fastify, a host's serializer or its
 * hooks can log them. `request.query` still has it.
 */
export function redactQueryParameter(app: FastifyInstance, name: string): void {
  const { childLoggerFactory } = app
  // Called once a route is found, before the request's first log line.
  app.setChildLoggerFactory(function redactAndCreate(logger, bindings, options, raw) {
    redact(raw as IncomingMessage & { originalUrl?: string }, name)
    return childLoggerFactory.call(this, logger, bindings, options, raw)
  })
}

function redact(raw: IncomingMessage & { originalUrl?: string }, name: string): void {
  raw.url = redacted(String(raw.url), name)
  // The URL before a host's rewriteUrl.
  if (raw.originalUrl !== undefined) raw.originalUrl = redacted(raw.originalUrl, name)
  const path = raw.headers[':path']
  if (typeof path === 'string') raw.headers[':path'] = redacted(path, name)
}

function redacted(url: string, name: string): string {
  const given = [...url.matchAll(/[?&;]([^=&;#]*)=/g)].filter(({ 1: key }) => decoded(key as string) === name)
  return given.reduceRight((text, { index, 0: { length } }) => {
    const start = index + length
    // A `;` may be part of the value.
    return text.slice(0, start) + REDACTED + text.slice(start).replace(/^[^&#]*/, '')
  }, url)
}

function decoded(key: string): string {
  try {
    return decodeURIComponent(key)
  } catch {
    return key
  }
}
