import type { Handler, HandlerFunction, HandlerPair } from '../inbox/drain.ts'

/**
 * Wraps both functions of a handler.
 * @param wrapGaveUp wraps `gaveUp`; default: `wrap`
 */
export function wrapHandler<Inner, Outer>(
  handler: Handler<Inner>,
  wrap: (handle: HandlerFunction<Inner>) => HandlerFunction<Outer>,
  wrapGaveUp = wrap,
): Handler<Outer> {
  return typeof handler === 'function' ? wrap(handler) : wrapPair(handler, wrap, wrapGaveUp)
}

/** Whatever else it says about itself stays. */
export function wrapPair<Inner, Outer>(
  handler: HandlerPair<Inner>,
  wrap: (handle: HandlerFunction<Inner>) => HandlerFunction<Outer>,
  wrapGaveUp = wrap,
): HandlerPair<Outer> {
  return { ...handler, handle: wrap(handler.handle), gaveUp: wrapGaveUp(handler.gaveUp) }
}
