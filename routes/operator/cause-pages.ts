import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Inbox } from '../../inbox/inbox.ts'
import { listCauses } from '../../operator/causes.ts'
import type { Pages } from '../../operator/pages/index.ts'
import { changeJob, currentJob, startJob } from '../../operator/replay-jobs.ts'
import { asObject } from '../../sources/json.ts'
import { sendPage } from './page-values.ts'
import type { Session } from './session.ts'

export interface CausePagesOptions {
  /** The page's path. */
  base: string
  pages: Pages
  inbox: Inbox
}

interface OfOne {
  Params: { number: string }
}

/** Causes and their replay on the operator's page. Sessions and forms are checked by the scope that it is called in. */
export function causePages(signedIn: FastifyInstance, { base, pages, inbox }: CausePagesOptions): void {
  const sessionOf = (request: FastifyRequest) => request.operatorSession as Session

  signedIn.get('/causes', async (request, reply) => {
    const [groups, job] = await Promise.all([listCauses(inbox), currentJob(inbox)])
    return sendPage(reply, pages.causes(sessionOf(request), groups, job))
  })

  signedIn.post('/causes/replay', async ({ body }, reply) => {
    const { cause, pace, pauseAfter } = asObject(body)
    await startJob(inbox, { cause, pace, pauseAfter })
    return reply.redirect(`${base}/causes`, 303)
  })

  for (const [path, to] of [
    ['stop', 'stopped'],
    ['resume', 'running'],
  ] as const) {
    signedIn.post<OfOne>(`/causes/jobs/:number/${path}`, async ({ params }, reply) => {
      await changeJob(inbox, params.number, to)
      return reply.redirect(`${base}/causes`, 303)
    })
  }
}
