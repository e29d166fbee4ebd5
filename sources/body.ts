import createError from '@fastify/error'
import type { Payload } from '../inbox/contracts.ts'
import { redactSecrets } from '../inbox/redact.ts'
import { isObject } from './json.ts'
import type { BodyKind } from './source.ts'

const MalformedError = createError<[string, string]>('WEBHOOK_MALFORMED', 'The body is not a JSON %s: %s', 400)

const JSON_ONLY: readonly BodyKind[] = ['json']
const FORM = 'application/x-www-form-urlencoded'
const TEXT = 'text/plain'
const TYPES: Record<BodyKind, string> = { json: 'application/json', list: 'application/json', form: FORM, text: TEXT }

/** The content types that a source accepts. */
export function contentTypes({ accepts = JSON_ONLY }: { accepts?: readonly BodyKind[] }): string[] {
  return [...new Set(accepts.map(kind => TYPES[kind]))]
}

/**
 * A body as an object, and as the JSON to be stored, without secrets. For JSON they are overwritten in the request's
 * own bytes, so that nothing later sees them.
 * @throws {MalformedError} it is not of an accepted kind
 */
export function readPayload(
  bytes: Buffer,
  givenType = '',
  accepts: readonly BodyKind[] = JSON_ONLY,
): { payload: Payload; body: Buffer } {
  const contentType = givenType.toLowerCase()
  if (accepts.includes('form') && contentType.startsWith(FORM)) return rewritten(fieldsOf(bytes))
  if (accepts.includes('text') && contentType.startsWith(TEXT)) return rewritten({ text: bytes.toString() })
  redactSecrets(bytes)
  const value = parseJson(bytes, accepts)
  if (isObject(value) && accepts.includes('json')) return { payload: value, body: bytes }
  if (Array.isArray(value) && accepts.includes('list')) return rewrittenList(value)
  const what = isObject(value) ? 'an object' : Array.isArray(value) ? 'an array' : JSON.stringify(value)?.slice(0, 20)
  throw new MalformedError(wanted(accepts), `it is ${what}`)
}

function parseJson(bytes: Buffer, accepts: readonly BodyKind[]): unknown {
  try {
    return JSON.parse(bytes.toString())
  } catch (error) {
    throw new MalformedError(wanted(accepts), (error as Error).message.slice(0, 100))
  }
}

function wanted(accepts: readonly BodyKind[]): string {
  return ['object', 'list'].filter(kind => accepts.includes(kind === 'object' ? 'json' : 'list')).join(' or ')
}

/** A repeated field becomes a list. */
function fieldsOf(bytes: Buffer): Payload {
  const lists = new Map<string, string[]>()
  for (const [name, value] of new URLSearchParams(bytes.toString())) {
    const list = lists.get(name)
    if (list === undefined) lists.set(name, [value])
    else list.push(value)
  }
  return Object.fromEntries([...lists].map(([name, list]) => [name, list.length === 1 ? list[0] : list]))
}

/** JSON nested thousands of levels deep can be parsed, but not serialized. */
function rewrittenList(items: unknown[]): { payload: Payload; body: Buffer } {
  try {
    return rewritten({ items })
  } catch {
    throw new MalformedError('list', 'it is nested too deeply')
  }
}

/** Turns another kind of payload into a JSON object. */
function rewritten(payload: Payload): { payload: Payload; body: Buffer } {
  const body = Buffer.from(JSON.stringify(payload))
  redactSecrets(body)
  return { payload: JSON.parse(body.toString()) as Payload, body }
}
