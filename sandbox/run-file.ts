import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { sandboxFiles } from './files.ts'

/** What other commands of this machine need to talk to a sandbox that runs: beside its store, for its owner alone. */
export interface Run {
  pid: number
  /** Of the page, without its path. */
  url: string
  /** How far its clock is ahead of the machine's, ms. */
  offsetMs: number
  /** The service's environment, with the secrets of this run. */
  env: Record<string, string>
}

export function writeRun(file: string, run: Run): void {
  // Whoever reads it meanwhile gets the one before.
  writeFileSync(`${file}.new`, JSON.stringify(run), { mode: 0o600 })
  renameSync(`${file}.new`, file)
}

export function removeRun(file: string): void {
  rmSync(file, { force: true })
}

/** The sandbox that runs beside a server's store; undefined: there is none. @param where DATABASE_URL */
export function findRun(where: string): Run | undefined {
  try {
    const run = JSON.parse(readFileSync(sandboxFiles(where).run, 'utf8')) as Run
    // One that was killed has left its file behind.
    process.kill(run.pid, 0)
    return run
  } catch {
    return undefined
  }
}
