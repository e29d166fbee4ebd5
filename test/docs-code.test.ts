import { once } from 'node:events'
import { existsSync, globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { pathToFileURL } from 'node:url'
import { Command } from 'commander'
import t from 'tap'
import { startChild } from './helpers/child.ts'
import { blocksOf, PAGES, ROOT, readPage } from './helpers/docs.ts'
import { moduleOf } from './helpers/docs-code.ts'

/** Checks the code and the commands in the README and in docs/. */

/** Code within a line may be wrapped. */
const read = (path: string) => readPage(path).replace(/(?<!`)`[^`]+`(?!`)/g, code => code.replaceAll('\n', ' '))

t.test('every block of TypeScript compiles', async t => {
  const folder = join(ROOT, '.tap/docs-code')
  mkdirSync(folder, { recursive: true })
  const blocks = blocksOf().filter(({ language }) => language === 'ts')
  t.ok(blocks.length > 10, `${blocks.length} blocks`)
  const files = blocks.map(block => {
    const file = `${block.page.replaceAll(/\W/g, '-')}-${block.line}.ts`
    writeFileSync(join(folder, file), moduleOf(block))
    return file
  })
  const options = {
    paths: { 'tutorbot-webhooks': ['../../app.ts'] },
    noUnusedLocals: false,
    noUnusedParameters: false,
    lib: ['es2024', 'esnext.disposable'],
    moduleDetection: 'force',
  }
  const project = { extends: '../../tsconfig.json', compilerOptions: options, files, exclude: [] }
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(project))
  // tap gives every child its own loaders by NODE_OPTIONS.
  const tsc = 'unset NODE_OPTIONS; exec node_modules/.bin/tsc -p "$0"'
  const child = startChild('sh', ['-c', tsc, folder], { cwd: ROOT })
  const [said, wrong, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
  t.equal(said + wrong, '')
  t.equal(code, 0)
})

t.test('every npm script and every file that a line runs exists', async t => {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>
  }
  const shown = PAGES.flatMap(page =>
    [...read(page).matchAll(/npm run (?:-s )?([\w:-]+)/g)].map(([, name = '']) => name),
  )
  t.ok(shown.length > 20)
  for (const name of shown) t.ok(name in scripts, `npm run ${name}`)
  const files = [...PAGES.map(read), ...Object.values(scripts)].flatMap(text =>
    [...text.matchAll(/\bnode (?:--\S+ )*([\w/]+\.(?:ts|cjs))/g)].map(([, file = '']) => file),
  )
  t.ok(files.length > 10)
  for (const file of files) t.ok(existsSync(join(ROOT, file)), file)
  const development = read('CONTRIBUTING.md')
  const ownAccord = Object.keys(scripts).filter(name => !/^pre/.test(name))
  for (const name of ownAccord) t.match(development, new RegExp(`npm (run (-s )?)?${name}\\b`), name)
})

t.test('every command that is shown is one, with options that it has', async t => {
  const shown = PAGES.flatMap(page =>
    [
      ...read(page).matchAll(
        /(?:npx tutorbot-webhooks|npm run -s cli --|compose exec \w+ tutorbot-webhooks) ([a-z][^\n`|#]*)/g,
      ),
    ].map(([, line = '']) => ({ page, line: line.trim() })),
  ).filter(({ line }) => !line.includes('<command>'))
  t.ok(shown.length > 15, `${shown.length} commands`)
  const adders = await Promise.all(
    globSync('commands/*.ts', { cwd: ROOT }).map(async path => import(pathToFileURL(join(ROOT, path)).href)),
  )
  for (const { page, line } of shown) {
    const program = new Command().exitOverride().configureOutput({ writeErr: () => {} })
    for (const module of adders) {
      for (const [name, add] of Object.entries(module)) {
        if (name.endsWith('Command') && typeof add === 'function') add(program, {})
      }
    }
    for (const command of [...program.commands, ...program.commands.flatMap(each => each.commands)]) {
      if (command.commands.length === 0) command.action(() => {})
    }
    const words = line.match(/"[^"]*"|'[^']*'|<[^>]*>|\S+/g) ?? []
    await t.resolves(program.parseAsync(words, { from: 'user' }), `${page}: ${line}`)
  }
})
