import { asText } from '../sources/json.ts'
import type { Conversation } from './conversation.ts'
import { isoTime, parseTime } from './times.ts'

/** Which times were offered last, and what was asked about the only one: the conversation's attribute `offered_slots`. */

/** Start times offered last, Unix ms. */
export function offeredOf({ attributes }: Conversation): number[] {
  const texts = asText(attributes.offered_slots)?.split(' ') ?? []
  return texts.map(parseTime).filter(at => at !== undefined)
}

/** After the only time: the student was asked whether it shall be this one. */
const ASKED = ' ?'
/** Or whether it shall be this one every week. */
const WEEKLY = ' ? every week'

/** @param at Unix ms @param zone the tutor's, IANA */
export function askedTime(at: number, zone: string, isWeekly = false): string {
  return `${isoTime(at, zone)}${isWeekly ? WEEKLY : ASKED}`
}

/** The time that the last question was about, Unix ms. */
export function askedTimeOf(conversation: Conversation): number | undefined {
  return isAsked(conversation, ASKED) || isWeeklyAsked(conversation) ? offeredOf(conversation)[0] : undefined
}

/** Whether that question was for each week. */
export function isWeeklyAsked(conversation: Conversation): boolean {
  return isAsked(conversation, WEEKLY)
}

function isAsked({ attributes }: Conversation, how: string): boolean {
  return asText(attributes.offered_slots)?.endsWith(how) === true
}
