import { join } from 'node:path'
import tap from 'tap'
import { openStoreForCommand } from '../../backends/index.ts'
import { railsJson } from '../../commands/samples.ts'
import { systemClock } from '../../inbox/contracts.ts'
import { signChatwoot } from '../../plugins/verification.ts'
import { answer, receive, say } from '../../sandbox/chatwoot-people.ts'
import type { ConversationState } from '../../sandbox/chatwoot-state.ts'
import { startWorld } from '../../sandbox/world.ts'
import { CHATWOOT_SECRET, STRIPE_SECRET } from '../helpers/app.ts'
import { run, runJson } from '../helpers/cli.ts'
import { chatwootEnv, startServer } from '../helpers/server-process.ts'
import { bodyOf } from '../helpers/story.ts'
import { until } from '../helpers/wait.ts'

const MINUTE = 60_000

tap.test(
  'a wrong secret, kill -9 twice, the right secret: each student is answered, or left to a person, once',
  async t => {
    // Its own webhooks go nowhere: they are sent below.
    const world = await startWorld({
      clock: systemClock,
      payUrl: 'http://127.0.0.1:1/pay',
      secrets: { chatwoot: CHATWOOT_SECRET, stripe: STRIPE_SECRET },
      serviceUrl: () => 'http://127.0.0.1:1',
    })
    t.teardown(() => world.close())
    const { chatwoot } = world
    const { state } = chatwoot
    const store = join(t.testdir(), 'webhooks.db')
    const env = (secret: string) => ({
      DATABASE_URL: store,
      QUARANTINE_MB: '1',
      ...chatwootEnv(chatwoot, secret),
      CW_ADMIN_TOKEN: chatwoot.tokens.admin,
    })
    let server = await startServer(env('another'))
    t.teardown(() => server.end('SIGKILL'))

    /** Something happens in Chatwoot to a message, and its webhook is refused. */
    async function refused(act: () => void): Promise<void> {
      const body = railsJson(bodyOf(state, act))
      const response = await fetch(`${server.url}/cw`, {
        method: 'POST',
        body,
        headers: signChatwoot(body, CHATWOOT_SECRET),
      })
      t.equal(response.status, 401)
    }
    const size = async () => {
      const opened = await openStoreForCommand(store)
      return opened.quarantine.size().finally(() => opened.close())
    }
    const sentIn = ({ messages }: ConversationState, isPrivate: boolean) =>
      messages.filter(message => message.message_type === 1 && message.private === isPrivate)

    const student = state.addConversation({ id: 1, contact: 1 }, { custom_attributes: { language: 'nl' } })
    const late = state.addConversation({ id: 2, contact: 2 }, { custom_attributes: { language: 'nl' } })
    await refused(() => say(state, student, 'Hoi'))
    await refused(() => receive(state, late, { content: 'Hallo?', created_at: (Date.now() - 30 * MINUTE) / 1_000 }))
    answer(state, late, 'Dag, ik help je zo.', 'chatwoot')
    await until('both to be kept', async () => (await size()).deliveries === 2)
    await server.end('SIGKILL')

    // Asked for while no server is running; the next one is killed as soon as it could have begun.
    const { result } = await runJson<{ deliveries: { id: string }[] }>(env('another'), 'list', '--state', 'quarantined')
    const opened = await openStoreForCommand(store)
    await opened.quarantine.ask(
      result.deliveries.map(({ id }) => id),
      Date.now(),
    )
    await opened.close()
    server = await startServer(env(CHATWOOT_SECRET))
    await server.end('SIGKILL')
    server = await startServer(env(CHATWOOT_SECRET))
    await until('both to be done', async () => {
      const { out } = await run(env(CHATWOOT_SECRET), 'list', '--state', 'done', '--json')
      return JSON.parse(out).deliveries.length === 2 && (await size()).deliveries === 0
    })
    t.match(
      sentIn(student, false).map(({ content }) => content),
      [/^Hoi! Waarmee/],
    )
    t.equal(sentIn(late, false).length, 1, 'only what the person wrote')
  },
)
