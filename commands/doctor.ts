import { randomUUID } from 'node:crypto'
import type { Command } from 'commander'
import { EnvError, readGivenEnv } from '../environment.ts'
import { OptionError } from '../inbox/errors.ts'
import { type Check, wrong } from './check.ts'
import { checkAll } from './checks.ts'
import { CommandError, type Context, report, table, UsageError, withExamples, withJson } from './output.ts'
import { serverUrl } from './server-url.ts'
import { withStore } from './store.ts'

interface DoctorOptions {
  url?: string
  newInstallationId?: boolean
  keepInstallationId?: boolean
  json?: boolean
}

export function doctorCommand(program: Command, context: Context): void {
  const command = program.command('doctor')
  withJson(command)
    .description(
      'checks configuration, secrets, store and clock, and that Chatwoot, Stripe, the calendar and the server respond',
    )
    .option('--url <url>', 'base URL of the server, including its prefix if it has one (default: HOST and PORT)')
    .option(
      '--new-installation-id',
      'first gives this store a new id: after a restore, while the original is still in use',
    )
    .option('--keep-installation-id', 'first confirms the id of a restored store: the original is gone')
    .action((options: DoctorOptions) => doctor(options, context))
    .addHelpText(
      'after',
      '\nChanges nothing else. Exits with 1 if something is wrong; anything that is switched off is a warning.',
    )
  withExamples(command, [
    'doctor',
    'doctor --json | jq \'.[] | select(.state != "ok")\'',
    'doctor --new-installation-id',
  ])
}

async function doctor(options: DoctorOptions, context: Context): Promise<void> {
  const { url, newInstallationId, keepInstallationId, json } = options
  if (newInstallationId && keepInstallationId) {
    throw new UsageError('give either --new-installation-id or --keep-installation-id')
  }
  if (newInstallationId) await withStore(context, store => store.setInstallationId(randomUUID()))
  if (keepInstallationId) {
    await withStore(context, async store => store.setInstallationId(await store.installationId()))
  }
  const checks = await examine(url, context)
  report(context, json, checks, () => table(checks.map(({ state, what, says }) => [state, what, says])))
  const count = checks.filter(({ state }) => state === 'wrong').length
  if (count > 0) throw new CommandError(`${count} of ${checks.length} checks failed`)
}

async function examine(url: string | undefined, context: Context): Promise<Check[]> {
  try {
    const { config, files } = await readGivenEnv(context)
    return await checkAll(config, serverUrl(url, config), files)
  } catch (error) {
    if (!(error instanceof EnvError || error instanceof OptionError)) throw error
    // Without it nothing else can be looked at.
    return error.message.split('\n').map(line => wrong('configuration', line))
  }
}
