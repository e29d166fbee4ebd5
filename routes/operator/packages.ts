import type { FastifyInstance, onRequestAsyncHookHandler } from 'fastify'
import type { LessonDesk } from '../../operator/lessons/desk.ts'
import { readLessonPage } from '../../operator/lessons/filter.ts'
import { entryView, findPackage, packageView, pageOfPackages } from '../../operator/packages/packages.ts'
import { asObject } from '../../sources/json.ts'

export interface PackagesApiOptions {
  /** Checks access. */
  access: onRequestAsyncHookHandler
  desk: LessonDesk
}

const params = {
  type: 'object',
  properties: {
    id: { type: 'string', description: 'The package’s id, the order that bought it, or the beginning of it' },
  },
} as const
const page = {
  limit: { type: 'string', description: 'Packages per page, 1 to 200 (default 50)' },
  cursor: { type: 'string', description: '`next` of the previous page' },
} as const

/** The API of the ledger. It changes nothing: the commands do. */
export default async function packagesApi(app: FastifyInstance, { access, desk }: PackagesApiOptions): Promise<void> {
  app.addHook('onRequest', access)

  app.get(
    '/packages',
    {
      schema: {
        summary: 'Lessons that are paid ahead, the newest package first',
        querystring: { type: 'object', properties: page },
      },
    },
    async request => {
      const { limit, cursor } = readLessonPage(asObject(request.query))
      const { packages, next } = await pageOfPackages(desk, limit, cursor)
      return { packages: packages.map(each => packageView(each, desk.links)), next }
    },
  )

  app.get<{ Params: { id: string } }>(
    '/packages/:id',
    { schema: { summary: 'One package, and its entries in order', params } },
    async ({ params: { id } }) => {
      const { found, entries } = await findPackage(desk, id)
      return { ...packageView(found, desk.links), entries: entries.map(entryView) }
    },
  )
}
