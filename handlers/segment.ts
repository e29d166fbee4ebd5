/** Groups of contacts with their own planning and prices. */
export type Segment = 'weekend' | 'returning_broadcast' | 'existing' | 'new'

const SEGMENTS: readonly unknown[] = ['weekend', 'returning_broadcast', 'existing', 'new'] satisfies Segment[]

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
  if (SEGMENTS.includes(attributes.segment)) return attributes.segment as Segment
  if (attributes.weekend_whitelisted) return 'weekend'
  if (attributes.returning_broadcast) return 'returning_broadcast'
  const known = EXISTING.some(name => attributes[name]) || attributes.customer_status === 'active'
  return known ? 'existing' : 'new'
}
