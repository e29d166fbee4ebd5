import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { captureLog } from './log.ts'
import { startProgram } from './program.ts'
import { inTime, until } from './wait.ts'

const never = () => new Promise<never>(() => {})
const message = (wait: Promise<unknown>) =>
  wait.then(
    () => t.fail('it did not fail'),
    (error: Error) => error.message,
  )

t.test('resolves or rejects like the promise if in time', async t => {
  t.equal(await inTime(Promise.resolve(7), { what: 'a number' }), 7)
  await t.rejects(inTime(Promise.reject(new Error('a fault')), { what: 'a number' }), { message: 'a fault' })
  let looks = 0
  t.equal(await until('the third look', () => ++looks === 3 && 'here', { everyMs: 0 }), 'here')
  await t.rejects(
    until('a look', () => Promise.reject(new Error('blind'))),
    { message: 'blind' },
  )
})

t.test('a timeout says what was waited for, from where, and what was seen last', async t => {
  const seen = Array.from({ length: 40 }, (_, n) => ({ n }))
  const wait = { what: 'Godot', seen: () => seen, deadlineMs: 10 }
  const keepsAlive = setInterval(() => {}, 1_000)
  t.teardown(() => clearInterval(keepsAlive))
  const last = seen.slice(10).map(line => JSON.stringify(line))
  t.equal(
    await message(inTime(never(), wait)),
    ['waited for Godot, but 0.01 s have passed', 'Seen last, of 40:', ...last].join('\n'),
  )
  t.match(
    await inTime(never(), wait).catch(({ stack }) => stack),
    /^Error: waited for Godot[\s\S]*\n {4}at .*wait\.test\.ts/,
  )
  t.equal(
    await message(inTime(never(), { ...wait, seen: () => [] })),
    'waited for Godot, but 0.01 s have passed\nNothing was seen.',
  )
  const looks = until('a sign', () => undefined, { deadlineMs: 10, everyMs: 1 })
  t.equal(await message(looks), 'waited for a sign, but 0.01 s have passed')
})

t.test('a process ends: waits for its lines fail with its exit code and last output', async t => {
  const ends = startProgram('the clerk', ['sh', '-c', 'echo a; echo b >&2; exit 3'], { stdio: 'pipe' })
  const waits = ends.line(/never/)
  t.equal(await ends.line(/b/), 'b', 'of stderr too')
  t.match(
    await message(waits),
    /^waited for a line of the clerk like \/never\/, but the clerk ended with 3:\nb\nSeen last, of 2:\n[ab]\n[ab]$/,
  )
  t.match(await message(ends.line(/never/)), /the clerk ended with 3/, 'and who comes later')
  t.same([ends.lines, ends.errors(), await ends.ended], [['a'], 'b\n', 3])

  const killed = startProgram('the clerk', ['sleep', '1000'], { stdio: 'pipe' })
  t.equal(await killed.end('SIGKILL'), null)
  t.match(await message(killed.line(/a/)), /the clerk ended with SIGKILL\nNothing was seen/)
  const missing = startProgram('the clerk', ['/no/such/program'], { stdio: 'pipe' })
  t.match(await message(missing.line(/a/)), /the clerk could not be started: spawn \/no\/such\/program ENOENT/)
})

t.test('the writer of a log ends', async t => {
  const log = captureLog()
  log.stream.write('{"level":30,"msg":"a"}\n')
  const waits = [log.line(({ msg }) => msg === 'b'), log.count('a', 2), log.request(1)].map(message)
  log.end('its writer ended with 1')
  t.same(await Promise.all(waits), [
    ...[`a log line: ({ msg }) => msg === 'b'`, '2 log lines "a"', 'the log line of request 1'].map(
      what => `waited for ${what}, but its writer ended with 1\nSeen last, of 1:\n{"level":30,"msg":"a"}`,
    ),
  ])
  t.match(await log.line(({ msg }) => msg === 'a'), { msg: 'a' }, 'what is there is given still')
})

t.test('nothing is left that could resolve a wait: the test fails at once and says so', async t => {
  const helper = (name: string) => JSON.stringify(fileURLToPath(new URL(name, import.meta.url)))
  const script = `
    import t from 'tap'
    import { inTime } from ${helper('wait.ts')}
    t.test('waits', async () => { await inTime(new Promise(() => {}), { what: 'Godot' }) })
    void inTime(new Promise(() => {}), { what: 'what ' + 'nobody looks at' })`
  const { stdout, status } = spawnSync(process.execPath, ['--input-type=module', '--eval', script], {
    env: { PATH: process.env.PATH, TAP: '1' },
    encoding: 'utf8',
  })
  t.match(stdout, /not ok 1 - waited for Godot, but nothing is left to wait for/)
  t.notMatch(stdout, /what nobody looks at/)
  t.equal(status, 1)
})
