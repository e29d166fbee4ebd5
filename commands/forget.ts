import type { Command } from 'commander'
import type { Store } from '../inbox/contracts.ts'
import { CommandError, type Context, report, withExamples, withJson } from './output.ts'
import {
  checkPerson,
  conversationsOf,
  deliveriesOf,
  findPerson,
  HOW_FOUND,
  lessonsOfPerson,
  openLessons,
  type Person,
  type PersonOptions,
  packagesOfPerson,
  withPerson,
} from './person.ts'
import { hasWords, namesIn, namesOfLesson, stepsOf } from './person-steps.ts'
import { withStore } from './store.ts'

interface ForgetOptions extends PersonOptions {
  dryRun?: boolean
  json?: boolean
}

export function forgetCommand(program: Command, context: Context): void {
  const command = program.command('forget')
  withPerson(withJson(command))
    .description(
      "erases a person's payloads, the bot's replies to them, and their name in lessons and packages; keys stay",
    )
    .option('--dry-run', 'only report what would be erased')
    .action((options: ForgetOptions) => forget(options, context))
    .addHelpText(
      'after',
      `
Finds ${HOW_FOUND}
Unfinished deliveries are discarded, scheduled and quarantined ones deleted. Deliveries that are being handled are
skipped and listed, with exit code 1: run it again. What would be erased: export, with the same options, shows it.`,
    )
  withExamples(command, [
    'forget --contact 4100001 --dry-run',
    'forget --contact 4100001',
    'forget --contact 4100001 --conversation 42 57',
    'forget --value sam@example.com',
  ])
}

async function forget(options: ForgetOptions, context: Context): Promise<void> {
  const { contact, value: values = [], dryRun = false, json } = options
  checkPerson(options)
  const result = await withStore(context, async (store, { CW_ACC_ID, DATABASE_URL, GCAL_CALENDAR_ID }) => {
    if (GCAL_CALENDAR_ID) context.say('the Google calendar holds the name too: erase it there')
    const found = await findAll(store, DATABASE_URL, options, CW_ACC_ID)
    const conversations = conversationsOf(found.person)
    if (dryRun) {
      const { ids, inFlight, lessons, packages } = found
      return { dryRun, conversations, forgotten: ids.length, inFlight, lessons, packages }
    }
    const forgotten = await forgetDeliveries(store, found)
    // Last, since it may rewrite the file: so that nothing is left there of the steps either.
    const erased = await eraseNames(store, DATABASE_URL, conversations)
    return { dryRun, conversations, ...forgotten, ...erased }
  })
  const { forgotten, inFlight, lessons, packages, conversations } = result
  report(context, json, result, () => [
    `${forgotten} deliveries ${dryRun ? 'would be erased' : 'erased'}, and the name in ${lessons} lessons`,
    ...(packages > 0 ? [`and in ${packages} packages, whose minutes and sums stay for the books`] : []),
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

interface Found {
  person: Person
  /** Deliveries that can be forgotten, and those that are being handled. */
  ids: string[]
  inFlight: string[]
  /** How many have the person's name. */
  lessons: number
  packages: number
  /** What their steps are named after. */
  names: Set<string>
}

async function findAll(store: Store, where: string, options: PersonOptions, account?: string): Promise<Found> {
  const { calendar, why, isOlder } = await openLessons(where)
  // Nothing is erased before all of it can be.
  if (isOlder) throw new CommandError(`${why}`)
  try {
    const person = await findPerson(store, calendar, options, account)
    const lessons = await lessonsOfPerson(calendar, person)
    const packages = await packagesOfPerson(calendar, person)
    const orders = packages.map(({ id, payment }) => ({ order: id, payment }))
    const found: Found = {
      person,
      ids: [],
      inFlight: [],
      lessons: lessons.length,
      packages: packages.length,
      names: new Set([...lessons, ...orders].flatMap(namesOfLesson)),
    }
    for await (const delivery of deliveriesOf(store, person)) {
      for (const name of namesIn(delivery)) found.names.add(name)
      const isBusy = delivery.startedAt !== null && delivery.state !== 'quarantined'
      found[isBusy ? 'inFlight' : 'ids'].push(delivery.id)
    }
    return found
  } finally {
    await calendar?.close()
  }
}

async function forgetDeliveries(store: Store, { person, ids, inFlight: busy, names }: Found) {
  // Once, since the file may be rewritten; also without ids, for what an earlier run could not erase from it.
  const forgotten = await store.forget(ids, Date.now())
  const inFlight = [...busy]
  // A handler has started on it since.
  for (const id of ids) if ((await store.get(id))?.payload) inFlight.push(id)
  // A handler that is at work needs its own.
  if (inFlight.length === 0) {
    for await (const steps of stepsOf(store, person, names)) {
      await store.forgetSteps(steps.filter(hasWords).map(({ key }) => key))
    }
  }
  return { forgotten, inFlight }
}

async function eraseNames(store: Store, where: string, conversations: string[]) {
  const { calendar } = await openLessons(where)
  if (calendar === null) {
    // The file may still hold the steps' bytes.
    await store.forget([], Date.now())
    return { lessons: 0, packages: 0 }
  }
  try {
    const packages = await calendar.packages.erase(conversations)
    return { packages, lessons: await calendar.eraseStudent(conversations) }
  } finally {
    await calendar.close()
  }
}
