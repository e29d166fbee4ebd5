import {
  type Context,
  context,
  isSpanContextValid,
  type Link,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  SpanKind,
  type SpanOptions,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api'
import type { NewDelivery, TakenDelivery } from '../inbox/contracts.ts'
import type { Attributes, OpenSpan, Tracing } from '../inbox/tracing.ts'

/** The part of OpenTelemetry's spans that is used here. */
export type UsedSpan = Pick<Span, 'spanContext' | 'setAttributes' | 'setStatus' | 'end'>

/** The part of OpenTelemetry's TracerProvider that is used here. */
export interface SpanSource {
  getTracer(name: string): { startSpan(name: string, options: SpanOptions, context: Context): UsedSpan }
}

/** What spans, and whose, by the name of OpenTelemetry's instrumentation scope. */
export const SCOPE = 'tutorbot-webhooks'

/** Traces by OpenTelemetry's API. Names of spans and attributes: docs/operating.md. */
export function createTracing(source: SpanSource): Tracing {
  const tracer = source.getTracer(SCOPE)
  const begin = (name: string, kind: SpanKind, parent: Context, attributes: Attributes, links: Link[] = []) =>
    openSpan(tracer, tracer.startSpan(name, { kind, attributes, links }, parent), parent)

  return {
    request(method, route) {
      const parent = context.active()
      // The host's own server span, made by what it instruments Node or Fastify with.
      const kind = trace.getSpan(parent) === undefined ? SpanKind.SERVER : SpanKind.INTERNAL
      return begin(`${method} ${route}`, kind, parent, { 'http.request.method': method, 'http.route': route })
    },
    commit(delivery, request) {
      // A host's own route has no span of ours, perhaps one of the host's.
      const parent = request === undefined ? context.active() : contextOf(request.traceparent)
      return begin(`commit ${delivery.source}`, SpanKind.PRODUCER, parent, aboutDelivery(delivery, 'send'))
    },
    attempt(delivery, isAhead = false) {
      const { event, attempts, together = [delivery] } = delivery
      const attributes: Attributes = { ...aboutDelivery(delivery, 'process'), 'webhook.attempt': attempts }
      if (together.length > 1) attributes['messaging.batch.message_count'] = together.length
      const others = together.slice(1).map(({ trace }) => parse(trace))
      const links = others.filter(other => other !== undefined).map(other => ({ context: other }))
      const name = `${isAhead ? 'ahead' : 'handle'} ${event.slice(0, MAX_NAME)}`
      return begin(name, SpanKind.CONSUMER, contextOf(delivery.trace), attributes, links)
    },
  }
}

/** Longest name of an event, which comes from outside. */
const MAX_NAME = 64
/** What the lists show of an id. */
const SHOWN_CHARACTERS = 8

function aboutDelivery({ id, source, event }: NewDelivery | TakenDelivery, operation: 'send' | 'process'): Attributes {
  return {
    'messaging.system': SCOPE,
    'messaging.operation.type': operation,
    'messaging.operation.name': operation === 'send' ? 'commit' : 'handle',
    'webhook.delivery': id,
    'webhook.delivery.short': id.slice(0, SHOWN_CHARACTERS),
    'webhook.source': source,
    'webhook.event': event.slice(0, MAX_NAME),
  }
}

function openSpan(tracer: ReturnType<SpanSource['getTracer']>, span: UsedSpan, parent: Context): OpenSpan {
  const own = span.spanContext()
  const isValid = isSpanContextValid(own)
  // A host's instrumentation adds to the span itself.
  const inner = trace.setSpan(parent, span as Span)
  return {
    traceId: isValid ? own.traceId : undefined,
    traceparent: isValid ? `00-${own.traceId}-${own.spanId}-0${own.traceFlags & 1}` : undefined,
    run: body => context.with(inner, body),
    call(method, url) {
      const template = templateOf(url.pathname)
      const attributes: Attributes = {
        'http.request.method': method,
        'server.address': url.hostname,
        ...(url.port !== '' && { 'server.port': Number(url.port) }),
        'url.template': template,
      }
      const kind = SpanKind.CLIENT
      return openSpan(tracer, tracer.startSpan(`${method} ${template}`, { kind, attributes }, inner), inner)
    },
    end(attributes, failure) {
      span.setAttributes(attributes)
      if (failure !== undefined) {
        span.setAttributes({ 'error.type': errorType(failure) })
        span.setStatus({ code: SpanStatusCode.ERROR })
      }
      span.end()
    },
  }
}

/** Within the trace that is kept with a delivery; without one, the beginning of a trace. */
function contextOf(traceparent: string | undefined): Context {
  const kept = parse(traceparent)
  return kept === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, kept)
}

function parse(traceparent: string | undefined): SpanContext | undefined {
  const parts = /^00-([0-9a-f]{32})-([0-9a-f]{16})-0([01])$/.exec(traceparent ?? '')
  if (parts === null) return undefined
  const [, traceId = '', spanId = '', flags] = parts
  return { traceId, spanId, traceFlags: Number(flags), isRemote: true }
}

/** Words of an API, such as `payment_intents` or `v1`; all else in a path is an id, or an address. */
const WORD = /^(?:v\d|[a-z_]{1,24}|freeBusy)$/

/** A path without ids. */
function templateOf(path: string): string {
  return path
    .split('/')
    .map(part => (part === '' || WORD.test(part) ? part : '{id}'))
    .join('/')
}

/** What kind of failure it is: https://opentelemetry.io/docs/specs/semconv/registry/attributes/error/ */
function errorType(failure: unknown): string {
  if (typeof failure === 'number') return String(failure)
  const { code, cause, name = 'Error' } = Object(failure)
  const known = [code, Object(cause).code].find(each => typeof each === 'string' && /^\w{1,64}$/.test(each))
  return known ?? name
}
