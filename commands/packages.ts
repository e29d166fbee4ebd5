import { randomUUID } from 'node:crypto'
import { type Command, Option } from 'commander'
import { openCalendar } from '../backends/index.ts'
import type { Packages } from '../calendar/packages.ts'
import { PAID_HOW, type PaidHow, writeLessonPayment } from '../handlers/lesson-payment.ts'
import { lessonMailbox } from '../handlers/lesson-requests.ts'
import { minorUnits } from '../handlers/money.ts'
import { PACKAGE_NEWS_EVENT, type PackageNews } from '../handlers/package-news.ts'
import { deliveryId } from '../inbox/delivery-id.ts'
import { LATER_SOURCE, scheduleIn } from '../inbox/later.ts'
import { readLessonPage } from '../operator/lessons/filter.ts'
import { isCurrency } from '../operator/lessons/input.ts'
import type { LessonLinks } from '../operator/lessons/view.ts'
import {
  type EntryView,
  entryView,
  findPackage,
  type PackageView,
  packageView,
  pageOfPackages,
} from '../operator/packages/packages.ts'
import { linksFor, localWhen } from './lesson-desk.ts'
import { CommandError, type Context, report, table, UsageError, withExamples, withJson } from './output.ts'
import { withStore } from './store.ts'

/**
 * The ledger of packages. Each change is one commit, so a running server needs not be asked; it tells the student, in the
 * order of the conversation.
 */

interface Json {
  json?: boolean
}

const ID_HELP = 'its id, as list shows it, or the beginning of it'

export function packagesCommand(program: Command, context: Context): void {
  const packages = program.command('packages').description('lessons that are paid ahead, and their ledger')
  const list = packages.command('list').description('lists packages, the newest first')
  withJson(list)
    .option('--limit <n>', 'packages per page, 1 to 200 (default 50)')
    .option('--cursor <cursor>', 'start of the next page, from the last line of this one')
    .action((options: ListOptions) => listPackages(options, context))
  withExamples(list, ['packages list', 'packages list --json | jq .packages[].left'])

  const show = packages.command('show').description('shows a package and all of its entries').argument('<id>', ID_HELP)
  withJson(show).action((id: string, { json }: Json) => showPackage(id, json, context))
  withExamples(show, ['packages show 42-1f0c9a3e'])

  const add = packages.command('add').description('adds a package that was sold otherwise than in the chat')
  withQuiet(withJson(add))
    .requiredOption('--conversation <id>', 'Chatwoot’s id of the student’s conversation')
    .requiredOption('--student <name>', 'the student’s name')
    .requiredOption('--lessons <n>', 'how many lessons')
    .requiredOption('--minutes <n>', 'how long each lasts')
    .addOption(new Option('--how <how>', 'how it was paid').choices(PAID_HOW).makeOptionMandatory())
    .requiredOption('--amount <sum>', 'how much, such as 450.00')
    .requiredOption('--currency <code>', 'its currency, such as EUR')
    .option('--name <name>', 'who has paid, for the books', '')
    .action((options: AddOptions) => addPackage(options, context))
  withExamples(add, [
    'packages add --conversation 42 --student Sam --lessons 10 --minutes 60 --how cash --amount 450.00 --currency EUR --name "Mrs Jansen"',
  ])

  const correct = packages.command('correct').description('adds minutes to a package, or takes some (with a minus)')
  withQuiet(withJson(correct))
    .argument('<id>', ID_HELP)
    .requiredOption('--minutes <n>', 'how many: 60, or -60')
    .requiredOption('--reason <text>', 'why, for the ledger')
    .action((id: string, options: CorrectOptions) => correctPackage(id, options, context))
  withExamples(correct, ['packages correct 42-1f0c9a3e --minutes -60 --reason "a lesson by telephone"'])
}

interface Quiet {
  quiet?: boolean
}

function withQuiet(command: Command): Command {
  return command.option('--quiet', 'does not tell the student').addHelpText('after', ABOUT)
}

const ABOUT = `
The running server tells the student what is left, in the order of the conversation; without a server, once one runs.`

interface Ledger {
  calendar: { packages: Packages }
  links: LessonLinks
  zone: string
  /**
   * Asks for the student to be told, once.
   * @param key the entry's
   * @returns the delivery's id; null: there is no conversation, or no account
   */
  tell(key: string, news: PackageNews): Promise<string | null>
}

/** Where the ledger is, also with a Google calendar. */
function withPackages<T>(context: Context, run: (ledger: Ledger) => Promise<T>): Promise<T> {
  return withStore(context, async (store, config) => {
    const { DATABASE_URL, TZ: zone, CW_ACC_ID } = config
    const calendar = await openCalendar(DATABASE_URL, Date, 'keep')
    const tell: Ledger['tell'] = async (entry, news) => {
      if (CW_ACC_ID === undefined || news.conversation === '') return null
      const [key, at] = [`package:${entry}:news`, Date.now()]
      const orderingKey = lessonMailbox(CW_ACC_ID, news.conversation)
      await scheduleIn(store, { key, orderingKey, event: PACKAGE_NEWS_EVENT, payload: { ...news }, at }, at)
      return deliveryId(LATER_SOURCE, key)
    }
    try {
      return await run({ calendar, links: linksFor(config), zone, tell })
    } finally {
      await calendar.close()
    }
  })
}

const toldWords = (news: string | null) => (news === null ? 'nobody is told' : 'the student is told')

interface ListOptions extends Json {
  limit?: string
  cursor?: string
}

async function listPackages({ json, ...given }: ListOptions, context: Context): Promise<void> {
  const { limit, cursor } = readLessonPage(given)
  const { packages, next, zone } = await withPackages(context, async ({ calendar, links, zone }) => {
    const page = await pageOfPackages({ calendar }, limit, cursor)
    return { ...page, packages: page.packages.map(each => packageView(each, links)), zone }
  })
  report(context, json, { packages, next }, () => {
    if (packages.length === 0) return ['no packages']
    const rows = packages.map(({ boughtAt, student, left, minutes, payment, conversation, id }) => {
      return [localWhen(boughtAt, zone), student, `${left}`, `${minutes}`, payment, conversation ?? '', id]
    })
    const head = [`bought (${zone})`, 'student', 'left, min', 'of', 'payment', 'conversation', 'id']
    return table([head, ...rows], [2, 3])
  })
  if (next !== null && !json) context.say(`for more packages: --cursor ${next}`)
}

async function showPackage(id: string, json: boolean | undefined, context: Context): Promise<void> {
  const { zone, ...shown } = await withPackages(context, async ({ calendar, links, zone }) => {
    const { found, entries } = await findPackage({ calendar }, id)
    return { zone, ...packageView(found, links), entries: entries.map(entryView) }
  })
  report(context, json, shown, () => linesOf(shown, shown.entries, zone))
}

function linesOf({ student, left, minutes, payment }: PackageView, entries: EntryView[], zone: string): string[] {
  const rows = entries.map(({ at, minutes, left, why, who, lesson, note }) => {
    return [localWhen(at, zone), `${minutes}`, `${left}`, why, who, note ?? lesson ?? '']
  })
  const head = [`when (${zone})`, 'min', 'left', 'why', 'who', 'lesson or reason']
  return [`${student}: ${left} of ${minutes} minutes are left; ${payment}`, '', ...table([head, ...rows], [1, 2])]
}

interface AddOptions extends Json, Quiet {
  conversation: string
  student: string
  lessons: string
  minutes: string
  how: PaidHow
  amount: string
  currency: string
  name: string
}

async function addPackage(options: AddOptions, context: Context): Promise<void> {
  const { how, name: payer, json, quiet } = options
  const conversation = options.conversation.trim()
  if (!/^\d{1,15}$/.test(conversation)) throw new UsageError('--conversation must be a number, as shown in Chatwoot')
  const student = someText('--student', options.student)
  const currency = options.currency.toUpperCase()
  const amount = isCurrency(currency) ? minorUnits(options.amount, currency) : undefined
  if (amount === undefined) throw new UsageError('--amount and --currency must be a sum such as 450.00 and EUR')
  const [lessons, lessonMinutes] = [
    countOf('--lessons', options.lessons, MAX_LESSONS),
    countOf('--minutes', options.minutes, MAX_MINUTES),
  ]
  const paid = { kind: 'otherwise', how, money: { amount, currency }, payer } as const
  const bought = {
    id: `${conversation}-${randomUUID().slice(0, 8)}`,
    ...{ conversation, student, lessonMinutes, amount, currency },
    minutes: lessons * lessonMinutes,
    payment: writeLessonPayment(paid),
    boughtAt: Date.now(),
  }
  const added = await withPackages(context, async ({ calendar, links, tell }) => {
    const added = await calendar.packages.buy(bought, 'tutor')
    const { id } = added
    const news = quiet ? null : await tell(`bought:${id}`, { package: id, conversation })
    return { ...packageView(added, links), news }
  })
  report(context, json, added, () => [`added: ${added.id}, ${added.left} minutes; ${toldWords(added.news)}`])
}

interface CorrectOptions extends Json, Quiet {
  minutes: string
  reason: string
}

async function correctPackage(
  given: string,
  { json, quiet, ...options }: CorrectOptions,
  context: Context,
): Promise<void> {
  const minutes = wholeNumber('--minutes', options.minutes)
  const note = someText('--reason', options.reason)
  const key = `corrected:${randomUUID()}`
  const corrected = await withPackages(context, async ({ calendar, tell }) => {
    const { id, left, conversation } = (await findPackage({ calendar }, given)).found
    const correction = { key, package: id, minutes, note, who: 'tutor', at: Date.now() } as const
    const result = await calendar.packages.correct(correction)
    if (result.kind !== 'corrected') {
      throw new CommandError(`${id} has only ${left} minutes left: nothing has been changed`)
    }
    const news = quiet ? null : await tell(key, { package: id, conversation, corrected: minutes })
    return { ...entryView(result.entry), news }
  })
  report(context, json, corrected, () => [
    `corrected: ${corrected.left} minutes are left; ${toldWords(corrected.news)}`,
  ])
}

/** Of a package. */
const MAX_LESSONS = 1_000
/** Of one lesson: a day. */
const MAX_MINUTES = 24 * 60

function countOf(option: string, text: string, max: number): number {
  const count = wholeNumber(option, text)
  if (count >= 1 && count <= max) return count
  throw new UsageError(`${option} must be from 1 to ${max}`)
}

function wholeNumber(option: string, text: string): number {
  if (/^-?\d{1,6}$/.test(text) && Number(text) !== 0) return Number(text)
  throw new UsageError(`${option} must be a whole number other than 0, not ${text}`)
}

function someText(option: string, text: string): string {
  if (text.trim() === '') throw new UsageError(`${option} must not be empty`)
  return text.trim()
}
