import t from 'tap'
import { OptionError, type WebhooksOptions } from '../app.ts'
import { checkOptionNames, OPTION_NAMES } from '../options.ts'
import { readPage } from './helpers/docs.ts'

/** Unknown options, at every depth. */

const check = (options: object) => () => checkOptionNames(options as WebhooksOptions)

t.test('an unknown option is an error that names it and the nearest one', async t => {
  for (const [options, message] of [
    [{ chatwot: {} }, 'chatwot is not an option (did you mean chatwoot?)'],
    [{ telegram: {} }, 'telegram is not an option'],
    [{ chatwoot: { secret: ['s'] } }, 'chatwoot.secret is not an option (did you mean chatwoot.secrets?)'],
    [{ stripe: { prices: { standart60: 'p' } } }, /^stripe\.prices\.standart60 .*stripe\.prices\.standard60\?/],
    [{ calendar: { google: { calenderId: 'c' } } }, /^calendar\.google\.calenderId .*calendar\.google\.calendarId\?/],
    [{ inbox: { concurency: 5 } }, /inbox\.concurency .*inbox\.concurrency\?/],
    [{ operator: { tokens: 't' } }, /operator\.tokens .*operator\.token\?/],
    [{ alerts: { url: 'http://x', uri: '' } }, /alerts\.uri .*alerts\.url\?/],
    [{ constructor: 1 }, 'constructor is not an option'],
    [JSON.parse('{"__proto__":1}'), '__proto__ is not an option'],
  ] as const) {
    t.throws(check(options), { message }, JSON.stringify(options))
  }
})

t.test('the table in docs/embedding.md has every option, and no other', async t => {
  const [, table = ''] =
    /^\| Option \| Holds \|\n\|---\|---\|\n((?:\|.*\n)+)/m.exec(readPage('docs/embedding.md')) ?? []
  const rows = new Map(
    [...table.matchAll(/^\| `(\w+)` \| (.*) \|$/gm)].map(([, name = '', holds = '']) => [name, holds]),
  )
  t.strictSame([...rows.keys()].sort(), Object.keys(OPTION_NAMES).sort())
  const namesIn = (names: object): string[] =>
    Object.entries(names).flatMap(([name, parts]) => (parts === true ? name : [name, ...namesIn(parts)]))
  const inbox = readPage('docs/configuration.md')
  for (const [option, names] of Object.entries(OPTION_NAMES).filter(([, names]) => names !== true)) {
    const holds = option === 'inbox' ? `${rows.get(option)} ${inbox}` : rows.get(option)
    for (const name of namesIn(names as object)) t.match(holds, new RegExp(`\`${name}\``), `${option}.${name}`)
  }
})

t.test('it is an OptionError', async t => {
  try {
    check({ x: 1 })()
  } catch (error) {
    t.ok(error instanceof OptionError)
  }
})

t.test('a part must be an object', async t => {
  for (const value of ['x', null, 5]) t.throws(check({ calendar: value }), { message: 'calendar must be an object' })
})

t.test('a tracerProvider must be one', async t => {
  for (const value of [true, {}, 'otel'])
    t.throws(check({ tracerProvider: value }), { message: /^tracerProvider must be/ })
})

t.test('known, undefined and Fastify’s options pass', async () => {
  check({ prefix: '/x', logLevel: 'warn', logSerializers: {}, operator: undefined, stripe: { prices: {} } })()
  check({})()
})
