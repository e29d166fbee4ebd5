import type { FastifyInstance } from 'fastify'
import { readLessonPage } from '../../operator/lessons/filter.ts'
import { findPackage, goneLessons, pageOfPackages } from '../../operator/packages/packages.ts'
import { asObject } from '../../sources/json.ts'
import type { LessonPagesOptions } from './lesson-pages.ts'
import { LOOK_MS } from './lessons.ts'
import { queryOf, sendPage, valuesOf } from './page-values.ts'
import type { Session } from './session.ts'

/** The ledger of packages on the operator's page. Sessions are checked by the scope that it is called in. */
export function packagePages(signedIn: FastifyInstance, { pages, desk }: Omit<LessonPagesOptions, 'base'>): void {
  signedIn.get('/packages', async (request, reply) => {
    const given = asObject(request.query)
    const { limit, cursor } = readLessonPage(given)
    const page = await pageOfPackages(desk, limit, cursor)
    const nextQuery = page.next === null ? undefined : queryOf({ ...valuesOf(given, ['limit']), cursor: page.next })
    return sendPage(reply, pages.packages(request.operatorSession as Session, { ...page, nextQuery }))
  })

  signedIn.get<{ Params: { id: string } }>('/packages/:id', async (request, reply) => {
    const { found, entries } = await findPackage(desk, request.params.id)
    const gone = await goneLessons(desk, entries, AbortSignal.timeout(LOOK_MS))
    return sendPage(reply, pages.onePackage(request.operatorSession as Session, { found, entries, gone }))
  })
}
