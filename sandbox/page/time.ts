import { DateTime } from 'luxon'
import type { PageContext } from './page.ts'

/** When the next open checkout session expires, Unix ms. */
export function nextExpiry({ world, clock }: Pick<PageContext, 'world' | 'clock'>): number | undefined {
  const times = [...world.stripe.sessions.values()]
    .filter(({ status }) => status === 'open')
    .map(({ expires_at }) => Number(expires_at) * 1_000)
    .filter(at => at > clock.now())
  return times.length === 0 ? undefined : Math.min(...times)
}

/** 9:00 of the next day in the tutor's zone, Unix ms. */
export function tomorrow({ clock, zone }: Pick<PageContext, 'clock' | 'zone'>): number {
  return DateTime.fromMillis(clock.now(), { zone })
    .plus({ days: 1 })
    .set({ hour: 9, minute: 0, second: 0, millisecond: 0 })
    .toMillis()
}
