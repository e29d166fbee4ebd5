import type { FastifyInstance, onRequestAsyncHookHandler } from 'fastify'
import { listCauses } from '../../operator/causes.ts'
import { changeJob, currentJob, findJob, startJob, WISH_SCHEMA } from '../../operator/replay-jobs.ts'
import { asObject } from '../../sources/json.ts'

export interface CausesApiOptions {
  /** Checks access. */
  access: onRequestAsyncHookHandler
}

const params = { type: 'object', properties: { number: { type: 'string', description: "The job's number" } } } as const

interface OfOne {
  Params: { number: string }
}

/** The causes API: what is parked or dead, by what it failed for, and the replay of a cause as a job. */
export default async function causesApi(app: FastifyInstance, { access }: CausesApiOptions): Promise<void> {
  const { inbox } = app.webhooks
  app.addHook('onRequest', access)

  app.get(
    '/causes',
    { schema: { summary: 'Parked and dead deliveries by what they failed for, the largest group first' } },
    async () => ({ causes: await listCauses(inbox) }),
  )

  app.get('/replay-jobs', { schema: { summary: 'The replay job that runs, or the last one' } }, async () => ({
    job: await currentJob(inbox),
  }))

  app.post(
    '/replay-jobs',
    {
      schema: {
        summary: 'Replays what is parked or dead for a cause, at a pace; one job at a time',
        body: { type: 'object', properties: WISH_SCHEMA },
      },
    },
    async ({ body }, reply) => reply.code(202).send(await startJob(inbox, asObject(body))),
  )

  app.get<OfOne>('/replay-jobs/:number', { schema: { summary: 'How far a replay job is', params } }, async request =>
    findJob(inbox, request.params.number),
  )

  app.post<OfOne>(
    '/replay-jobs/:number/stop',
    { schema: { summary: 'Stops a replay job; what is under way goes on', params } },
    async request => changeJob(inbox, request.params.number, 'stopped'),
  )

  app.post<OfOne>(
    '/replay-jobs/:number/resume',
    { schema: { summary: 'Resumes a replay job that is paused', params } },
    async request => changeJob(inbox, request.params.number, 'running'),
  )
}
