import { hash } from 'node:crypto'
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import type { NewDelivery, Payload } from '../inbox/contracts.ts'
import { deliveryId } from '../inbox/delivery-id.ts'
import { asId } from './json.ts'

/** A sender of webhooks: its path, how its requests are verified, and how they are identified. */
export interface Source {
  /** Used in logs, metrics, filters and commands, and in the option `handlers`. */
  readonly name: string
  /** After the plugin's prefix. */
  readonly path: string
  /** hmac(), a preset, sharedToken(), or a function. */
  readonly verify: Verifier
  /** All existing events, if known: a handler for any other is refused at start. */
  readonly events?: readonly string[]
  /** Accepted kinds of bodies; default: JSON objects only. */
  readonly accepts?: readonly BodyKind[]
  /** Identifies a verified request. If it throws, or takes over 5 s, the answer is 500 and the sender retries. */
  identify(received: Received): Identity | Promise<Identity>
  /**
   * Converts a payload for handlers; default: unchanged. Called for each attempt, with the stored payload. What it
   * throws is the attempt's error: a PermanentError if nobody can read it.
   */
  read?(event: string, payload: Payload): unknown
}

/**
 * json: a JSON object. list: a JSON list, as `payload.items`. form: URL-encoded fields; each is a string, or a list of
 * strings if repeated. text: plain text, as `payload.text`.
 */
export type BodyKind = 'json' | 'list' | 'form' | 'text'

/**
 * Checks a request before its body is read: an Error or false refuses it, true accepts it, and a function decides once
 * the body has been read.
 */
export interface Verifier {
  (request: SourceRequest): Verdict | BodyCheck
  /** A secret query parameter: redacted in the request's URL before anything can log it. */
  readonly secretQuery?: string
  /**
   * The headers that hold a signature of the body, in lower case. A refused request with one of them can be kept in
   * quarantine; without this property none is. Never name a header that holds a token: it would be stored.
   */
  readonly signatureHeaders?: readonly string[]
}

/** true: genuine. An Error is answered 401 with its code and message, unless it has its own statusCode. */
export type Verdict = boolean | Error
/** Receives the raw bytes. */
export type BodyCheck = (body: Buffer) => Verdict | Promise<Verdict>

/** A request before its body is read. */
export interface SourceRequest {
  readonly method: string
  /** Path and query as received; behind a proxy they may differ from what the sender called. */
  readonly url: string
  readonly headers: IncomingHttpHeaders
  readonly query: unknown
  readonly raw: IncomingMessage
  /** Of a quarantined request that is verified again: when it came, Unix ms. A timestamp's age is judged by it. */
  readonly quarantinedAt?: number
}

/** A verified request, to be identified. */
export class Received {
  readonly headers: IncomingHttpHeaders
  /** The body, without secrets. Its content comes from outside. */
  readonly payload: Payload
  /** The payload as JSON, as stored. */
  readonly body: Buffer
  readonly #hashed: Buffer

  /** @param hashed what hash() covers: `body`, or the raw bytes */
  constructor(headers: IncomingHttpHeaders, payload: Payload, body: Buffer, hashed = body) {
    this.headers = headers
    this.payload = payload
    this.body = body
    this.#hashed = hashed
  }

  /** A header, if present and not empty. */
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

/** What a request is: a delivery, or something that needs no handling. */
export type Identity = Identified | Ignored | Answered

/** Values come from outside: anything but a non-empty string counts as missing. */
export interface Identified {
  /** None: the request is ignored. */
  event: unknown
  /** Identifies the delivery when it is sent again. None: the hash of its body. */
  key?: unknown
  /** Deliveries with the same ordering key are handled one at a time, in order, across sources. None: on its own. */
  orderingKey?: unknown
  /** Why it can't be read: it is stored as dead, for a person to see. */
  unreadable?: string | undefined
  ignored?: undefined
  answer?: undefined
}

/** Answered 200 and not stored. */
export interface Ignored {
  /** Why, for the log. */
  ignored: string
  event?: unknown
  /** A person should look into it. Has no effect on events without a handler. */
  warn?: boolean
  answer?: undefined
}

/** Answered 200 with this JSON, and not stored: for a sender that checks whether the URL is ours. */
export interface Answered {
  answer: object
}

/** Longer keys don't fit into a PostgreSQL index, bytes. */
const MAX_KEY_BYTES = 2_000

/**
 * The delivery of an identified request. Without an ordering key it gets a mailbox of its own.
 * @param receivedAt Unix ms
 */
export function newDelivery(
  source: string,
  event: string,
  identified: Identified,
  received: Received,
  receivedAt: number,
): NewDelivery {
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
    receivedAt,
    ...(unreadable !== undefined && { unreadable }),
  }
}

/** Shortens a key to a length that every store can keep. */
function shortened(key: unknown): string | undefined {
  if (typeof key !== 'string') return asId(key)
  if (key === '') return undefined
  return Buffer.byteLength(key) <= MAX_KEY_BYTES ? key : `hash:${hash('sha256', key)}`
}
