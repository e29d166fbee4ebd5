import t from 'tap'
import { OPERATOR_TOKEN } from '../helpers/operator.ts'
import { postgresServer } from '../helpers/postgres-server.ts'
import { student } from '../helpers/story.ts'
import { setUp } from './fatal-effects.ts'

/** A weekly time is booked, and ended by the tutor, while the process is killed at each call that this makes in turn. */

/** Reading is a step too, between two changes of the store. */
const RUNS = 3
const postgres = await postgresServer()
t.teardown(() => postgres.close())
/** There another process takes half a minute to take over: one run, and changes only. */
const WORLDS = [
  ['in PostgreSQL', 0, { runs: 2, store: () => postgres.database() }],
  ...Array.from({ length: RUNS }, (_, run) => ['in SQLite', run, { runs: RUNS, isStep: () => true }] as const),
] as const

const DAYS: Record<string, string> = {
  ma: 'maandag',
  di: 'dinsdag',
  wo: 'woensdag',
  do: 'donderdag',
  vr: 'vrijdag',
}
const DAY = 24 * 3_600_000

for (const [name, run, { runs, ...options }] of WORLDS) {
  t.test(`a weekly time ${name} while one call in ${runs} kills the process, from number ${run}`, async t => {
    const { store, ...more } = { store: undefined, ...options }
    const world = await setUp(t, run, {
      ...more,
      runs,
      calendar: 'local',
      tutor: { payment: { linkHours: [] }, reminders: { hours: [] } },
      env: { ADMIN_TOKEN: OPERATOR_TOKEN, ...(store && { DATABASE_URL: await store() }) },
    })
    const { receiver } = world
    const renee = student(world, 'widget')
    const ask = async (path: string, body?: object) => {
      const headers = { authorization: `Bearer ${OPERATOR_TOKEN}`, 'content-type': 'application/json' }
      const request = body && { method: 'POST', body: JSON.stringify(body) }
      const response = await fetch(`${await receiver.url()}${path}`, { headers, ...request })
      return (await response.json()) as Record<string, string> &
        Record<'weekly' | 'lessons', { id: string; state: string }[]>
    }
    const on = (days: number) => new Date(Date.now() + days * DAY).toISOString().slice(0, 10)
    const lessons = async () => (await ask(`/lessons?from=${on(0)}&to=${on(40)}`)).lessons
    await world.inPeace(async () => {
      await renee.says('Hoi')
      await renee.says('Les boeken')
    })
    const free = renee.choices().findLast(title => /\d\d:\d\d$/.test(title)) as string
    const [day = ''] = free.split(' ')
    await world.inPeace(() => renee.says(`elke ${DAYS[day]} ${free.slice(-5)}`))
    const [read, notes] = [renee.read().length, renee.notes().length]

    await renee.says('ja')
    t.match(renee.read().slice(read), [/^Je vaste les staat: elke /])
    t.equal(renee.read().length, read + 1, 'told once')
    t.match(renee.notes().slice(notes), [/^Weekly lesson booked: /])
    t.equal(renee.notes().length, notes + 1)
    const weekly = (await ask('/lessons/weekly')).weekly
    t.equal(weekly.length, 1)
    const booked = await lessons()
    t.ok(booked.length === 4 || booked.length === 5, `${booked.length} lessons`)
    t.equal(new Set(booked.map(({ id }) => id)).size, booked.length, 'each once')
    const next = await ask('/deliveries?state=scheduled&event=tutorbot.weekly_lessons')
    t.equal((next as unknown as { deliveries: [] }).deliveries.length, 1, 'the weeks go on once')

    const { change } = await ask(`/lessons/weekly/${weekly[0]?.id}/end`, { key: 'mine' })
    t.equal(await receiver.handled(`${change}`), 'webhook handled')
    t.match(await ask(`/lessons/changes/${change}`), {
      state: 'done',
      why: `ended; ${booked.length} unpaid cancelled, 0 paid stay`,
    })
    t.match(renee.read().slice(read + 1), [/^Je vaste les elke .* is gestopt\.$/])
    t.equal(renee.read().length, read + 2)
    t.match(renee.notes().slice(notes + 1), [/^Weekly lesson of the tutor ended; /])
    t.equal(renee.notes().length, notes + 2)
    t.strictSame((await ask('/lessons/weekly')).weekly, [])
    t.ok((await lessons()).every(({ state }) => state === 'cancelled'))
    t.strictSame(renee.conversation.labels, [])
    t.ok(world.killed.size >= 2, `killed ${world.killed.size} times, of ${world.effects.length} calls`)
  })
}
