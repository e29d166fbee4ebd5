import type { Command } from 'commander'
import { booksOf, monthOf } from '../operator/lessons/books.ts'
import { LESSON_FILTER_SCHEMA, readLessonFilter, readLessonPage } from '../operator/lessons/filter.ts'
import { pageOfLessons } from '../operator/lessons/find.ts'
import { openSummary, openWords, readerFor } from '../operator/lessons/open.ts'
import { type LessonView, lessonView } from '../operator/lessons/view.ts'
import { localWhen, withLessons } from './lesson-desk.ts'
import { addBlockCommands } from './lessons-block.ts'
import { addChangeCommands } from './lessons-change.ts'
import { addWeeklyCommands } from './lessons-weekly.ts'
import { type Context, report, table, withExamples, withJson } from './output.ts'

export function lessonsCommand(program: Command, context: Context): void {
  const command = program.command('lessons').description("the tutor's lessons")
  listCommand(command, context)
  exportCommand(command, context)
  addChangeCommands(command, context)
  addBlockCommands(command, context)
  addWeeklyCommands(command, context)
}

interface ListOptions {
  limit?: string
  cursor?: string
  json?: boolean
  open?: boolean
}

function listCommand(program: Command, context: Context): void {
  const command = program.command('list').description('lists lessons, in order of their start')
  for (const [field, { description }] of Object.entries(LESSON_FILTER_SCHEMA)) {
    command.option(field === 'open' ? '--open' : `--${field} <${field}>`, description)
  }
  withJson(command)
    .option('--limit <n>', 'lessons per page, 1 to 200 (default 50)')
    .option('--cursor <cursor>', 'start of the next page, from the last line of this one')
    .action((options: ListOptions) => list(options, context))
  withExamples(command, [
    'lessons list',
    'lessons list --student renee --state booked',
    'lessons list --open',
    'lessons list --from 2026-11-23 --to 2026-11-29 --json | jq .lessons[].student',
  ])
}

async function list(options: ListOptions, context: Context): Promise<void> {
  const given = { ...options, open: options.open ? 'yes' : undefined }
  const { limit, cursor } = readLessonPage(given)
  const { lessons, next, zone, open } = await withLessons(context, async desk => {
    const filter = readLessonFilter(given, desk.now(), desk.zone)
    const page = await pageOfLessons(await readerFor(desk, filter), filter, limit, cursor)
    const open = filter.open ? await openSummary(desk) : null
    return { ...page, lessons: page.lessons.map(lesson => lessonView(lesson, desk.links)), zone: desk.zone, open }
  })
  const result = { lessons, next, ...(open && { open }) }
  report(context, options.json, result, () => [...tableOf(lessons, zone), ...(open ? ['', openWords(open)] : [])])
  if (next !== null && !options.json) context.say(`for more lessons: --cursor ${next}`)
}

function exportCommand(program: Command, context: Context): void {
  const command = program
    .command('export')
    .description('a month of lessons and how they are paid, as CSV, for the books')
    .option('--month <month>', 'the month in which they begin, such as 2026-11 (default: this one)')
    .action(({ month }: { month?: string }) =>
      withLessons(context, async desk => {
        for await (const row of booksOf(desk, monthOf(month, desk.now(), desk.zone))) context.print(`${row}\r`)
      }),
    )
  withExamples(command, ['lessons export --month 2026-11 > 2026-11.csv'])
}

function tableOf(lessons: readonly LessonView[], zone: string): string[] {
  if (lessons.length === 0) return ['no lessons']
  const rows = lessons.map(({ start, end, state, student, service, payment, conversation, id }) => {
    const when = `${localWhen(start, zone)}-${localWhen(end, zone).slice(-5)}`
    return [when, state, student, service, payment ?? 'free', conversation ?? '', id]
  })
  return table([[`when (${zone})`, 'state', 'student', 'service', 'payment', 'conversation', 'id'], ...rows])
}
