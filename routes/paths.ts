import type { FastifyInstance } from 'fastify'

/** A path with and without a trailing slash: senders are given either. */
export function withAndWithoutSlash({ initialConfig }: FastifyInstance, path: string): string[] {
  const bare = path.replace(/\/+$/, '')
  // A host's router may treat both as one, and Fastify does so at the root of a prefix.
  const isOne = initialConfig.ignoreTrailingSlash || initialConfig.routerOptions?.ignoreTrailingSlash
  return isOne || bare === '' ? [path] : [bare, `${bare}/`]
}
