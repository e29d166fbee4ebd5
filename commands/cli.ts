#!/usr/bin/env node
import { Command, CommanderError } from 'commander'
import { EnvError } from '../environment.ts'
import { OptionError, PermanentError, StoreOpenError, TransientError } from '../inbox/errors.ts'
import { whyNotUp } from '../inbox/postgres/not-up.ts'
import { CommandError, type Context, UsageError } from './output.ts'

type AddCommand = (program: Command, context: Context) => void

/** The commands, in the order of the help. Loaded on demand. */
const COMMANDS: Record<string, () => Promise<AddCommand>> = {
  start: async () => (await import('./start.ts')).startCommand,
  sandbox: async () => (await import('./sandbox.ts')).sandboxCommand,
  doctor: async () => (await import('./doctor.ts')).doctorCommand,
  settings: async () => (await import('./settings.ts')).settingsCommand,
  simulate: async () => (await import('./simulate.ts')).simulateCommand,
  lessons: async () => (await import('./lessons.ts')).lessonsCommand,
  packages: async () => (await import('./packages.ts')).packagesCommand,
  list: async () => (await import('./list.ts')).listCommand,
  show: async () => (await import('./show.ts')).showCommand,
  causes: async () => (await import('./causes.ts')).causesCommand,
  replay: async () => (await import('./replay.ts')).replayCommand,
  job: async () => (await import('./job.ts')).jobCommand,
  discard: async () => (await import('./discard.ts')).discardCommand,
  export: async () => (await import('./export.ts')).exportCommand,
  mcp: async () => (await import('./mcp.ts')).mcpCommand,
  forget: async () => (await import('./forget.ts')).forgetCommand,
  'catch-up': async () => (await import('./catch-up.ts')).catchUpCommand,
  prune: async () => (await import('./prune.ts')).pruneCommand,
  backup: async () => (await import('./backup.ts')).backupCommand,
  restore: async () => (await import('./restore.ts')).restoreCommand,
}

const ABOUT = `
Every command reads the server's environment (including .env) and works while the server is running.
Exit codes: 0 success; 1 failed, refused or not found; 2 wrong usage.`

/** Runs a command and returns its exit code. A failure that the user can fix is one line. */
export async function main(args: readonly string[], context: Context): Promise<number> {
  const program = new Command('tutorbot-webhooks')
    .description(
      "Receives Chatwoot's and Stripe's webhooks. Without a command, starts the server, or the sandbox if nothing is configured.",
    )
    .addHelpText('after', ABOUT)
    .exitOverride()
    .configureOutput({ writeOut: text => context.print(text.trimEnd()), writeErr: text => context.say(text.trimEnd()) })
  const [name = 'start', ...rest] = args
  for (const add of await loadCommands(name)) add(program, context)
  try {
    await program.parseAsync([name, ...rest], { from: 'user' })
    return 0
  } catch (error) {
    // Commander has already printed its message.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
    context.say(`${name}: ${explain(error as Error)}`)
    return error instanceof UsageError || (error as { statusCode?: number }).statusCode === 400 ? 2 : 1
  }
}

/** The command of that name, or all of them (`--help`, a typo). */
function loadCommands(name: string): Promise<AddCommand[]> {
  const wanted = Object.hasOwn(COMMANDS, name) ? [name] : Object.keys(COMMANDS)
  return Promise.all(wanted.map(command => (COMMANDS[command] as () => Promise<AddCommand>)()))
}

/** The message of errors that say what to do; the stack of all others. */
const EXPLAINED = [CommandError, UsageError, EnvError, OptionError, PermanentError, TransientError]

function explain(error: Error & { statusCode?: number; code?: string }): string {
  if (error instanceof StoreOpenError) return `DATABASE_URL: ${error.message}`
  const isExplained = error.statusCode !== undefined || EXPLAINED.some(type => error instanceof type)
  if (isExplained) return error.message
  if (error.code === 'ERR_SQLITE_ERROR') return `store: ${error.message}`
  // EPIPE: whoever reads our output may be gone too.
  if (whyNotUp(error) !== undefined && error.code !== 'EPIPE')
    return `store: ${error.message}; run it again when PostgreSQL is up`
  return error.stack as string
}

export async function runFromShell(): Promise<void> {
  process.exitCode = await main(process.argv.slice(2), { print: console.log, say: console.error })
}

if (import.meta.main) await runFromShell()
