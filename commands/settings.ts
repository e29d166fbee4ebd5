import type { Command } from 'commander'
import { readGivenEnv } from '../environment.ts'
import { webhooksOptions } from '../server.ts'
import { readTutorFile } from '../tutor/file.ts'
import { type SettingInForce, settingsInForce } from '../tutor/in-force.ts'
import { TUTOR_SCHEMA } from '../tutor/schema.ts'
import { type Context, report, table, UsageError, withExamples, withJson } from './output.ts'

interface SettingsOptions {
  check?: string
  schema?: boolean
  json?: boolean
}

export function settingsCommand(program: Command, context: Context): void {
  const command = program
    .command('settings')
    .description("prints the tutor's settings that are in force, and where each comes from")
  withJson(command)
    .option('--check <file>', 'only checks a file with settings, which need not be the one in use')
    .option('--schema', 'prints the JSON Schema of such a file, for editors')
    .action((options: SettingsOptions) => settings(options, context))
    .addHelpText(
      'after',
      '\nWhether Stripe knows the prices is asked by doctor. A change needs a restart of the server.',
    )
  withExamples(command, [
    'settings',
    'settings --check tutor.json',
    'settings --schema > tutor.schema.json',
    'settings --json | jq \'.[] | select(.from != "default")\'',
  ])
}

async function settings({ check, schema, json }: SettingsOptions, context: Context): Promise<void> {
  if (check !== undefined && schema) throw new UsageError('give either --check or --schema')
  if (schema) return report(context, true, TUTOR_SCHEMA, () => [])
  if (check !== undefined) {
    readTutorFile(check)
    return report(context, json, { file: check, ok: true }, () => [`${check} is well-formed`])
  }
  const rows = await inForce(context)
  report(context, json, rows, () => table(rows.map(({ name, value, from }) => [name, from, shown(value)])))
}

async function inForce(context: Context): Promise<SettingInForce[]> {
  const { config, given } = await readGivenEnv(context)
  const { tutor = {}, stripe = {}, chatwoot = {} } = webhooksOptions(config)
  const zone = { name: 'TZ', value: config.TZ, from: given.includes('TZ') ? 'environment' : 'default' }
  const rows = settingsInForce({
    settings: tutor,
    from: `${config.TUTOR_FILE}`,
    zone: config.TZ,
    prices: stripe.prices,
    handoffHours: chatwoot.handoffHours,
    others: 'environment',
  })
  return [zone, ...rows]
}

function shown(value: unknown): string {
  if (value === null) return 'not sold'
  return typeof value === 'string' ? value : JSON.stringify(value)
}
