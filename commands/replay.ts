import type { Command } from 'commander'
import { NOBODY_VERIFIES, reasonsOf } from '../operator/quarantine.ts'
import { WISH_SCHEMA } from '../operator/replay-jobs.ts'
import { replayMany, replayOne } from '../routes/operator/deliveries.ts'
import { filterOf, withFilter } from './filter.ts'
import { askForJob } from './job.ts'
import { CommandError, type Context, report, table, UsageError, withExamples, withJson } from './output.ts'
import { inboxOf, withStore } from './store.ts'

interface ReplayOptions {
  cause?: string
  pace?: string
  pauseAfter?: string
  dryRun?: boolean
  json?: boolean
}

export function replayCommand(program: Command, context: Context): void {
  const command = program
    .command('replay')
    .description(
      'handles parked and dead deliveries again, out of order; a scheduled one now; has quarantined ones verified again',
    )
  withJson(withFilter(command))
    .argument('[ids...]', 'which deliveries, by id or its beginning as list shows it; or use a filter')
    .option('--dry-run', 'only counts the deliveries; with a filter')
    .option('--pace <pace>', WISH_SCHEMA.pace.description)
    .option('--pause-after <failures>', WISH_SCHEMA.pauseAfter.description)
    .action((ids: string[], options: ReplayOptions) => replay(ids, options, context))
  withExamples(command, [
    'replay 80509b90',
    'replay --state dead --source stripe --dry-run',
    'replay --state dead --source stripe',
    'replay --state quarantined',
    'replay --cause ChatwootRefusedError:chatwoot:404 --pace 30 --pause-after 3',
  ])
}

async function replay(ids: readonly string[], options: ReplayOptions, context: Context): Promise<void> {
  const filter = filterOf(options)
  const { cause, pace, pauseAfter, json } = options
  if (cause !== undefined && !options.dryRun) {
    if (ids.length > 0 || Object.keys(filter).length > 1)
      throw new UsageError('--cause replays all of a cause, as a job: give no ids and no other filter')
    return askForJob({ cause, pace, pauseAfter }, json, context)
  }
  if (pace !== undefined || pauseAfter !== undefined)
    throw new UsageError('--pace and --pause-after are for the job that --cause starts')
  const filtered = Object.keys(filter).length > 0
  if (ids.length > 0 === filtered) throw new UsageError('give either ids or a filter such as --state dead')
  if (filtered) return replayFiltered(filter, options, context)
  if (options.dryRun) throw new UsageError('--dry-run only works with a filter')
  const results = await withStore(context, async store => {
    const inbox = inboxOf(store)
    const results: { id: string; error: string | null }[] = []
    for (const id of ids) {
      const result = await replayOne(inbox, id).then(
        found => ({ id: found, error: null }),
        (error: Error & { statusCode?: number }) => {
          // Other errors are not about this delivery.
          if (error.statusCode === undefined) throw error
          return { id, error: error.message }
        },
      )
      results.push(result)
    }
    return results
  })
  report(context, json, results, () => table(results.map(({ id, error }) => [id, error ?? 'replayed'])))
  const failed = results.filter(({ error }) => error !== null).length
  if (failed > 0) throw new CommandError(`${failed} of ${ids.length} not replayed`)
}

async function replayFiltered(
  filter: Record<string, unknown>,
  { dryRun = false, json }: ReplayOptions,
  context: Context,
): Promise<void> {
  const result = await withStore(context, store => replayMany(inboxOf(store), filter, dryRun))
  const { matched, replayed, refused = [], waiting = 0 } = result
  report(context, json, result, () => [dryRun ? `${matched} would be replayed` : `${replayed} replayed`])
  if (refused.length > 0) throw new CommandError(`${refused.length} still refused, and kept: ${reasonsOf(refused)}`)
  if (waiting > 0) throw new CommandError(`${waiting} not verified yet: ${NOBODY_VERIFIES}`)
}
