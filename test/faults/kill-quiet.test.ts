import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import tap from 'tap'
import { railsJson, chatwoot as samples } from '../../commands/samples.ts'
import { signChatwoot } from '../../plugins/verification.ts'
import { startChatwootApi } from '../../sandbox/chatwoot-api.ts'
import type { Matcher } from '../../sandbox/stand-in.ts'
import { chatwootEnv, startServer } from '../helpers/server-process.ts'
import { until } from '../helpers/wait.ts'

const SECRET = 'a secret of the killed run'
const ANSWER: Matcher = ({ method, path, body }) =>
  method === 'POST' && path.endsWith('/messages') && body.private !== true

tap.test('kill -9 while a run is being answered: the same run is repeated, and answered once', async t => {
  const file = join(t.testdir(), 'webhooks.db')
  const chatwoot = await startChatwootApi()
  t.teardown(() => chatwoot.close())
  const conversation = chatwoot.addConversation({}, { custom_attributes: { language: 'nl' } })
  const env = {
    DATABASE_URL: file,
    ...chatwootEnv(chatwoot, SECRET),
    CW_ADMIN_TOKEN: chatwoot.tokens.admin,
    MESSAGE_QUIET_MS: '1000',
  }
  async function says(url: string, message: number, content: string): Promise<void> {
    const body = railsJson(samples.incoming({ message, content, at: Date.now() }))
    const headers = { 'content-type': 'application/json', ...signChatwoot(body, SECRET) }
    const response = await fetch(`${url}/cw`, { method: 'POST', headers, body })
    t.match(await response.json(), { status: 'accepted' })
  }
  const rows = () => {
    const db = new DatabaseSync(file, { readOnly: true })
    const found = db.prepare('SELECT state, attempts, run FROM delivery ORDER BY seq').all()
    db.close()
    return found
  }

  const first = await startServer(env)
  chatwoot.fail(ANSWER, 'hang')
  await says(first.url, 1, 'Hoi')
  await says(first.url, 2, 'ik ben helaas ziek')
  await chatwoot.arrived(ANSWER)
  // After the run has begun: not of it.
  await says(first.url, 3, 'dank je')
  await first.end('SIGKILL')
  const [{ run } = {}] = rows()
  t.match(rows(), [
    { state: 'pending', attempts: 1, run },
    { state: 'pending', attempts: 1, run },
    { state: 'pending', attempts: 0, run: '' },
  ])

  const second = await startServer(env)
  t.teardown(() => second.end('SIGTERM'))
  await until('all to be done', () => rows().every(({ state }) => state === 'done'))
  const [one, two, three] = rows()
  t.match(
    [one, two],
    [
      { attempts: 2, run },
      { attempts: 2, run },
    ],
  )
  t.equal(three?.attempts, 1)
  t.not(three?.run, run)
  const said = conversation.messages.filter(message => !message.private && message.message_type === 1)
  t.equal(said.length, 1, said.map(({ content }) => content).join('\n'))
  t.equal(conversation.status, 'open', 'it is a person’s')
})
