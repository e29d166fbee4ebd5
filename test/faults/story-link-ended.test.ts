import t from 'tap'
import type { Session } from '../../sandbox/stripe-api.ts'
import { postgresServer } from '../helpers/postgres-server.ts'
import { student } from '../helpers/story.ts'
import { until } from '../helpers/wait.ts'
import { setUp, storeRunsOf } from './fatal-effects.ts'

/**
 * An unpaid lesson whose payment link has been sent is cancelled by the tutor while the process is killed at each call
 * that this makes in turn: the link is ended, and the student is told once.
 */

const HOUR = 3_600_000
const postgres = await postgresServer()
t.teardown(() => postgres.close())

/** Where it is about noon: at night no link is sent. */
function zoneAtNoon(): string {
  const west = new Date().getUTCHours() - 12
  return `Etc/GMT${west < 0 ? west : `+${west}`}`
}

const OPTIONS = {
  tutor: { reminders: { hours: [] } },
  env: { TZ: zoneAtNoon() },
}

for (const [options, run] of storeRunsOf(OPTIONS, postgres)) {
  const { runs, where } = options
  t.test(`a link in ${where} is ended while one call in ${runs} kills the process, from number ${run}`, async t => {
    const world = await setUp(t, run, options)
    const { receiver, ask } = world
    const renee = student(world, 'widget')
    await world.inPeace(async () => {
      await renee.says('Hoi')
      const start = new Date(Math.ceil(Date.now() / HOUR) * HOUR + 30 * HOUR).toISOString()
      const lesson = { start, minutes: 60, conversation: `${renee.conversation.id}`, payment: 'unpaid', key: 'added' }
      const { change } = await ask('/lessons', lesson)
      t.equal(await receiver.handled(`${change}`), 'webhook handled')
      await until('the link', () => /is nog niet betaald/.test(`${renee.read().at(-1)}`), { seen: renee.read })
    })
    const [session] = world.stripe.sessions.values() as Iterable<Session>
    const order = `${session?.metadata?.order_id}`
    const [read, notes] = [renee.read().length, renee.notes().length]

    const { change } = await ask(`/lessons/${order}/cancel`, { refund: true, key: 'mine' })
    t.equal(await receiver.handled(`${change}`), 'webhook handled')
    t.match(await ask(`/lessons/changes/${change}`), { state: 'done', why: /^cancelled on / })
    t.equal(session?.status, 'expired')
    t.match(renee.read().slice(read), [/gaat niet door\.$/])
    t.equal(renee.read().length, read + 1, 'told once')
    t.match(renee.notes().slice(notes), [/^Lesson cancelled by the tutor: /])
    t.equal(renee.notes().length, notes + 1)
    t.match(await ask(`/lessons/${order}`), { state: 'cancelled' })
    t.strictSame(renee.conversation.labels, [])
    t.ok(world.killed.size >= 2, `killed ${world.killed.size} times, of ${world.effects.length} calls`)
  })
}
