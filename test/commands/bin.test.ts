import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { exchange, statusOf } from '../helpers/sockets.ts'
import { standalone } from '../helpers/standalone.ts'

const BIN = fileURLToPath(new URL('../../commands/bin.cjs', import.meta.url))
const HEALTH = 'GET /health HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n'
const { scripts, engines } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))

t.test('starts the server without a command, else the command', async t => {
  const server = standalone(t, { PORT: '0', SANDBOX: 'false' }, { args: [BIN], cwd: t.testdir() })
  t.equal(statusOf(await exchange(await server.port(), HEALTH)), 200)
  server.child.kill('SIGTERM')
  t.match(await server.ended, { code: 0, stderr: '' })

  const list = standalone(t, { DATABASE_URL: 'none.db' }, { args: [BIN, 'list'], cwd: t.testdir() })
  t.match(await list.ended, { code: 1, stderr: /^list: DATABASE_URL: none.db does not exist; .*\n$/ })
})

t.test('an old Node gets one line that names the version needed', async t => {
  const needed = engines.node.replace('>=', '')
  for (const version of ['20.20.2', '24.1.0', '8.17.0']) {
    // A module loaded first makes Node report an older version.
    const cwd = t.testdir({ 'older.cjs': `Object.defineProperty(process.versions, 'node', { value: '${version}' })` })
    const older = standalone(t, {}, { args: ['--require', './older.cjs', BIN, 'list'], cwd })
    const stderr = `tutorbot-webhooks needs Node ${needed} or later, and this is ${version}\n`
    t.match(await older.ended, { code: 1, stderr })
  }
})

t.test('`npm start` uses it too', async t => {
  t.match(scripts.start, / commands\/bin\.cjs$/)
})
