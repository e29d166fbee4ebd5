import type { Command } from 'commander'
import { prunePass } from '../inbox/prune.ts'
import { type Context, report, withExamples, withJson } from './output.ts'
import { withStore } from './store.ts'

export function pruneCommand(program: Command, context: Context): void {
  const command = program.command('prune')
  withJson(command)
    .description(
      'deletes data older than RETENTION_DAYS, DEDUP_DAYS and QUARANTINE_HOURS now; the server does this every hour',
    )
    .action((options: { json?: boolean }) => prune(options, context))
  withExamples(command, ['prune'])
}

async function prune({ json }: { json?: boolean }, context: Context): Promise<void> {
  const result = await withStore(context, async (store, { RETENTION_DAYS, DEDUP_DAYS, QUARANTINE_HOURS }) => {
    const days = { retentionDays: RETENTION_DAYS, dedupDays: DEDUP_DAYS }
    await prunePass({ store, clock: Date, ...days, quarantineHours: QUARANTINE_HOURS })
    return { ...days, ...(await store.size()) }
  })
  const { retentionDays, dedupDays, deliveries, bytes } = result
  report(context, json, result, () => [
    `payloads older than ${retentionDays} days and keys older than ${dedupDays} are deleted; ` +
      `about ${deliveries} deliveries and ${Math.ceil(bytes / 2 ** 20)} MiB are kept`,
  ])
}
