import type { Command } from 'commander'
import { discardOne } from '../routes/operator/deliveries.ts'
import { type Context, report, withExamples, withJson } from './output.ts'
import { inboxOf, withStore } from './store.ts'

export function discardCommand(program: Command, context: Context): void {
  const command = program
    .command('discard')
    .description('discards a parked, dead or scheduled delivery: it will not be handled')
  withJson(command)
    .argument('<id>', "the delivery's id")
    .requiredOption('--reason <text>', 'why it need not be handled, for the record')
    .action(async (id: string, { reason, json }: { reason: string; json?: boolean }) => {
      await withStore(context, store => discardOne(inboxOf(store), id, reason))
      report(context, json, { status: 'discarded', id }, () => [`${id} discarded`])
    })
  withExamples(command, ["discard 80509b90-d3f6-81bc-9615-095932084ffb --reason 'booked by hand'"])
}
