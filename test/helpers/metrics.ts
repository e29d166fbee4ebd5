import type { FastifyInstance } from 'fastify'

/** Samples by name and labels as written: `name{a="b"}`. */
export type Samples = Map<string, number>

/** Scrapes with this token. */
export async function scrape(app: FastifyInstance, token: string, url = '/metrics') {
  const { statusCode, headers, body } = await app.inject({ url, headers: { authorization: `Bearer ${token}` } })
  return { status: statusCode, headers, body, samples: samplesOf(body) }
}

function samplesOf(exposition: string): Samples {
  const lines = exposition.split('\n').filter(line => line !== '' && !line.startsWith('#'))
  return new Map(lines.map(line => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ')))]))
}
