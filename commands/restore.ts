import { chmodSync, copyFileSync, existsSync } from 'node:fs'
import type { Command } from 'commander'
import { readEnv } from '../environment.ts'
import { lockFile, markRestored } from '../inbox/sqlite/file.ts'
import { CommandError, type Context, report, withExamples, withJson } from './output.ts'
import { mustBeFile, placeStore } from './store-file.ts'

interface RestoreOptions {
  to?: string
  json?: boolean
}

export function restoreCommand(program: Command, context: Context): void {
  const command = program.command('restore')
  withJson(command)
    .description('restores a store (SQLite) from a backup, after verifying it; stop the server first')
    .argument('<file>', 'a file made by `backup`')
    .option('--to <file>', 'the store to create (default: DATABASE_URL); it must not exist yet')
    .action((file: string, options: RestoreOptions) => restore(file, options, context))
  withExamples(command, [
    'restore /var/backups/webhooks-2026-11-23.db',
    'restore webhooks-2026-11-23.db --to data/looked-at.db',
  ])
}

async function restore(file: string, { to, json }: RestoreOptions, context: Context): Promise<void> {
  const target = to ?? (await readEnv(context)).DATABASE_URL
  mustBeFile(target)
  if (!existsSync(file)) throw new CommandError(`${file} does not exist`)
  if (existsSync(`${file}-wal`)) {
    throw new CommandError(
      `${file} is a store that is in use or was left by a crash (${file}-wal): use a file made by \`backup\``,
    )
  }
  // SQLite would take an older store's leftover files for the new one's.
  const inTheWay = ['', '-wal', '-shm', '-journal'].map(end => target + end).find(existsSync)
  if (inTheWay !== undefined) {
    throw new CommandError(`${inTheWay} already exists and is not overwritten: move it away, or choose another --to`)
  }
  // Keeps a server from starting there meanwhile.
  const lock = lockFile(target)
  try {
    placeStore(
      target,
      file,
      copy => {
        copyFileSync(file, copy)
        chmodSync(copy, 0o600)
      },
      copy => markRestored(copy, Date.now()),
    )
  } finally {
    lock.close()
  }
  report(context, json, { file, store: target }, () => [
    `restored ${target} from ${file}; you can start the server now`,
  ])
}
