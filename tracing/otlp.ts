import type { Attributes, Link } from '@opentelemetry/api'
import type { EndedSpan } from './recorder.ts'

/**
 * The JSON of OTLP, as a collector takes it: https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
 * Written as text: an object for each of these lists would take most of the time.
 * @param resource what all the spans are of
 */
export function otlpJson(resource: Attributes, scope: string, spans: readonly EndedSpan[]): string {
  const of = `{"resource":{"attributes":${attributesJson(resource)}},"scopeSpans":[{"scope":{"name":${JSON.stringify(scope)}}`
  return `{"resourceSpans":[${of},"spans":[${spans.map(spanJson).join(',')}]}]}]}`
}

/** OTLP's status of a span that failed. */
const FAILED = '{"code":2}'

function spanJson(span: EndedSpan): string {
  const {
    traceId,
    spanId,
    parentSpanId,
    name,
    kind = 0,
    startedAt,
    endedAt,
    attributes = {},
    links = [],
    isFailed,
  } = span
  const parent = parentSpanId === undefined ? '' : `,"parentSpanId":"${parentSpanId}"`
  const linked = links.length === 0 ? '' : `,"links":[${links.map(linkJson).join(',')}]`
  const status = isFailed ? `,"status":${FAILED}` : ''
  // OTLP counts kinds from 1, the API from 0; and times in ns, as strings.
  return `{"traceId":"${traceId}","spanId":"${spanId}"${parent},"name":${JSON.stringify(name)},"kind":${kind + 1},"startTimeUnixNano":"${startedAt}000","endTimeUnixNano":"${endedAt}000","attributes":${attributesJson(attributes)}${linked}${status}}`
}

function linkJson({ context: { traceId, spanId } }: Link): string {
  return `{"traceId":"${traceId}","spanId":"${spanId}"}`
}

/** Strings and whole numbers: no others are used. */
function attributesJson(attributes: Attributes): string {
  let json = ''
  for (const key in attributes) {
    const value = attributes[key]
    if (value === undefined) continue
    const typed = typeof value === 'number' ? `"intValue":"${value}"` : `"stringValue":${JSON.stringify(value)}`
    json += `${json === '' ? '' : ','}{"key":"${key}","value":{${typed}}}`
  }
  return `[${json}]`
}
