import t from 'tap'
import type { Session } from '../../sandbox/stripe-api.ts'
import { OPERATOR_TOKEN } from '../helpers/operator.ts'
import { postgresServer } from '../helpers/postgres-server.ts'
import { student } from '../helpers/story.ts'
import { until } from '../helpers/wait.ts'
import { setUp } from './fatal-effects.ts'

/**
 * An unpaid lesson whose payment link has been sent is cancelled by the tutor while the process is killed at each call
 * that this makes in turn: the link is ended, and the student is told once.
 */

const HOUR = 3_600_000
/** Reading is a step too, between two changes of the store. */
const RUNS = 3
const postgres = await postgresServer()
t.teardown(() => postgres.close())
/** There another process takes half a minute to take over: one run, and changes only. */
const WORLDS = [
  ['in PostgreSQL', 0, { runs: 2, store: () => postgres.database() }],
  ...Array.from({ length: RUNS }, (_, run) => ['in SQLite', run, { runs: RUNS, isStep: () => true }] as const),
] as const

/** Where it is about noon: at night no link is sent. */
function zoneAtNoon(): string {
  const west = new Date().getUTCHours() - 12
  return `Etc/GMT${west < 0 ? west : `+${west}`}`
}

for (const [name, run, { runs, ...options }] of WORLDS) {
  t.test(`a link ${name} is ended while one call in ${runs} kills the process, from number ${run}`, async t => {
    const { store, ...more } = { store: undefined, ...options }
    const world = await setUp(t, run, {
      ...more,
      runs,
      calendar: 'local',
      tutor: { reminders: { hours: [] } },
      env: { ADMIN_TOKEN: OPERATOR_TOKEN, TZ: zoneAtNoon(), ...(store && { DATABASE_URL: await store() }) },
    })
    const { receiver } = world
    const renee = student(world, 'widget')
    const ask = async (path: string, body?: object) => {
      const headers = { authorization: `Bearer ${OPERATOR_TOKEN}`, 'content-type': 'application/json' }
      const request = body && { method: 'POST', body: JSON.stringify(body) }
      const response = await fetch(`${await receiver.url()}${path}`, { headers, ...request })
      return (await response.json()) as Record<string, string>
    }
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
