import { existsSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import { main } from '../../commands/cli.ts'
import { printable, table } from '../../commands/output.ts'
import { CLI_FILE, cli, run } from '../helpers/cli.ts'
import { exchange, statusOf } from '../helpers/sockets.ts'
import { standalone } from '../helpers/standalone.ts'

const HEALTH = 'GET /health HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n'
const COMMANDS = 'start doctor simulate list show replay discard mcp export forget catch-up prune backup restore'.split(
  ' ',
)

t.test('help', async t => {
  const { code, out, err } = await cli({}, ['--help'])
  t.match({ code, err }, { code: 0, err: '' })
  for (const name of COMMANDS) t.match(out, new RegExp(`^  ${name} `, 'm'))
  t.match(out, /^Exit codes: 0 .*; 1 .*; 2 .*$/m)
  for (const name of COMMANDS) {
    t.match(await run({}, name, '--help'), { code: 0, err: '', out: /Examples:\n {2}\$ tutorbot-webhooks / }, name)
  }
})

t.test('wrong usage exits with 2', async t => {
  t.match(await cli({}, ['lits']), { code: 2, out: '', err: "error: unknown command 'lits'\n(Did you mean list?)\n" })
  t.match(await run({}, 'list', '--nonsense'), { code: 2, out: '', err: /unknown option '--nonsense'/ })
  t.match(await run({}, 'show'), { code: 2, err: /missing required argument 'id'/ })
  t.match(await run({}, 'discard', 'an-id'), { code: 2, err: /required option '--reason <text>'/ })
  t.match(await run({ PORT: 'x' }, 'list'), { code: 1, out: '', err: /^list: PORT / }, 'a wrong configuration is not')
})

t.test('stdout has only the result, .env is read, and an error is one line', async t => {
  const cwd = t.testdir({ '.env': 'DATABASE_URL=from-the-file.db\n' })
  const err = "list: DATABASE_URL: from-the-file.db does not exist; name the server's own file\n"
  t.same(await cli({}, ['list', '--json'], { cwd }), { code: 1, out: '', err })
  t.notOk(existsSync(join(cwd, 'from-the-file.db')))
})

t.test('our bugs keep their stack; SQLite’s errors say where', async t => {
  const say: string[] = []
  const fault = () => {
    throw new RangeError('ours')
  }
  t.equal(await main(['--help'], { print: fault, say: line => say.push(line) }), 1)
  t.match(say.join(), /^--help: RangeError: ours\n +at /)

  const file = join(t.testdir(), 'text.db')
  writeFileSync(file, 'this is a text, and not a database'.repeat(100))
  const { code, err } = await run({ DATABASE_URL: file }, 'backup', `${file}.copy`)
  t.match({ code, err }, { code: 1, err: /^backup: could not create .*text.db.copy: file is not a database$/ })
})

t.test('the server runs without a command and with start', async t => {
  for (const args of [[], ['start']]) {
    const { child, ended, port } = standalone(t, { PORT: '0' }, { args: [CLI_FILE, ...args], cwd: t.testdir() })
    t.equal(statusOf(await exchange(await port(), HEALTH)), 200)
    child.kill('SIGTERM')
    t.match(await ended, { code: 0, stderr: '' })
  }
  const { ended } = standalone(t, { PORT: 'x' }, { args: [CLI_FILE], cwd: t.testdir() })
  t.match(await ended, { code: 1, stderr: /^tutorbot-webhooks did not start: PORT / })
})

t.test('start uses the socket that systemd hands over: it is the same process', async t => {
  const socket = createServer().listen(0, '127.0.0.1')
  await new Promise(resolve => socket.once('listening', resolve))
  const { port } = socket.address() as AddressInfo
  const { fd } = (socket as unknown as { _handle: { fd: number } })._handle
  const script = 'LISTEN_FDS=1 LISTEN_PID=$$ exec "$0" "$@"'
  const args = ['-c', script, process.execPath, CLI_FILE, 'start']
  const server = standalone(t, { PORT: '1' }, { command: 'sh', args, cwd: t.testdir(), handedOver: [fd] })
  await new Promise(resolve => socket.close(resolve))
  t.equal(await server.port(), port)
  t.equal(statusOf(await exchange(port, HEALTH)), 200)
  server.child.kill('SIGTERM')
  t.match(await server.ended, { code: 0, stderr: '' })
})

t.test('tables are aligned, and can’t control the terminal', async t => {
  t.same(
    table(
      [
        ['a', 'ms', 'b'],
        ['long', '5', ''],
        ['x\u001b[2J\ny', '1234', '\u202Eb'],
      ],
      [1],
    ),
    ['a          ms  b', 'long        5', 'x [2J y  1234   b'],
  )
  t.same(table([]), [])
  t.equal(printable('é 😀\u0000\u0085\u2028'), 'é 😀   ')
})
