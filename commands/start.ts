import type { Command } from 'commander'
import { withExamples } from './output.ts'

export function startCommand(program: Command): void {
  const command = program.command('start')
  command.description('starts the server in this process, and never the sandbox').action(async () => {
    const { run } = await import('../server.ts')
    await run()
  })
  withExamples(command, ['start'])
}
