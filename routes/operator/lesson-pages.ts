import { randomUUID } from 'node:crypto'
import { Readable } from 'node:stream'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { DateTime } from 'luxon'
import { noticeOf } from '../../operator/dashboard-words.ts'
import { BadFilterError } from '../../operator/filter.ts'
import { blocksToCome, blockTime, unblockTime } from '../../operator/lessons/blocks.ts'
import { booksOf, monthOf } from '../../operator/lessons/books.ts'
import {
  type Asked,
  askToAdd,
  askToCancel,
  askToMove,
  askToPay,
  askToReopen,
  changeOf,
} from '../../operator/lessons/changes.ts'
import { type LessonDesk, listOf, NO_LIST, whyNotMoved } from '../../operator/lessons/desk.ts'
import { readLessonFilter, readLessonPage } from '../../operator/lessons/filter.ts'
import {
  findLesson,
  isReserved,
  pageOfLessons,
  readWeek,
  UnknownLessonError,
  weekOf,
} from '../../operator/lessons/find.ts'
import { BadLessonError, keyIn } from '../../operator/lessons/input.ts'
import { openSummary, readerFor } from '../../operator/lessons/open.ts'
import { askToEndWeekly, weeklyViews } from '../../operator/lessons/weekly.ts'
import type { Wrong } from '../../operator/pages/block.ts'
import type { Pages } from '../../operator/pages/index.ts'
import { LESSON_FORMS, type LessonData } from '../../operator/pages/lesson.ts'
import type { FilterValues } from '../../operator/pages/list.ts'
import { NEW_LESSON_FIELDS } from '../../operator/pages/new-lesson.ts'
import { asObject, asText } from '../../sources/json.ts'
import { LOOK_MS } from './lessons.ts'
import { queryOf, sendPage, valuesOf } from './page-values.ts'
import type { Session } from './session.ts'

export interface LessonPagesOptions {
  /** The page's path. */
  base: string
  pages: Pages
  desk: LessonDesk
}

const LIST_FIELDS = ['student', 'state', 'open', 'from', 'to', 'limit', 'cursor']

interface OfOne {
  Params: { id: string }
}

/** The tutor's lessons on the operator's page. Sessions and forms are checked by the scope that it is called in. */
export function lessonPages(signedIn: FastifyInstance, { base, pages, desk }: LessonPagesOptions): void {
  const { calendar, zone, now } = desk
  const sessionOf = (request: FastifyRequest) => request.operatorSession as Session

  signedIn.get('/lessons', async (request, reply) => {
    const { lessons, blocks } = calendar
    if (lessons === undefined) return sendPage(reply, pages.noLessons(sessionOf(request), `${NO_LIST}.`))
    const week = weekOf(asText(asObject(request.query).week), now(), zone)
    const read = await readWeek({ lessons: listOf(desk), blocks: blocks?.bind(calendar) }, week)
    const notice = noticeOf(asObject(request.query))
    const open = await openSummary(desk)
    return sendPage(reply, pages.week(sessionOf(request), { week, ...read, open, now: now() }, notice))
  })

  blockPages(signedIn, { base, pages, desk })
  weeklyPages(signedIn, { base, pages, desk })

  signedIn.get('/lessons/list', async (request, reply) => {
    const given = asObject(request.query)
    const values = valuesOf(given, LIST_FIELDS)
    try {
      const { limit, cursor } = readLessonPage(given)
      const filter = readLessonFilter(given, now(), zone)
      const page = await pageOfLessons(await readerFor(desk, filter), filter, limit, cursor)
      const open = filter.open ? await openSummary(desk) : null
      const nextQuery = page.next === null ? undefined : queryOf({ ...values, cursor: page.next })
      return sendPage(reply, pages.lessonList(sessionOf(request), { page, values, nextQuery, open }))
    } catch (error) {
      if (!(error instanceof BadFilterError)) throw error
      const [field] = error.message.split(' ') as [string]
      return sendPage(reply.code(400), pages.badLessonFilter(sessionOf(request), values, field, error.message))
    }
  })

  signedIn.get('/lessons.csv', async (request, reply) => {
    const month = monthOf(asText(asObject(request.query).month), now(), zone)
    const rows = booksOf(desk, month)
    reply.header('content-disposition', `attachment; filename="lessons-${month.name}.csv"`)
    return reply.type('text/csv; charset=utf-8').send(Readable.from(linesOf(rows)))
  })

  /** For a form that has an id. */
  signedIn.get('/lessons/find', async (request, reply) =>
    reply.redirect(`${base}/lessons/${encodeURIComponent(asText(asObject(request.query).id)?.trim() ?? '')}`, 303),
  )

  newLessonPages(signedIn, { base, pages, desk })
  oneLessonPages(signedIn, { base, pages, desk })
}

/** Spreadsheet programs take it for UTF-8 by the mark that it begins with. */
async function* linesOf(rows: AsyncIterable<string>): AsyncGenerator<string> {
  yield '\ufeff'
  for await (const row of rows) yield `${row}\r\n`
}

function newLessonPages(signedIn: FastifyInstance, { base, pages, desk }: LessonPagesOptions): void {
  signedIn.get('/lessons/new', async (request, reply) => {
    const { day = '' } = valuesOf(asObject(request.query), ['day'])
    const values = valuesOf(
      { start: /^[\d-]{10}$/.test(day) ? `${day}T10:00` : '', ...usualOf(desk) },
      NEW_LESSON_FIELDS,
    )
    return sendPage(reply, pages.newLesson(request.operatorSession as Session, { values, key: randomUUID() }))
  })

  signedIn.post('/lessons/new', async (request, reply) => {
    const given = asObject(request.body)
    try {
      return askedFor(base, await askToAdd(desk, given, keyIn(given)), reply)
    } catch (error) {
      const wrong = wrongIn(error)
      const form = { values: valuesOf(given, NEW_LESSON_FIELDS), key: randomUUID() }
      return sendPage(reply.code(statusOf(error)), pages.newLesson(request.operatorSession as Session, form, wrong))
    }
  })
}

function usualOf({ usual }: LessonDesk): Record<string, string> {
  return { minutes: `${usual.minutes}`, service: usual.service }
}

function oneLessonPages(signedIn: FastifyInstance, { base, pages, desk }: LessonPagesOptions): void {
  const { calendar, now } = desk

  async function show(request: FastifyRequest<OfOne>, given?: LessonData['given']): Promise<string> {
    const { id } = request.params
    const change = asText(asObject(request.query).asked)
    const asked = change === undefined ? null : await changeOf(desk, change)
    const signal = AbortSignal.timeout(LOOK_MS)
    let isHeld = false
    const lesson = await findLesson(calendar, id, signal).catch(async error => {
      if (!(error instanceof UnknownLessonError)) throw error
      isHeld = await isReserved(calendar, id, signal)
      // Asked for, and not there (yet).
      if (isHeld || asked?.lesson === id) return null
      throw error
    })
    const data = {
      id: lesson?.order ?? id,
      lesson,
      isReserved: isHeld,
      price: lesson === null ? undefined : desk.prices.get((lesson.end - lesson.start) / 60_000),
      asked,
      key: randomUUID(),
      now: now(),
      whyNotMoved: whyNotMoved(calendar),
      ...(given && { given }),
    }
    return pages.lesson(request.operatorSession as Session, data)
  }

  signedIn.get<OfOne>('/lessons/:id', async (request, reply) => sendPage(reply, await show(request)))

  const asking = { move: askToMove, cancel: askToCancel, paid: askToPay, unpaid: askToReopen }
  for (const [form, ask] of Object.entries(asking) as Entries) {
    signedIn.post<OfOne>(`/lessons/:id/${form}`, async (request, reply) => {
      const given = asObject(request.body)
      try {
        const asked = await ask(desk, request.params.id, given, keyIn(given), AbortSignal.timeout(LOOK_MS))
        return askedFor(base, asked, reply)
      } catch (error) {
        const values = valuesOf(given, LESSON_FORMS[form])
        return sendPage(reply.code(statusOf(error)), await show(request, { form, values, wrong: wrongIn(error) }))
      }
    })
  }
}

type Entries = [
  keyof typeof LESSON_FORMS,
  typeof askToMove | typeof askToCancel | typeof askToPay | typeof askToReopen,
][]

function askedFor(base: string, { order, delivery }: Asked, reply: FastifyReply): FastifyReply {
  return reply.redirect(`${base}/lessons/${encodeURIComponent(order)}?asked=${delivery}`, 303)
}

function weeklyPages(signedIn: FastifyInstance, { base, pages, desk }: LessonPagesOptions): void {
  signedIn.get('/lessons/weekly', async (request, reply) => {
    const notice = noticeOf(asObject(request.query))
    const data = { all: await weeklyViews(desk), key: randomUUID() }
    return sendPage(reply, pages.weekly(request.operatorSession as Session, data, notice))
  })

  signedIn.post<OfOne>('/lessons/weekly/:id/end', async ({ params: { id }, body }, reply) => {
    await askToEndWeekly(desk, id, keyIn(asObject(body)))
    return reply.redirect(`${base}/lessons/weekly?done=ending`, 303)
  })
}

const BLOCK_FIELDS = ['from', 'to', 'reason']

function blockPages(signedIn: FastifyInstance, { base, pages, desk }: LessonPagesOptions): void {
  const show = async (request: FastifyRequest, given: { values: FilterValues; key: string }, wrong?: Wrong) =>
    pages.block(request.operatorSession as Session, { ...given, blocks: await blocksToCome(desk) }, wrong)

  signedIn.get('/lessons/block', async (request, reply) => {
    const { day } = valuesOf(asObject(request.query), ['day'])
    return sendPage(reply, await show(request, { values: { from: `${day}`, to: '', reason: '' }, key: randomUUID() }))
  })

  signedIn.post('/lessons/block', async (request, reply) => {
    const given = asObject(request.body)
    try {
      const { block, lessons } = await blockTime(desk, given, keyIn(given))
      const week = DateTime.fromMillis(block.start, { zone: desk.zone }).toISODate() as string
      const query = queryOf({ week, done: 'blocked', count: `${lessons.length}` })
      return reply.redirect(`${base}/lessons?${query}`, 303)
    } catch (error) {
      const wrong = wrongIn(error)
      const form = { values: valuesOf(given, BLOCK_FIELDS), key: randomUUID() }
      return sendPage(reply.code(statusOf(error)), await show(request, form, wrong))
    }
  })

  signedIn.post<OfOne>('/lessons/blocks/:id/unblock', async ({ params: { id } }, reply) => {
    const { start } = await unblockTime(desk, id)
    const week = DateTime.fromMillis(start, { zone: desk.zone }).toISODate() as string
    return reply.redirect(`${base}/lessons?${queryOf({ week, done: 'unblocked' })}`, 303)
  })
}

/** The error to show in a form, beside its field if it is about one. @throws any other error */
function wrongIn(error: unknown): Wrong {
  const { message } = error as Error
  if (error instanceof BadLessonError) return { field: message.split(' ')[0] as string, message }
  if (statusOf(error) !== 409) throw error
  return { field: '', message }
}

function statusOf(error: unknown): number {
  return (error as { statusCode?: number }).statusCode ?? 500
}
