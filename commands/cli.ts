#!/usr/bin/env node
import { Command, CommanderError } from 'commander'
import { OptionError, PermanentError, StoreOpenError, TransientError } from '../inbox/errors.ts'
import { EnvError } from '../plugins/env.ts'
import { backupCommand } from './backup.ts'
import { catchUpCommand } from './catch-up.ts'
import { discardCommand } from './discard.ts'
import { doctorCommand } from './doctor.ts'
import { forgetCommand } from './forget.ts'
import { listCommand } from './list.ts'
import { CommandError, type Context, UsageError } from './output.ts'
import { pruneCommand } from './prune.ts'
import { replayCommand } from './replay.ts'
import { restoreCommand } from './restore.ts'
import { showCommand } from './show.ts'
import { simulateCommand } from './simulate.ts'
import { startCommand } from './start.ts'

/** The commands, in the order of their help. */
const COMMANDS = [
  startCommand,
  doctorCommand,
  simulateCommand,
  listCommand,
  showCommand,
  replayCommand,
  discardCommand,
  forgetCommand,
  catchUpCommand,
  pruneCommand,
  backupCommand,
  restoreCommand,
]

const ABOUT = `
Every command reads the server's environment (including .env) and works while the server is running.
Exit codes: 0 success; 1 failed, refused or not found; 2 wrong usage.`

/** Runs a command and returns its exit code. A failure that the user can fix is one line. */
export async function main(args: readonly string[], context: Context): Promise<number> {
  const program = new Command('tutorbot-webhooks')
    .description("Receives Chatwoot's and Stripe's webhooks. Without a command, starts the server.")
    .addHelpText('after', ABOUT)
    .exitOverride()
    .configureOutput({ writeOut: text => context.print(text.trimEnd()), writeErr: text => context.say(text.trimEnd()) })
  for (const add of COMMANDS) add(program, context)
  try {
    await program.parseAsync(args.length === 0 ? ['start'] : args, { from: 'user' })
    return 0
  } catch (error) {
    // Commander has written what it has to say.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
    context.say(`${args[0]}: ${explain(error as Error)}`)
    return error instanceof UsageError || (error as { statusCode?: number }).statusCode === 400 ? 2 : 1
  }
}

/** Errors that say in their message what to do; any other keeps its stack. */
const EXPLAINED = [CommandError, UsageError, EnvError, OptionError, PermanentError, TransientError]

function explain(error: Error & { statusCode?: number; code?: string }): string {
  if (error instanceof StoreOpenError) return `DATABASE_URL: ${error.message}`
  const isExplained = error.statusCode !== undefined || EXPLAINED.some(type => error instanceof type)
  if (isExplained) return error.message
  if (error.code === 'ERR_SQLITE_ERROR') return `store: ${error.message}`
  return error.stack as string
}

if (import.meta.main) {
  process.exitCode = await main(process.argv.slice(2), { print: console.log, say: console.error })
}
