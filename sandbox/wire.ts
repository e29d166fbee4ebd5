import { EventEmitter } from 'node:events'

/** What goes between the service and the stand-ins, as it happens. */

export interface WireEntry {
  id: number
  /** When it began, Unix ms. */
  at: number
  /** webhook: to the service. call: from it. */
  kind: 'webhook' | 'call'
  system: 'chatwoot' | 'stripe'
  method: string
  path: string
  /** Of a webhook. */
  event?: string
  /** The id of the message that a webhook is about. */
  message?: number
  /** null: not answered (yet, or at all: see `error`). */
  status: number | null
  /** null: under way. */
  ms: number | null
  error?: string
  request: string
  response: string
  /** The delivery's id in the service. */
  delivery?: string
}

const KEPT = 500

export class Wire {
  /** The latest, the oldest first. */
  readonly entries: WireEntry[] = []
  readonly events = new EventEmitter<{ wire: [WireEntry] }>()
  #lastId = 0

  begin(entry: Omit<WireEntry, 'id' | 'status' | 'ms' | 'response'>): (end: Ending) => WireEntry {
    const began = performance.now()
    const begun: WireEntry = { ...entry, id: ++this.#lastId, status: null, ms: null, response: '' }
    this.entries.push(begun)
    if (this.entries.length > KEPT) this.entries.shift()
    this.events.emit('wire', begun)
    return end => {
      Object.assign(begun, end, { ms: Math.round(performance.now() - began) })
      this.events.emit('wire', begun)
      return begun
    }
  }
}

/** How it ended: with an answer, or without one (`error`). */
export type Ending = Pick<WireEntry, 'status' | 'error' | 'delivery'> & { response?: string }
