import type { Command } from 'commander'
import { replayMany, replayOne } from '../routes/operator/deliveries.ts'
import { filterOf, withFilter } from './filter.ts'
import { CommandError, type Context, report, table, UsageError, withExamples, withJson } from './output.ts'
import { inboxOf, withStore } from './store.ts'

interface ReplayOptions {
  dryRun?: boolean
  json?: boolean
}

export function replayCommand(program: Command, context: Context): void {
  const command = program
    .command('replay')
    .description('handles parked and dead deliveries again, out of order; with its id, a scheduled one now')
  withJson(withFilter(command))
    .argument('[ids...]', 'which deliveries; or use a filter')
    .option('--dry-run', 'only counts the deliveries; with a filter')
    .action((ids: string[], options: ReplayOptions) => replay(ids, options, context))
  withExamples(command, [
    'replay 80509b90-d3f6-81bc-9615-095932084ffb',
    'replay --state dead --source stripe --dry-run',
    'replay --state dead --source stripe',
  ])
}

async function replay(ids: readonly string[], options: ReplayOptions, context: Context): Promise<void> {
  const filter = filterOf(options)
  const filtered = Object.keys(filter).length > 0
  if (ids.length > 0 === filtered) throw new UsageError('give either ids or a filter such as --state dead')
  if (filtered) return replayFiltered(filter, options, context)
  if (options.dryRun) throw new UsageError('--dry-run only works with a filter')
  const results = await withStore(context, async store => {
    const inbox = inboxOf(store)
    const results: { id: string; error: string | null }[] = []
    for (const id of ids) {
      const error = await replayOne(inbox, id).then(
        () => null,
        (error: Error & { statusCode?: number }) => {
          // Other errors are not about this delivery.
          if (error.statusCode === undefined) throw error
          return error.message
        },
      )
      results.push({ id, error })
    }
    return results
  })
  report(context, options.json, results, () => table(results.map(({ id, error }) => [id, error ?? 'replayed'])))
  const failed = results.filter(({ error }) => error !== null).length
  if (failed > 0) throw new CommandError(`${failed} of ${ids.length} not replayed`)
}

async function replayFiltered(
  filter: Record<string, unknown>,
  { dryRun = false, json }: ReplayOptions,
  context: Context,
): Promise<void> {
  const result = await withStore(context, store => replayMany(inboxOf(store), filter, dryRun))
  report(context, json, result, () => [dryRun ? `${result.matched} would be replayed` : `${result.replayed} replayed`])
}
