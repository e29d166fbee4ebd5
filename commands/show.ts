import type { Command } from 'commander'
import { indentedJson, NOT_INDENTED } from '../operator/json-text.ts'
import { type DeliveryView, type TimelineEntry, timelineOf, viewOf } from '../operator/views.ts'
import { find } from '../routes/operator/deliveries.ts'
import { stateOf } from './list.ts'
import { type Context, printable, report, table, withExamples, withJson } from './output.ts'
import { inboxOf, withStore } from './store.ts'

export function showCommand(program: Command, context: Context): void {
  const command = program.command('show').description('shows one delivery: its history and its payload')
  withJson(command)
    .argument('<id>', "the delivery's id")
    .action((id: string, options: { json?: boolean }) => show(id, options, context))
  withExamples(command, ['show 80509b90-d3f6-81bc-9615-095932084ffb'])
}

async function show(id: string, { json }: { json?: boolean }, context: Context): Promise<void> {
  const { delivery, history } = await withStore(context, async store => {
    const inbox = inboxOf(store)
    return { delivery: await find(inbox, id), history: await inbox.history(id) }
  })
  const view = viewOf(delivery)
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
