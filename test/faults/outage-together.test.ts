import { setImmediate } from 'node:timers/promises'
import t from 'tap'
import type { MenuItem } from '../../clients/chatwoot.ts'
import { until } from '../helpers/wait.ts'
import { chat, lastQuestion, startInWorld } from '../helpers/world.ts'

/** Students write in several messages while Chatwoot's API is away. */

const QUIET_MS = 2_500
const MINUTE = 60_000
const HELD = 'chatwoot unavailable, holding what needs it'
const AGAIN = 'chatwoot available again'
const AWAY = { status: 502, body: '<html><h1>502 Bad Gateway</h1></html>' }

t.test(
  'each gets one answer to all of it, also whose message found out about the outage; a choice counts by itself',
  async t => {
    const { world, app, log, clock, conversation } = await startInWorld(t, { messageQuietMs: QUIET_MS })
    const students = ['Renée', 'Emma', 'Bram', 'Fien'].map(name =>
      world.addStudent({ name, channel: 'whatsapp', language: 'nl' }),
    )
    const [renee, emma, bram, fien] = students as [number, number, number, number]
    /** Lets time pass, and what is due be done. */
    const passes = async (ms: number, isOver: () => boolean | Promise<boolean> = () => false) => {
      for (let left = ms; left > 0 && !(await isOver()); left -= 5_000) {
        clock.advance(Math.min(left, 5_000))
        await setImmediate()
        // A handler at work must not time out.
        await until('handlers to end', () => app.webhooks.inbox.stats().inFlight === 0)
        await world.settled()
      }
    }
    /** Also the copies of the bot's own messages, which wait too. */
    const isAllHandled = async () => (await app.webhooks.inbox.backlog()).pending === 0
    const says = async (id: number, text: string) => {
      world.say(id, text)
      await world.settled()
    }
    const since = (id: number, from: number) =>
      chat(conversation(id))
        .slice(from)
        .filter(text => text.startsWith('> '))
    for (const id of students) await says(id, 'Hoi')
    await passes(MINUTE, isAllHandled)
    const before = new Map(students.map(id => [id, chat(conversation(id)).length]))

    world.chatwoot.fail(/./, AWAY, 100_000)
    await says(renee, 'Ik heb een vraag')
    clock.advance(QUIET_MS)
    await log.line(({ msg }) => msg === HELD)
    await says(emma, 'Dag')
    await says(fien, 'Dag')
    await passes(4 * MINUTE)
    await says(renee, 'Wat zijn de prijzen?')
    await says(bram, 'Oh nee')
    await passes(10 * MINUTE)
    await says(emma, 'Wat zijn de prijzen?')
    await says(bram, 'ik ben ziek')
    const [choice] = (lastQuestion(conversation(fien)).content_attributes.items as MenuItem[]).slice(-1)
    await says(fien, `${choice?.title}`)
    await passes(16 * MINUTE)
    for (const id of students) t.same(since(id, before.get(id) as number), [])
    t.match(await app.webhooks.inbox.backlog(), { parked: 0, dead: 0 })

    world.chatwoot.recover()
    await passes(2 * MINUTE, () => log.lines.some(({ msg }) => msg === AGAIN))
    await passes(2 * MINUTE, isAllHandled)
    for (const id of [renee, emma]) {
      const answers = since(id, before.get(id) as number)
      t.equal(answers.length, 1, answers.join('\n'))
      t.match(answers[0], /^> .*prijzen/s)
    }
    t.match(since(bram, before.get(bram) as number), [/^> .*ogenblik/s])
    t.equal(since(bram, before.get(bram) as number).length, 1)
    t.match(since(fien, before.get(fien) as number), [/^> .*Waarmee/s, /^> .*ogenblik/s], 'a choice counts by itself')
    t.same(conversation(renee).labels, [], 'nobody is handed over')
    t.match(conversation(bram).labels, ['intent:handoff'], 'but who is ill')
  },
)
