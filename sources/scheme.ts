/** How a sender signs: the form of its header, and what is signed. */
export interface Scheme {
  /** The signature's header, as displayed; of several, the first present. */
  headers: readonly string[]
  algorithm: Algorithm
  encoding: 'hex' | 'base64'
  /** Separator of the header's items; undefined: a single item. */
  items?: string | undefined
  /** Separator of an item's key and value; undefined: values only. */
  pair?: string | undefined
  /** The key of signature items. */
  key?: string | undefined
  /** What is signed, with placeholders {body}, {method}, {url}, {timestamp}, {id}. */
  template: string
  timestamp?: Timestamp | undefined
  /** The header of {id}; of several, the first present. */
  id?: readonly string[] | undefined
  /** The value of {url}. */
  url?: string | undefined
  /** Accept lower-case hex digits only. */
  lowerCase?: boolean
}

export type Algorithm = keyof typeof DIGEST_BYTES

/** A Unix time, in its own header or in an item of the signature's header. */
export interface Timestamp {
  headers?: readonly string[] | undefined
  key?: string | undefined
  unit: 's' | 'ms'
}

export const DIGEST_BYTES = { sha1: 20, sha256: 32, sha512: 64 }

/** Stripe sends one signature per valid secret: two during a rotation. */
const MAX_SIGNATURES = 16

export interface Items {
  signatures: Buffer[]
  /** undefined: none, or more than one. */
  timestamp: string | undefined
}

/**
 * Parses a signature's header. Items that are neither the timestamp nor a well-formed signature are ignored, as in
 * Stripe's own library: they may belong to other schemes.
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
      // Node joins repeated headers with a comma and a space: trim, so that a second timestamp is noticed.
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

/** The bytes of a signature; undefined: malformed. Base64 must be in its canonical form. */
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

/** The expected form of the header, for errors. */
export function formOf({ algorithm, encoding, items = '', pair = '', key = '', timestamp }: Scheme): string {
  const bytes = DIGEST_BYTES[algorithm]
  const value = encoding === 'hex' ? `<${bytes * 2} hex digits>` : `<${Math.ceil(bytes / 3) * 4} characters of base64>`
  const time = timestamp?.key === undefined ? '' : `${timestamp.key}${pair}<Unix time>${items}`
  return `${time}${key}${pair}${value}`
}

/** The filled template before and after the body. */
export interface Around {
  before: string
  after: string
}

export interface TemplateValues {
  method: string
  timestamp: string | undefined
  id: string | undefined
}

/** The placeholders of a template, in order. */
export function namesIn(template: string): string[] {
  return [...template.matchAll(NAME)].map(([, name = '']) => name)
}

const NAME = /\{(.*?)\}/g

/** @param scheme its template is valid, and has {body} once */
export function templateFiller({ template, url = '' }: Scheme): (values: TemplateValues) => Around {
  const [before = '', after = ''] = template.split('{body}')
  const [fillBefore, fillAfter] = [filler(before, url), filler(after, url)]
  return values => ({ before: fillBefore(values), after: fillAfter(values) })
}

function filler(template: string, url: string): (values: TemplateValues) => string {
  // Literals and placeholders alternate.
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
