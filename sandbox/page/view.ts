import { asObject } from '../../sources/json.ts'

export const BASE = '/sandbox'

/** What of the page is looked at; all of it is in the address, so that it survives a form and a reload. */
export interface View {
  /** The conversation that the tutor has open; undefined: the one with the latest message. */
  tutor: number | undefined
  /** The request of the wire that is open. */
  wire: number | undefined
  /** The first of the calendar's 7 days, in weeks from today. */
  week: number
}

/** Weeks that can be looked at, before and after this one. */
const MAX_WEEKS = 52

export function readView(query: unknown): View {
  const { tutor, wire, week } = asObject(query)
  return {
    tutor: numberOf(tutor),
    wire: numberOf(wire),
    week: Math.max(-MAX_WEEKS, Math.min(MAX_WEEKS, numberOf(week) ?? 0)),
  }
}

/** The address of a view, as it is or changed. */
export function hrefOf(view: View, change: Partial<View> = {}, fragment = ''): string {
  const { tutor, wire, week } = { ...view, ...change }
  const query = new URLSearchParams()
  if (tutor !== undefined) query.set('tutor', `${tutor}`)
  if (wire !== undefined) query.set('wire', `${wire}`)
  if (week !== 0) query.set('week', `${week}`)
  return `${BASE}${query.size === 0 ? '' : `?${query}`}${fragment === '' ? '' : `#${fragment}`}`
}

/** Where a form leads back to: a page of the sandbox, and nowhere else. */
export function pathBack(given: unknown): string {
  const url = typeof given === 'string' ? URL.parse(given, 'http://here') : null
  const isOwn = url?.host === 'here' && (url.pathname === BASE || url.pathname.startsWith(`${BASE}/`))
  return isOwn ? url.pathname + url.search + url.hash : BASE
}

function numberOf(value: unknown): number | undefined {
  return typeof value === 'string' && /^-?\d{1,9}$/.test(value) ? Number(value) : undefined
}
