import type { Handler } from './drain.ts'
import { OptionError, SYSTEMS, type System } from './errors.ts'
import { didYouMean } from './nearest-name.ts'

/** Which outside systems a handler needs, so that it is not begun while one of them is held. */

export function needsOf(handler: Handler | undefined): readonly System[] {
  return (typeof handler === 'object' && handler.needs) || []
}

/** @param name of the handler, for the error. @throws {OptionError} its `needs` are not systems */
export function checkNeeds(name: string, handler: Handler): void {
  if (typeof handler !== 'object' || handler.needs === undefined) return
  const { needs } = handler
  if (!Array.isArray(needs)) throw new OptionError(`${name}.needs must be a list of ${SYSTEMS.join(', ')}`)
  for (const system of needs as readonly unknown[]) {
    if ((SYSTEMS as readonly unknown[]).includes(system)) continue
    throw new OptionError(`${name}.needs: there is no system ${String(system)}${didYouMean(String(system), SYSTEMS)}`)
  }
}
