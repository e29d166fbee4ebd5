/** The groups that planning and prices go by. */
export type Segment = 'weekend' | 'returning_broadcast' | 'existing' | 'new'

const SEGMENTS: readonly unknown[] = ['weekend', 'returning_broadcast', 'existing', 'new'] satisfies Segment[]

/** Attributes that only somebody has who has been here before. */
const EXISTING = [
  'customer_since',
  'has_paid_lesson',
  'has_completed_intake',
  'intake_completed',
  'trial_lesson_completed',
  'lesson_booked',
]

/** The segment of a contact, from its attributes; the first rule that fits. */
export function segmentOf(attributes: Record<string, unknown>): Segment {
  if (SEGMENTS.includes(attributes.segment)) return attributes.segment as Segment
  if (attributes.weekend_whitelisted) return 'weekend'
  if (attributes.returning_broadcast) return 'returning_broadcast'
  const known = EXISTING.some(name => attributes[name]) || attributes.customer_status === 'active'
  return known ? 'existing' : 'new'
}
