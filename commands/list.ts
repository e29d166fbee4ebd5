import type { Command } from 'commander'
import { readFilter, readPage } from '../operator/filter.ts'
import { shortId } from '../operator/find-delivery.ts'
import { listDeliveries } from '../operator/listing.ts'
import { type DeliveryView, viewOf } from '../operator/views.ts'
import { filterOf, withFilter } from './filter.ts'
import { type Context, report, table, withExamples, withJson } from './output.ts'
import { inboxOf, withStore } from './store.ts'

/** Longest error in a table, characters. */
const MAX_ERROR_CHARACTERS = 60
/** Most of a message in a table, characters. */
const MAX_WORDS_CHARACTERS = 40

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
    'list --state quarantined',
    'list --name renee',
    'list --source stripe --from 2026-11-23T00:00:00Z',
    'list --conversation 42 --json | jq .deliveries[].id',
  ])
}

async function list(options: ListOptions, context: Context): Promise<void> {
  const { limit, before } = readPage({ ...options })
  const filter = readFilter(filterOf(options))
  const { page, deliveries } = await withStore(context, async (store, { CW_URL }) => {
    const page = await listDeliveries(inboxOf(store), filter, limit, before)
    return { page, deliveries: page.deliveries.map(delivery => viewOf(delivery, CW_URL)) }
  })
  const { searched } = page
  const next = page.next === null ? null : `${page.next}`
  report(context, options.json, { deliveries, next, searched }, () => tableOf(deliveries))
  if (options.json) return
  if (searched !== null) context.say(`searched ${searched} deliveries for the name`)
  if (next !== null) context.say(`for older deliveries: --cursor ${next}`)
}

function tableOf(deliveries: readonly DeliveryView[]): string[] {
  if (deliveries.length === 0) return ['no deliveries']
  const rows = deliveries.map(delivery => {
    const { receivedAt, source, event, orderingKey, student, words, attempts, id, error, nextAttemptAt } = delivery
    const state = delivery.state === 'scheduled' ? `scheduled, due ${nextAttemptAt ?? 'now'}` : stateOf(delivery)
    const said = [student ?? '', shortened(words ?? '', MAX_WORDS_CHARACTERS)]
    const handled = [`${attempts}`, shortId(id), shortened(error ?? '', MAX_ERROR_CHARACTERS)]
    return [state, receivedAt, ...said, source, event, orderingKey, ...handled]
  })
  const titles = ['state', 'received', 'student', 'words', 'source', 'event', 'ordering key', 'attempts', 'id', 'error']
  return table([titles, ...rows], [7])
}

export function stateOf({ state, inFlight }: DeliveryView): string {
  return inFlight ? `${state}, being handled` : state
}

function shortened(text: string, maxCharacters: number): string {
  return text.length > maxCharacters ? `${text.slice(0, maxCharacters - 1)}…` : text
}
