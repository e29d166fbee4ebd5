import type { Handler, HandlerFunction, HandlerPair } from '../inbox/drain.ts'

/**
 * Wraps the functions of a handler.
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
  const { handle, gaveUp, ahead } = handler
  return {
    ...handler,
    handle: wrap(handle),
    gaveUp: wrapGaveUp(gaveUp),
    ahead: ahead && { ...ahead, handle: wrap(ahead.handle) },
  }
}
