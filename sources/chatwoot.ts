import { hash } from 'node:crypto'
import createError from '@fastify/error'
import type { Logger, Payload } from '../inbox/contracts.ts'
import { OptionError } from '../inbox/errors.ts'
import { CHATWOOT_EVENTS, choiceOf, readSubmittedValues } from './chatwoot-payloads.ts'
import { checkedVerifier } from './check.ts'
import { isDirectLoopback } from './direct.ts'
import { asId, asObject, asText } from './json.ts'
import { conversationKey, keyPart } from './keys.ts'
import type { Scheme } from './scheme.ts'
import { firstHeader, secretKeys, signatureVerifier, validTolerance, warnIfLong } from './signature.ts'
import type { Identified, Source, Verifier } from './source.ts'

export interface ChatwootVerification {
  /** Each webhook, bot and API inbox has its own; keep a rotated one until the new one is in use. */
  secrets?: readonly string[]
  /** Also accept the original TutorBot's scheme, a bare hex HMAC of the body without a timestamp. Default true. */
  legacySignature?: boolean
  /** Without a secret: accept requests from anywhere. Default false: only direct requests from this machine. */
  allowUnsigned?: boolean
  /**
   * Maximum age of a signature, s, from 30 to 86,400; default 300. Raise it for gateways that forward late: whoever
   * obtains a signed request can replay it for that long.
   */
  toleranceSeconds?: number | undefined
  /** Replaces all of these: for example sharedToken() for what Chatwoot does not sign (before 4.11.2, and macros). */
  verify?: Verifier
}

export interface ChatwootSourceOptions {
  /** Default `/cw`. */
  path?: string | undefined
  verify: Verifier
  /** The configured account: events of others are ignored, and events without an account are attributed to it. */
  accountId?: string | undefined
  /** Only these inboxes' events are handled. Default: all. */
  inboxIds?: readonly number[] | undefined
}

export const UnsignedRefusedError = createError<[]>(
  'WEBHOOK_UNSIGNED_REFUSED',
  'There is no secret to verify this with, so only direct requests from this machine to localhost or 127.0.0.1 are accepted; set CW_HMAC_SECRET (chatwoot.secrets)',
  401,
)

/** `X-Chatwoot-Signature: sha256=<hex>` and `X-Chatwoot-Timestamp` */
const SCHEME: Scheme = {
  headers: ['X-Chatwoot-Signature'],
  algorithm: 'sha256',
  encoding: 'hex',
  pair: '=',
  key: 'sha256',
  template: '{timestamp}.{body}',
  timestamp: { headers: ['X-Chatwoot-Timestamp'], unit: 's' },
}
const SIGNATURE_HEADERS = SCHEME.headers.map(name => name.toLowerCase())
/** The original TutorBot's: bare hex, body only. */
const LEGACY_SCHEME: Scheme = { headers: SCHEME.headers, algorithm: 'sha256', encoding: 'hex', template: '{body}' }

/** @param now Unix time, ms @throws {OptionError} */
export function chatwootVerifier(options: ChatwootVerification, log: Logger, now = Date.now): Verifier {
  const { secrets, legacySignature = true, allowUnsigned = false, toleranceSeconds } = options
  const keys = secretKeys('chatwoot.secrets', secrets)
  const tolerance = validTolerance('chatwoot.toleranceSeconds (CW_TOLERANCE_SECONDS)', toleranceSeconds)
  if (options.verify !== undefined) return checkedVerifier('chatwoot.verify', options.verify)
  if (keys.length === 0) return unsignedVerifier(allowUnsigned, log)
  warnIfLong(log, tolerance, 'CW_TOLERANCE_SECONDS')
  const verify = signatureVerifier({ scheme: SCHEME, keys, tolerance, now })
  const verifyLegacy = signatureVerifier({ scheme: LEGACY_SCHEME, keys, tolerance, now })
  const isLegacy = (header = '') => legacySignature && /^[0-9a-f]{64}$/i.test(header)
  const either: Verifier = request =>
    isLegacy(firstHeader(request.headers, SIGNATURE_HEADERS)) ? verifyLegacy(request) : verify(request)
  return Object.assign(either, { signatureHeaders: SIGNATURE_HEADERS })
}

function unsignedVerifier(allowUnsigned: boolean, log: Logger): Verifier {
  log.warn(
    allowUnsigned
      ? 'Chatwoot deliveries are NOT verified and accepted from anywhere: CW_ALLOW_UNSIGNED is set'
      : 'Chatwoot deliveries are not verified, and accepted from this machine only: CW_HMAC_SECRET is not set',
  )
  const verify: Verifier = request => allowUnsigned || isDirectLoopback(request) || new UnsignedRefusedError()
  return Object.assign(verify, { signatureHeaders: SIGNATURE_HEADERS })
}

/** @throws {OptionError} */
export function chatwootSource({ path = '/cw', verify, accountId, inboxIds }: ChatwootSourceOptions): Source {
  const inboxes = validInboxes(inboxIds)
  return {
    name: 'chatwoot',
    path,
    verify,
    events: CHATWOOT_EVENTS,
    identify(received) {
      const { payload } = received
      const event = asText(payload.event)
      if (event === undefined) return { event }
      const account = asId(asObject(payload.account).id) ?? accountId
      if (accountId !== undefined && account !== accountId) {
        return { event, ignored: `account ${account}, not ${accountId} (CW_ACC_ID)`, warn: true }
      }
      const inbox = inboxOf(payload)
      if (inboxes !== undefined && inbox !== undefined && !inboxes.has(inbox)) {
        return { event, ignored: `inbox ${inbox}, not among CW_INBOX_IDS` }
      }
      const dispatch = () => received.header('x-chatwoot-delivery') ?? received.hash()
      return identifyChatwoot(event, account, payload, dispatch)
    },
  }
}

/**
 * Identifies a Chatwoot event: its key and its ordering key.
 * @param dispatch distinguishes dispatches of an event that can happen again
 */
export function identifyChatwoot(
  event: string,
  account: string | undefined,
  payload: Payload,
  dispatch: () => string,
): Identified {
  const conversation = conversationOf(event, payload)
  const entity = asId(payload.id)
  const unreadable = problemOf(event, account, conversation, entity)
  if (unreadable !== undefined) {
    const key = `unreadable:${dispatch()}_${event}`
    return { event, key, unreadable }
  }
  const ids = (event.startsWith('conversation_') ? [conversation] : [conversation, entity])
    .filter(id => id !== undefined)
    .map(keyPart)
    .join('_')
  const once = event.endsWith('_created') && ids !== ''
  const key = `${keyPart(`${account}`)}:${ids}_${event}${once ? '' : repetition(event, payload, dispatch)}`
  return { event, key, orderingKey: orderingKeyOf(event, account, conversation, payload) }
}

/** undefined: an event of no inbox, such as a contact's. */
function inboxOf({ inbox, inbox_id, conversation, current_conversation }: Payload): string | undefined {
  return asId(asObject(inbox).id) ?? asId(inbox_id) ?? asId(asObject(conversation ?? current_conversation).inbox_id)
}

function validInboxes(ids: readonly number[] | undefined): Set<string> | undefined {
  if (ids === undefined) return undefined
  const isId = (id: unknown) => Number.isSafeInteger(id) && Number(id) > 0
  if (!Array.isArray(ids) || ids.length === 0 || !ids.every(isId)) {
    throw new OptionError("chatwoot.inboxIds (CW_INBOX_IDS) must be a list of inboxes' ids, which are numbers")
  }
  return new Set(ids.map(String))
}

/** `conversation.id` of a message, `id` of a conversation's own events: the display id, unique per account. */
function conversationOf(event: string, payload: Payload): string | undefined {
  const nested = asId(asObject(payload.conversation ?? payload.current_conversation).id)
  return nested ?? (event.startsWith('conversation_') ? asId(payload.id) : undefined)
}

function problemOf(event: string, account?: string, conversation?: string, entity?: string): string | undefined {
  if (account === undefined) return 'account.id is missing or not an id, and CW_ACC_ID is not set'
  if (event.startsWith('message_') && conversation === undefined) return 'conversation.id is missing or not an id'
  if (event.startsWith('conversation_')) return conversation === undefined ? 'id is missing or not an id' : undefined
  // Events of inboxes have no id.
  const hasId = event.startsWith('message_') || event.startsWith('contact_')
  return hasId && entity === undefined ? 'id is missing or not an id' : undefined
}

/** Distinguishes occurrences of an event. */
function repetition(event: string, payload: Payload, dispatch: () => string): string {
  const submitted = readSubmittedValues(asObject(payload.content_attributes).submitted_values, '')
  if (event === 'message_updated' && submitted.length > 0)
    return `_${hash('sha256', JSON.stringify(submitted.map(choiceOf)))}`
  return `_${dispatch()}`
}

function orderingKeyOf(event: string, account?: string, conversation?: string, payload?: Payload): string | undefined {
  if (conversation !== undefined) return conversationKey(account, conversation)
  const contact = event.startsWith('contact_') ? asId(payload?.id) : asId(asObject(payload?.contact).id)
  return contact === undefined ? undefined : `contact:${keyPart(`${account}`)}:${keyPart(contact)}`
}
