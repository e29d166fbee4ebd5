import { closeSync, openSync, rmSync, writeSync } from 'node:fs'
import type { Command } from 'commander'
import { utcTime } from '../inbox/utc-time.ts'
import { type Section, sectionsOf } from './export-sections.ts'
import { type About, jsonLines, textLines } from './export-text.ts'
import { linksFor } from './lesson-desk.ts'
import { CommandError, type Context, withExamples, withJson } from './output.ts'
import {
  checkPerson,
  conversationsOf,
  findPerson,
  HOW_FOUND,
  openLessons,
  type PersonOptions,
  withPerson,
} from './person.ts'
import { withStore } from './store.ts'

interface ExportOptions extends PersonOptions {
  output?: string
  json?: boolean
}

const ELSEWHERE = [
  'What Chatwoot keeps: the contact, the messages, attributes and notes. Export it there.',
  'What Stripe keeps: the customer, payments and invoices. Export it there.',
  'Backups, logs, and the payloads that are deleted already: of those only keys and times are left.',
]
const IN_GOOGLE = 'The lessons in the Google calendar. See them there.'
const FORGET =
  '`forget`, with the same options, erases all of this, except what the books and the order of payments need: the time, ' +
  'the subject and the payment of lessons, and the minutes and payments of packages, without the name; and ids, keys, ' +
  'times and sums of what was done. A time of theirs every week ends.'
const NOTHING =
  'nothing is kept about this person; if their payloads are already deleted, name their conversations with --conversation'

export function exportCommand(program: Command, context: Context): void {
  const command = program.command('export')
  withPerson(withJson(command))
    .description('shows all that is kept about a person, as Markdown or JSON')
    .option('--output <file>', 'a new file, readable only by you, in place of stdout')
    .action((options: ExportOptions) => exportPerson(options, context))
    .addHelpText(
      'after',
      `
Finds ${HOW_FOUND}
Changes nothing. What Chatwoot and Stripe keep themselves is not in it. forget, with the same options, erases it.`,
    )
  withExamples(command, [
    'export --contact 4100001',
    'export --contact 4100001 --output renee.md',
    'export --contact 4100001 --conversation 42 57 --json --output renee.json',
    'export --value sam@example.com',
  ])
}

async function exportPerson(options: ExportOptions, context: Context): Promise<void> {
  checkPerson(options)
  const { output, json, contact = null, value: values = [] } = options
  await withStore(context, async (store, config) => {
    const { calendar, why } = await openLessons(config.DATABASE_URL)
    try {
      const person = await findPerson(store, calendar, options, config.CW_ACC_ID)
      // Another's data is not shown to whoever has forged a delivery.
      person.suspected.clear()
      const sections = sectionsOf({
        store,
        calendar,
        person,
        links: linksFor(config),
        zone: config.TZ,
        chatwootUrl: config.CW_URL,
      })
      const about: About = {
        exportedAt: utcTime(Date.now()),
        zone: config.TZ,
        contact,
        conversations: conversationsOf(person),
        values,
        notIncluded: [
          ...ELSEWHERE,
          ...(config.GCAL_CALENDAR_ID === undefined ? [] : [IN_GOOGLE]),
          ...(why === undefined ? [] : [`Lessons: ${why}.`]),
        ],
        forget: FORGET,
      }
      const lines = unlessEmpty(sections, (json ? jsonLines : textLines)(about, sections))
      if (output === undefined) for await (const line of lines) context.print(line)
      else await writeNew(output, lines)
    } finally {
      await calendar?.close()
    }
  })
  if (output !== undefined) context.say(`written to ${output}`)
}

/** Holds back the lines until something is found. @throws {CommandError} nothing is */
async function* unlessEmpty(sections: readonly Section[], lines: AsyncIterable<string>): AsyncGenerator<string> {
  const isEmpty = () => sections.every(({ count }) => count === 0)
  const held: string[] = []
  for await (const line of lines) {
    held.push(line)
    if (!isEmpty()) yield* held.splice(0)
  }
  if (isEmpty()) throw new CommandError(NOTHING)
}

/** Leaves nothing behind if it fails. @throws {CommandError} the file is there already, or can't be written */
async function writeNew(file: string, lines: AsyncIterable<string>): Promise<void> {
  let fd: number | undefined
  const write = (line: string) => {
    try {
      fd ??= openSync(file, 'wx', 0o600)
      writeSync(fd, `${line}\n`)
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException
      const why = code === 'EEXIST' ? 'it exists already: choose another name' : message
      throw new CommandError(`could not write ${file}: ${why}`, { cause: error })
    }
  }
  try {
    for await (const line of lines) write(line)
  } catch (error) {
    if (fd !== undefined) rmSync(file)
    throw error
  } finally {
    if (fd !== undefined) closeSync(fd)
  }
}
