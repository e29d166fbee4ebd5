import { randomUUID } from 'node:crypto'
import type { Command } from 'commander'
import { askToEndWeekly, weeklyViews } from '../operator/lessons/weekly.ts'
import { withLessons } from './lesson-desk.ts'
import { type ChangeOptions, change, withWait } from './lessons-change.ts'
import { type Context, report, table, withExamples, withJson } from './output.ts'

export function addWeeklyCommands(lessons: Command, context: Context): void {
  const weekly = lessons.command('weekly').description('lists the times that students have each week')
  withJson(weekly).action(({ json }: { json?: boolean }) => list(json, context))
  withExamples(weekly, ['lessons weekly'])
  const end = withWait(lessons.command('end-weekly').description('ends a weekly time; paid lessons of it stay'))
    .argument('<id>', 'its id, as weekly shows it, or the beginning of it')
    .action((id: string, options: ChangeOptions) =>
      change(context, options, desk => askToEndWeekly(desk, id, randomUUID())),
    )
  withExamples(end, ['lessons end-weekly 42-1f0c9a3e'])
}

async function list(json: boolean | undefined, context: Context): Promise<void> {
  const weekly = await withLessons(context, weeklyViews)
  report(context, json, { weekly }, () => {
    if (weekly.length === 0) return ['no weekly lessons']
    const rows = weekly.map(({ day, time, minutes, student, service, conversation, id }) => {
      return [`${day} ${time}`, `${minutes}`, student, service, conversation, id]
    })
    return table([['when', 'minutes', 'student', 'service', 'conversation', 'id'], ...rows])
  })
}
