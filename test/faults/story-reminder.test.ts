import { join } from 'node:path'
import t from 'tap'
import { startChatwootApi } from '../../sandbox/chatwoot-api.ts'
import { standInSettings } from '../../sandbox/environment.ts'
import { offsetClock } from '../../sandbox/offset-clock.ts'
import { pay } from '../../sandbox/payments.ts'
import { serviceProcess } from '../../sandbox/service-process.ts'
import type { Call } from '../../sandbox/stand-in.ts'
import { type Session, startStripeApi } from '../../sandbox/stripe-api.ts'
import { CHATWOOT_SECRET, STRIPE_SECRET } from '../helpers/app.ts'
import { captureLog } from '../helpers/log.ts'
import { deliverStripe, type Receiver, student } from '../helpers/story.ts'
import { until } from '../helpers/wait.ts'

/** The real process is killed after the lesson is confirmed and after the reminder is sent, before it knows of either. */

const HOUR = 3_600_000
const EVENT = 'tutorbot.lesson_reminder'

t.test('killed between: the lesson is reminded of once', async t => {
  const clock = offsetClock()
  const [chatwoot, stripe] = [await startChatwootApi({ now: clock.now }), await startStripeApi({ now: clock.now })]
  t.teardown(() => Promise.all([chatwoot.close(), stripe.close()]))
  stripe.addPrice('price_1', 6000)
  const folder = t.testdir({ 'tutor.json': JSON.stringify({ reminders: { hours: [2] } }) })
  const env = {
    PORT: '0',
    DATABASE_URL: join(folder, 'webhooks.db'),
    TUTOR_FILE: join(folder, 'tutor.json'),
    MESSAGE_QUIET_MS: '0',
    STANDARD_PRICE_ID_60: 'price_1',
    ...standInSettings({ chatwoot, stripe }, { chatwoot: CHATWOOT_SECRET, stripe: STRIPE_SECRET }),
  }
  const log = captureLog()
  const onLine = (line: string) => {
    // The last one says that it was killed.
    if (line.startsWith('{')) log.stream.write(`${line}\n`)
  }
  const service = serviceProcess({ env, offsetMs: clock.offsetMs, onLine })
  t.teardown(() => service.kill())
  await service.start()

  const killed: string[] = []
  let restarted: Promise<void> = Promise.resolve()
  /** What the student is told kills the process once: it has happened, and the process can't know it. */
  const isFatal = ({ method, path, body }: Call) => {
    const [told] = /Je les staat vast|Herinnering/.exec(JSON.stringify(body)) ?? []
    if (method !== 'POST' || !path.endsWith('/messages') || told === undefined || killed.includes(told)) return false
    killed.push(told)
    restarted = service.kill().then(() => service.start())
    return true
  }
  chatwoot.fail(isFatal, 'hang', Number.POSITIVE_INFINITY)
  const receiver: Receiver = {
    url: async () => `${service.url()}`,
    async handled(delivery) {
      const { msg } = await log.line(line => line.delivery === delivery && line.msg === 'webhook handled')
      return msg
    },
  }

  const renee = student({ chatwoot, stripe, receiver }, 'widget')
  await renee.says('Les boeken')
  await renee.says('Les boeken')
  await renee.chooses(renee.choices().findLast(title => /\d\d:\d\d$/.test(title)) as string)
  const [session] = stripe.sessions.values()
  await receiver.handled(await deliverStripe(receiver, pay(session as Session).completed))
  await restarted
  t.strictSame(killed, ['Je les staat vast'])
  const told = () => renee.read().filter(text => /^Herinnering: je hebt les op /.test(text))
  const lesson = Date.parse(`${renee.conversation.custom_attributes?.lesson_start}`)
  clock.move(lesson - 2 * HOUR - clock.now())
  await service.moveClock()
  await until('the reminder', () => told().length > 0, { seen: () => log.lines.map(({ msg }) => msg) })
  const isSettled = () => log.lines.some(line => line.event === EVENT && line.msg === 'webhook handled')
  await until('the reminder to be handled', isSettled, { seen: () => log.lines.map(({ msg }) => msg) })
  await restarted
  t.strictSame(killed, ['Je les staat vast', 'Herinnering'])
  t.equal(told().length, 1)
  t.equal(renee.read().filter(text => text.includes('Je les staat vast')).length, 1)
})
