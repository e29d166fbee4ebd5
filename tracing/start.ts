import { randomUUID } from 'node:crypto'
import { validateHeaderName, validateHeaderValue } from 'node:http'
import { httpUrl } from '../clients/http.ts'
import { type Env, EnvError } from '../environment.ts'
import type { Logger } from '../inbox/contracts.ts'
import { Exporter, type ExporterOptions } from './exporter.ts'
import { createRecorder } from './recorder.ts'
import { SCOPE, type SpanSource } from './tracing.ts'

/** Traces of the standalone server, by OpenTelemetry's variables: https://opentelemetry.io/docs/specs/otel/protocol/exporter/ */
export type TraceSettings = Pick<
  Env,
  | 'OTEL_EXPORTER_OTLP_ENDPOINT'
  | 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'
  | 'OTEL_EXPORTER_OTLP_HEADERS'
  | 'OTEL_SERVICE_NAME'
>

/** Records traces and sends them, until `close`. @throws {EnvError} that names the variable, without its value */
export function startTraces(
  settings: TraceSettings,
  log: Logger,
  onLeftOut: ExporterOptions['onLeftOut'],
): { tracerProvider: SpanSource; close: () => Promise<void> } {
  const exporter = new Exporter({
    url: urlOf(settings),
    headers: headersOf(settings.OTEL_EXPORTER_OTLP_HEADERS),
    // Several instances may share a store.
    resource: { 'service.name': settings.OTEL_SERVICE_NAME, 'service.instance.id': randomUUID() },
    scope: SCOPE,
    log,
    onLeftOut,
  })
  return { tracerProvider: createRecorder(exporter), close: () => exporter.close() }
}

function urlOf({ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: whole, OTEL_EXPORTER_OTLP_ENDPOINT: base }: TraceSettings): URL {
  const name = whole === undefined ? 'OTEL_EXPORTER_OTLP_ENDPOINT' : 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'
  const url = httpUrl(whole ?? `${base?.replace(/\/+$/, '')}/v1/traces`)
  if (url !== undefined) return url
  throw new EnvError(
    `${name} must be an http or https URL without user and password: what the collector asks for goes into OTEL_EXPORTER_OTLP_HEADERS`,
  )
}

/** @param list as in the specification: `name=value`, comma-separated, values percent-encoded */
function headersOf(list: string | undefined): Record<string, string> {
  const headers: Record<string, string> = {}
  for (const each of list?.split(',') ?? []) {
    const [name = '', ...value] = each.split('=')
    try {
      if (value.length === 0) throw new TypeError('it has no value')
      const decoded = decodeURIComponent(value.join('=').trim())
      validateHeaderName(name.trim())
      validateHeaderValue(name.trim(), decoded)
      headers[name.trim().toLowerCase()] = decoded
    } catch {
      throw new EnvError(
        'OTEL_EXPORTER_OTLP_HEADERS must be name=value, comma-separated, with percent-encoded values: authorization=Bearer%20…',
      )
    }
  }
  return headers
}
