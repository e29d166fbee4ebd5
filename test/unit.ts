/** `npm run test:unit`: the test files that start no process, and no server of ours or of a database. */
import { spawnSync } from 'node:child_process'
import { globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
/** Modules with which tests start processes and servers. */
const STARTERS = ['test/helpers/child.ts', 'node:child_process', 'playwright-core', 'sandbox/stand-in.ts', 'fastify']
const RELATIVE = /(?:from|import) '(\.{1,2}\/[^']+\.ts)'/g

const known = new Map<string, boolean>()

/** Whether a test file, or a helper that it imports, can start one. The code under test is not examined. */
function starts(file: string): boolean {
  if (known.has(file)) return known.get(file) === true
  known.set(file, false)
  const source = readFileSync(join(ROOT, file), 'utf8')
  const imports = [...source.matchAll(RELATIVE)].map(([, path]) => join(dirname(file), path as string))
  const answer =
    STARTERS.some(name => file === name || source.includes(`'${name}'`)) ||
    imports.some(path => /^(test|sandbox)\//.test(path) && starts(path))
  known.set(file, answer)
  return answer
}

const files = globSync('test/**/*.test.ts', { cwd: ROOT }).filter(file => !starts(file))
const options = ['--disable-coverage', '--allow-empty-coverage', ...process.argv.slice(2)]
const { status } = spawnSync('tap', [...options, ...files.sort()], { cwd: ROOT, stdio: 'inherit' })
process.exitCode = status ?? 1
