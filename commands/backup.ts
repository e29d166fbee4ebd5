import { existsSync, statSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import type { Command } from 'commander'
import { readEnv } from '../environment.ts'
import { markWithoutLeftovers, versionOf } from '../inbox/sqlite/file.ts'
import { CommandError, type Context, report, withExamples, withJson } from './output.ts'
import { mustBeFile, placeStore } from './store-file.ts'

export function backupCommand(program: Command, context: Context): void {
  const command = program.command('backup')
  withJson(command)
    .description('backs up the store (SQLite) while the server runs; the copy is verified and readable only by you')
    .argument('<file>', 'the backup to create; it must not exist yet')
    .action((file: string, options: { json?: boolean }) => backup(file, options, context))
  withExamples(command, ['backup /var/backups/webhooks-2026-11-23.db'])
}

async function backup(file: string, { json }: { json?: boolean }, context: Context): Promise<void> {
  const { DATABASE_URL: store } = await readEnv(context)
  mustBeFile(store)
  if (!existsSync(store)) throw new CommandError(`${store} does not exist: there is nothing to back up`)
  if (existsSync(file)) throw new CommandError(`${file} already exists: choose another name`)
  const startedAt = performance.now()
  placeStore(file, store, copy => copyStore(store, copy))
  const result = { file, bytes: statSync(file).size, ms: Math.round(performance.now() - startedAt) }
  report(context, json, result, () => [
    `backed up ${store} to ${file}: ${Math.ceil(result.bytes / 2 ** 20)} MiB, verified, in ${(result.ms / 1_000).toFixed(1)} s`,
  ])
}

/**
 * A snapshot without deleted data. VACUUM INTO is one read transaction: in WAL mode it blocks no writer, and unlike
 * SQLite's backup API it doesn't start over when the server writes.
 */
function copyStore(store: string, copy: string): void {
  const db = new DatabaseSync(store, { readOnly: true, timeout: 5_000 })
  try {
    versionOf(db, store)
    db.prepare('VACUUM INTO ?').run(copy)
  } finally {
    db.close()
  }
  markWithoutLeftovers(copy)
}
