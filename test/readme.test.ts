import { existsSync, readFileSync } from 'node:fs'
import t from 'tap'

/** Checks what README.md says about the repository. */

const read = (path: string) => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8')
const readme = read('README.md')

function section(title: string): string {
  const [, rest = ''] = readme.split(`\n## ${title}\n`)
  return rest.split('\n## ')[0] as string
}

t.test('the dependency table is complete', async t => {
  const { dependencies, peerDependencies, devDependencies } = JSON.parse(read('package.json'))
  const named = [...section('Dependencies').matchAll(/^\| ([^|]+?)( \((?:dev|peer)\))? \| /gm)]
    .filter(([, names]) => names !== 'Package')
    .map(([, names = '', dev = '']) => names.split(', ').map(name => name + dev))
  const expected = [
    ...Object.keys(dependencies),
    ...Object.keys(peerDependencies).map(name => `${name} (peer)`),
    ...Object.keys(devDependencies).map(name => `${name} (dev)`),
  ]
  t.strictSame(named.flat().sort(), expected.sort())
})

t.test('all its links work', async t => {
  const links = [...readme.matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)].map(([, link = '']) => link)
  for (const link of links.filter(link => !link.startsWith('http'))) {
    t.ok(existsSync(new URL(`../${link}`, import.meta.url)), link)
  }
  t.ok(links.includes('docs/glossary.md'))
  const anchors = new Set(
    [...readme.matchAll(/^#{2,4} (.+)$/gm)].map(([, title = '']) =>
      title
        .toLowerCase()
        .replaceAll(/[^\w\s-]/g, '')
        .replaceAll(' ', '-'),
    ),
  )
  for (const [, anchor = ''] of readme.matchAll(/\]\(#([^)]+)\)/g)) t.ok(anchors.has(anchor), anchor)
})

t.test('the page about the conversation: its links work, and its times are counted ones', async t => {
  const page = read('docs/conversation.md')
  const headings = [...page.matchAll(/^## (.+)$/gm)].map(([, title = '']) =>
    title
      .toLowerCase()
      .replaceAll(/[^\w\s-]/g, '')
      .replaceAll(' ', '-'),
  )
  for (const [, path = '', anchor = ''] of page.matchAll(/\]\(([^)#\s]*)#?([^)]*)\)/g)) {
    t.ok(
      path === '' ? headings.includes(anchor) : existsSync(new URL(`../docs/${path}`, import.meta.url)),
      path + anchor,
    )
  }
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

t.test('the number of alert rules is right', async t => {
  const [, rules = ''] = /Each rule says what to do: ([^.]+)\./.exec(readme) ?? []
  t.equal(rules.split(',').length, [...read('ops/alerts.yml').matchAll(/- alert: /g)].length)
})
