import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import tap from 'tap'
import { client, signedMessage } from '../helpers/load.ts'
import { type ServerProcess, startServer } from '../helpers/server-process.ts'

const SECRET = 'a secret of the disk tests'
const NOT_STORED = '{"status":500,"code":"WEBHOOK_NOT_STORED"}'

/** Sends messages until the disk is full, and compares what was acknowledged with what is in the file afterwards. */
async function fillDisk(folder: string, shell: string) {
  const store = join(folder, 'webhooks.db')
  const server = await startServer({ DATABASE_URL: store, CW_HMAC_SECRET: SECRET }, shell)
  const { post, close } = client(8)
  const acknowledged = new Set<string>()
  const failures: unknown[] = []
  let number = 0
  async function sender() {
    while (failures.length < 100 && number < 20_000) {
      const { status, body } = await post(`${server.url}/cw`, signedMessage(++number, SECRET))
      if (status === 200) acknowledged.add(body.id as string)
      else failures.push({ status, code: body.code })
    }
  }
  await Promise.all(Array.from({ length: 8 }, sender))
  close()
  return { server, store, acknowledged, failures }
}

/** What is in the store, from the server's point of view. */
function storedIds(server: ServerProcess, store: string): Set<string> {
  const script = `
    const db = new (require('node:sqlite').DatabaseSync)(process.argv[1], { readOnly: true })
    console.log(JSON.stringify(db.prepare('SELECT id FROM delivery').all().map(row => row.id)))`
  const inItsMounts = canMount() ? ['nsenter', '--mount', '--target', `${server.child.pid}`] : []
  const [command = '', ...parts] = [...inItsMounts, process.execPath, '-e', script, store]
  return new Set(JSON.parse(execFileSync(command, parts, { encoding: 'utf8', maxBuffer: 1e8 })))
}

tap.test('a file that can’t grow: 500, not one false 200, and the service lives', async t => {
  // In blocks of 512 bytes; SQLite gets EFBIG, as it gets ENOSPC from a full disk.
  const { server, store, acknowledged, failures } = await fillDisk(t.testdir(), 'ulimit -f 4096 && exec')
  t.ok(acknowledged.size > 0, `${acknowledged.size} acknowledged before`)
  t.ok(failures.length >= 100)
  t.same(new Set(failures.map(failure => JSON.stringify(failure))), new Set([NOT_STORED]))
  const stored = storedIds(server, store)
  await server.end('SIGKILL')
  t.same(
    [...acknowledged].filter(id => !stored.has(id)),
    [],
  )
})

/** Mounting a disk needs root; without it the test says so, and uses the file that can't grow instead. */
function canMount(): boolean {
  try {
    execFileSync('unshare', ['--mount', 'true'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

tap.test('a full disk: 500, no false 200, and recovery when there is room', async t => {
  if (!canMount()) return t.pass('NOT RUN: a small disk of its own needs root')
  const disk = t.testdir()
  // The disk is only the server's, and gone when it ends.
  const shell = `exec unshare --mount sh -c 'mount -t tmpfs -o size=6m tmpfs "${disk}" && exec "$0" "$@"'`
  const { server, store, acknowledged, failures } = await fillDisk(disk, shell)
  t.ok(acknowledged.size > 0, `${acknowledged.size} acknowledged before`)
  t.same(new Set(failures.map(failure => JSON.stringify(failure))), new Set([NOT_STORED]))

  execFileSync('nsenter', ['--mount', '--target', `${server.child.pid}`, 'mount', '-o', 'remount,size=60m', disk])
  const { post, close } = client(1)
  const after = await post(`${server.url}/cw`, signedMessage(1_000_001, SECRET))
  close()
  t.match(after, { status: 200, body: { status: 'accepted' } })
  acknowledged.add(after.body.id as string)
  const stored = storedIds(server, store)
  await server.end('SIGKILL')
  t.same(
    [...acknowledged].filter(id => !stored.has(id)),
    [],
  )
})

tap.test('a read-only disk prevents the start', async t => {
  if (!canMount()) return t.pass('NOT RUN: a read-only disk of its own needs root')
  const disk = t.testdir()
  const shell = `exec unshare --mount sh -c 'mount -t tmpfs -o ro tmpfs "${disk}" && exec "$0" "$@"'`
  await t.rejects(startServer({ DATABASE_URL: join(disk, 'webhooks.db') }, shell), /the server ended with 1/)
})
