import type { Command } from 'commander'
import { readFilter, readPage } from '../operator/filter.ts'
import { type DeliveryView, viewOf } from '../operator/views.ts'
import { filterOf, withFilter } from './filter.ts'
import { type Context, report, table, withExamples, withJson } from './output.ts'
import { inboxOf, withStore } from './store.ts'

/** Longest error in a table, characters. */
const MAX_ERROR_CHARACTERS = 60

interface ListOptions {
  limit?: string
  cursor?: string
  json?: boolean
}

export function listCommand(program: Command, context: Context): void {
  const command = program.command('list').description('lists deliveries, newest first')
  withJson(withFilter(command))
    .option('--limit <n>', 'deliveries per page, 1 to 200 (default 50)')
    .option('--cursor <cursor>', 'start of the next page, from the last line of this one')
    .action((options: ListOptions) => list(options, context))
  withExamples(command, [
    'list --state dead',
    'list --state scheduled',
    'list --source stripe --from 2026-11-23T00:00:00Z',
    'list --conversation 42 --json | jq .deliveries[].id',
  ])
}

async function list(options: ListOptions, context: Context): Promise<void> {
  const { limit, before } = readPage({ ...options })
  const filter = readFilter(filterOf(options))
  const page = await withStore(context, store => inboxOf(store).browse(filter, limit, before))
  const deliveries = page.deliveries.map(viewOf)
  const next = page.next === null ? null : `${page.next}`
  report(context, options.json, { deliveries, next }, () => tableOf(deliveries))
  if (next !== null && !options.json) context.say(`for older deliveries: --cursor ${next}`)
}

function tableOf(deliveries: readonly DeliveryView[]): string[] {
  if (deliveries.length === 0) return ['no deliveries']
  const rows = deliveries.map(delivery => {
    const { receivedAt, source, event, orderingKey, attempts, id, error, nextAttemptAt } = delivery
    const state = delivery.state === 'scheduled' ? `scheduled, due ${nextAttemptAt ?? 'now'}` : stateOf(delivery)
    return [state, receivedAt, source, event, orderingKey, `${attempts}`, id, shortened(error ?? '')]
  })
  return table([['state', 'received', 'source', 'event', 'ordering key', 'attempts', 'id', 'error'], ...rows], [5])
}

export function stateOf({ state, inFlight }: DeliveryView): string {
  return inFlight ? `${state}, being handled` : state
}

function shortened(error: string): string {
  return error.length > MAX_ERROR_CHARACTERS ? `${error.slice(0, MAX_ERROR_CHARACTERS - 1)}…` : error
}
