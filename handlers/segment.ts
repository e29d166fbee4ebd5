import { utcTime } from '../inbox/utc-time.ts'
import { asText, type Json } from '../sources/json.ts'

/** Groups of contacts with their own planning and prices. */
export const SEGMENTS = ['new', 'existing', 'returning_broadcast', 'weekend'] as const

export type Segment = (typeof SEGMENTS)[number]

/** Attributes that only a known contact has. */
const EXISTING = [
  'customer_since',
  'has_paid_lesson',
  'has_completed_intake',
  'intake_completed',
  'trial_lesson_completed',
  'lesson_booked',
]

/** A contact's segment, by the first matching rule. */
export function segmentOf(attributes: Record<string, unknown>): Segment {
  const known = SEGMENTS.find(segment => segment === attributes.segment)
  if (known !== undefined) return known
  if (attributes.weekend_whitelisted) return 'weekend'
  if (attributes.returning_broadcast) return 'returning_broadcast'
  const isCustomer = EXISTING.some(name => attributes[name]) || attributes.customer_status === 'active'
  return isCustomer ? 'existing' : 'new'
}

/** A contact's attributes once a lesson is paid. @param at Unix ms */
export function paidAttributes({ segment, customer_since }: Json, at: number): Json {
  return {
    has_paid_lesson: true,
    ...(segment === 'new' && { segment: 'existing' }),
    customer_since: asText(customer_since) ?? utcTime(at),
  }
}
