import { globSync } from 'node:fs'
import { fileURLToPath, pathToFileURL } from 'node:url'
import tap from 'tap'

const ROOT = fileURLToPath(new URL('..', import.meta.url))

tap.test('every source file is loaded, so that coverage includes files no test loads', async t => {
  const files = globSync(
    [
      '*.ts',
      '{plugins,routes,sources,examples,handlers,backends,inbox,calendar,clients,operator,commands,sandbox,tracing,tutor}/**/*.ts',
    ],
    {
      cwd: ROOT,
    },
  )
  t.ok(files.length > 20, `${files.length} files`)
  for (const file of files) await import(pathToFileURL(`${ROOT}/${file}`).href)
})
