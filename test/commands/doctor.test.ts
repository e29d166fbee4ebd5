import { once } from 'node:events'
import { closeSync, openSync, readFileSync, statSync, writeFileSync, writeSync } from 'node:fs'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import tap, { type Test } from 'tap'
import type { Check } from '../../commands/check.ts'
import { openSqliteStore } from '../../inbox/sqlite/store.ts'
import { type ChatwootApi, startChatwootApi } from '../../sandbox/chatwoot-api.ts'
import { standInSettings } from '../../sandbox/environment.ts'
import { startStripeApi, stripeError } from '../../sandbox/stripe-api.ts'
import { buildServer } from '../../server.ts'
import { cli, type Environment, run, runJson } from '../helpers/cli.ts'
import { blockWith } from '../helpers/docs.ts'
import { startGoogleApi } from '../helpers/google-api.ts'
import { delivery } from '../helpers/inbox.ts'

const TOKEN = 'a-long-and-random-token'

/** Everything set up, and everything reachable. */
async function world(t: Test, more: Environment = {}) {
  const [chatwoot, stripe, google] = [await startChatwootApi(), await startStripeApi(), await startGoogleApi()]
  const names = ['STANDARD_PRICE_ID_60', 'STANDARD_PRICE_ID_90', 'WEEKEND_PRICE_ID_60', 'WEEKEND_PRICE_ID_90']
  for (const name of names) {
    stripe.prices.set(name.toLowerCase(), {
      id: name.toLowerCase(),
      unit_amount: 6000,
      currency: 'eur',
      active: true,
      type: 'one_time',
    })
  }
  const folder = t.testdir({ 'tutor.json': '{}' })
  const env: Environment = {
    LOG_LEVEL: 'silent',
    DATABASE_URL: join(folder, 'webhooks.db'),
    TUTOR_FILE: join(folder, 'tutor.json'),
    ...standInSettings({ chatwoot, stripe }, { chatwoot: 'one,two', stripe: 'whsec_one' }),
    GCAL_SERVICE_ACCOUNT_JSON: google.serviceAccount,
    GCAL_CALENDAR_ID: google.calendarId,
    GCAL_API_BASE: google.url,
    ADMIN_TOKEN: TOKEN,
    CW_MODE: 'bot',
    PUBLIC_URL: 'https://hooks.example.com',
    ...Object.fromEntries(names.map(name => [name, name.toLowerCase()])),
    ...more,
  }
  const app = await buildServer({ env })
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  t.teardown(async () => {
    await app.close()
    await Promise.all([chatwoot.close(), stripe.close(), google.close()])
  })
  /** What is not ok, with these changes to the environment. */
  async function examine(change: Record<string, string | undefined> = {}) {
    const changed = Object.entries({ ...env, ...change }).filter(([, value]) => value !== undefined)
    const { code, result } = await runJson<Check[]>(Object.fromEntries(changed) as Environment, 'doctor', '--url', url)
    const found = result
      .filter(({ state }) => state !== 'ok')
      .map(({ state, what, says }) => `${state} ${what}: ${says}`)
    return { code, found, result }
  }
  return { app, env, url, chatwoot, stripe, google, examine }
}

/** Another server, with given answers. */
async function answering(t: Test, answer: (url: string) => { status: number; headers?: http.OutgoingHttpHeaders }) {
  const server = http.createServer((request, response) => {
    const { status, headers = {} } = answer(request.url as string)
    response.sendDate = false
    response.writeHead(status, headers).end('{}')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

tap.test('all is well', async t => {
  const { env, url, examine } = await world(t)
  const { code, err, out } = await cli(env, ['doctor', '--url', url])
  t.match({ code, err }, { code: 0, err: '' })
  t.equal(out.split('\n').filter(line => line.startsWith('ok ')).length, out.trim().split('\n').length, out)
  for (const what of [
    'configuration',
    'secrets',
    'store',
    'backlog',
    'clock',
    'Chatwoot',
    'Stripe',
    'calendar',
    'server',
  ])
    t.match(out, new RegExp(`^ok +${what} `, 'm'), what)
  t.match(out, /^ok +configuration +every variable and .*tutor\.json is well-formed$/m)
  t.same((await examine()).found, [])
})

tap.test('a secret that is a file: it says which', async t => {
  const folder = t.testdir({ token: `${TOKEN}\n` })
  const file = join(folder, 'token')
  const env = { DATABASE_URL: join(folder, 'none.db'), ADMIN_TOKEN_FILE: file, PORT: '1' }
  const { out } = await run(env, 'doctor')
  t.match(out, `secrets        ADMIN_TOKEN: read from ${file} (ADMIN_TOKEN_FILE)`)
  t.match(out, "ADMIN_TOKEN: the operator's page and API are on")
  t.notMatch(out, TOKEN)
  t.match(await run({ ...env, ADMIN_TOKEN_FILE: `${file}s` }, 'doctor'), {
    code: 1,
    out: /^wrong +configuration +ADMIN_TOKEN_FILE: user /,
  })
})

tap.test('a wrong configuration', async t => {
  t.match(await run({ PORT: 'x' }, 'doctor'), {
    code: 1,
    out: /^wrong +configuration +PORT /,
    err: 'doctor: 1 of 1 checks failed',
  })
  const half = await run({ GCAL_CALENDAR_ID: 'x' }, 'doctor')
  t.match(half, {
    code: 1,
    out: /^wrong +configuration +GCAL_SERVICE_ACCOUNT_JSON and GCAL_CALENDAR_ID belong together/,
  })
  const file = join(t.testdir({ 'tutor.json': '{"closed":["2026-02-30",5],"planing":{}}' }), 'tutor.json')
  const wrong = await run({ TUTOR_FILE: file }, 'doctor')
  t.match(wrong, { code: 1, err: 'doctor: 2 of 2 checks failed' })
  t.match(
    wrong.out,
    /^wrong +configuration +.*tutor\.json: planing is not a setting .*\nwrong +configuration .*closed\[1\]/,
  )
  t.match(await run({}, 'doctor', '--url', 'nowhere'), { code: 2, err: /--url nowhere is not a URL/ })
})

tap.test('disabled parts are warnings', async t => {
  const env = { DATABASE_URL: join(t.testdir(), 'none.db') }
  const url = await answering(t, () => ({ status: 200 }))
  const { code, out } = await run(env, 'doctor', '--url', url)
  t.equal(code, 0, out)
  for (const off of [
    'CW_HMAC_SECRET',
    'STRIPE_WEBHOOK_SECRET',
    'ADMIN_TOKEN',
    'none.db does not exist',
    'nothing to compare',
    'CW_TOKEN',
    'STRIPE_SECRET_KEY',
  ])
    t.match(out, new RegExp(`^warn .*${off}`, 'm'), off)
  t.match(out, /^ok +configuration +every variable is well-formed$/m)
  t.match(out, /^ok +calendar +lessons are kept in the store/m)
  t.match(await run({ ...env, CW_ALLOW_UNSIGNED: 'true' }, 'doctor', '--url', url), {
    out: /^warn .*unsigned Chatwoot deliveries are accepted from anywhere/m,
  })
})

tap.test('the store', async t => {
  const { app, examine } = await world(t)
  const { inbox } = app.webhooks
  await inbox.accept(delivery('dead', { unreadable: 'no id', receivedAt: Date.now() }), 1)
  t.match(await examine(), { code: 0, found: [/^warn backlog: 1 dead: .* list --state dead/] })

  const file = join(t.testdirName, 'other.db')
  const store = openSqliteStore(file)
  for (const key of ['a', 'b']) await store.insert(delivery(key, { receivedAt: Date.now() - 10 * 60_000 }), false)
  const taken = await store.take('mailbox:a', Date.now())
  if (taken) await store.settle(taken, { state: 'parked', error: 'E', nextAttemptAt: 8e15 }, 1)
  const { found } = await examine({ DATABASE_URL: file })
  t.match(found, [/^warn backlog: 1 parked/, /^warn backlog: the oldest of 1 pending has been waiting for 10 min/])
  for (let n = 0; n < 400; n++) await store.insert(delivery(`more ${n}`), false)
  await store.close()

  const fd = openSync(file, 'r+')
  writeSync(fd, Buffer.alloc(8_192, 0xff), 0, 8_192, statSync(file).size - 8_192 * 2)
  closeSync(fd)
  t.match(await examine({ DATABASE_URL: file }), { code: 1, found: [/^wrong store: .*(damaged|malformed)/] })
  const gone = { DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none' }
  t.match(await examine(gone), {
    code: 1,
    found: [/^wrong store: postgres:\/\/nobody@127.0.0.1:1\/none is not up/],
  })
})

tap.test('the clock', async t => {
  const { examine, chatwoot } = await world(t)
  const at = (seconds: number) => ({ date: new Date(Date.now() + seconds * 1_000).toUTCString() })
  const found = async (headers?: http.OutgoingHttpHeaders) => {
    const url = await answering(t, () => ({ status: 404, headers }))
    return (await examine({ CW_URL: url, CW_TOKEN: undefined, CW_ADMIN_TOKEN: undefined })).found
  }
  t.match(await found(at(400)), [/^wrong clock: (399|400|401) s off .*timedatectl/, /CW_TOKEN/])
  t.match(await found(at(-60)), [/^warn clock: \d+ s off/, /CW_TOKEN/])
  t.match(await found(), [/^warn clock: .* sends no Date header/, /CW_TOKEN/])
  const without = { CW_URL: undefined, CW_TOKEN: undefined, CW_ADMIN_TOKEN: undefined, CW_ACC_ID: undefined }
  t.match((await examine(without)).found, [/^warn clock: nothing to compare it with: CW_URL is not set/, /CW_TOKEN/])
  await chatwoot.close()
  t.match((await examine()).found[0], /^warn clock: .* sends no Date header/)
})

tap.test('Chatwoot', async t => {
  const { examine, chatwoot } = await world(t)
  const of = async (change: Record<string, string | undefined>) => (await examine(change)).found
  const { tokens } = chatwoot as ChatwootApi
  t.match(await of({ CW_TOKEN: 'another' }), [
    /^wrong Chatwoot: .*401.*Invalid Access Token: check CW_URL and CW_TOKEN$/,
  ])
  t.match(await of({ CW_ADMIN_TOKEN: undefined }), [/^warn Chatwoot: CW_TOKEN is a bot's/])
  t.same(await of({ CW_ADMIN_TOKEN: undefined, CW_TOKEN: tokens.agent }), [])
  t.match(await of({ CW_ADMIN_TOKEN: 'another' }), [/^wrong Chatwoot: .*401.*check CW_ADMIN_TOKEN and CW_ACC_ID$/])
  const error = 'Access to this endpoint is not authorized for bots'
  chatwoot.fail(/conversations\/0/, { status: 401, body: { error } })
  t.match(await of({ CW_ADMIN_TOKEN: undefined }), [/^wrong Chatwoot: .*401.*PR 14655.*: set CW_ADMIN_TOKEN/])
  chatwoot.fail(/conversations\/0/, { status: 200, body: { custom_attributes: {} } })
  t.match(await of({}), [/^wrong Chatwoot: .* does not respond like Chatwoot/])
  chatwoot.fail(/conversations/, 'drop')
  t.match(await of({}), [/^wrong Chatwoot: Chatwoot could not be reached/])
  chatwoot.fail(/conversations\?/, 'drop')
  t.match(await of({}), [/^wrong Chatwoot: Chatwoot could not be reached/], 'it goes away before its list is asked for')
  t.match(await of({ CW_URL: `${chatwoot.url}/?x`, CW_TOKEN: 'a b' }), [/^wrong Chatwoot: .*CW_TOKEN/])
})

tap.test('what each token may do in Chatwoot', async t => {
  const { examine, chatwoot } = await world(t)
  const says = async (change: Record<string, string | undefined> = {}) =>
    (await examine(change)).result.map(({ state, says }) => `${state} ${says}`).filter(line => /_TOKEN may/.test(line))
  const all = 'read conversations, read messages, write messages, set the status, set labels, set attributes, assign'
  t.same(await says(), [
    `ok CW_TOKEN may ${all.replace('read messages, ', '')}; may not: read messages, change contacts`,
    `ok CW_ADMIN_TOKEN may ${all}, change contacts; may not: nothing`,
  ])
  const error = 'Access to this endpoint is not authorized for bots'
  chatwoot.fail(/^POST .*0\/labels/, { status: 401, body: { error } })
  t.match(await says({ CW_ADMIN_TOKEN: undefined }), [
    /^wrong .* The bot needs to set labels: update Chatwoot, or set CW_ADMIN_TOKEN$/,
  ])
  chatwoot.fail(/^POST .*0\/messages/, { status: 401, body: { error } })
  t.match(await says(), [/^wrong .* The bot needs to write messages: update Chatwoot, or use an agent's token$/, /^ok/])
})

tap.test('the docs show what is printed about Chatwoot', async t => {
  const { env, url } = await world(t)
  const { out } = await run(env, 'doctor', '--url', url)
  const lines = (text: string) =>
    text
      .split('\n')
      .filter(line => /^ *ok +Chatwoot/.test(line))
      .map(line => line.trim())
  const page = readFileSync(new URL('../../docs/chatwoot.md', import.meta.url), 'utf8')
  t.same(lines(page), lines(out.replaceAll(`${env.CW_URL}`, 'https://chat.example.com')))
})

tap.test('the README shows lines that are printed, in their order', async t => {
  const { env, url } = await world(t)
  const { out } = await run(env, 'doctor', '--url', url)
  const printed = out
    .replaceAll(`${env.TUTOR_FILE}`, 'tutor.json')
    .replaceAll(`${env.CW_URL}`, 'https://chat.example.com')
    .replaceAll(url, 'http://127.0.0.1:3000')
    .replace('test mode', 'live mode')
    .split('\n')
    .map(line => line.replaceAll(/ +/g, ' '))
  const shown = blockWith('README.md', 'ok  server').text.trim().split('\n')
  const places = shown.map(line => printed.indexOf(line.replaceAll(/ +/g, ' ')))
  t.notOk(places.includes(-1), out)
  t.same(
    places,
    places.toSorted((a, b) => a - b),
  )
})

tap.test('a Chatwoot before PR 14655', async t => {
  const { examine } = await world(t)
  const older = await startChatwootApi({ isBefore14655: true })
  t.teardown(() => older.close())
  const of = async (change: Record<string, string | undefined> = {}) => examine({ CW_URL: older.url, ...change })
  t.same((await of()).found, [], 'the administrator does what the bot may not')
  const { found } = await of({ CW_ADMIN_TOKEN: undefined })
  const [, , may] = found
  t.match(found[0], /^wrong Chatwoot: .*401.* bots may read conversations from 4\.15 .*: set CW_ADMIN_TOKEN, or update/)
  t.match(may, /^wrong Chatwoot: CW_TOKEN may write messages, set the status, set attributes, assign; may not: read/)
  t.match(may, /The bot needs to read conversations, set labels: update Chatwoot, or set CW_ADMIN_TOKEN$/)
})

tap.test('Chatwoot’s version', async t => {
  const { examine, chatwoot } = await world(t)
  const says = async (body: unknown, change: Record<string, string | undefined> = {}) => {
    chatwoot.fail(/^GET \/api$/, { status: 200, body })
    const { result } = await examine(change)
    return result.filter(({ says }) => /4\.13/.test(says)).map(({ state, says }) => `${state} ${says}`)
  }
  t.match(await says({ version: '4.16.0' }), [/^ok version 4.16.0: signed webhooks need 4.11.2 .* or 4.13/])
  t.match(await says({ version: '4.13.0' }), [/^ok/])
  t.match(await says({ version: '5.0.0' }), [/^ok/])
  t.match(await says({ version: '4.12.9' }), [/^wrong version 4.12.9 is too old/])
  t.match(await says({ version: '4.12.9' }, { CW_MODE: 'account' }), [/^ok/])
  t.match(await says({ version: '4.11.1' }, { CW_MODE: 'account' }), [/^wrong/])
  t.match(await says({ version: '3.9.9' }, { CW_MODE: undefined, CW_HMAC_SECRET: undefined }), [/^warn/])
  t.match(await says({ version: 4 }), [/^warn .*\/api does not tell the version/])
  t.match(await says('no JSON'), [/^warn/])
})

tap.test('CW_MODE, by the inboxes’ bots', async t => {
  const { examine, chatwoot } = await world(t)
  const of = async (change: Record<string, string | undefined> = {}) => (await examine(change)).found
  const says = async (change: Record<string, string | undefined>) =>
    (await examine(change)).result.map(({ state, says }) => `${state} ${says}`).find(line => /^\w+ CW_MODE/.test(line))
  const noBot = (times: number) => chatwoot.fail(/agent_bot$/, { status: 200, body: { agent_bot: {} } }, times)
  t.equal(await says({}), 'ok CW_MODE=bot: an agent bot is connected to each inbox')
  t.match(await of({ CW_MODE: undefined }), [/^warn Chatwoot: CW_MODE is not set: set CW_MODE=bot, since an agent bot/])
  t.match(await of({ CW_MODE: 'account' }), [/^wrong Chatwoot: CW_MODE=account, but an agent bot .*: set CW_MODE=bot/])
  noBot(3)
  t.match(await of(), [/^wrong Chatwoot: CW_MODE=bot, but no agent bot is connected .*: set CW_MODE=account/])
  noBot(1)
  t.match(await of(), [
    /^warn Chatwoot: an agent bot is connected to the inboxes 8, 9, and none to 7: connect it, or name/,
  ])
  noBot(1)
  t.same(await of({ CW_INBOX_IDS: '7', CW_MODE: 'account' }), [])
  t.match(await of({ CW_INBOX_IDS: '99' }), [/^warn Chatwoot: no inbox was found: check CW_ACC_ID and CW_INBOX_IDS/])
  const bot = { CW_ADMIN_TOKEN: undefined }
  t.equal(await says(bot), 'ok CW_MODE=bot, not checked: that needs CW_ADMIN_TOKEN')
  t.match(await says({ ...bot, CW_MODE: undefined }), /^warn CW_MODE is not set: bot or account, which only CW_ADMIN/)
})

tap.test('where students land after paying', async t => {
  const { examine } = await world(t)
  const lands = [/^warn Stripe: after paying, students land on Chatwoot’s log-in: set PUBLIC_URL/]
  t.match((await examine({ PUBLIC_URL: undefined })).found, lands)
  t.same((await examine({ PUBLIC_URL: undefined, CHECKOUT_RETURN_URL: 'https://example.com' })).found, [])
})

tap.test('Stripe', async t => {
  const { examine, stripe } = await world(t)
  const of = async (change: Record<string, string | undefined> = {}) => (await examine(change)).found
  t.match((await of({ STRIPE_SECRET_KEY: 'sk_test_another' }))[0], /^wrong Stripe: .*Invalid API Key/)
  t.match(await of({ STANDARD_PRICE_ID_60: 'price_x', STANDARD_PRICE_ID_90: undefined }), [
    /^wrong Stripe: STANDARD_PRICE_ID_60: .*No such price: 'price_x'/,
    /^warn Stripe: STANDARD_PRICE_ID_90 is not set/,
  ])
  Object.assign(stripe.prices.get('weekend_price_id_60') as object, { active: false })
  t.match(await of(), [/^wrong Stripe: WEEKEND_PRICE_ID_60: weekend_price_id_60 is not active/])
  Object.assign(stripe.prices.get('weekend_price_id_60') as object, { active: true })
  stripe.fail(
    /events/,
    stripeError(403, 'invalid_request_error', 'The provided key does not have the required permissions'),
  )
  t.match(await examine(), { code: 0, found: [/^warn Stripe: .*permissions.*read access to events for catch-up/] })
  const live = { STRIPE_SECRET_KEY: 'sk_live_another' }
  t.match((await of(live))[0], /^wrong Stripe/)
})

tap.test('automatic refunds need a key that may read them', async t => {
  const { env, examine, stripe } = await world(t)
  const denied = stripeError(403, 'invalid_request_error', 'The provided key does not have the required permissions')
  stripe.fail(/refunds/, denied)
  t.same((await examine()).found, [], 'not asked for otherwise')
  writeFileSync(`${env.TUTOR_FILE}`, JSON.stringify({ cancellation: { refund: 'automatic' } }))
  t.match(await examine(), {
    code: 1,
    found: [
      /^wrong Stripe: .*permissions: cancellation\.refund is automatic: let a restricted key write charges and refunds$/,
    ],
  })
  const says = (await examine()).result.map(({ says }) => says)
  t.ok(says.includes('refunds can be read (cancellation.refund: automatic)'), `${says}`)
})

tap.test('the prices of the tutor’s settings', async t => {
  const { env, examine, stripe } = await world(t)
  stripe.addPrice('price_45', 4500)
  const prices = {
    all: { id: 'price_45', amount: 5000, currency: 'eur' },
    existing: { id: 'price_45', amount: 4500, currency: 'EUR' },
  }
  const packages = [{ lessons: 10, prices: { all: 'price_45', new: 'price_gone' } }]
  writeFileSync(`${env.TUTOR_FILE}`, JSON.stringify({ lessons: [{ minutes: 45, prices, packages }, { minutes: 60 }] }))
  const { found, result } = await examine()
  t.match(found, [
    'wrong Stripe: lessons[0].prices.all: price_45 is 45.00 EUR at Stripe, but 50.00 EUR in lessons[0].prices.all: correct one of them',
    /^wrong Stripe: lessons\[0\]\.packages\[0\]\.prices\.new: .*price_gone/,
    'warn Stripe: STANDARD_PRICE_ID_90 is not used: there is no lesson of that length',
    'warn Stripe: WEEKEND_PRICE_ID_90 is not used: there is no lesson of that length',
  ])
  const says = result.map(({ says }) => says)
  for (const said of [
    'lessons[0].prices.existing: price_45 is 45.00 EUR',
    'lessons[0].packages[0].prices.all: price_45 is 45.00 EUR',
    'STANDARD_PRICE_ID_60: standard_price_id_60 is 60.00 EUR',
  ])
    t.ok(says.includes(said), said)
})

tap.test('Google', async t => {
  const { examine, google } = await world(t)
  google.role = 'none'
  t.match((await examine()).found, [/^wrong calendar: .*share the calendar with bot@/])
})

tap.test('the server', async t => {
  const { app, env, examine } = await world(t)
  const at = (url: string) => run(env, 'doctor', '--url', url)
  const sick = await answering(t, url => ({ status: url === '/ready' ? 503 : 200 }))
  t.match(await at(sick), { code: 1, out: /^wrong +server .*\/ready answers 503/m })
  const other = await answering(t, () => ({ status: 404 }))
  t.match(await at(other), {
    code: 1,
    out: /^wrong +server .*\/health answers 404: is another service listening there\?/m,
  })
  await app.close()
  t.match(await examine(), {
    code: 1,
    found: [/^wrong server: .* can't be reached \(ECONNREFUSED\): start the server/],
  })
})
