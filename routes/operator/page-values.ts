import type { FastifyReply } from 'fastify'
import type { FilterValues } from '../../operator/pages/list.ts'

/** Forms and addresses of the operator's page. */

export function sendPage(reply: FastifyReply, page: string): FastifyReply {
  return reply.type('text/html; charset=utf-8').send(page)
}

/** A form's fields, '' if missing. */
export function valuesOf(given: Record<string, unknown>, fields: readonly string[]): FilterValues {
  return Object.fromEntries(fields.map(field => [field, typeof given[field] === 'string' ? given[field] : '']))
}

/** The query of an address, without empty values. */
export function queryOf(values: FilterValues): string {
  return `${new URLSearchParams(Object.entries(values).filter(([, value]) => value !== ''))}`
}
