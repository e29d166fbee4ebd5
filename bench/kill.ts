/** `node bench/kill.ts [rounds]`: kill -9 under load, 100 times by default; fails if anything was lost. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { killRounds } from '../test/helpers/kill-rounds.ts'

const folder = mkdtempSync(join(tmpdir(), 'webhooks-kill-'))
try {
  const result = await killRounds(join(folder, 'webhooks.db'), Number(process.argv[2] ?? 100))
  console.log(result)
  if (result.wrong.length > 0 || result.lost.length > 0) process.exitCode = 1
} finally {
  rmSync(folder, { recursive: true, force: true })
}
