import type { Command } from 'commander'
import { openCalendar } from '../backends/index.ts'
import { ERASED } from '../calendar/contract.ts'
import type { Store, StoredDelivery } from '../inbox/contracts.ts'
import { asId, asObject, type Json } from '../sources/json.ts'
import { conversationOfMetadata } from '../sources/stripe-payloads.ts'
import { CommandError, type Context, report, UsageError, withExamples, withJson } from './output.ts'
import { AT_ONCE, withStore } from './store.ts'

interface ForgetOptions {
  contact?: string
  conversation?: string[]
  value?: string[]
  dryRun?: boolean
  json?: boolean
}

/** Payloads in memory at once; one may have 4 MiB. */
const READ_AT_ONCE = 50
/** The latest time in a calendar, Unix ms. */
const FOR_EVER = 8.64e15

export function forgetCommand(program: Command, context: Context): void {
  const command = program.command('forget')
  withJson(command)
    .description("erases a person's payloads and their name in lessons; keys stay")
    .option('--contact <id>', "Chatwoot's id of the contact")
    .option('--conversation <ids...>', 'further conversations of this person, if their payloads are already deleted')
    .option('--value <texts...>', 'deliveries of any source containing one of these values, such as an e-mail address')
    .option('--dry-run', 'only report what would be erased')
    .action((options: ForgetOptions) => forget(options, context))
    .addHelpText(
      'after',
      `
Finds the contact's deliveries, those of the contact's conversations, and payments whose metadata names either; and
deliveries of any source in which a field is exactly one of the --value texts, ignoring case. Unfinished deliveries are
discarded, scheduled ones deleted. Deliveries that are being handled are skipped and listed, with exit code 1: run it again.`,
    )
  withExamples(command, [
    'forget --contact 4100001 --dry-run',
    'forget --contact 4100001',
    'forget --contact 4100001 --conversation 42 57',
    'forget --value sam@example.com',
  ])
}

async function forget(options: ForgetOptions, context: Context): Promise<void> {
  const { contact, conversation: named = [], value: values = [], dryRun = false, json } = options
  if (contact === undefined && values.length === 0) throw new UsageError('give a --contact, a --value, or both')
  if (contact === undefined && named.length > 0) throw new UsageError('--conversation needs --contact')
  const wrong = [contact ?? '1', ...named].find(id => !/^[1-9]\d*$/.test(id))
  if (wrong !== undefined) throw new UsageError(`${wrong} is not a Chatwoot id: it must be a number`)
  const result = await withStore(context, async (store, { CW_ACC_ID, DATABASE_URL, GCAL_CALENDAR_ID }) => {
    if (named.length > 0 && CW_ACC_ID === undefined) throw new CommandError('--conversation needs CW_ACC_ID')
    if (GCAL_CALENDAR_ID) context.say('the Google calendar holds the name too: erase it there')
    const person: Person = {
      contact,
      account: CW_ACC_ID,
      conversations: new Set(),
      values: new Set(values.map(value => value.toLowerCase())),
    }
    for (const id of named) person.conversations.add(`conversation:${CW_ACC_ID}:${id}`)
    // Two passes: a payment can come before the message that shows whose conversation it names.
    for await (const delivery of withPayload(store)) {
      if (isOfContact(delivery, contact)) person.conversations.add(delivery.orderingKey)
    }
    const found = await forgetDeliveries(store, person, dryRun)
    const conversations = [...person.conversations].flatMap(key => displayId(key, CW_ACC_ID) ?? [])
    return { dryRun, conversations, ...found, lessons: await eraseLessons(DATABASE_URL, conversations, dryRun) }
  })
  const { forgotten, inFlight, lessons, conversations } = result
  report(context, json, result, () => [
    `${forgotten} deliveries ${dryRun ? 'would be erased' : 'erased'}, and the name in ${lessons} lessons`,
    ...inFlight.map(id => `${id}: being handled, ${dryRun ? 'would not be' : 'not'} erased`),
  ])
  if (inFlight.length === 0) return
  // Repeats the conversations, since the evidence of whose they are may be erased by now.
  const again = [
    'forget',
    ...(contact === undefined ? [] : ['--contact', contact]),
    ...(conversations.length > 0 ? ['--conversation', ...conversations] : []),
    ...(values.length > 0 ? ['--value', ...values.map(value => JSON.stringify(value))] : []),
  ]
  throw new CommandError(`${inFlight.length} being handled; when they are done, run: ${again.join(' ')}`)
}

interface Person {
  contact: string | undefined
  account: string | undefined
  /** Ordering keys. */
  conversations: Set<string>
  /** In lower case. */
  values: Set<string>
}

async function forgetDeliveries(store: Store, person: Person, dryRun: boolean) {
  const inFlight: string[] = []
  let forgotten = 0
  let ids: string[] = []
  const flush = async () => {
    forgotten += dryRun ? ids.length : await store.forget(ids, Date.now())
    // A handler has started on it since.
    if (!dryRun) for (const id of ids) if ((await store.get(id))?.payload) inFlight.push(id)
    ids = []
  }
  for await (const delivery of withPayload(store)) {
    if (!concerns(delivery, person)) continue
    if (delivery.startedAt !== null) inFlight.push(delivery.id)
    else ids.push(delivery.id)
    if (ids.length === AT_ONCE) await flush()
  }
  await flush()
  return { forgotten, inFlight }
}

type WithPayload = StoredDelivery & { payload: Json }

/**
 * All deliveries with a payload, page by page. Scheduled ones first: one that is accepted meanwhile is then among the
 * others.
 */
async function* withPayload(store: Store): AsyncGenerator<WithPayload> {
  for (const filter of [{ state: 'scheduled' }, {}] as const) {
    let page: StoredDelivery[] = []
    do {
      page = await store.list(filter, READ_AT_ONCE, page.at(-1)?.seq)
      for (const delivery of page) if (delivery.payload !== null) yield delivery as WithPayload
    } while (page.length > 0)
  }
}

function concerns(delivery: WithPayload, { contact, account, conversations, values }: Person): boolean {
  if (conversations.has(delivery.orderingKey) || isOfContact(delivery, contact)) return true
  if (values.size > 0 && hasValue(delivery.payload, values)) return true
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

async function eraseLessons(where: string, conversations: string[], dryRun: boolean): Promise<number> {
  const calendar = await openCalendar(where, Date)
  try {
    if (!dryRun) return await calendar.eraseStudent(conversations)
    const lessons = await calendar.lessons(0, FOR_EVER)
    return lessons.filter(({ student, conversation }) => student !== ERASED && conversations.includes(conversation))
      .length
  } finally {
    await calendar.close()
  }
}
