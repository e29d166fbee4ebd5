import { randomUUID } from 'node:crypto'
import { setTimeout } from 'node:timers/promises'
import type { Command } from 'commander'
import {
  type Asked,
  askToAdd,
  askToCancel,
  askToMove,
  askToPay,
  askToReopen,
  type ChangeView,
  changeOf,
} from '../operator/lessons/changes.ts'
import type { LessonDesk } from '../operator/lessons/desk.ts'
import { ADD_SCHEMA, PAID_SCHEMA } from '../operator/lessons/input.ts'
import { withLessons } from './lesson-desk.ts'
import { CommandError, type Context, report, UsageError, withExamples, withJson } from './output.ts'

/** How long a command waits for the server, and how often it looks, ms. */
const WAIT_MS = 10_000
const LOOK_MS = 100
/** The calendar is in the store. */
const READ_MS = 10_000

export interface ChangeOptions {
  json?: boolean
  /** --no-wait */
  wait: boolean
}

const ABOUT = `
The running server does it, in the order of the student's conversation, and tells the student there. The command waits for
that, 10 s at most; what is not done by then is done later.`

export function addChangeCommands(lessons: Command, context: Context): void {
  const add = withWait(lessons.command('add').description('adds a lesson'))
  for (const [field, { description }] of Object.entries(ADD_SCHEMA)) add.option(`--${field} <${field}>`, description)
  add.action((options: ChangeOptions & Record<string, unknown>) => {
    return change(context, options, desk => askToAdd(desk, options, randomUUID()))
  })
  withExamples(add, [
    'lessons add --start 2026-11-25T16:00 --conversation 42',
    'lessons add --start 2026-11-25T16:00 --minutes 90 --student "Bob Jansen" --payment cash',
    'lessons add --start 2026-11-25T16:00 --conversation 42 --payment unpaid',
  ])

  const move = withWait(lessons.command('move').description('moves a lesson'))
    .argument('<id>', 'its id, as list shows it, or the beginning of it')
    .requiredOption('--start <time>', ADD_SCHEMA.start.description)
    .action((id: string, options: ChangeOptions & { start: string }) => {
      return change(context, options, desk =>
        askToMove(desk, id, { ...options }, randomUUID(), AbortSignal.timeout(READ_MS)),
      )
    })
  withExamples(move, ['lessons move 42-1f0c9a3e --start 2026-11-26T17:00'])

  const cancel = withWait(lessons.command('cancel').description('cancels a lesson'))
    .argument('<id>', 'its id, as list shows it, or the beginning of it')
    .option('--refund', 'what is left of its payment is paid back')
    .option('--no-refund', 'nothing is paid back')
    .action((id: string, options: ChangeOptions & { refund?: boolean }) => {
      if (options.refund === undefined) throw new UsageError('say --refund or --no-refund')
      return change(context, options, desk =>
        askToCancel(desk, id, { ...options }, randomUUID(), AbortSignal.timeout(READ_MS)),
      )
    })
  addPaidCommands(lessons, context)
  withExamples(cancel, ['lessons cancel 42-1f0c9a3e --refund', 'lessons cancel 42-1f0c9a3e --no-refund'])
}

function addPaidCommands(lessons: Command, context: Context): void {
  const paid = withWait(
    lessons.command('paid').description('marks a lesson as paid otherwise than at Stripe'),
  ).argument('<id>', 'its id, as list shows it, or the beginning of it; of a reserved one all of it')
  for (const [field, { description }] of Object.entries(PAID_SCHEMA)) {
    paid.option(
      `--${field} <${field}>`,
      field === 'how' ? `${description}: ${PAID_SCHEMA.how.enum.join(', ')}` : description,
    )
  }
  paid.action((id: string, options: ChangeOptions & Record<string, unknown>) => {
    return change(context, options, desk => askToPay(desk, id, options, randomUUID(), AbortSignal.timeout(READ_MS)))
  })
  const unpaid = withWait(lessons.command('unpaid').description('takes back that a lesson was marked as paid'))
    .argument('<id>', 'its id, as list shows it, or the beginning of it')
    .action((id: string, options: ChangeOptions) =>
      change(context, options, desk => askToReopen(desk, id, {}, randomUUID(), AbortSignal.timeout(READ_MS))),
    )
  withExamples(unpaid, ['lessons unpaid 42-1f0c9a3e'])
  withExamples(paid, ['lessons paid 42-1f0c9a3e --how cash --amount 60.00 --currency EUR --name "Mrs Jansen"'])
}

export function withWait(command: Command): Command {
  return withJson(command).option('--no-wait', 'does not wait until it is done').addHelpText('after', ABOUT)
}

export async function change(
  context: Context,
  { json, wait }: ChangeOptions,
  ask: (desk: LessonDesk) => Promise<Asked>,
): Promise<void> {
  const asked = await withLessons(context, async desk => {
    const { order, delivery } = await ask(desk)
    const outcome = wait ? await outcomeOf(desk, delivery) : await changeOf(desk, delivery)
    return { id: delivery, state: 'asked', why: null, trouble: null, ...outcome, lesson: order } satisfies ChangeView
  })
  report(context, json, asked, () => [`${asked.lesson}: ${wordsFor(asked)}`])
  if (asked.trouble !== null)
    context.say(`${asked.state === 'done' ? 'the student has not been told' : 'not done'} yet: ${asked.trouble}`)
  if (asked.state === 'done' || (asked.state === 'asked' && !wait)) return
  if (asked.state !== 'asked') throw new CommandError('not done')
  throw new CommandError(
    `not done within ${WAIT_MS / 1_000} s: start the server, or see why it waits: show ${asked.id}. It will be done then`,
  )
}

/** Waits until the server has done it, or not; null: it has not been accepted yet. */
async function outcomeOf(desk: LessonDesk, delivery: string): Promise<ChangeView | null> {
  const until = performance.now() + WAIT_MS
  for (;;) {
    const outcome = await changeOf(desk, delivery)
    if ((outcome !== null && outcome.state !== 'asked') || performance.now() > until) return outcome
    await setTimeout(LOOK_MS)
  }
}

function wordsFor({ state, why }: ChangeView): string {
  return why === null ? state : `${state}: ${why}`
}
