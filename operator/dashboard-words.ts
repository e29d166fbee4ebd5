import type { DeliveryState } from '../inbox/contracts.ts'
import type { TimelineEntry } from './views.ts'

/** What the operator's page says, in words for a tutor; the field's terms stand beside them. */

export const STATE_WORDS: Record<DeliveryState, string> = {
  pending: 'Waiting for its turn',
  done: 'Handled',
  parked: 'Tried again by itself',
  dead: 'Needs a person',
  discarded: 'Put aside',
}

const TIMELINE_WORDS: Record<TimelineEntry['what'], string> = {
  accepted: 'Accepted and stored',
  failed: 'failed; it is tried again',
  crashed: 'was cut off: the program ended',
  parked: 'failed; put out of the order, tried again by itself',
  dead: 'failed; given up, a person is needed',
  replayed: 'A person replayed it',
  discarded: 'A person put it aside',
  forgotten: 'A person had its content deleted',
  started: 'is under way',
  done: 'Handled',
  due: 'Next attempt',
}

export function timelineWords({ what, attempt }: TimelineEntry): string {
  const words = TIMELINE_WORDS[what]
  if (attempt === null) return what === 'dead' ? 'Given up: nothing here can read it' : words
  return what === 'done' ? `Handled, at attempt ${attempt}` : `Attempt ${attempt} ${words}`
}

/** What has been done, by the name that the address has for it after a form was sent. */
export function noticeOf({ done, count }: Record<string, unknown>): string | undefined {
  if (done === 'replayed') return 'Replayed. It is handled again now; this page follows it.'
  if (done === 'discarded') return 'Put aside. It is not tried again.'
  if (done === 'replayed-many' && typeof count === 'string' && /^\d{1,9}$/.test(count)) {
    return `${deliveries(Number(count))} replayed.`
  }
  return undefined
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

/** JSON for people: characters that would turn the text's direction around are written out. */
export function unturned(json: string): string {
  return json.replace(
    /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g,
    character => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
