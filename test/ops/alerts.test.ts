import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { webhookApp } from '../helpers/app.ts'
import { isInstalled } from '../helpers/installed.ts'
import { scrape } from '../helpers/metrics.ts'

const RULES = fileURLToPath(new URL('../../ops/alerts.yml', import.meta.url))
const TESTS = fileURLToPath(new URL('alerts.rules.yml', import.meta.url))
const rules = readFileSync(RULES, 'utf8')
const tests = readFileSync(TESTS, 'utf8')

async function exposition(): Promise<string> {
  const token = 'the-token-of-prometheus'
  const { app } = await webhookApp(t, { operator: { metricsToken: token } })
  return (await scrape(app, token)).body
}

const text = await exposition()

t.test('every metric in the rules is exposed', async t => {
  const exposed = new Set<string>()
  for (const [, name = '', type] of text.matchAll(/^# TYPE (\w+) (\w+)$/gm)) {
    const suffixes = type === 'histogram' ? ['', '_bucket', '_sum', '_count'] : ['']
    for (const suffix of suffixes) exposed.add(name + suffix)
  }
  const named = new Set(`${rules}${tests}`.match(/\b(tutorbot_webhooks|nodejs|process)_\w+/g))
  t.ok(named.size >= 10, `${named.size} names`)
  for (const name of named) t.ok(exposed.has(name), name)
})

t.test('the docs list all our metrics', async t => {
  const page = readFileSync(new URL('../../docs/operating.md', import.meta.url), 'utf8')
  const listed = page.match(/(?<=^\|.*`)tutorbot_webhooks_\w+(?=`.* \|$)/gm)
  t.same(listed?.sort(), [...text.matchAll(/^# TYPE (tutorbot_webhooks_\w+)/gm)].map(([, name]) => name).sort())
})

t.test('each rule has a test', async t => {
  const alerts = [...rules.matchAll(/- alert: (\w+)/g)].map(([, alert = '']) => alert)
  t.ok(alerts.length >= 10)
  for (const alert of alerts) t.ok(tests.includes(`alertname="${alert}"`), alert)
})

if (isInstalled(t, 'promtool', '--version', 'prometheus')) {
  const promtool = (args: string[], input = '') => spawnSync('promtool', args, { input, encoding: 'utf8' })

  t.test('promtool', async t => {
    const ours = text.slice(0, text.indexOf('# HELP process_'))
    const runs = [
      ['the rules', promtool(['check', 'rules', RULES])],
      ['their tests', promtool(['test', 'rules', TESTS])],
      ['the names of our metrics', promtool(['check', 'metrics'], ours)],
    ] as const
    for (const [name, { status, stdout, stderr }] of runs) t.equal(status, 0, name, { stdout, stderr })
  })
}
