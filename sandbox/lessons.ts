import { DatabaseSync } from 'node:sqlite'
import { DateTime } from 'luxon'
import type { BookedLesson, Interval } from '../calendar/contract.ts'
import { readSlots, type SlotRow } from '../calendar/sqlite-statements.ts'

/** What the service's calendar holds in a week, in order of start. */
export interface Week {
  /** And those whose payment is under way. */
  lessons: BookedLesson[]
  /** Times held for an order until they are paid, or until then (Unix ms). */
  holds: (Interval & { until: number })[]
}

/** Looks into the store's file beside the service, which need not run. */
export function readLessons({ file, zone, now }: { file: string; zone: string; now(): number }) {
  return {
    /** @param from Unix ms: where the week begins */
    async week(from: number): Promise<Week> {
      const to = DateTime.fromMillis(from, { zone }).plus({ weeks: 1 }).toMillis()
      const db = new DatabaseSync(file, { readOnly: true })
      try {
        const slots = [...readSlots(db, now())]
          .filter(({ start_at, end_at }) => start_at < to && end_at > from)
          .sort((one, other) => one.start_at - other.start_at)
        return {
          lessons: slots.filter(isLesson).map(lessonOf),
          holds: slots.filter(slot => !isLesson(slot)).map(holdOf),
        }
      } finally {
        db.close()
      }
    },
  }
}

/** Or one whose payment is under way: only those have a student. */
function isLesson({ hold_until, conversation }: SlotRow): boolean {
  return hold_until === null || conversation !== null
}

function holdOf({ start_at, end_at, hold_until }: SlotRow): Week['holds'][number] {
  return { start: start_at, end: end_at, until: hold_until as number }
}

function lessonOf(slot: SlotRow): BookedLesson {
  return {
    order: slot.order_id,
    start: slot.start_at,
    end: slot.end_at,
    student: slot.student as string,
    service: slot.service as string,
    payment: slot.payment,
    conversation: slot.conversation as string,
    changedAt: slot.changed_at as number | null,
    sequence: slot.sequence as number,
    ...(slot.hold_until !== null && { isHeld: true }),
  }
}
