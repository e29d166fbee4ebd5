import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { signChatwoot } from '../../plugins/verification.ts'
import { CHATWOOT_SECRET } from '../helpers/app.ts'
import { run } from '../helpers/cli.ts'
import { isInstalled, systemPath } from '../helpers/installed.ts'
import { litestreamProgram } from '../helpers/litestream.ts'
import { client, signedMessage } from '../helpers/load.ts'
import { type Program, startProgram } from '../helpers/program.ts'
import { startServer } from '../helpers/server-process.ts'
import { until } from '../helpers/wait.ts'
import { folder } from './proxies.ts'

const SHIPPED = readFileSync(new URL('../../ops/litestream.yml', import.meta.url), 'utf8')
const PROGRAM = litestreamProgram()
/** Not Debian's own package. */
const FROM = 'litestream, from litestream.io'

/** A store, Litestream's configuration as shipped but for its paths, and the folder of the copy. */
function place(t: Test) {
  const at = t.testdir()
  const [store, copy] = [join(at, 'webhooks.db'), join(at, 'copy')]
  const config = SHIPPED.replace('/var/lib/tutorbot-webhooks/webhooks.db', store).replace(
    /path: \/mnt\S+/,
    `path: ${copy}`,
  )
  const file = join(folder(t, { 'litestream.yml': config }), 'litestream.yml')
  return { at, store, copy, file, env: { DATABASE_URL: store, CW_HMAC_SECRET: CHATWOOT_SECRET } }
}

type Place = ReturnType<typeof place>

const litestream = (...args: string[]) =>
  startProgram('litestream', [PROGRAM, ...args], { env: systemPath(), stdio: ['ignore', 'pipe', 'pipe'] })

async function replicate(t: Test, { file }: Place): Promise<Program> {
  const program = litestream('replicate', '-config', file)
  t.teardown(() => program.end('SIGKILL'))
  await program.line(/snapshot written/)
  return program
}

/** The store out of the copy, as a file of its own; undefined while there is none. */
async function restored({ at, store, file }: Place, name: string): Promise<string | undefined> {
  const output = join(at, name)
  rmSync(output, { force: true })
  const program = litestream('restore', '-config', file, '-o', output, store)
  return (await program.ended) === 0 ? output : undefined
}

/** The ids of the deliveries in a store. */
async function idsIn(DATABASE_URL: string): Promise<string[]> {
  const { out } = await run({ DATABASE_URL }, 'list', '--json')
  return (JSON.parse(out).deliveries as { id: string }[]).map(({ id }) => id)
}

t.test('the machine is lost: the copy has what came a moment before, and what comes again is known', async t => {
  if (!isInstalled(t, PROGRAM, 'version', FROM)) return
  const here = place(t)
  let server = await startServer(here.env)
  t.teardown(() => server.end('SIGKILL'))
  const copying = await replicate(t, here)
  const { post, close } = client(4)
  t.teardown(close)
  const send = (number: number) => post(`${server.url}/cw`, signedMessage(number, CHATWOOT_SECRET))
  const first = await Promise.all(Array.from({ length: 15 }, (_, n) => send(n + 1)))
  t.ok(first.every(({ status }) => status === 200))
  const ids = first.map(({ body }) => `${body.id}`)
  const seen: string[] = []
  await until('the copy to have all of them', async () => {
    const copy = await restored(here, 'look.db')
    seen.splice(0, seen.length, ...(copy === undefined ? [] : await idsIn(copy)))
    return ids.every(id => seen.includes(id))
  })
  // These may be lost with the machine: they came within the last second.
  const last = await Promise.all([send(16), send(17)])
  t.ok(last.every(({ status }) => status === 200))
  await Promise.all([server.end('SIGKILL'), copying.end('SIGKILL')])

  const copy = (await restored(here, 'after.db')) as string
  const env = { ...here.env, DATABASE_URL: join(here.at, 'new.db') }
  t.match(await run(env, 'restore', copy), { code: 0 }, 'it is a backup like any other')
  const kept = await idsIn(env.DATABASE_URL)
  t.ok(ids.every(id => kept.includes(id)))
  t.match(await run(env, 'doctor'), { out: /the file is intact/ })
  server = await startServer(env)
  const again = await Promise.all([...first, ...last].map((_, n) => send(n + 1)))
  t.same(
    again.map(({ body }) => body.status),
    again.map(({ body }) => (kept.includes(`${body.id}`) ? 'duplicate' : 'accepted')),
    'what the copy has is known; what it lacks is taken when it is sent again',
  )
})

t.test('forgetting while it copies: said to be unfinished; then done, and gone from a new copy', async t => {
  if (!isInstalled(t, PROGRAM, 'version', FROM)) return
  const here = place(t)
  const server = await startServer(here.env)
  t.teardown(() => server.end('SIGKILL'))
  const copying = await replicate(t, here)
  const { post, close } = client(1)
  t.teardown(close)
  const body = JSON.stringify({ ...JSON.parse(signedMessage(1, CHATWOOT_SECRET).body), content: 'bel 06-not-a-number' })
  t.match(await post(`${server.url}/cw`, { body, headers: signChatwoot(body, CHATWOOT_SECRET) }), { status: 200 })
  const forget = () => run(here.env, 'forget', '--value', 'bel 06-not-a-number')
  t.match(await forget(), {
    code: 1,
    err: /^forget: The payloads are deleted, but their bytes stay in the -wal file while another process reads the store \(a backup or Litestream, say\); forget them again when that has ended$/,
  })
  await copying.end('SIGTERM')
  t.match(await forget(), { code: 0 })
  for (const path of [here.copy, join(here.at, '.webhooks.db-litestream')]) rmSync(path, { recursive: true })
  await replicate(t, here)
  const copy = (await restored(here, 'after.db')) as string
  for (const file of [here.store, `${here.store}-wal`, copy])
    t.notOk(readFileSync(file).includes('06-not-a-number'), file)
  t.equal((await idsIn(copy)).length, 1, 'its key stays')
})
