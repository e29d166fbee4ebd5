import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import t, { type Test } from 'tap'
import { chatwoot, railsJson } from '../commands/samples.ts'
import { signChatwoot } from '../plugins/verification.ts'
import { type Clone, clone, configure, SECRETS, standIns } from './helpers/clone.ts'
import { blocksOf, blockWith, PAGES, ROOT } from './helpers/docs.ts'
import { isInstalled } from './helpers/installed.ts'
import type { Program } from './helpers/program.ts'
import { until } from './helpers/wait.ts'
import { ask, freePort } from './ops/proxies.ts'

/** Runs every line of the shell that the README and the pages show, page by page, in a folder like a clone. */

const APACHE = 'the Apache of this machine; test/ops/apache.test.ts runs one of its own'
const JOB = 'nothing is dead for that cause here; test/faults/replay-job.test.ts runs such jobs'
const LITESTREAM = 'run by test/ops/litestream.test.ts'

/** What can't be run here, and why. A line that no page shows any more is an error, as is a new one that fails. */
const NOT_RUN: Record<string, string> = {
  'npx tutorbot-webhooks replay --cause ChatwootRefusedError:chatwoot:404 --pace 30 --pause-after 3': JOB,
  'npx tutorbot-webhooks job show --wait': JOB,
  'npx tutorbot-webhooks job stop': JOB,
  'npm ci && npm test': 'this is part of it',
  'npm ci --omit=dev': 'run by the build of the image, in test/ops/container.test.ts',
  'sudo systemctl daemon-reload': 'systemd',
  'sudo systemctl enable --now tutorbot-webhooks.socket tutorbot-webhooks.service': 'systemd',
  'sudo systemd-run --quiet --pipe --wait --collect -p DynamicUser=yes -p User=tutorbot-webhooks -p StateDirectory=tutorbot-webhooks -p EnvironmentFile=/etc/tutorbot-webhooks.env -E DATABASE_URL=/var/lib/tutorbot-webhooks/webhooks.db -E PATH=/opt/tutorbot-webhooks/node_modules/.bin node /opt/tutorbot-webhooks/commands/cli.ts list --state dead':
    'systemd',
  'sudo a2enmod proxy proxy_http headers rewrite asis': APACHE,
  'sudo a2ensite tutorbot-webhooks': APACHE,
  'sudo apachectl configtest && sudo systemctl restart apache2': APACHE,
  'docker compose cp webhooks:/data/backup.db .': 'Docker',
  'pg_dump --format=custom --schema=\'tutorbot_webhooks*\' --file=webhooks.dump "$DATABASE_URL"':
    'run by test/ops/pg-dump.test.ts',
  'pg_restore --exit-on-error --no-owner --dbname="$DATABASE_URL" webhooks.dump': 'run by test/ops/pg-dump.test.ts',
  'litestream replicate -config /etc/litestream.yml': LITESTREAM,
  'litestream restore -config /etc/litestream.yml -o /tmp/webhooks.db /var/lib/tutorbot-webhooks/webhooks.db':
    LITESTREAM,
}

/** What is written otherwise here, and why. One that no line has any more is an error. */
const REWRITTEN: [RegExp, string][] = [
  // CI does that before the tests.
  [/^npm ci && /, ''],
  // The last test runs npx itself; each time costs two seconds.
  [/\bnpx tutorbot-webhooks\b/, 'node commands/bin.cjs'],
  // What compose runs in the container, run outside it; test/ops/container.test.ts runs the image.
  [/^docker compose up --detach( --build)?$/, 'npm start'],
  [/^docker compose stop$/, 'true'],
  [/^docker compose exec webhooks tutorbot-webhooks\b/, 'node commands/bin.cjs'],
  [/^docker compose run --rm webhooks\b/, 'node commands/bin.cjs'],
  [/^docker compose run --rm --entrypoint sh webhooks\b/, 'sh'],
  // Folders of the machine, and the port.
  [/^sudo /, ''],
  [/(?<= |')\/(var\/backups|etc|data|tmp)(?=\/)/g, '$1'],
  [/(?<=localhost|127\.0\.0\.1):3000\b/, ':PORT'],
  // Stripe has the events of 30 days.
  [/2026-11-23T04:00:00Z/, '1h'],
]

/** Programs that a machine may lack. */
const OPTIONAL: [name: string, versionFlag: string, debian: string][] = [
  ['jq', '--version', 'jq'],
  ['curl', '--version', 'curl'],
  ['systemd-socket-activate', '--version', 'systemd'],
]

interface Line {
  page: string
  text: string
  /** What the page shows as its output. */
  shown: string[]
}

/** The lines of a page's shell, without comments. */
function linesOf(page: string): Line[] {
  const blocks = blocksOf([page]).filter(({ language }) => language === 'sh')
  return blocks.flatMap(({ text }) => {
    const lines: Line[] = []
    for (const written of text
      .trim()
      .replaceAll(/\\\n\s*/g, '')
      .split('\n')) {
      const isOutput = text.startsWith('$ ') && !written.startsWith('$ ')
      if (isOutput) lines.at(-1)?.shown.push(written)
      else lines.push({ page, text: written.replace(/^\$ /, '').replace(/\s+# .*$/, ''), shown: [] })
    }
    return lines
  })
}

/** All of them. */
const LINES = PAGES.flatMap(linesOf)

/** Where the lines of some pages are run. */
interface Place {
  pages: string[]
  /** The clone, with what the pages' text says is there. */
  make(t: Test, port: number): Promise<Clone>
  /** By line: what the text around it says is to be done first. */
  first?: Record<string, (place: Running) => Promise<void>>
}

interface Running {
  here: Clone
  port: number
  /** Starts the server of the place, in place of the one before. */
  serve(command: string): Promise<Program>
  stop(): Promise<void>
}

const PLACES: Place[] = [
  { pages: ['README.md', 'docs/sandbox.md', 'docs/start.md'], make: async (t, port) => clone(t, { PORT: `${port}` }) },
  {
    pages: ['docs/deploy.md'],
    async make(t, port) {
      const here = clone(t, { PORT: `${port}` })
      mkdirSync(join(here.folder, 'etc/systemd/system'), { recursive: true })
      return here
    },
  },
  {
    pages: ['docs/proxies.md'],
    async make(t) {
      const here = clone(t)
      mkdirSync(join(here.folder, 'etc/apache2/sites-available'), { recursive: true })
      return here
    },
  },
  {
    pages: ['docs/operating.md', 'docs/upgrade.md'],
    async make(t, port) {
      const here = clone(t)
      configure(here, { ...(await standIns(t)).settings, PORT: `${port}`, CW_MODE: 'bot' })
      mkdirSync(join(here.folder, 'var/backups'), { recursive: true })
      return here
    },
    first: {
      'curl -s localhost:3000/ready': async ({ here, port, serve }) => {
        const server = await serve('npm start')
        const { conversation: _, ...message } = chatwoot.incoming() as Record<string, unknown>
        const body = railsJson(message)
        await ask(`http://127.0.0.1:${port}/cw`, { body, headers: signChatwoot(body, SECRETS.chatwoot) })
        // A message without a conversation: nothing can handle it.
        await server.line(/webhook dead/)
        await here.run('node commands/bin.cjs backup var/backups/webhooks.db')
      },
      'mkdir -p old && mv data/webhooks.db* old/': ({ stop }) => stop(),
    },
  },
  {
    pages: ['docs/litestream.md'],
    async make(t, port) {
      const here = clone(t)
      configure(here, { ...(await standIns(t)).settings, PORT: `${port}` })
      mkdirSync(join(here.folder, 'tmp'))
      return here
    },
    first: {
      'npx tutorbot-webhooks restore /tmp/webhooks.db': async ({ here, serve, stop }) => {
        // In place of what Litestream has restored.
        await serve('npm start')
        await here.run('node commands/bin.cjs backup tmp/webhooks.db')
        await stop()
        await here.run('rm data/webhooks.db*')
      },
    },
  },
  {
    pages: ['docs/deploy-container.md'],
    async make(t, port) {
      const here = clone(t)
      // As in compose.yaml; the port is published as another one, and the secrets are those that exist.
      const settings = composeEnvironment()
      const secret = settings.CW_HMAC_SECRET_FILE?.replace('/run/', '')
      const own = Object.fromEntries(Object.entries(settings).filter(([name]) => !name.endsWith('_FILE')))
      Object.assign(here.env, own, { HOST: '127.0.0.1', PORT: `${port}`, CW_HMAC_SECRET_FILE: secret })
      return here
    },
    first: {
      'docker compose up --detach --build': async ({ here }) => {
        const file = readFileSync(join(here.folder, 'webhooks.env'), 'utf8')
        Object.assign(here.env, { ...parseEnv(file), ...here.env })
      },
      'docker compose stop': ({ stop }) => stop(),
    },
  },
]

const composeEnvironment = (): Record<string, string> =>
  Object.fromEntries(
    [...readFileSync(join(ROOT, 'compose.yaml'), 'utf8').matchAll(/^ {6}([A-Z_]+): (.+)$/gm)].map(
      ([, name = '', value = '']) => [name, value],
    ),
  )

/** What a page shows of what a server prints: its lines, as far as they are the same each time. */
const SHOWN = [
  { page: 'docs/start.md', text: 'npm ci && SANDBOX=false npm start', block: 'Server listening at' },
  { page: 'docs/sandbox.md', text: 'npm ci && npm start', block: 'stand-ins: for Chatwoot' },
]

/** A line of a log, on a terminal or as JSON, without its time; any port is the same. */
function comparable(line: string): string {
  const { level, msg } = line.startsWith('{') ? JSON.parse(line) : {}
  const text = msg === undefined ? line.replace(/^\[[\d:.]+\] /, '') : `${level === 40 ? 'WARN' : 'INFO'}: ${msg}`
  return text.replaceAll(/(?<=127\.0\.0\.1:)\d+/g, 'PORT')
}

const isRun = ({ text }: Line) => !(text in NOT_RUN)
/** Starts something that goes on until it is stopped. */
const serves = (command: string) => /npm start$|^PATH=\S+ systemd-socket-activate /.test(command)

function commandOf({ text }: Line, port: number): string {
  const command = REWRITTEN.reduce((line, [written, here]) => line.replace(written, here), text)
  return command.replaceAll(':PORT', `:${port}`)
}

for (const { pages, make, first = {} } of PLACES) {
  t.test(pages.join(', '), async t => {
    const port = await freePort()
    const here = await make(t, port)
    let server: Program | undefined
    const stop = async () => {
      if (server === undefined) return
      // To all that it started, as Ctrl-C does on a terminal.
      process.kill(-Number(server.child.pid), 'SIGINT')
      await server.ended
      server = undefined
    }
    const serve = async (command: string) => {
      await stop()
      server = await here.serve(command)
      return server
    }
    const done = new Set<string>()
    for (const line of pages.flatMap(linesOf).filter(isRun)) {
      const command = commandOf(line, port)
      const missing = OPTIONAL.find(
        ([name, flag, debian]) => command.includes(name) && !isInstalled(t, name, flag, debian),
      )
      if (missing !== undefined) {
        t.comment(`NOT TESTED: ${line.text}`)
        continue
      }
      await first[line.text]?.({ here, port, serve, stop })
      if (serves(command)) {
        if (done.has(command)) continue
        const started = await serve(command)
        for (const { page, block } of SHOWN.filter(({ text }) => text === line.text)) {
          const shown = blockWith(page, block).text.trim().split('\n').map(comparable)
          await until('what is shown', () => started.lines.map(comparable).includes(`${shown.at(-1)}`))
          const lines = started.lines.map(comparable)
          const end = lines.indexOf(`${shown.at(-1)}`) + 1
          t.same(lines.slice(end - shown.length, end), shown, `${page} shows what is printed`)
        }
        t.equal(
          (await ask(`http://127.0.0.1:${port}/health`, { method: 'GET' })).status,
          200,
          `${line.page}: ${line.text}`,
        )
      } else {
        const { code, out, err } = await here.run(command)
        const name = `${line.page}: ${line.text}`
        t.equal(code, 0, code === 0 ? name : `${name}\n${out}\n${err}`)
        if (line.shown.length > 0) t.equal(out, line.shown.join('\n'))
      }
      done.add(command)
    }
    await stop()
  })
}

t.test('every line is run, or the reason why not is above', async t => {
  const placed = PLACES.flatMap(({ pages }) => pages)
  for (const line of LINES.filter(isRun)) t.ok(placed.includes(line.page), `${line.page}: ${line.text}`)
  for (const text of Object.keys(NOT_RUN))
    t.ok(
      LINES.some(line => line.text === text),
      text,
    )
  for (const text of PLACES.flatMap(({ first = {} }) => Object.keys(first)))
    t.ok(
      LINES.some(line => line.text === text),
      text,
    )
  for (const [written] of REWRITTEN)
    t.ok(
      LINES.some(({ text }) => new RegExp(written.source).test(text)),
      `${written}`,
    )
})

t.test('in a clone, a command is run by npx, and by npm without a line of its own', async t => {
  const here = clone(t)
  Object.assign(here.env, { npm_config_cache: join(here.folder, '.npm'), npm_config_offline: 'true' })
  for (const command of ['npx tutorbot-webhooks settings --schema', 'npm run -s cli -- settings --schema']) {
    const { code, out, err } = await here.run(command)
    t.equal(code, 0, `${command}\n${err}`)
    t.equal(JSON.parse(out).type, 'object', command)
  }
})
