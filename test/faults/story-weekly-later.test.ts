import { join } from 'node:path'
import t from 'tap'
import { BOSS_SCHEMA } from '../../inbox/postgres/schema.ts'
import { signStripe } from '../../plugins/verification.ts'
import { startChatwootApi } from '../../sandbox/chatwoot-api.ts'
import { standInSettings } from '../../sandbox/environment.ts'
import { offsetClock } from '../../sandbox/offset-clock.ts'
import { pay } from '../../sandbox/payments.ts'
import { serviceProcess } from '../../sandbox/service-process.ts'
import type { Call } from '../../sandbox/stand-in.ts'
import { type Session, startStripeApi } from '../../sandbox/stripe-api.ts'
import { CHATWOOT_SECRET, STRIPE_SECRET } from '../helpers/app.ts'
import { captureLog } from '../helpers/log.ts'
import { OPERATOR_TOKEN } from '../helpers/operator.ts'
import { postgresServer } from '../helpers/postgres-server.ts'
import { type Receiver, student } from '../helpers/story.ts'
import { until } from '../helpers/wait.ts'
import { LAPSE } from './fatal-effects.ts'

/**
 * The next lesson of a weekly time is made, the first one's link is sent and paid, while the real process is killed after
 * each call that changes something, before it knows of it.
 */

/** The database has a clock of its own, which decides what is due. @param offset how far it is ahead, ms */
const timeOf = (offset: number) => `
  CREATE OR REPLACE FUNCTION ${BOSS_SCHEMA}.job_now() RETURNS timestamptz LANGUAGE sql STABLE
    AS 'SELECT now() + interval ''${offset} ms'''`

const HOUR = 3_600_000
const DAYS: Record<string, string> = {
  ma: 'maandag',
  di: 'dinsdag',
  wo: 'woensdag',
  do: 'donderdag',
  vr: 'vrijdag',
}

const postgres = await postgresServer()
t.teardown(() => postgres.close())

for (const where of ['SQLite', 'PostgreSQL']) {
  t.test(`killed at each call: one link, one payment, one lesson more each week, in ${where}`, async t => {
    const clock = offsetClock()
    const [chatwoot, stripe] = [await startChatwootApi({ now: clock.now }), await startStripeApi({ now: clock.now })]
    t.teardown(() => Promise.all([chatwoot.close(), stripe.close()]))
    stripe.addPrice('price_1', 6000)
    const settings = { reminders: { hours: [] }, payment: { linkHours: [1] } }
    const folder = t.testdir({ 'tutor.json': JSON.stringify(settings) })
    const database = where === 'PostgreSQL' ? await postgres.database() : undefined
    const env = {
      PORT: '0',
      DATABASE_URL: database ?? join(folder, 'webhooks.db'),
      TUTOR_FILE: join(folder, 'tutor.json'),
      MESSAGE_QUIET_MS: '0',
      STANDARD_PRICE_ID_60: 'price_1',
      ADMIN_TOKEN: OPERATOR_TOKEN,
      ...standInSettings({ chatwoot, stripe }, { chatwoot: CHATWOOT_SECRET, stripe: STRIPE_SECRET }),
    }
    const log = captureLog()
    const onLine = (line: string) => {
      // Others say that it was killed.
      if (line.startsWith('{')) log.stream.write(`${line}\n`)
    }
    const service = serviceProcess({ env, offsetMs: clock.offsetMs, onLine })
    t.teardown(() => service.kill())
    await service.start()
    let armed = false
    let restarted: Promise<void> = Promise.resolve()
    const killed = new Set<string>()
    async function restart(): Promise<void> {
      await service.kill()
      if (database !== undefined) await postgres.query(database, LAPSE)
      await service.start()
    }
    const isFatal = ({ method, path, body }: Call) => {
      const effect = `${method} ${path} ${JSON.stringify(body)}`
      if (!armed || method === 'GET' || killed.has(effect)) return false
      killed.add(effect)
      restarted = restart()
      return true
    }
    for (const api of [chatwoot, stripe]) api.fail(isFatal, 'hang', Number.POSITIVE_INFINITY)
    async function goOn(until: number): Promise<void> {
      clock.move(Math.max(0, until - clock.now()))
      if (database !== undefined) await postgres.query(database, timeOf(clock.offsetMs()))
      await service.moveClock()
    }
    const receiver: Receiver = {
      url: async () => {
        await restarted
        return `${service.url()}`
      },
      async handled(delivery) {
        const { msg } = await log.line(line => line.delivery === delivery && line.msg === 'webhook handled')
        return msg
      },
    }
    /** By the service's clock. */
    async function paid(event: object): Promise<string> {
      const body = JSON.stringify(event)
      const headers = { ...signStripe(body, STRIPE_SECRET, Math.floor(clock.now() / 1_000)) }
      const response = await fetch(`${await receiver.url()}/webhook/payments`, { method: 'POST', headers, body })
      return ((await response.json()) as { id: string }).id
    }
    const lessons = async () => {
      const [from, to] = [0, 60].map(days => new Date(clock.now() + days * 24 * HOUR).toISOString().slice(0, 10))
      const headers = { authorization: `Bearer ${OPERATOR_TOKEN}` }
      const response = await fetch(`${await receiver.url()}/lessons?from=${from}&to=${to}`, { headers })
      return ((await response.json()) as { lessons: { id: string; payment: string; start: string }[] }).lessons
    }

    const renee = student({ chatwoot, stripe, receiver }, 'widget')
    for (const text of ['Hoi', 'Les boeken']) await renee.says(text)
    const free = renee.choices().findLast(title => /\d\d:\d\d$/.test(title)) as string
    await renee.says(`elke ${DAYS[free.split(' ')[0] as string]} ${free.slice(-5)}`)
    await renee.says('ja')
    const first = Date.parse(`${renee.conversation.custom_attributes?.lesson_start}`)
    const booked = (await lessons()).map(({ id }) => id)
    const [read, notes] = [renee.read().length, renee.notes().length]
    armed = true

    await goOn(first - HOUR)
    await log.line(line => line.event === 'tutorbot.lesson_payment' && line.msg === 'webhook handled')
    t.match(renee.read().slice(read), [/is nog niet betaald\. Betaal /])
    t.equal(renee.read().length, read + 1, 'one link')
    t.equal(stripe.sessions.size, 1)
    const [session] = stripe.sessions.values()
    await receiver.handled(await paid(pay(session as Session).completed))
    await restarted
    t.match(renee.read().slice(read + 1), [/^Dank je wel! We hebben je betaling van € 60,00 ontvangen\.$/])
    t.equal(renee.read().length, read + 2)
    t.match(renee.notes().slice(notes), [/^Payment received: 60\.00 EUR/])
    t.equal(renee.notes().length, notes + 1)
    t.match(await lessons(), [{ id: booked[0], payment: '60.00 EUR, pi_cs_test_1' }])

    const [, second] = await lessons()
    await goOn(Date.parse(`${second?.start}`) - HOUR)
    // Not by the log: the process is killed before it has written all of it.
    const further = async () => {
      const now = (await lessons().catch(() => [])).map(({ id }) => id)
      return now.some(id => !booked.includes(id)) && renee.read().length > read + 2 ? now : undefined
    }
    let after: string[] | undefined
    await until('one more lesson, and the next link', async () => {
      after = await further()
      return after !== undefined
    })
    await restarted
    t.equal(new Set(after).size, after?.length)
    t.ok(
      booked.slice(2).every(id => after?.includes(id)),
      'none is lost',
    )
    t.match(renee.read().slice(read + 2), [/is nog niet betaald\. Betaal /])
    t.equal(renee.read().length, read + 3)
    t.ok(killed.size >= 5, `killed ${killed.size} times`)
  })
}
