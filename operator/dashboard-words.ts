import type { DeliveryState } from '../inbox/contracts.ts'
import type { TimelineEntry } from './views.ts'

/** The operator page's words for tutors, shown beside the technical terms. */

export const STATE_WORDS: Record<DeliveryState, string> = {
  pending: 'Waiting for its turn',
  done: 'Handled',
  parked: 'Will be retried automatically',
  dead: 'Needs a person',
  discarded: 'Discarded',
  scheduled: 'Scheduled for later',
  quarantined: 'Refused, and kept',
}

const TIMELINE_WORDS: Record<TimelineEntry['what'], string> = {
  accepted: 'Accepted and stored',
  scheduled: 'Scheduled',
  refused: 'Refused, and kept',
  failed: 'failed; will be retried',
  crashed: 'was interrupted: the process ended',
  parked: 'failed; will be retried automatically, out of order',
  dead: 'failed; given up, needs a person',
  noted: 'Its handler noted',
  replayed: 'A person replayed it',
  discarded: 'A person discarded it',
  forgotten: 'A person erased its content',
  started: 'is in progress',
  done: 'Handled',
  due: 'Next attempt',
}

export function timelineWords({ what, attempt }: TimelineEntry): string {
  const words = TIMELINE_WORDS[what]
  if (what === 'refused' && attempt !== null) return 'Verified again, and still refused'
  if (attempt === null) return what === 'dead' ? 'Given up: it can’t be read' : words
  return what === 'done' ? `Handled, at attempt ${attempt}` : `Attempt ${attempt} ${words}`
}

/** The notice after a form was sent, from the address's query. */
export function noticeOf({ done, count, given }: Record<string, unknown>): string | undefined {
  if (done === 'replayed') return 'Replayed. It is being handled again; this page follows it.'
  if (done === 'verified' && typeof count === 'string' && /^\d{1,9}$/.test(count))
    return verifiedText(Number(count), given)
  if (done === 'deleted') return 'Deleted from quarantine.'
  if (done === 'discarded') return 'Discarded. It will not be retried.'
  if (done === 'given-back' && typeof given === 'string' && /^\d{1,15}$/.test(given)) {
    return `Conversation ${given} was given back to the bot.`
  }
  if (done === 'given-back') return 'Given back to the bot.'
  if (done === 'ending') return 'Asked for: it ends in a moment, and the student is told.'
  if (done === 'unblocked') return 'Unblocked: lessons can be had then.'
  if (done === 'blocked') return `Blocked.${lessonsThatStay(count)}`
  if (done === 'replayed-many' && typeof count === 'string' && /^\d{1,9}$/.test(count)) {
    return `${deliveries(Number(count))} replayed.`
  }
  return undefined
}

/** @param left how many are still refused */
function verifiedText(count: number, left: unknown): string {
  const rest = typeof left === 'string' && /^[1-9]\d{0,8}$/.test(left)
  return `${deliveries(count)} accepted, or known already.${rest ? ` ${number(Number(left))} still refused: the list says why.` : ''}`
}

function lessonsThatStay(count: unknown): string {
  if (typeof count !== 'string' || !/^[1-9]\d{0,8}$/.test(count)) return ''
  return ` ${count === '1' ? '1 lesson is' : `${number(Number(count))} lessons are`} booked in that time and stay: move or cancel them one by one.`
}

export function deliveries(count: number): string {
  return count === 1 ? '1 delivery' : `${number(count)} deliveries`
}

export function number(value: number): string {
  return value.toLocaleString('en-GB')
}

/** 12 ms, 3.4 s, 2 min. */
export function duration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`
  return ms < 120_000 ? `${(ms / 1_000).toFixed(1)} s` : `${Math.round(ms / 60_000)} min`
}

/** Escapes characters that change the direction of text. */
export function unturned(json: string): string {
  return json.replace(
    /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g,
    character => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
