import type { FastifyInstance } from 'fastify'

/** Samples by their name and labels, as they are written: `name{a="b"}`. */
export type Samples = Map<string, number>

/** What a scrape with this token gives. */
export async function scrape(app: FastifyInstance, token: string, url = '/metrics') {
  const { statusCode, headers, body } = await app.inject({ url, headers: { authorization: `Bearer ${token}` } })
  return { status: statusCode, headers, body, samples: samplesOf(body) }
}

function samplesOf(exposition: string): Samples {
  const lines = exposition.split('\n').filter(line => line !== '' && !line.startsWith('#'))
  return new Map(lines.map(line => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ')))]))
}
