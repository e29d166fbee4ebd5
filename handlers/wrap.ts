import type { Handler, HandlerFunction } from '../inbox/drain.ts'

/**
 * A handler with something around it.
 * @param wrapGaveUp around what it does when a delivery is given up; default: the same
 */
export function wrapHandler<Inner, Outer>(
  handler: Handler<Inner>,
  wrap: (handle: HandlerFunction<Inner>) => HandlerFunction<Outer>,
  wrapGaveUp = wrap,
): Handler<Outer> {
  if (typeof handler === 'function') return wrap(handler)
  return { handle: wrap(handler.handle), gaveUp: wrapGaveUp(handler.gaveUp) }
}
