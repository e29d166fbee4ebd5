import tap, { type Test } from 'tap'
import { openBackend, openCalendar } from '../../backends/index.ts'
import { systemClock } from '../../inbox/contracts.ts'
import { deliveryId } from '../../inbox/delivery-id.ts'
import { run, runJson } from '../helpers/cli.ts'
import { log } from '../helpers/moving.ts'
import { bought, taking } from '../helpers/packages-conformance.ts'
import { STORES } from '../helpers/stores.ts'

/** `packages`: the ledger, for the tutor. */

async function filled(t: Test, url: string) {
  const { store } = await openBackend(url, { log, clock: systemClock, onCommit: () => {} })
  t.teardown(() => store.close())
  const calendar = await openCalendar(url, Date)
  t.teardown(() => calendar.close())
  return { packages: calendar.packages, store }
}

const ADD = '--conversation 42 --student Sam --lessons 10 --minutes 60 --how cash --amount 450.00 --currency eur'.split(
  ' ',
)

for (const [name, storeFor] of Object.entries(STORES)) {
  tap.test(`${name}: listed, shown, added and corrected`, async t => {
    const url = await storeFor(t)
    const { packages } = await filled(t, url)
    const env = { DATABASE_URL: url }
    t.match(await run(env, 'packages', 'list'), { code: 0, out: 'no packages' })
    await packages.buy(bought('7-a'), 'stripe')
    await packages.take(taking('7-lesson'))
    const added = await run(env, 'packages', 'add', ...ADD, '--name', 'Mrs Jansen')
    t.match(added, { code: 0, out: /^added: 42-\w{8}, 600 minutes; nobody is told$/ })
    const { result } = await runJson<{ packages: { id: string }[] }>(env, 'packages', 'list')
    t.match(result.packages, [
      {
        id: /^42-/,
        student: 'Sam',
        left: 600,
        payment: '450.00 EUR, cash, Mrs Jansen',
        amount: 45_000,
        currency: 'EUR',
      },
      { id: '7-a', left: 540 },
    ])
    const first = await run(env, 'packages', 'list', '--limit', '1')
    t.match(first.out, /^bought .*\n.* Sam +600 +600 +450\.00 EUR, cash/)
    t.match(first.err, /^for more packages: --cursor 42-\w{8}$/)
    const next = await runJson(
      env,
      'packages',
      'list',
      '--limit',
      '1',
      '--cursor',
      first.err.split(' ').at(-1) as string,
    )
    t.match(next.result, { packages: [{ id: '7-a' }], next: null })
    await packages.buy(bought('tutor-a', { conversation: '', boughtAt: 0 }), 'tutor')
    t.match(await run(env, 'packages', 'list'), { out: /500\.00 EUR, pi_tutor-a +tutor-a$/, err: '' })
    const correct = (id: string, minutes: string) =>
      run(env, 'packages', 'correct', id, `--minutes=${minutes}`, '--reason', 'by telephone')
    t.match(await correct('7-a', '-60'), { code: 0, out: 'corrected: 480 minutes are left; nobody is told' })
    t.match(await correct('7-a', '-481'), { code: 1, err: /has only 480 minutes left: nothing has been changed$/ })
    t.match(await correct('7-b', '60'), { code: 1, err: /There is no package 7-b$/ })
    const shown = await run(env, 'packages', 'show', '7-')
    t.match(shown.out, /^Renée: 480 of 600 minutes are left; 500\.00 EUR, pi_7-a\n\nwhen /)
    t.match(await runJson(env, 'packages', 'show', '7-a'), {
      result: {
        id: '7-a',
        left: 480,
        paymentUrl: /payments\/pi_7/,
        entries: [{ number: 1, lesson: null }, { lesson: '7-lesson' }, {}],
      },
    })
    t.match(shown.out, / -60 +540 +lesson +student +7-lesson\n.* -60 +480 +corrected +tutor +by telephone$/)
    t.match(await run(env, 'packages', 'show', '7-b'), { code: 1, err: /There is no package 7-b/ })
  })
}

for (const [name, storeFor] of Object.entries(STORES)) {
  tap.test(`${name}: the running server is asked to tell the student, once, in the conversation’s order`, async t => {
    const url = await storeFor(t)
    const { packages, store } = await filled(t, url)
    const env = { DATABASE_URL: url, CW_ACC_ID: '1' }
    const { result: added } = await runJson<{ id: string; news: string }>(env, 'packages', 'add', ...ADD)
    t.match(added, {
      id: /^42-/,
      boughtAt: /^\d{4}-.*Z$/,
      news: deliveryId('inbox', `package:bought:${added.id}:news`),
    })
    t.match(await store.get(added.news), {
      event: 'tutorbot.package_news',
      orderingKey: 'conversation:1:42',
      payload: { package: added.id, conversation: '42' },
    })
    const correct = (id: string, ...more: string[]) =>
      run(env, 'packages', 'correct', id, '--minutes=-60', '--reason', 'by telephone', ...more)
    t.match(await correct(added.id), { out: 'corrected: 540 minutes are left; the student is told' })
    const scheduled = async () => (await store.list({ state: 'scheduled' }, 10)).map(({ event }) => event)
    t.strictSame(await scheduled(), ['tutorbot.package_news', 'tutorbot.package_news'])
    t.match(await correct(added.id, '--quiet'), { out: 'corrected: 480 minutes are left; nobody is told' })
    t.match(await run(env, 'packages', 'add', ...ADD, '--quiet'), { out: /, 600 minutes; nobody is told$/ })
    await packages.buy(bought('tutor-a', { conversation: '' }), 'tutor')
    t.match(await correct('tutor-a'), { out: 'corrected: 540 minutes are left; nobody is told' })
    t.match(await correct('7-b'), { code: 1 })
    t.match(await correct('42-'), {
      code: 1,
      err: /42- fits several packages: 42-\w{8}, 42-\w{8}\. Give more of the id$/,
    })
    t.equal((await scheduled()).length, 2)
  })
}

tap.test('what makes no sense is said, and nothing is changed', async t => {
  const url = (await STORES.SQLite?.(t)) as string
  await filled(t, url)
  const refused = async (args: string[], err: RegExp) =>
    t.match(await run({ DATABASE_URL: url }, 'packages', ...args), { code: 2, err })
  await refused(['list', '--limit', '201'], /limit must be a whole number from 1 to 200/)
  await refused(
    ['correct', 'a', '--minutes', '1.5', '--reason', 'x'],
    /--minutes must be a whole number other than 0, not 1\.5/,
  )
  await refused(['correct', 'a', '--minutes', '60', '--reason', ' '], /--reason must not be empty/)
  await refused(['add', ...ADD, '--currency', 'euro'], /must be a sum such as 450\.00 and EUR/)
  await refused(['add', ...ADD, '--amount', 'x'], /must be a sum such as 450\.00 and EUR/)
  await refused(['add', ...ADD, '--currency', 'xxq'], /must be a sum such as 450\.00 and EUR/)
  await refused(['add', ...ADD, '--conversation', 'sam'], /--conversation must be a number, as shown in Chatwoot/)
  await refused(['add', ...ADD, '--student', ''], /--student must not be empty/)
  await refused(['add', ...ADD, '--lessons', '-3', '--minutes', '-60'], /--lessons must be from 1 to 1000/)
  await refused(['add', ...ADD, '--minutes', '1441'], /--minutes must be from 1 to 1440/)
  await refused(['add', ...ADD, '--how', 'gold'], /Allowed choices are cash, transfer, invoice/)
  t.match(await run({ DATABASE_URL: url }, 'packages', 'list'), { out: 'no packages' })
  t.match(await run({ DATABASE_URL: url }, 'packages', 'add', ...ADD, '--conversation', ' 42 '), { out: /^added: 42-/ })
})
