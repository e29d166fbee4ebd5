import { readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Test } from 'tap'
import { ENV_SCHEMA } from '../../environment.ts'
import { type ChatwootApi, startChatwootApi } from '../../sandbox/chatwoot-api.ts'
import { standInSettings } from '../../sandbox/environment.ts'
import { type StripeApi, startStripeApi } from '../../sandbox/stripe-api.ts'
import type { Environment } from './cli.ts'
import { ROOT } from './docs.ts'
import { type Program, startProgram } from './program.ts'
import { inTime } from './wait.ts'

/** What a clone does not have: what git ignores, but for the packages. */
const NOT_CLONED = ['.git', '.tap', '.env', 'data', 'dist', 'secrets', 'webhooks.env', 'tutor.json']
/** The last line of a start: of the server, of the sandbox, of systemd-socket-activate. */
const STARTED = /Server listening at |\/sandbox$|^Listening on /

export const SECRETS = { chatwoot: 'a-secret-of-chatwoot', stripe: 'whsec_of_stripe' }

/** A folder as after `git clone` and `npm ci`, with the shell of whoever works in it. */
export interface Clone {
  folder: string
  /** Of that shell; what is in a `.env` is not in it. */
  env: Environment
  /** Runs a line of a shell to its end. */
  run(line: string): Promise<{ code: number | null; out: string; err: string }>
  /** Runs a line that starts a server, until that says so. It ends with the test. */
  serve(line: string): Promise<Program>
}

export function clone(t: Test, env: Environment = {}): Clone {
  const folder = t.testdir()
  for (const name of readdirSync(ROOT)) {
    if (!NOT_CLONED.includes(name)) symlinkSync(join(ROOT, name), join(folder, name))
  }
  // Neither tap's loaders, nor what `npm test` hands down, nor settings of the machine.
  const own = Object.entries(process.env).filter(
    ([name]) => !(name in ENV_SCHEMA.properties || name === 'NODE_OPTIONS' || /^(npm_|_?TAP)/i.test(name)),
  )
  const shell = { ...Object.fromEntries(own), PATH: `${dirname(process.execPath)}:${process.env.PATH}` }
  const start = (line: string) =>
    startProgram(line, ['sh', '-e', '-c', line], {
      cwd: folder,
      env: { ...shell, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
  return {
    folder,
    env,
    async run(line) {
      const { ended, lines, errors, written } = start(line)
      const code = await inTime(ended, { what: `${line} to end`, seen: () => written })
      return { code, out: lines.join('\n'), err: errors() }
    },
    async serve(line) {
      const program = start(line)
      t.teardown(() => program.end('SIGKILL'))
      await program.line(STARTED)
      return program
    },
  }
}

export interface StandIns {
  chatwoot: ChatwootApi
  stripe: StripeApi
  /** What names them, and the secrets of their webhooks. */
  settings: Environment
}

/** Chatwoot and Stripe for a clone. */
export async function standIns(t: Test): Promise<StandIns> {
  const [chatwoot, stripe] = await Promise.all([startChatwootApi(), startStripeApi()])
  t.teardown(() => Promise.all([chatwoot.close(), stripe.close()]))
  return { chatwoot, stripe, settings: standInSettings({ chatwoot, stripe }, SECRETS) }
}

/** A clone that is set up as the pages say: a `.env` with the stand-ins in it. */
export function configure({ folder }: Clone, settings: Environment): void {
  const lines = Object.entries(settings).map(([name, value]) => `${name}=${value}\n`)
  writeFileSync(join(folder, '.env'), lines.join(''))
}
