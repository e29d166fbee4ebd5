import type { Command } from 'commander'
import { openCalendar } from '../backends/index.ts'
import { type BookedLesson, ERASED, type LocalCalendar } from '../calendar/contract.ts'
import type { LessonPackage } from '../calendar/packages.ts'
import type { WeeklyTime } from '../calendar/weekly.ts'
import type { DeliveryFilter, Store, StoredDelivery } from '../inbox/contracts.ts'
import { StoreMissingError, StoreOpenError } from '../inbox/errors.ts'
import { identifyChatwoot } from '../sources/chatwoot.ts'
import { asId, asObject, asText, isObject, type Json } from '../sources/json.ts'
import { conversationOfMetadata } from '../sources/stripe-payloads.ts'
import { CommandError, UsageError } from './output.ts'

/** Whose data is meant, and what is theirs: the same for `export` and `forget`. */

export interface PersonOptions {
  contact?: string
  conversation?: string[]
  value?: string[]
}

export interface Person {
  contact: string | undefined
  account: string | undefined
  /** Ordering keys. */
  conversations: Set<string>
  /**
   * Those that only quarantined deliveries name. These can be forged: another's conversation does not become theirs, but
   * what is quarantined for it may be erased.
   */
  suspected: Set<string>
  /** In lower case. */
  values: Set<string>
}

/** Payloads in memory at once; one may have 4 MiB. */
const READ_AT_ONCE = 50
/** The latest time in a calendar, Unix ms. */
const FOR_EVER = 8.64e15

export function withPerson(command: Command): Command {
  return command
    .option('--contact <id>', "Chatwoot's id of the contact")
    .option('--conversation <ids...>', 'further conversations of this person, if their payloads are already deleted')
    .option('--value <texts...>', 'deliveries of any source containing one of these values, such as an e-mail address')
}

/** For the help of these commands. */
export const HOW_FOUND = `the contact's deliveries, those of the contact's conversations, and payments whose metadata names either; and
deliveries of any source in which a field is exactly one of the --value texts, ignoring case.`

/** @throws {UsageError} */
export function checkPerson({ contact, conversation: named = [], value: values = [] }: PersonOptions): void {
  if (contact === undefined && values.length === 0) throw new UsageError('give a --contact, a --value, or both')
  if (contact === undefined && named.length > 0) throw new UsageError('--conversation needs --contact')
  const wrong = [contact ?? '1', ...named].find(id => !/^[1-9]\d*$/.test(id))
  if (wrong !== undefined) throw new UsageError(`${wrong} is not a Chatwoot id: it must be a number`)
}

/**
 * Reads all deliveries and lessons to find the person's conversations: a payment can come before the message that shows
 * whose conversation it names.
 * @param calendar null: there is none in the store
 * @param account Chatwoot's
 * @throws {CommandError}
 */
export async function findPerson(
  store: Store,
  calendar: LocalCalendar | null,
  options: PersonOptions,
  account: string | undefined,
): Promise<Person> {
  const { contact, conversation: named = [], value: values = [] } = options
  if (named.length > 0 && account === undefined) throw new CommandError('--conversation needs CW_ACC_ID')
  const person: Person = {
    contact,
    account,
    conversations: new Set(named.map(id => `conversation:${account}:${id}`)),
    suspected: new Set(),
    values: new Set(values.map(value => value.toLowerCase())),
  }
  for await (const delivery of withPayload(store, EVERYWHERE)) {
    const isGenuine = delivery.state !== 'quarantined'
    const seen = isGenuine ? delivery : asIfGenuine(delivery)
    if (isOfContact(seen, contact)) person[isGenuine ? 'conversations' : 'suspected'].add(seen.orderingKey)
  }
  if (contact === undefined || calendar === null) return person
  const theirs = { conversation: '', contact }
  for (const { conversation } of [
    ...(await lessonsWhere(calendar, lesson => lesson.contact === contact)),
    ...(await calendar.packages.of(theirs)),
    ...(await calendar.weekly.of(theirs)),
  ]) {
    person.conversations.add(`conversation:${account}:${conversation}`)
  }
  return person
}

/**
 * The lessons in a store, without changing its tables. null: it has none (they are in another calendar), or it is of an
 * earlier version, as `why` says.
 */
export async function openLessons(
  store: string,
): Promise<{ calendar: LocalCalendar | null; why?: string; isOlder?: boolean }> {
  try {
    return { calendar: await openCalendar(store, Date, 'keep') }
  } catch (error) {
    if (!(error instanceof StoreOpenError)) throw error
    return { calendar: null, why: error.message, isOlder: !(error instanceof StoreMissingError) }
  }
}

/** The display ids of a person's conversations. */
export function conversationsOf({ conversations, account }: Person): string[] {
  return [...conversations].flatMap(key => displayId(key, account) ?? [])
}

export type WithPayload = StoredDelivery & { payload: Json }

/** Where deliveries are: quarantined and scheduled ones first, since one that is accepted meanwhile is then among the others. */
const EVERYWHERE: readonly DeliveryFilter[] = [{ state: 'quarantined' }, { state: 'scheduled' }, {}]

/** A person's deliveries that have a payload. */
export async function* deliveriesOf(
  store: Store,
  person: Person,
  filters: readonly DeliveryFilter[] = EVERYWHERE,
): AsyncGenerator<WithPayload> {
  for await (const delivery of withPayload(store, filters)) {
    if (delivery.state !== 'quarantined') {
      if (concerns(delivery, person)) yield delivery
      continue
    }
    const conversations = new Set([...person.conversations, ...person.suspected])
    if (concerns(asIfGenuine(delivery), { ...person, conversations })) yield delivery
  }
}

/** Page by page. */
async function* withPayload(store: Store, filters: readonly DeliveryFilter[]): AsyncGenerator<WithPayload> {
  for (const filter of filters) {
    let page: StoredDelivery[] = []
    do {
      page = await store.list(filter, READ_AT_ONCE, page.at(-1)?.seq)
      for (const delivery of page) if (delivery.payload !== null) yield delivery as WithPayload
    } while (page.length > 0)
  }
}

/** What a quarantined request would be if it were genuine: to find whose it is, and for nothing else. */
function asIfGenuine(delivery: WithPayload): WithPayload {
  const { source } = delivery
  const body = `${delivery.payload.body}`
  const payload = parsed(body)
  if (source === 'chatwoot') {
    const event = `${payload.event}`
    const { orderingKey } = identifyChatwoot(event, asId(asObject(payload.account).id), payload, () => '')
    return { ...delivery, event, orderingKey: `${orderingKey}`, payload }
  }
  return { ...delivery, payload }
}

/** A body as an object whose values can be looked at; one that is no JSON as all of its text. */
function parsed(body: string): Json {
  try {
    const value: unknown = JSON.parse(body)
    return isObject(value) ? value : { value }
  } catch {
    return { unparsed: [body, ...new URLSearchParams(body)].flat().join(' ').toLowerCase() }
  }
}

function concerns(delivery: WithPayload, { contact, account, conversations, values }: Person): boolean {
  if (conversations.has(delivery.orderingKey) || isOfContact(delivery, contact)) return true
  if (values.size > 0 && hasValue(delivery.payload, values)) return true
  const { unparsed } = delivery.payload
  if (delivery.state === 'quarantined' && [...values].some(value => asText(unparsed)?.includes(value))) return true
  if (delivery.source !== 'stripe' || contact === undefined) return false
  const { metadata } = asObject(asObject(delivery.payload.data).object)
  if (asId(asObject(metadata).contact_id) === contact) return true
  return conversations.has(`conversation:${account}:${conversationOfMetadata(metadata)}`)
}

/** Whether a payload contains one of these values. Not recursive: payloads may be nested deeply. */
function hasValue(payload: Json, values: Set<string>): boolean {
  const left: unknown[] = [payload]
  while (left.length > 0) {
    const value = left.pop()
    if (typeof value === 'object' && value !== null) for (const each of Object.values(value)) left.push(each)
    else if (values.has(String(value).toLowerCase())) return true
  }
  return false
}

/** Whether a Chatwoot event is about this contact. Users and bots are numbered separately, and have a type. */
function isOfContact({ source, event, payload }: WithPayload, contact: string | undefined): boolean {
  if (source !== 'chatwoot' || contact === undefined) return false
  const sender = asObject(payload.sender)
  const conversation = asObject(payload.conversation ?? payload.current_conversation ?? payload)
  const ids = [
    event.startsWith('contact_') ? payload.id : undefined,
    sender.type === undefined || sender.type === 'contact' ? sender.id : undefined,
    asObject(payload.contact).id,
    asObject(asObject(conversation.meta).sender).id,
    asObject(conversation.contact_inbox).contact_id,
  ]
  return ids.some(id => asId(id) === contact)
}

/** A conversation's display id. */
function displayId(orderingKey: string, account: string | undefined): string | undefined {
  const [, of, id] = /^conversation:(\d+):(\d+)$/.exec(orderingKey) ?? []
  return account === undefined || of === account ? id : undefined
}

/** A person's lessons and kept times, also cancelled ones; not those from which the name has been erased. */
export function lessonsOfPerson(calendar: LocalCalendar | null, person: Person): Promise<BookedLesson[]> {
  const conversations = new Set(conversationsOf(person))
  return lessonsWhere(calendar, ({ conversation }) => conversations.has(conversation))
}

async function lessonsWhere(calendar: LocalCalendar | null, isMeant: (lesson: BookedLesson) => boolean) {
  const lessons = (await calendar?.lessons(0, FOR_EVER, { withCancelled: true })) ?? []
  return lessons.filter(lesson => lesson.student !== ERASED && isMeant(lesson))
}

/** The times that a person has every week, until that is ended; who has been forgotten has none. */
export async function weeklyOfPerson(calendar: LocalCalendar | null, person: Person): Promise<WeeklyTime[]> {
  const found: WeeklyTime[] = []
  for (const conversation of conversationsOf(person)) {
    found.push(...((await calendar?.weekly.of({ conversation })) ?? []))
  }
  return found
}

/** The packages that a person has bought; not those from which the name has been erased. */
export async function packagesOfPerson(calendar: LocalCalendar | null, person: Person): Promise<LessonPackage[]> {
  const found: LessonPackage[] = []
  for (const conversation of conversationsOf(person)) {
    found.push(...((await calendar?.packages.of({ conversation })) ?? []))
  }
  return found.filter(({ student }) => student !== ERASED)
}
