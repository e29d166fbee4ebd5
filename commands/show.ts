import type { Command } from 'commander'
import { findDelivery } from '../operator/find-delivery.ts'
import { indentedJson, NOT_INDENTED } from '../operator/json-text.ts'
import { type DeliveryView, type TimelineEntry, timelineOf, viewOfOne } from '../operator/views.ts'
import { stateOf } from './list.ts'
import { type Context, printable, report, table, withExamples, withJson } from './output.ts'
import { inboxOf, withStore } from './store.ts'

export function showCommand(program: Command, context: Context): void {
  const command = program.command('show').description('shows one delivery: its history and its payload')
  withJson(command)
    .argument('<id>', "the delivery's id, or its beginning as list shows it")
    .action((id: string, options: { json?: boolean }) => show(id, options, context))
  withExamples(command, ['show 80509b90'])
}

async function show(id: string, { json }: { json?: boolean }, context: Context): Promise<void> {
  const { delivery, history, chatwootUrl } = await withStore(context, async (store, { CW_URL }) => {
    const inbox = inboxOf(store)
    const delivery = await findDelivery(inbox, id)
    return { delivery, history: await inbox.history(delivery.id), chatwootUrl: CW_URL }
  })
  const view = viewOfOne(delivery, chatwootUrl)
  const timeline = timelineOf(delivery, history)
  const { payload } = delivery
  report(context, json, { ...view, timeline, payload }, () => [
    ...fieldsOf(view),
    '',
    ...timelineTable(timeline),
    '',
    ...payloadLines(payload),
  ])
}

function payloadLines(payload: object | null): string[] {
  if (payload === null) return ['the payload has been deleted']
  const { text, isIndented } = indentedJson(payload)
  const lines = text.split('\n').map(printable)
  return isIndented ? lines : [`${NOT_INDENTED}:`, ...lines]
}

function fieldsOf(view: DeliveryView): string[] {
  const { inFlight: _, state: __, ...fields } = view
  const rows = Object.entries({ state: stateOf(view), ...fields }).filter(([, value]) => value !== null)
  return table(rows.map(([name, value]) => [name, `${value}`]))
}

function timelineTable(timeline: readonly TimelineEntry[]): string[] {
  const rows = timeline.map(({ at, what, attempt, ms, detail }) => [
    at,
    what,
    `${attempt ?? ''}`,
    `${ms ?? ''}`,
    detail ?? '',
  ])
  return table([['at', 'what', 'attempt', 'ms', ''], ...rows], [2, 3])
}
