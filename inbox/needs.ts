import type { Handler, HandlerPair } from './drain.ts'
import { OptionError, SYSTEMS, type System } from './errors.ts'
import { didYouMean } from './nearest-name.ts'

/** Which outside systems a handler needs, so that it is not begun while one of them is held. */

export function needsOf(handler: Handler | HandlerPair['ahead']): readonly System[] {
  return (typeof handler === 'object' && handler.needs) || []
}

/** @param name of the handler, for the error. @throws {OptionError} its `needs` are not systems, or its `ahead` is wrong */
export function checkNeeds(name: string, handler: Handler): void {
  if (typeof handler !== 'object') return
  const { needs, ahead } = handler
  checkSystems(name, needs)
  if (ahead === undefined) return
  if (typeof ahead?.handle !== 'function') throw new OptionError(`${name}.ahead must be { handle, needs }`)
  checkSystems(`${name}.ahead`, ahead.needs)
}

function checkSystems(name: string, needs: readonly System[] | undefined): void {
  if (needs === undefined) return
  if (!Array.isArray(needs)) throw new OptionError(`${name}.needs must be a list of ${SYSTEMS.join(', ')}`)
  for (const system of needs as readonly unknown[]) {
    if ((SYSTEMS as readonly unknown[]).includes(system)) continue
    throw new OptionError(`${name}.needs: there is no system ${String(system)}${didYouMean(String(system), SYSTEMS)}`)
  }
}
