import { join } from 'node:path'
import t from 'tap'
import { type SettingInForce, settingsInForce } from '../../app.ts'
import { run, runJson } from '../helpers/cli.ts'
import { exampleText, page } from '../helpers/tutor-page.ts'

/** `settings`: what is in force, and where it comes from. */

t.test('without settings all is the default', async t => {
  const { code, out } = await run({}, 'settings')
  t.equal(code, 0)
  t.match(out, /^TZ +default +Europe\/Amsterdam\nclosed +default +\[\]\n/)
  t.match(out, /\nlessons\[0\]\.prices\.new +default +not sold\n/)
  t.match(out, /\nplanning\.trial\.hours +default +\{"monday":\["17:00-19:00"\]/)
  t.ok(out.split('\n').every(line => / default /.test(line)))
})

t.test('each value says whether it is of the file, the environment, or the default', async t => {
  const folder = t.testdir({ 'tutor.json': exampleText })
  const file = join(folder, 'tutor.json')
  const env = { TUTOR_FILE: file, TZ: 'Europe/Brussels', HANDOFF_HOURS: '3', WEEKEND_PRICE_ID_90: 'price_w' }
  const { result } = await runJson<SettingInForce[]>(env, 'settings')
  const found = (name: string) => {
    const { value, from } = result.find(each => each.name === name) as SettingInForce
    return [from.replace(file, 'tutor.json'), value]
  }
  t.strictSame(found('name'), ['tutor.json', 'Anna'])
  t.strictSame(found('planning.trial.leadMinutes'), ['default', 720])
  t.strictSame(found('lessons[0].prices.existing'), ['tutor.json', 'price_antwerp_45_existing'])
  t.strictSame(found('lessons[0].place'), ['tutor.json', 'Meir 1, 2000 Antwerpen'])
  t.strictSame(found('lessons[1].link'), ['tutor.json', 'https://meet.example.com/antwerp'])
  t.strictSame(found('lessons[1].prices.weekend'), ['environment, WEEKEND_PRICE_ID_90', 'price_w'])
  t.strictSame(found('lessons[2].trial'), ['tutor.json', true])
  t.strictSame(found('texts.nl.choices.book'), ['tutor.json', 'Een les boeken'])
  t.strictSame(found('words.nl.prices'), ['tutor.json', ['=hoeveel']])
  t.strictSame(found('payment.promotionCodes'), ['tutor.json', true])
  t.strictSame(found('cancellation.untilHours'), ['tutor.json', 48])
  t.strictSame(found('cancellation.maxRefundsPerDay'), ['default', 5])
  t.strictSame(found('moving.untilHours'), ['default', 24])
  t.strictSame(found('reminders.hours'), ['tutor.json', [24, 2]])
  const { out } = await run(env, 'settings')
  const lines = out.replaceAll(file, 'tutor.json').replaceAll(/ +/g, ' ').split('\n')
  const [, shown = ''] = /```\n(TZ .*?)```/s.exec(page) ?? []
  for (const line of shown.trim().split('\n')) t.ok(lines.includes(line.replaceAll(/ +/g, ' ')), line)
})

t.test('in an app of one’s own they are options', async t => {
  const zone = 'Europe/Amsterdam'
  const given = { settings: { handOver: { hours: 5 } }, from: 'option', zone, others: 'option' } as const
  const last = (more: object) => settingsInForce({ ...given, ...more }).at(-1)
  t.strictSame(last({}), { name: 'handOver.hours', value: 5, from: 'option' })
  t.strictSame(last({ handoffHours: 7 }), { name: 'handOver.hours', value: 7, from: 'option, chatwoot.handoffHours' })
  t.strictSame(last({ settings: {} }), { name: 'handOver.hours', value: 24, from: 'default' })
  const packages = [{ lessons: 10, prices: { new: { id: 'price_10', amount: 45_000, currency: 'eur' } } }]
  const ten = settingsInForce({ ...given, settings: { lessons: [{ minutes: 60, packages }] } })
  const found = (name: string) => ten.find(each => each.name === `lessons[0].packages[0].${name}`)
  t.match(found('lessons'), { value: 10, from: 'option' })
  t.match(found('prices.new'), { value: 'price_10, 450.00 EUR', from: 'option' })
  t.match(found('prices.existing'), { value: null })
  const rows = settingsInForce({
    ...given,
    settings: { lessons: [{ minutes: 60 }] },
    prices: { standard60: 'price_s' },
  })
  t.match(
    rows,
    [...Array(rows.length)].map(() => ({ from: /^(default|option|option, stripe\.prices)$/ })),
  )
  t.equal(rows.find(({ value }) => value === 'price_s')?.from, 'option, stripe.prices')
})

t.test('a file can be checked without being used', async t => {
  const folder = t.testdir({ 'a.json': exampleText, 'b.json': '{"closed":["2026-02-30"],"planing":{}}' })
  const of = (name: string) => run({}, 'settings', '--check', join(folder, name))
  t.match(await of('a.json'), { code: 0, out: /a\.json is well-formed$/ })
  t.match(await of('b.json'), {
    code: 1,
    out: '',
    err: /^settings: .*b\.json: planing is not a setting \(did you mean planning\?\)$/,
  })
  t.match(await of('none.json'), { code: 1, err: /none\.json can't be read/ })
  t.match(await runJson({}, 'settings', '--check', join(folder, 'a.json')), { code: 0, result: { ok: true } })
})

t.test('the schema is for editors', async t => {
  const { result } = await runJson<{ title: string; properties: object }>({}, 'settings', '--schema')
  t.equal(result.title, 'The tutor’s settings')
  t.match(await run({}, 'settings', '--schema', '--check', 'x'), { code: 2, err: /give either --check or --schema/ })
})
