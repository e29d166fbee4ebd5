/** How a sender signs: what its header looks like, and what the signature is of. */
export interface Scheme {
  /** The signature's header, as people write it; of several the first that is there. */
  headers: readonly string[]
  algorithm: Algorithm
  encoding: 'hex' | 'base64'
  /** Between the header's items; undefined: it is one item. */
  items?: string | undefined
  /** Between an item's key and its value; undefined: items are values only. */
  pair?: string | undefined
  /** The key of the items that are signatures. */
  key?: string | undefined
  /** What is signed: {body}, {method}, {url}, {timestamp}, {id} and what stands between them. */
  template: string
  timestamp?: Timestamp | undefined
  /** The headers of {id}; of several the first that is there. */
  id?: readonly string[] | undefined
  /** What {url} stands for. */
  url?: string | undefined
  /** Hex digits are in lower case. */
  lowerCase?: boolean
}

export type Algorithm = keyof typeof DIGEST_BYTES

/** A Unix time, in headers of its own or in an item of the signature's header. */
export interface Timestamp {
  headers?: readonly string[] | undefined
  key?: string | undefined
  unit: 's' | 'ms'
}

export const DIGEST_BYTES = { sha1: 20, sha256: 32, sha512: 64 }

/** Stripe sends a signature for each secret that is valid: two while one is rolled. */
const MAX_SIGNATURES = 16

export interface Items {
  signatures: Buffer[]
  /** Of an item; undefined: there is none, or more than one. */
  timestamp: string | undefined
}

/**
 * Reads a signature's header. What is neither the timestamp nor a well-formed signature belongs to other schemes, or to
 * nobody, and is passed over as Stripe's own library does.
 */
export function itemsReader(scheme: Scheme): (header: string) => Items {
  const { items, pair, key, timestamp } = scheme
  const decode = signatureDecoder(scheme)
  return header => {
    const signatures: Buffer[] = []
    const times: string[] = []
    for (const item of items === undefined ? [header] : header.split(items)) {
      const at = pair === undefined ? -1 : item.indexOf(pair)
      const name = at === -1 ? undefined : item.slice(0, at)
      const value = at === -1 ? item : item.slice(at + (pair as string).length)
      // Two headers are one with a comma and a space: a second time is seen although it is not read.
      if (timestamp?.key !== undefined && (name ?? item).trim() === timestamp.key)
        times.push(name === timestamp.key ? value : '')
      else if (name === key && signatures.length < MAX_SIGNATURES) {
        const signature = decode(value)
        if (signature !== undefined) signatures.push(signature)
      }
    }
    return { signatures, timestamp: times.length === 1 ? times[0] : undefined }
  }
}

/** The bytes of a signature; undefined: it is none. Base64 of the same bytes that is written otherwise is none either. */
function signatureDecoder({ algorithm, encoding, lowerCase = false }: Scheme): (value: string) => Buffer | undefined {
  const bytes = DIGEST_BYTES[algorithm]
  if (encoding === 'hex') {
    const wellFormed = new RegExp(`^[0-9a-f]{${bytes * 2}}$`, lowerCase ? '' : 'i')
    return value => (wellFormed.test(value) ? Buffer.from(value, 'hex') : undefined)
  }
  return value => {
    const decoded = Buffer.from(value, 'base64')
    return decoded.length === bytes && decoded.toString('base64') === value ? decoded : undefined
  }
}

/** What the header should look like, for an error. */
export function formOf({ algorithm, encoding, items = '', pair = '', key = '', timestamp }: Scheme): string {
  const bytes = DIGEST_BYTES[algorithm]
  const value = encoding === 'hex' ? `<${bytes * 2} hex digits>` : `<${Math.ceil(bytes / 3) * 4} characters of base64>`
  const time = timestamp?.key === undefined ? '' : `${timestamp.key}${pair}<Unix time>${items}`
  return `${time}${key}${pair}${value}`
}

/** What a request's values make of the template: what is signed before the body, and after it. */
export interface Around {
  before: string
  after: string
}

export interface TemplateValues {
  method: string
  timestamp: string | undefined
  id: string | undefined
}

/** The names in a template, in order. */
export function namesIn(template: string): string[] {
  return [...template.matchAll(NAME)].map(([, name = '']) => name)
}

const NAME = /\{(.*?)\}/g

/** @param scheme its template names what there is, and the body once */
export function templateFiller({ template, url = '' }: Scheme): (values: TemplateValues) => Around {
  const [before = '', after = ''] = template.split('{body}')
  const [fillBefore, fillAfter] = [filler(before, url), filler(after, url)]
  return values => ({ before: fillBefore(values), after: fillAfter(values) })
}

function filler(template: string, url: string): (values: TemplateValues) => string {
  // Texts and names in turn.
  const parts = template.split(NAME)
  return values => {
    let text = ''
    for (const [index, part] of parts.entries()) {
      if (index % 2 === 0) text += part
      else text += part === 'url' ? url : values[part as keyof TemplateValues]
    }
    return text
  }
}
