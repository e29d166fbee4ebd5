import { hash } from 'node:crypto'
import createError from '@fastify/error'
import { DateTime } from 'luxon'
import type { Block, BookedLesson } from '../../calendar/contract.ts'
import { blocksOf, type LessonDesk } from './desk.ts'
import { oneOf, shown } from './find.ts'
import { type Given, readBlock } from './input.ts'

/** Times that the tutor blocks: nothing is offered or booked there. They have no student, so they are changed at once. */

const UnknownBlockError = createError<[string]>('OPERATOR_UNKNOWN_BLOCK', 'There is no blocked time %s', 404)

type BlockDesk = Pick<LessonDesk, 'calendar' | 'zone' | 'now'>

/** How far from now blocked times are listed, and looked for by their ids. */
const YEARS_PAST = 1
const YEARS_AHEAD = 10

/**
 * Blocks a time. Lessons that are booked in it stay.
 * @param key the same for every attempt at one request
 * @returns the lessons that stay, too
 * @throws 400 that names the field, 409 this calendar can't
 */
export async function blockTime(
  desk: BlockDesk,
  given: Given,
  key: string,
): Promise<{ block: Block; lessons: BookedLesson[] }> {
  const { block } = blocksOf(desk)
  const time = readBlock(given, { now: desk.now(), zone: desk.zone })
  const blocked = { ...time, id: hash('sha256', `${key} ${time.start} ${time.end}`).slice(0, 12) }
  await block(blocked)
  return { block: blocked, lessons: (await desk.calendar.lessons?.(time.start, time.end)) ?? [] }
}

/** @param id of the block, or its first characters @returns what was blocked @throws 404, 409 several fit */
export async function unblockTime(desk: BlockDesk, id: string): Promise<Block> {
  const { unblock } = blocksOf(desk)
  const fitting = (await blocksAround(desk, YEARS_PAST)).filter(block => id !== '' && block.id.startsWith(id))
  const only = oneOf(
    id,
    fitting.map(block => block.id),
  )
  const found = fitting.find(block => block.id === only)
  if (found === undefined || !(await unblock(found.id))) throw new UnknownBlockError(shown(id))
  return found
}

/** The blocked times that are not over, in order. @throws 409 */
export async function blocksToCome(desk: BlockDesk): Promise<Block[]> {
  return blocksAround(desk, 0)
}

async function blocksAround(desk: BlockDesk, yearsPast: number): Promise<Block[]> {
  const now = DateTime.fromMillis(desk.now())
  const { blocks } = blocksOf(desk)
  return blocks(now.minus({ years: yearsPast }).toMillis(), now.plus({ years: YEARS_AHEAD }).toMillis())
}
