import t from 'tap'
import { postgresServer } from '../helpers/postgres-server.ts'
import { startServer } from '../helpers/server-process.ts'
import { type Student, student } from '../helpers/story.ts'
import { until } from '../helpers/wait.ts'
import { setUp, storeRunsOf } from './fatal-effects.ts'

/** A weekly time is booked, and ended by the tutor, while the process is killed at each call that this makes in turn. */

const postgres = await postgresServer()
t.teardown(() => postgres.close())
const OPTIONS = {
  tutor: { payment: { linkHours: [] }, reminders: { hours: [] } },
}

const DAYS: Record<string, string> = {
  ma: 'maandag',
  di: 'dinsdag',
  wo: 'woensdag',
  do: 'donderdag',
  vr: 'vrijdag',
}
const DAY = 24 * 3_600_000

type World = Awaited<ReturnType<typeof setUp>>

/** Asks for the last time that is offered, each week. */
async function asksForWeekly({ inPeace }: World, renee: Student): Promise<void> {
  await inPeace(async () => {
    for (const text of ['Hoi', 'Les boeken']) await renee.says(text)
    const free = renee.choices().findLast(title => /\d\d:\d\d$/.test(title)) as string
    const [day = ''] = free.split(' ')
    await renee.says(`elke ${DAYS[day]} ${free.slice(-5)}`)
  })
}

const weeklyOf = async ({ ask }: World) => (await ask<{ weekly: { id: string }[] }>('/lessons/weekly')).weekly

async function lessonsOf({ ask }: World): Promise<{ id: string; state: string }[]> {
  const [from, to] = [0, 40].map(days => new Date(Date.now() + days * DAY).toISOString().slice(0, 10))
  return (await ask<{ lessons: [] }>(`/lessons?from=${from}&to=${to}`)).lessons
}

for (const [options, run] of storeRunsOf(OPTIONS, postgres)) {
  const { runs, where } = options
  t.test(`a weekly time in ${where} while one call in ${runs} kills the process, from number ${run}`, async t => {
    const world = await setUp(t, run, options)
    const { receiver, ask } = world
    const renee = student(world, 'widget')
    await asksForWeekly(world, renee)
    const [read, notes] = [renee.read().length, renee.notes().length]

    await renee.says('ja')
    t.match(renee.read().slice(read), [/^Je vaste les staat: elke /])
    t.equal(renee.read().length, read + 1, 'told once')
    t.match(renee.notes().slice(notes), [/^Weekly lesson booked: /])
    t.equal(renee.notes().length, notes + 1)
    const weekly = await weeklyOf(world)
    t.equal(weekly.length, 1)
    const booked = await lessonsOf(world)
    t.ok(booked.length === 4 || booked.length === 5, `${booked.length} lessons`)
    t.equal(new Set(booked.map(({ id }) => id)).size, booked.length, 'each once')
    const next = await ask<{ deliveries: [] }>('/deliveries?state=scheduled&event=tutorbot.weekly_lessons')
    t.equal(next.deliveries.length, 1, 'the weeks go on once')

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
    t.strictSame(await weeklyOf(world), [])
    t.ok((await lessonsOf(world)).every(({ state }) => state === 'cancelled'))
    t.strictSame(renee.conversation.labels, [])
    t.ok(world.killed.size >= 2, `killed ${world.killed.size} times, of ${world.effects.length} calls`)
  })
}

t.test('two instances are asked at once, and again, to end a weekly time: it is ended once, and told once', async t => {
  const world = await setUp(t, 0, { ...OPTIONS, calendar: 'local', postgres, isStep: () => false })
  const renee = student(world, 'widget')
  await asksForWeekly(world, renee)
  await renee.says('ja')
  const [read, notes] = [renee.read().length, renee.notes().length]
  const other = await startServer(world.env)
  t.teardown(() => other.end('SIGKILL'))
  const [weekly] = await weeklyOf(world)
  const path = `/lessons/weekly/${weekly?.id}/end`

  const urls = [await world.receiver.url(), other.url]
  const asked = (key: string) => urls.map(url => world.ask<{ change?: string }>(path, { key }, url))
  const answers = await Promise.all([...asked('mine'), ...asked('mine'), ...asked('of a colleague')])
  // Whoever asks when it has ended is told that there is none.
  const changes = [...new Set(answers.flatMap(({ change }) => change ?? []))]
  t.ok(changes.length === 1 || changes.length === 2, 'one for each key')
  const outcomes = () => Promise.all(changes.map(change => world.ask(`/lessons/changes/${change}`)))
  await until('all to be settled', async () => (await outcomes()).every(({ state }) => state !== 'asked'))
  t.equal((await outcomes()).filter(({ state, why }) => state === 'done' && why?.startsWith('ended; ')).length, 1)
  await until('it to be told', () => renee.notes().length > notes)
  t.match(renee.read().slice(read), [/^Je vaste les elke .* is gestopt\.$/])
  t.equal(renee.read().length, read + 1)
  t.match(renee.notes().slice(notes), [/^Weekly lesson of the tutor ended; /])
  t.equal(renee.notes().length, notes + 1)
  t.strictSame(await weeklyOf(world), [])
  t.ok((await lessonsOf(world)).every(({ state }) => state === 'cancelled'))
})
