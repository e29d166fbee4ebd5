import type { Command } from 'commander'
import { discardOne } from '../routes/operator/deliveries.ts'
import { type Context, report, withExamples, withJson } from './output.ts'
import { inboxOf, withStore } from './store.ts'

export function discardCommand(program: Command, context: Context): void {
  const command = program
    .command('discard')
    .description('discards a parked, dead or scheduled delivery: it will not be handled; deletes a quarantined one')
  withJson(command)
    .argument('<id>', "the delivery's id, or its beginning as list shows it")
    .requiredOption('--reason <text>', 'why it need not be handled, for the record')
    .action(async (given: string, { reason, json }: { reason: string; json?: boolean }) => {
      const id = await withStore(context, store => discardOne(inboxOf(store), given, reason))
      report(context, json, { status: 'discarded', id }, () => [`${id} discarded`])
    })
  withExamples(command, ["discard 80509b90 --reason 'booked by hand'"])
}
