import type { Command } from 'commander'
import { type CauseView, listCauses } from '../operator/causes.ts'
import { shortId } from '../operator/find-delivery.ts'
import { type Context, report, table, withExamples, withJson } from './output.ts'
import { inboxOf, withStore } from './store.ts'

export function causesCommand(program: Command, context: Context): void {
  const command = program.command('causes').description('groups parked and dead deliveries by what they failed for')
  withJson(command).action((options: { json?: boolean }) => causes(options, context))
  withExamples(command, ['causes', 'list --cause ChatwootRefusedError:chatwoot:404', 'causes --json | jq -r .[].cause'])
}

async function causes({ json }: { json?: boolean }, context: Context): Promise<void> {
  const groups = await withStore(context, store => listCauses(inboxOf(store)))
  report(context, json, groups, () => tableOf(groups))
}

function tableOf(groups: readonly CauseView[]): string[] {
  if (groups.length === 0) return ['nothing is parked or dead']
  const rows = groups.map(({ cause, dead, parked, isMore, oldestAt, newestAt, example }) => {
    const more = isMore ? 'more' : ''
    return [cause, `${dead}`, `${parked}`, more, oldestAt, newestAt, shortId(example)]
  })
  return table([['cause', 'dead', 'parked', '', 'oldest', 'newest', 'example'], ...rows], [1, 2])
}
