import { spawn } from 'node:child_process'
import { once } from 'node:events'
import net from 'node:net'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { endWithTest } from './child.ts'

const helper = (name: string) => JSON.stringify(fileURLToPath(new URL(name, import.meta.url)))

/** A test process that runs a script. Its children inherit its stdout, which closes when the last has exited. */
function testProcess(t: Test, script: string) {
  // As tap spawns it: not the leader of a process group.
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script], {
    env: { PATH: process.env.PATH },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  endWithTest(child)
  t.teardown(() => child.kill('SIGKILL'))
  return { child, said: text(child.stdout), fails: text(child.stderr) }
}

/** Resolves with the first line of its stdout. */
async function firstLine({ child }: ReturnType<typeof testProcess>): Promise<string> {
  const [line] = await once(child.stdout as NodeJS.ReadableStream, 'data')
  return String(line)
}

/** It starts a child, which starts one in its process group, one that leaves the group and one that is stopped. */
const FAMILY = `
import { startChild } from ${helper('child.ts')}
const line = \`sleep 1000 & setsid sleep 1000 & sh -c 'kill -STOP $$' & echo started; wait\`
const child = startChild('sh', ['-c', line], { stdio: ['ignore', 'pipe', 'inherit'] })
child.stdout.pipe(process.stdout)
`

for (const [how, end] of [
  ['it is killed', 'SIGKILL'],
  ['it is told to stop', 'SIGTERM'],
  ['it throws', "child.stdout.on('data', () => { throw new Error('a fault') })"],
  ['it exits', "child.stdout.on('data', () => process.exit(0))"],
] as const)
  t.test(`a test process ends because ${how}: all its descendants are gone`, async t => {
    const isSignal = end.startsWith('SIG')
    const family = testProcess(t, isSignal ? FAMILY : FAMILY + end)
    await firstLine(family)
    if (isSignal) family.child.kill(end as NodeJS.Signals)
    // Its stderr is open in each of them.
    await family.fails
    t.pass('none is left')
  })

t.test('a child that ends takes its descendants along, and the test process can end', async t => {
  const script = `
    import { startChild } from ${helper('child.ts')}
    startChild('sh', ['-c', 'sleep 1000 & echo left'], { stdio: 'inherit' })
    startChild('no-such-program', [], {}).on('error', ({ code }) => console.log(code))
    startChild('true', [], {})
    startChild('sh', ['-c', 'echo last'], { stdio: 'inherit' })`
  const { child, said, fails } = testProcess(t, script)
  const [code] = await once(child, 'exit')
  t.same((await said).trim().split('\n').toSorted(), ['ENOENT', 'last', 'left'])
  t.same([code, await fails], [0, ''])
})

t.test(
  'a test process is killed while its PostgreSQL server is frozen: the server and its connections are gone',
  async t => {
    const script = `
    import { postgresServer } from ${helper('postgres-server.ts')}
    const server = await postgresServer('')
    const url = new URL(await server.database())
    console.log(url.port)
    process.once('SIGUSR2', async () => {
      await server.freeze()
      console.log('frozen')
    })
    setInterval(() => {}, 1_000_000)`
    const owner = testProcess(t, script)
    const port = Number(await firstLine(owner))
    const connection = net.connect(port, '127.0.0.1')
    t.teardown(() => connection.destroy())
    // A request for TLS is answered by a separate process.
    connection.write(Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]))
    await once(connection, 'data')
    owner.child.kill('SIGUSR2')
    await firstLine(owner)
    const closed = once(connection.resume(), 'close')
    owner.child.kill('SIGKILL')
    await closed
    // Until the last of its processes is gone, the system still accepts connections for them, and resets them.
    let ended: string | undefined
    do ended = await endOf(port)
    while (ended !== 'ECONNREFUSED')
    t.pass('nobody listens there any more')
  },
)

/** The error that a connection ends with; undefined: none. */
async function endOf(port: number): Promise<string | undefined> {
  const socket = net.connect(port, '127.0.0.1')
  const { promise, resolve } = Promise.withResolvers<string | undefined>()
  socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code))
  socket.once('close', () => resolve(undefined))
  socket.once('connect', () => socket.destroy())
  return promise
}
