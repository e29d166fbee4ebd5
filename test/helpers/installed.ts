import { spawnSync } from 'node:child_process'
import type { Test } from 'tap'

/**
 * Whether a program is installed. If CI requires it, its absence is a failure; elsewhere it is reported.
 * @param debian its Debian package
 */
export function isInstalled(t: Test, program: string, versionFlag: string, debian = program): boolean {
  if (spawnSync(program, [versionFlag], { env: systemPath() }).error === undefined) return true
  const required = `REQUIRE_${program.toUpperCase()}`
  const message = `${program} is not installed: what needs it is NOT TESTED here (apt-get install ${debian})`
  if (process.env[required] === '1') t.fail(message)
  else {
    t.comment(`!!! ${message}`)
    t.pass(message)
  }
  return false
}

/** Includes the folders where Debian keeps daemons, which are not on every user's path. */
export function systemPath(): NodeJS.ProcessEnv {
  return { PATH: `${process.env.PATH}:/usr/sbin:/usr/local/sbin`, HOME: process.env.HOME }
}
