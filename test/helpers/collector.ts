import type { Test } from 'tap'
import { type StandIn, startStandIn } from '../../sandbox/stand-in.ts'
import { arrivals } from './wait.ts'

/** A span as a collector gets it, with its attributes by name. */
export interface SeenSpan {
  traceId: string
  spanId: string
  parentSpanId?: string
  name: string
  /** OTLP's: 1 internal, 2 server, 3 client, 4 producer, 5 consumer. */
  kind: number
  startTimeUnixNano: string
  endTimeUnixNano: string
  attributes: Record<string, string | number>
  links?: { traceId: string; spanId: string }[]
  status?: { code: number }
  /** The attributes of what it is of. */
  resource: Record<string, string | number>
}

export interface Collector extends StandIn {
  spans: SeenSpan[]
  /** The first span that fits, already here or still to come. */
  span(name: string, fits?: (span: SeenSpan) => boolean): Promise<SeenSpan>
  /** What it was sent, as text. */
  text(): string
}

/** A collector that takes OTLP over HTTP, as JSON; stops when the test ends. */
export async function startCollector(t: Pick<Test, 'teardown'>): Promise<Collector> {
  const api = await startStandIn(() => ({ status: 200, body: { partialSuccess: {} } }))
  t.teardown(() => api.close())
  const { items: spans, add, first } = arrivals<SeenSpan>(({ name, traceId }) => `${name} of ${traceId}`)
  api.traffic.on('answer', ({ body }, answer) => {
    if (answer?.status === 200) for (const span of spansIn(body)) add(span)
  })
  return {
    ...api,
    spans,
    span: (name, fits = () => true) => first(`the span ${name}`, span => span.name === name && fits(span)),
    text: () => JSON.stringify(api.calls.map(({ body }) => body)),
  }
}

interface Attribute {
  key: string
  value: { stringValue?: string; intValue?: string }
}

type InOtlp = Omit<SeenSpan, 'attributes' | 'resource'> & { attributes: Attribute[] }

function spansIn(body: object): SeenSpan[] {
  const { resourceSpans } = body as {
    resourceSpans: { resource: { attributes: Attribute[] }; scopeSpans: { spans: InOtlp[] }[] }[]
  }
  return resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap(({ spans }) =>
      spans.map(span => ({ ...span, attributes: byName(span.attributes), resource: byName(resource.attributes) })),
    ),
  )
}

function byName(attributes: Attribute[]): Record<string, string | number> {
  const entries = attributes.map(({ key, value: { stringValue, intValue } }) => [key, stringValue ?? Number(intValue)])
  return Object.fromEntries(entries)
}
