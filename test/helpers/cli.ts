import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { main } from '../../commands/cli.ts'
import { ENV_SCHEMA } from '../../environment.ts'
import { startChild } from './child.ts'
import { inTime } from './wait.ts'

export const CLI_FILE = fileURLToPath(new URL('../../commands/cli.ts', import.meta.url))

export type Environment = Record<string, string>

export interface Ran {
  code: number | null
  /** What it wrote to stdout, and to stderr. */
  out: string
  err: string
}

/** Runs a command in this process. */
export async function run(env: Environment, ...args: string[]): Promise<Ran> {
  const out: string[] = []
  const err: string[] = []
  const code = await main(args, { env, print: line => out.push(line), say: line => err.push(line) })
  return { code, out: out.join('\n'), err: err.join('\n') }
}

/** Runs a command in this process that prints only JSON. */
export async function runJson<T>(env: Environment, ...args: string[]): Promise<{ code: number | null; result: T }> {
  const { code, out } = await run(env, ...args, '--json')
  return { code, result: JSON.parse(out) as T }
}

/**
 * Runs a command in its own process, with only `env` as its environment.
 * @param shell prefix of its command line, such as `ulimit -f 100 && exec`
 */
export async function cli(env: Environment, args: readonly string[], { cwd = '.', shell = 'exec' } = {}): Promise<Ran> {
  const others = Object.entries(process.env).filter(([name]) => !(name in ENV_SCHEMA.properties))
  const child = startChild('sh', ['-c', `${shell} "$0" "$@"`, process.execPath, CLI_FILE, ...args], {
    cwd,
    env: { ...Object.fromEntries(others), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const ended = Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
  const [out, err, [code]] = await inTime(ended, { what: `${args.join(' ')} to end` })
  return { code, out, err }
}
