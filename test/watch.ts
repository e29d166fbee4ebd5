/** `npm run test:watch -- FILE…`: runs the test files (default: all unit tests) after each change of a source file. */
import { spawn } from 'node:child_process'
import { readdirSync, watch } from 'node:fs'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
/** An editor writes a file in several steps, ms. */
const SETTLE_MS = 100

const files = process.argv.slice(2)
const tap = ['tap', '--disable-coverage', '--allow-empty-coverage', ...files]
const [command = '', ...args] = files.length === 0 ? [process.execPath, 'test/unit.ts'] : tap

let running = false
let isDue = false

function run(): void {
  if (running) {
    isDue = true
    return
  }
  running = true
  spawn(command, args, { cwd: ROOT, stdio: 'inherit' }).once('close', () => {
    running = false
    if (isDue) run()
  })
  isDue = false
}

let timer: NodeJS.Timeout | undefined
function changed(_: unknown, name: string | null): void {
  if (!name?.endsWith('.ts')) return
  clearTimeout(timer)
  timer = setTimeout(run, SETTLE_MS)
}

watch(ROOT, changed)
for (const entry of readdirSync(ROOT, { withFileTypes: true })) {
  // Not the packages, what is built, nor what tap writes.
  const isSource = entry.isDirectory() && !/^(\.|node_modules$|dist$)/.test(entry.name)
  if (isSource) watch(`${ROOT}/${entry.name}`, { recursive: true }, changed)
}
run()
