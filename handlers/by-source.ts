import type { Logger } from '../inbox/contracts.ts'
import { OptionError } from '../inbox/errors.ts'
import { didYouMean } from '../inbox/nearest-name.ts'
import { asObject, isObject } from '../sources/json.ts'
import type { Handlers } from '../sources/payloads.ts'
import type { Source } from '../sources/source.ts'
import type { HandlersByEvent } from './all.ts'

/** A source, and the events that it has, if they are known. */
type Named = Pick<Source, 'name' | 'events'>

/**
 * A host's handlers by source and event. Checked at registration: the first webhook to reveal a mistake would already
 * have its 200.
 * @throws {OptionError} that names the handler
 */
export function handlersBySource(
  given: Handlers,
  sources: readonly Named[],
  log: Logger,
): Record<string, HandlersByEvent> {
  if (!isObject(given)) throw new OptionError('handlers must be an object of handlers by source')
  const bySource: Record<string, HandlersByEvent> = {}
  const flat: Record<string, HandlersByEvent> = {}
  for (const [name, value] of Object.entries(given)) {
    const source = sources.find(source => source.name === name)
    if (source !== undefined) bySource[name] = handlersOf(source, value)
    else addFlat(name, value, sources, flat)
  }
  if (Object.keys(flat).length > 0) warnOfFlat(flat, log)
  for (const [name, handlers] of Object.entries(flat)) bySource[name] = { ...handlers, ...bySource[name] }
  return bySource
}

function handlersOf(source: Named, given: unknown = {}): HandlersByEvent {
  const option = `handlers.${source.name}`
  if (!isObject(given)) throw new OptionError(`${option} must be an object of handlers by event`)
  const handlers = Object.entries(given).filter(([, handler]) => handler !== undefined)
  // Without a list of its events, the pair would be registered as handlers of events with these names.
  if (source.events === undefined && handlers.length > 0 && handlers.every(([name]) => HANDLER_PARTS.includes(name)))
    throw new OptionError(`${option} must be an object of handlers by event: { <event>: { handle, gaveUp } }`)
  for (const [event, handler] of handlers) {
    checkEvent(`${option}.${event}`, source, event)
    checkHandler(`${option}.${event}`, handler)
  }
  return Object.fromEntries(handlers) as HandlersByEvent
}

const HANDLER_PARTS = ['handle', 'gaveUp', 'needs', 'ahead', 'quiet']

/** The old form, by event alone: names with a dot were Stripe's, the others Chatwoot's. */
function addFlat(
  event: string,
  handler: unknown,
  sources: readonly Named[],
  flat: Record<string, HandlersByEvent>,
): void {
  const isOfSource = isObject(handler) && !('handle' in handler) && !('gaveUp' in handler)
  if (isOfSource) {
    const nearest = didYouMean(
      event,
      sources.map(({ name }) => name),
    )
    throw new OptionError(`handlers.${event}: there is no source ${event}${nearest}`)
  }
  checkHandler(`handlers.${event}`, handler)
  const name = event.includes('.') ? 'stripe' : 'chatwoot'
  checkEvent(`handlers.${event}`, sources.find(source => source.name === name) as Named, event)
  flat[name] = { ...flat[name], [event]: handler }
}

function warnOfFlat(flat: Record<string, HandlersByEvent>, log: Logger): void {
  const quoted = (event: string) => (/^\w+$/.test(event) ? event : `'${event}'`)
  const parts = Object.entries(flat).map(
    ([source, handlers]) => `${source}: { ${Object.keys(handlers).map(quoted).join(', ')} }`,
  )
  log.warn(
    `handlers without a source are deprecated: write handlers: { ${parts.join(', ')} }. The old form stops working in the next version`,
  )
}

function checkEvent(option: string, { name, events }: Named, event: string): void {
  if (events === undefined || events.includes(event)) return
  throw new OptionError(`${option}: ${name} has no event ${event}${didYouMean(event, events)}`)
}

function checkHandler(option: string, handler: unknown): asserts handler is HandlersByEvent[string] {
  const { handle, gaveUp } = asObject(handler)
  const parts = typeof handler === 'function' ? [handler] : [handle, gaveUp]
  if (parts.some(part => typeof part !== 'function'))
    throw new OptionError(`${option} must be a function, or { handle, gaveUp } of two functions`)
}
