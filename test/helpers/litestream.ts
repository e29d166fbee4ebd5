import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Of `@flydotio/litestream-linux-x64`, which has Litestream 0.3.13. */
const VERSION = '1.0.1'
const KEPT = fileURLToPath(new URL(`../../.tap/litestream-${VERSION}`, import.meta.url))

/**
 * Litestream's program: npm's package, installed once. It is no dependency of ours, since npm has it for this platform
 * only, and refuses a project whose dependency is for another one. Elsewhere it is the one on the path, if there is one.
 */
export function litestreamProgram(): string {
  if (`${process.platform}-${process.arch}` !== 'linux-x64') return 'litestream'
  const name = '@flydotio/litestream-linux-x64'
  if (!existsSync(KEPT)) {
    mkdirSync(join(KEPT, '..'), { recursive: true })
    const own = mkdtempSync(`${KEPT}-`)
    const settings = ['--prefer-offline', '--ignore-scripts', '--no-audit', '--no-fund', '--silent']
    execFileSync('npm', ['install', '--prefix', own, ...settings, `${name}@${VERSION}`])
    try {
      renameSync(own, KEPT)
    } catch {
      // Another process was first.
      rmSync(own, { recursive: true })
    }
  }
  return join(KEPT, 'node_modules', name, 'litestream')
}
