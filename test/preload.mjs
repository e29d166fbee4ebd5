/*
 * What every process of a test run loads first (NODE_OPTIONS in package.json's `tap`). It is plain JavaScript, because
 * what it saves is the work before the first line of a test:
 * - Node strips each TypeScript file's types in each process. Here that is done once per content, and kept.
 * - tap's coverage has Node parse the source maps of all packages. Ours have none, and packages are not covered.
 * - Node keeps what it compiles, but only where no coverage is taken, which that would blur.
 */
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { enableCompileCache, registerHooks, setSourceMapsSupport, stripTypeScriptTypes } from 'node:module'
import { fileURLToPath } from 'node:url'

const ROOT = new URL('../', import.meta.url).href
const KEPT = fileURLToPath(new URL('.tap/stripped/', ROOT))

// Children run in other folders: from there `./test/preload.mjs` would not be found.
process.env.NODE_OPTIONS = process.env.NODE_OPTIONS.replace(
  '--import=./test/preload.mjs',
  `--import=${import.meta.url}`,
)
// What tap's own hook does not look into: packages, but for tap, whose files it counts on to write its coverage.
process.env._TAPJS_PROCESSINFO_EXCLUDE_ = String(
  /(^(node|tapmock):|[/](\.tap|tap-snapshots|node_modules(?![/]@?tap))[/])/,
)

if (process.env._TAPJS_PROCESSINFO_COVERAGE_ === '0') {
  process.env.NODE_COMPILE_CACHE = fileURLToPath(new URL('.tap/compiled', ROOT))
  enableCompileCache(process.env.NODE_COMPILE_CACHE)
} else process.env.NODE_DISABLE_COMPILE_CACHE = '1'
setSourceMapsSupport(false)
// tap switches it on again.
process.setSourceMapsEnabled = () => {}

mkdirSync(KEPT, { recursive: true })
registerHooks({
  load(url, context, nextLoad) {
    const isOurs = url.startsWith(ROOT) && url.endsWith('.ts') && !url.includes('/node_modules/')
    return isOurs ? { format: 'module', source: stripped(url), shortCircuit: true } : nextLoad(url, context)
  },
})

function stripped(url) {
  const source = readFileSync(fileURLToPath(url), 'utf8')
  const file = `${KEPT}${createHash('sha256').update(source).digest('hex')}.js`
  try {
    return readFileSync(file, 'utf8')
  } catch {
    const code = withoutWarning(() => stripTypeScriptTypes(source))
    // Processes start side by side: a file is there whole or not at all.
    writeFileSync(`${file}.${process.pid}`, code)
    renameSync(`${file}.${process.pid}`, file)
    return code
  }
}

/** Tests read what a process writes to stderr, and Node calls this function experimental there. */
function withoutWarning(work) {
  const { emitWarning } = process
  process.emitWarning = () => {}
  try {
    return work()
  } finally {
    process.emitWarning = emitWarning
  }
}
