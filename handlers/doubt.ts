import type { HandlerContext } from '../inbox/drain.ts'
import type { Services } from './services.ts'

/** Stripe's times are whole seconds, rounded down, ms. */
const ROUNDED_MS = 1_000

/**
 * No step counts as never tried if what asks for it happened before this process began: the store may be one from a
 * backup, which does not know of what was done after it.
 * @param at when that happened, Unix ms; undefined: not known
 */
export function withDoubt(
  context: HandlerContext,
  at: number | undefined,
  { startedAt }: Pick<Services, 'startedAt'>,
): HandlerContext {
  if (at !== undefined && at + ROUNDED_MS > startedAt) return context
  return { ...context, once: (key, step) => context.once(key, () => step(true)) }
}
