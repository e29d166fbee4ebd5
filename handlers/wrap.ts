import type { Handler, HandlerFunction } from '../inbox/drain.ts'

/**
 * Wraps both functions of a handler.
 * @param wrapGaveUp wraps `gaveUp`; default: `wrap`
 */
export function wrapHandler<Inner, Outer>(
  handler: Handler<Inner>,
  wrap: (handle: HandlerFunction<Inner>) => HandlerFunction<Outer>,
  wrapGaveUp = wrap,
): Handler<Outer> {
  if (typeof handler === 'function') return wrap(handler)
  return { handle: wrap(handler.handle), gaveUp: wrapGaveUp(handler.gaveUp) }
}
