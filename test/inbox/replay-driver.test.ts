import pino from 'pino'
import tap from 'tap'
import { createReplayDriver } from '../../inbox/replay-driver.ts'
import { NO_STEP, newReplayJob, type ReplayStep } from '../../inbox/replay-job.ts'
import { createStoreRetry } from '../../inbox/store-retry.ts'
import { changeJob } from '../../operator/replay-jobs.ts'
import { testClock } from '../helpers/clock.ts'
import { captureLog } from '../helpers/log.ts'
import { until } from '../helpers/wait.ts'

/** When the steps of a replay job are made. */

const job = newReplayJob({ cause: 'A:ours', perMinute: 60, pauseAfter: 5 }, 1, 9, 0)

function driver(steps: (() => Promise<ReplayStep>)[]) {
  const clock = testClock()
  const captured = captureLog()
  const log = pino({}, captured.stream)
  const woken: string[] = []
  let made = 0
  const stepReplayJob = async () => {
    const step = steps[made++]
    return step === undefined ? NO_STEP : step()
  }
  const scheduler = { wake: (orderingKey: string) => void woken.push(orderingKey) }
  const storeRetry = createStoreRetry({ clock, log })
  const driven = createReplayDriver({ store: { stepReplayJob }, scheduler, clock, log, storeRetry })
  return { ...driven, clock, captured, woken, made: () => made }
}

tap.test('a store that fails is asked again; mailboxes are woken; the end is said once', async t => {
  const { start, stop, clock, captured, woken, made } = driver([
    () => Promise.reject(new Error('no disk')),
    async () => ({ orderingKeys: ['box'], nextMs: 100, turned: null }),
    async () => ({ orderingKeys: [], nextMs: null, turned: { ...job, state: 'done' } }),
  ])
  start()
  await clock.timerSet()
  t.same(woken, [])
  clock.advance(1_000)
  await clock.timerSet()
  t.same(woken, ['box'])
  clock.advance(99)
  t.equal(made(), 2, 'not before its time')
  clock.advance(1)
  t.match(await captured.line(({ msg }) => msg === 'replay job done'), { level: 30, job: 1, cause: 'A:ours' })
  await stop()
  clock.advance(60_000)
  t.equal(made(), 3, 'stopped')
})

tap.test('a job that pauses is a warning', async t => {
  const why = '5 in a row failed again'
  const paused = driver([async () => ({ ...NO_STEP, turned: { ...job, state: 'paused', why } })])
  paused.start()
  t.match(await paused.captured.line(({ msg }) => msg.startsWith('replay job paused')), { level: 40, why })
  await paused.stop()
})

tap.test('it is asked at once when a job may have been started, but by one look at a time', async t => {
  const step = Promise.withResolvers<ReplayStep>()
  const { start, look, stop, clock, made } = driver([() => step.promise])
  look()
  t.equal(made(), 0, 'not started')
  start()
  look()
  t.equal(made(), 1)
  const stopped = stop()
  step.resolve(NO_STEP)
  await stopped
  t.equal(clock.next(), undefined, 'no timer is left')
  const again = driver([])
  again.start()
  await again.clock.timerSet()
  again.look()
  await until('the second look', () => again.made() === 2)
  await again.stop()
})

tap.test('a job that another one has replaced meanwhile is not known any more', async t => {
  const inbox = {
    startReplayJob: async () => 'busy' as const,
    replayJob: async () => ({ ...job, underWay: 0, left: 1 }),
    changeReplayJob: async () => 'unknown' as const,
  }
  await t.rejects(changeJob(inbox, '1', 'stopped'), { statusCode: 404, message: /no replay job 1/ })
})
