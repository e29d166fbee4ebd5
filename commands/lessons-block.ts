import { randomUUID } from 'node:crypto'
import type { Command } from 'commander'
import { blocksToCome, blockTime, unblockTime } from '../operator/lessons/blocks.ts'
import { type BlockView, blockView, lessonView } from '../operator/lessons/view.ts'
import { localWhen, withLessons } from './lesson-desk.ts'
import { type Context, report, table, withExamples, withJson } from './output.ts'

export function addBlockCommands(lessons: Command, context: Context): void {
  const block = lessons
    .command('block')
    .description('blocks hours or days: nothing is offered or booked in them; without a time, lists what is blocked')
  withJson(block)
    .argument('[from]', 'beginning, such as 2026-12-24T13:00, or a day: all of it')
    .argument('[to]', 'end, or the last day, which is blocked too')
    .option('--reason <text>', 'for yourself')
    .action((from: string | undefined, to: string | undefined, options: BlockOptions) => {
      return from === undefined ? listBlocks(options, context) : blockOne({ from, to }, options, context)
    })
  withExamples(block, [
    'lessons block 2026-12-24',
    'lessons block 2026-12-24 2027-01-03 --reason holidays',
    'lessons block 2026-12-01T13:00 2026-12-01T15:00',
    'lessons block',
  ])
  const unblock = lessons.command('unblock').description('unblocks a time')
  withJson(unblock)
    .argument('<id>', 'its id, or the beginning of it')
    .action((id: string, { json }: { json?: boolean }) => unblockOne(id, json, context))
  withExamples(unblock, ['lessons unblock 3f9a'])
}

interface BlockOptions {
  reason?: string
  json?: boolean
}

async function listBlocks({ json }: BlockOptions, context: Context): Promise<void> {
  const { blocks, zone } = await withLessons(context, async desk => ({
    blocks: (await blocksToCome(desk)).map(blockView),
    zone: desk.zone,
  }))
  report(context, json, { blocks }, () => (blocks.length === 0 ? ['nothing is blocked'] : tableOf(blocks, zone)))
}

function tableOf(blocks: readonly BlockView[], zone: string): string[] {
  const rows = blocks.map(({ id, start, end, reason }) => [localWhen(start, zone), localWhen(end, zone), reason, id])
  return table([[`from (${zone})`, 'to', 'reason', 'id'], ...rows])
}

async function blockOne(
  time: { from: string; to: string | undefined },
  { reason, json }: BlockOptions,
  context: Context,
): Promise<void> {
  const result = await withLessons(context, async desk => {
    const { block, lessons } = await blockTime(desk, { ...time, reason }, randomUUID())
    const stay = lessons.map(lesson => lessonView(lesson, desk.links))
    return { ...blockView(block), lessons: stay, zone: desk.zone }
  })
  const { zone, ...shown } = result
  report(context, json, shown, () => [
    `blocked ${localWhen(shown.start, zone)} to ${localWhen(shown.end, zone)}, id ${shown.id}`,
    ...shown.lessons.map(({ start, student, id }) => `stays: ${localWhen(start, zone)} ${student}, id ${id}`),
  ])
}

async function unblockOne(id: string, json: boolean | undefined, context: Context): Promise<void> {
  const { block, zone } = await withLessons(context, async desk => ({
    block: blockView(await unblockTime(desk, id)),
    zone: desk.zone,
  }))
  report(context, json, { ...block, status: 'unblocked' }, () => [
    `unblocked ${localWhen(block.start, zone)} to ${localWhen(block.end, zone)}`,
  ])
}
