import { AsyncLocalStorage } from 'node:async_hooks'
import type { NewDelivery, TakenDelivery } from './contracts.ts'

/** What of a delivery's way is traced. Where there is none of these, traces are off, and nothing is spent on them. */
export interface Tracing {
  /** A webhook's request, as the child of what the host's own app has begun for it, if anything. */
  request(method: string, route: string): OpenSpan
  /** Accepting a delivery, up to the store's commit. */
  commit(delivery: NewDelivery, request: OpenSpan | undefined): OpenSpan
  /**
   * An attempt at a delivery, which goes on with the trace that is kept with it; the others of a run are linked to.
   * @param isAhead what must not wait is done before its turn
   */
  attempt(delivery: TakenDelivery, isAhead?: boolean): OpenSpan
}

/** Such as `{ 'webhook.outcome': 'accepted' }`; never a body, a name, an address or a secret. */
export type Attributes = Record<string, string | number | undefined>

/** Something that has begun. */
export interface OpenSpan {
  /** undefined: nobody records traces, though they are on. */
  readonly traceId: string | undefined
  /** What is kept with a delivery, so that its attempts go on with this trace: https://www.w3.org/TR/trace-context/ */
  readonly traceparent: string | undefined
  /** Runs something within it: the calls made there are its children. */
  run<T>(inner: () => T): T
  /** A call of an outside system. */
  call(method: string, url: URL): OpenSpan
  /** @param failure an HTTP status, or what was thrown: of that, only what kind it is; its message may be personal */
  end(attributes: Attributes, failure?: unknown): void
}

const running = new AsyncLocalStorage<OpenSpan>()

/** Runs something within a span, if there is one. */
export function within<T>(span: OpenSpan | undefined, inner: () => T): T {
  return span === undefined ? inner() : running.run(span, () => span.run(inner))
}

/** What a log line says of its trace. */
export function traceFields(span = running.getStore()): { trace_id?: string } {
  return span?.traceId === undefined ? {} : { trace_id: span.traceId }
}

/** What the trace that is kept with a delivery is looked up by. null: there is none, or it is not recorded. */
export function traceIdOf(traceparent: string | undefined): string | null {
  return /^00-([0-9a-f]{32})-[0-9a-f]{16}-01$/.exec(traceparent ?? '')?.[1] ?? null
}

/** Makes an HTTP call, as a child of the running attempt if that is traced. */
export async function traced<T extends { status: number }>(
  method: string,
  url: string | URL,
  send: () => Promise<T>,
): Promise<T> {
  const span = running.getStore()?.call(method, new URL(url))
  if (span === undefined) return send()
  try {
    const answer = await send()
    const { status } = answer
    span.end({ 'http.response.status_code': status }, status >= 400 ? status : undefined)
    return answer
  } catch (error) {
    span.end({}, error)
    throw error
  }
}
