import { setTimeout } from 'node:timers/promises'
import type { Command } from 'commander'
import { changeJob, currentJob, type ReplayJobView, startJob } from '../operator/replay-jobs.ts'
import { CommandError, type Context, report, table, withExamples, withJson } from './output.ts'
import { inboxOf, withStore } from './store.ts'

/** Between two looks at a job, ms. */
const LOOK_MS = 500

interface JobOptions {
  json?: boolean
  wait?: boolean
}

export function jobCommand(program: Command, context: Context): void {
  const command = program.command('job').description('the replay job: replay --cause starts one, the server does it')
  const show = withJson(command.command('show', { isDefault: true }).description('shows how far it is'))
    .option('--wait', 'waits until it has ended or is paused')
    .action((options: JobOptions) => showJob(options, context))
  withExamples(show, ['job', 'job show --wait', 'job --json | jq .left'])
  for (const [name, to, does] of [
    ['stop', 'stopped', 'stops it; what is under way goes on'],
    ['resume', 'running', 'resumes it, if it is paused'],
  ] as const) {
    const change = withJson(command.command(name).description(does))
      .argument('[number]', "the job's number (default: the last one)")
      .action(async (number: string | undefined, { json }: JobOptions) => {
        reportJob(await withStore(context, store => changeJob(inboxOf(store), number, to)), json, context)
      })
    withExamples(change, [`job ${name}`, `job ${name} 3`])
  }
}

/** For `replay --cause`. */
export async function askForJob(
  given: { cause: string; pace?: string | undefined; pauseAfter?: string | undefined },
  json: boolean | undefined,
  context: Context,
): Promise<void> {
  const job = await withStore(context, store => startJob(inboxOf(store), given))
  reportJob(job, json, context)
  if (!json) context.say('the server does it: follow it with job show --wait')
}

async function showJob({ json, wait }: JobOptions, context: Context): Promise<void> {
  const job = await withStore(context, async store => {
    for (;;) {
      const job = await currentJob(inboxOf(store))
      if (wait !== true || job?.state !== 'running') return job
      await setTimeout(LOOK_MS)
    }
  })
  reportJob(job, json, context)
  if (wait === true && job?.state === 'paused') throw new CommandError(`it is paused: ${job.why}`)
}

function reportJob(job: ReplayJobView | null, json: boolean | undefined, context: Context): void {
  report(context, json, job, () => (job === null ? ['there has been no replay job'] : linesOf(job)))
}

function linesOf({ pauseAfter, underWay, ...job }: ReplayJobView): string[] {
  const rows = Object.entries({ ...job, 'under way': underWay, 'pauses after': pauseAfter })
  return table(rows.filter(([, value]) => value !== null).map(([name, value]) => [name, `${value}`]))
}
