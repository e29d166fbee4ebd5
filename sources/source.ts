import { hash } from 'node:crypto'
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import type { NewDelivery, Payload } from '../inbox/contracts.ts'
import { deliveryId } from '../inbox/delivery-id.ts'
import { asId } from './json.ts'

/** Who sends webhooks: where they come in, how they are verified, and what each one is. */
export interface Source {
  /** In logs, metrics, filters and commands, and in the option `handlers`. */
  readonly name: string
  /** After the plugin's prefix. */
  readonly path: string
  /** hmac(), a preset, sharedToken(), or a function. */
  readonly verify: Verifier
  /** All events that exist, if they are known: a handler for any other is then refused at the start. */
  readonly events?: readonly string[]
  /** What bodies may be; default: JSON objects only. */
  readonly accepts?: readonly BodyKind[]
  /** What a genuine request is. What it throws is answered 500, and the sender sends it again. */
  identify(received: Received): Identity | Promise<Identity>
  /**
   * What a handler gets of an event's payload; default: the payload as it came. It is called for each attempt, with what
   * the store has. What it throws is the attempt's error: a PermanentError for what nobody can read.
   */
  read?(event: string, payload: Payload): unknown
}

/**
 * json: a JSON object. list: a JSON list, which becomes `payload.items`. form: URL-encoded fields, each a string, or a
 * list of strings if it comes several times. text: `payload.text`, of a plain text.
 */
export type BodyKind = 'json' | 'list' | 'form' | 'text'

/**
 * Looks at a request before its body is read: an Error or false refuses it, true takes it as genuine, and a function
 * decides once the body is there.
 */
export interface Verifier {
  (request: SourceRequest): Verdict | BodyCheck
  /** A query parameter that is a secret: it is covered in the request's URL before anything can log it. */
  readonly secretQuery?: string
}

/** True: genuine. An Error is answered 401 with its code and its message, unless it has a statusCode of its own. */
export type Verdict = boolean | Error
/** Gets the exact bytes, as they came. */
export type BodyCheck = (body: Buffer) => Verdict | Promise<Verdict>

/** What can be known of a request before its body is read. */
export interface SourceRequest {
  readonly method: string
  /** Path and query, as they came: behind a proxy not what the sender called. */
  readonly url: string
  readonly headers: IncomingHttpHeaders
  readonly query: unknown
  readonly raw: IncomingMessage
}

/** A genuine request, to be identified. */
export class Received {
  readonly headers: IncomingHttpHeaders
  /** What the body says, without the secrets in it. Every field came from outside. */
  readonly payload: Payload
  /** The payload as JSON: what the store keeps. */
  readonly body: Buffer
  readonly #hashed: Buffer

  /** @param hashed what hash() is of, if not of `body`: the bytes as they came */
  constructor(headers: IncomingHttpHeaders, payload: Payload, body: Buffer, hashed = body) {
    this.headers = headers
    this.payload = payload
    this.body = body
    this.#hashed = hashed
  }

  /** A header that is there, and not empty. */
  header(name: string): string | undefined {
    const value = this.headers[name.toLowerCase()]
    return typeof value === 'string' && value !== '' ? value : undefined
  }

  /** A string or a number in the payload, as a string, such as `data.object.id`. */
  field(path: string): string | undefined {
    let value: unknown = this.payload
    for (const name of path.split('.')) {
      if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined
      value = (value as Record<string, unknown>)[name]
    }
    return typeof value === 'string' ? value || undefined : asId(value)
  }

  /** SHA-256 of the body, hex: the same for the same bytes. */
  hash(): string {
    return hash('sha256', this.#hashed)
  }
}

/** What a request is: a delivery, or nothing that anybody handles. */
export type Identity = Identified | Ignored | Answered

/** Values come from outside: whatever is no string that is not empty counts as missing. */
export interface Identified {
  /** None: the request is ignored. */
  event: unknown
  /** What makes it the same delivery when it comes again. None: the hash of its body. */
  key?: unknown
  /** Deliveries with one ordering key are handled one at a time, in order, whatever their source. None: by itself. */
  orderingKey?: unknown
  /** Why no handler can read it: it is kept as dead, for a person to see. */
  unreadable?: string | undefined
  ignored?: undefined
  answer?: undefined
}

/** Answered 200 and not kept. */
export interface Ignored {
  /** Why, for the log. */
  ignored: string
  event?: unknown
  /** A person should look at why. Not of an event that nothing handles anyway. */
  warn?: boolean
  answer?: undefined
}

/** Answered 200 with this, as JSON, and not kept: a sender's question whether the URL is ours. */
export interface Answered {
  answer: object
}

/** A longer key would not fit into an index of PostgreSQL, bytes. */
const MAX_KEY_BYTES = 2_000

/** The delivery of a request that was identified; what has no ordering key is a mailbox of its own. */
export function newDelivery(source: string, event: string, identified: Identified, received: Received): NewDelivery {
  const { payload, body } = received
  const { unreadable } = identified
  const key = shortened(identified.key) ?? `hash:${received.hash()}`
  const id = deliveryId(source, key)
  return {
    id,
    source,
    event,
    key,
    orderingKey: shortened(identified.orderingKey) ?? `delivery:${id}`,
    payload,
    body,
    receivedAt: Date.now(),
    ...(unreadable !== undefined && { unreadable }),
  }
}

/** A key of any length, as one that every store keeps. */
function shortened(key: unknown): string | undefined {
  if (typeof key !== 'string') return asId(key)
  if (key === '') return undefined
  return Buffer.byteLength(key) <= MAX_KEY_BYTES ? key : `hash:${hash('sha256', key)}`
}
