import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { ENV_SCHEMA } from '../environment.ts'
import { presets } from '../sources/presets.ts'

/** Checks what the README and the pages in docs/ say about the repository. */

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8')
/** Without the changes of earlier versions, whose files may be gone. */
const PAGES = globSync(['*.md', '*/*.md'], { cwd: ROOT, exclude: name => name === 'node_modules' }).filter(
  path => path !== 'CHANGELOG.md',
)

/** Without code, in which a `#` is a comment and brackets are no links. */
function prose(path: string): string {
  return read(path).replace(/^ *```.*?^ *```$/gms, '')
}

/** The anchors of a page's headings, as they are linked to. */
function anchorsOf(path: string): Set<string> {
  return new Set(
    [...prose(path).matchAll(/^#{1,4} (.+)$/gm)].map(([, title = '']) =>
      title
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N}_\s-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  )
}

t.test('the README is a door', async t => {
  t.ok(read('README.md').split('\n').length <= 200)
  for (const page of globSync('docs/*.md', { cwd: ROOT }).filter(path => path !== 'docs/README.md')) {
    t.ok(read('README.md').includes(`](${page})`), `it leads to ${page}`)
  }
})

t.test('every link of every page works', async t => {
  t.ok(PAGES.length > 30)
  for (const page of PAGES) {
    for (const [, path = '', anchor] of prose(page).matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)/g)) {
      const target = path === '' ? page : join(dirname(page), path)
      t.ok(existsSync(join(ROOT, target)), `${page}: ${path}`)
      if (anchor !== undefined) t.ok(anchorsOf(target).has(anchor), `${page}: ${path}#${anchor}`)
    }
  }
})

t.test('each folder has a page that says what belongs there', async t => {
  const folders = globSync('*/', { cwd: ROOT, exclude: name => ['node_modules', 'dist', 'data'].includes(name) })
  t.ok(folders.length > 15)
  for (const folder of folders) t.ok(existsSync(join(ROOT, folder, 'README.md')), folder)
})

t.test('the dependency table is complete', async t => {
  const { dependencies, peerDependencies, devDependencies } = JSON.parse(read('package.json'))
  const named = [...read('docs/dependencies.md').matchAll(/^\| ([^|]+?)( \((?:dev|peer)\))? \| /gm)]
    .filter(([, names]) => names !== 'Package')
    .map(([, names = '', dev = '']) => names.split(', ').map(name => name + dev))
  const expected = [
    ...Object.keys(dependencies),
    ...Object.keys(peerDependencies).map(name => `${name} (peer)`),
    ...Object.keys(devDependencies).map(name => `${name} (dev)`),
  ]
  t.strictSame(named.flat().sort(), expected.sort())
})

t.test('the page about the conversation: its times are counted ones', async t => {
  const page = read('docs/conversation.md')
  const counted = ['nl', 'en', 'de'].flatMap(code => read(`test/handlers/times/${code}.txt`).split('\n'))
  const [, times = ''] = page.split('| Written | Understood as |')
  const shown = [...(times.split('\n\n')[0] as string).matchAll(/^\| `(.+?)`/gm)].map(([, text = '']) => text)
  t.ok(shown.length > 20)
  for (const text of shown)
    t.ok(
      counted.some(line => line.startsWith(`${text} | `)),
      text,
    )
})

t.test('what the pages count is as many', async t => {
  const numbers = { seven: 7, eight: 8, nine: 9, ten: 10, eleven: 11, twelve: 12 } as Record<string, number>
  const said = (page: string, text: RegExp) => {
    const [, count = ''] = text.exec(read(page).replaceAll(/\s+/g, ' ')) ?? []
    return numbers[count] ?? Number(count)
  }
  t.equal(said('docs/embedding.md', /`presets` know how (\w+) senders sign/), Object.keys(presets).length)
  const secrets = Object.keys(ENV_SCHEMA.properties).filter(name => name.endsWith('_FILE') && name !== 'TUTOR_FILE')
  t.equal(said('docs/configuration.md', /The last (\w+) are for secrets/), secrets.length)
  const methods = readFileSync(join(ROOT, 'calendar/contract.ts'), 'utf8')
    .split('export interface Calendar ')[1]
    ?.split('\n}')[0]
  t.equal(
    said('docs/embedding.md', /the (\w+) methods of the exported type `Calendar`/),
    methods?.match(/^ {2}\w+\(/gm)?.length,
  )
})

t.test('the number of alert rules is right', async t => {
  const [, rules = ''] = /Each rule says what to do: ([^.]+)\./.exec(read('docs/operating.md')) ?? []
  t.equal(rules.split(',').length, [...read('ops/alerts.yml').matchAll(/- alert: /g)].length)
})
