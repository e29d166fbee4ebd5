import createError from '@fastify/error'
import type { FastifyInstance, onRequestAsyncHookHandler } from 'fastify'
import { blocksToCome, blockTime, unblockTime } from '../../operator/lessons/blocks.ts'
import {
  type Asked,
  askToAdd,
  askToCancel,
  askToMove,
  askToPay,
  askToReopen,
  changeOf,
} from '../../operator/lessons/changes.ts'
import type { LessonDesk } from '../../operator/lessons/desk.ts'
import { LESSON_FILTER_SCHEMA, readLessonFilter, readLessonPage } from '../../operator/lessons/filter.ts'
import { findLesson, pageOfLessons } from '../../operator/lessons/find.ts'
import {
  ADD_SCHEMA,
  BLOCK_SCHEMA,
  CANCEL_SCHEMA,
  KEY_SCHEMA,
  keyIn,
  MOVE_SCHEMA,
  PAID_SCHEMA,
} from '../../operator/lessons/input.ts'
import { openSummary, readerFor } from '../../operator/lessons/open.ts'
import { blockView, lessonView } from '../../operator/lessons/view.ts'
import { askToEndWeekly, weeklyViews } from '../../operator/lessons/weekly.ts'
import { asObject } from '../../sources/json.ts'

export interface LessonsApiOptions {
  /** Checks access. */
  access: onRequestAsyncHookHandler
  desk: LessonDesk
}

const UnknownChangeError = createError<[string]>('OPERATOR_UNKNOWN_CHANGE', 'There is no change %s', 404)

/** A calendar elsewhere has this long to answer, ms. */
export const LOOK_MS = 20_000

const params = {
  type: 'object',
  properties: { id: { type: 'string', description: 'The lesson’s id, its order, or the beginning of it' } },
} as const
const changeParams = {
  type: 'object',
  properties: { id: { type: 'string', description: '`change` of the answer' } },
} as const
/** Of a blocked time, or a weekly one. */
const blockParams = {
  type: 'object',
  properties: { id: { type: 'string', description: 'Its id, or the beginning of it' } },
} as const
const page = {
  limit: { type: 'string', description: 'Lessons per page, 1 to 200 (default 50)' },
  cursor: { type: 'string', description: '`next` of the previous page' },
} as const

/** The lessons API. */
export default async function lessonsApi(app: FastifyInstance, { access, desk }: LessonsApiOptions): Promise<void> {
  const { zone, now, links, calendar } = desk
  app.addHook('onRequest', access)

  app.get(
    '/lessons',
    {
      schema: {
        summary: 'Lessons, in order of their start',
        querystring: { type: 'object', properties: { ...LESSON_FILTER_SCHEMA, ...page } },
      },
    },
    async request => {
      const query = asObject(request.query)
      const { limit, cursor } = readLessonPage(query)
      const filter = readLessonFilter(query, now(), zone)
      const { lessons, next } = await pageOfLessons(await readerFor(desk, filter), filter, limit, cursor)
      const open = filter.open && { open: await openSummary(desk) }
      return { lessons: lessons.map(lesson => lessonView(lesson, links)), next, ...open }
    },
  )

  changesApi(app, desk)

  app.get('/lessons/blocks', { schema: { summary: 'Blocked times that are not over' } }, async () => ({
    blocks: (await blocksToCome(desk)).map(blockView),
  }))

  app.post(
    '/lessons/blocks',
    {
      schema: {
        summary: 'Blocks a time: nothing is offered or booked in it; lessons that are booked stay',
        body: { type: 'object', properties: { ...BLOCK_SCHEMA, ...KEY_SCHEMA } },
      },
    },
    async (request, reply) => {
      const given = asObject(request.body)
      const { block, lessons } = await blockTime(desk, given, keyIn(given))
      return reply.code(201).send({ ...blockView(block), lessons: lessons.map(lesson => lessonView(lesson, links)) })
    },
  )

  app.post<{ Params: { id: string } }>(
    '/lessons/blocks/:id/unblock',
    { schema: { summary: 'Unblocks a time', params: blockParams } },
    async ({ params: { id } }) => ({ ...blockView(await unblockTime(desk, id)), status: 'unblocked' }),
  )

  app.get('/lessons/weekly', { schema: { summary: 'The times that students have each week' } }, async () => ({
    weekly: await weeklyViews(desk),
  }))

  app.get<{ Params: { id: string } }>(
    '/lessons/:id',
    { schema: { summary: 'One lesson', params } },
    async ({ params: { id } }) => lessonView(await findLesson(calendar, id, AbortSignal.timeout(LOOK_MS)), links),
  )
}

const asked = { description: 'Asked; GET /lessons/changes/<change> says what came of it' } as const

/** Each is done by the server in the order of the student's conversation. */
function changesApi(app: FastifyInstance, desk: LessonDesk): void {
  const answer = ({ order, delivery }: Asked) => ({ status: 'asked', id: order, change: delivery })
  const body = (properties: object) => ({ type: 'object', properties: { ...properties, ...KEY_SCHEMA } })

  app.post(
    '/lessons',
    { schema: { summary: 'Adds a lesson, and tells the student', ...asked, body: body(ADD_SCHEMA) } },
    async (request, reply) => {
      const given = asObject(request.body)
      return reply.code(202).send(answer(await askToAdd(desk, given, keyIn(given))))
    },
  )

  const changes = [
    ['move', askToMove, MOVE_SCHEMA, 'Moves a lesson, and tells the student'],
    ['cancel', askToCancel, CANCEL_SCHEMA, 'Cancels a lesson, and tells the student'],
    [
      'paid',
      askToPay,
      PAID_SCHEMA,
      'Marks a lesson as paid otherwise than at Stripe, and tells the student; a reserved one is booked',
    ],
    [
      'unpaid',
      askToReopen,
      {},
      'Takes back that a lesson was marked as paid: it is open again, and the student is told',
    ],
  ] as const
  for (const [change, ask, properties, summary] of changes) {
    app.post<{ Params: { id: string } }>(
      `/lessons/:id/${change}`,
      { schema: { summary, ...asked, params, body: body(properties) } },
      async (request, reply) => {
        const given = asObject(request.body)
        const done = await ask(desk, request.params.id, given, keyIn(given), AbortSignal.timeout(LOOK_MS))
        return reply.code(202).send(answer(done))
      },
    )
  }

  app.post<{ Params: { id: string } }>(
    '/lessons/weekly/:id/end',
    {
      schema: {
        summary: 'Ends a weekly time: lessons of it that are not paid are cancelled, and the student is told',
        ...asked,
        params: blockParams,
        body: body({}),
      },
    },
    async (request, reply) => {
      const done = await askToEndWeekly(desk, request.params.id, keyIn(asObject(request.body)))
      return reply.code(202).send(answer(done))
    },
  )

  app.get<{ Params: { id: string } }>(
    '/lessons/changes/:id',
    { schema: { summary: 'What came of a change that was asked for', params: changeParams } },
    async ({ params: { id } }) => {
      const change = await changeOf(desk, id)
      if (change === null) throw new UnknownChangeError(id.slice(0, 100))
      return change
    },
  )
}
