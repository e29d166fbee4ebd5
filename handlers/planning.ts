import type { Planning, Tutor } from '../tutor/tutor.ts'
import type { Segment } from './segment.ts'

/** When lessons of one length can be booked. */
export interface PlanningProfile extends Planning {
  /** Duration of a lesson. */
  minutes: number
}

/** When a contact of a segment can have a lesson. */
export function profileOf(
  { planning }: Pick<Tutor, 'planning'>,
  segment: Segment,
  { type, minutes }: { type: 'trial' | 'regular'; minutes: number },
): PlanningProfile {
  return { ...planning[type === 'trial' ? 'trial' : segment], minutes }
}
