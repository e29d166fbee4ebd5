import type { Command } from 'commander'
import { readGivenEnv } from '../environment.ts'
import { type Context, withExamples } from './output.ts'
import { sandboxWanted } from './wanted.ts'

const HELP = `
The service beside stand-ins of Chatwoot and Stripe, on a page where you are the student, the tutor and the bank. Needs no
account and reaches no other machine; HOST and PORT say where the page is. What happens in it is kept in sandbox.db, in
the folder of DATABASE_URL's file, until it is started again. Without a command it starts too, if nothing is configured.`

export function sandboxCommand(program: Command, context: Context): void {
  const command = program
    .command('sandbox')
    .description('starts the sandbox: chat, pay and see the lesson booked, without an account')
    .action(async () => {
      const { config, given } = await readGivenEnv(context)
      const { env: environment = process.env } = context
      // Whoever types it is there.
      sandboxWanted({ asked: 'it is the sandbox that is asked for', given, environment, terminal: true })
      const { runSandbox } = await import('../sandbox/run.ts')
      await runSandbox(config)
    })
    .addHelpText('after', HELP)
  withExamples(command, ['sandbox'])
}
