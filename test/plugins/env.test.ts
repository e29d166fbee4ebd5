import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import Fastify from 'fastify'
import t from 'tap'
import { ENV_SCHEMA, EnvError, readEnv, readGivenEnv } from '../../environment.ts'
import envPlugin from '../../plugins/env.ts'
import { webhooksOptions } from '../../server.ts'

const root = new URL('../../', import.meta.url)

interface Variable {
  name: string
  /** As text; '' if there is none. */
  preset: string
  description: string
}

const schema: Variable[] = Object.entries(ENV_SCHEMA.properties).map(([name, property]) => ({
  name,
  preset: 'default' in property ? String(property.default) : '',
  description: property.description,
}))

/** The named groups of each match. */
function groupsIn(text: string, pattern: RegExp): Variable[] {
  return [...text.matchAll(pattern)].map(({ groups }) => {
    const { name = '', preset = '', description = '' } = groups ?? {}
    return { name, preset, description }
  })
}

t.test('an empty environment: the defaults', async t => {
  t.same(await readEnv({ env: {} }), {
    PORT: 3000,
    HOST: '127.0.0.1',
    LOG_LEVEL: 'info',
    TRUST_PROXY: 'loopback',
    DATABASE_URL: 'data/webhooks.db',
    CW_ALLOW_UNSIGNED: false,
    CW_LEGACY_SIGNATURE: true,
    CW_TOLERANCE_SECONDS: 300,
    STRIPE_TOLERANCE_SECONDS: 300,
    HANDOFF_ALERT_MINUTES: 120,
    CW_CALLS_PER_MINUTE: 2400,
    MESSAGE_QUIET_MS: 2_500,
    MESSAGE_QUIET_MAX_MS: 10_000,
    CW_TYPING: false,
    TZ: 'Europe/Amsterdam',
    OTEL_SERVICE_NAME: 'tutorbot-webhooks',
    RETENTION_DAYS: 7,
    DEDUP_DAYS: 30,
  })
})

t.test('strings are converted, and foreign variables left out', async t => {
  const env = await readEnv({
    env: {
      PORT: '0',
      CW_ALLOW_UNSIGNED: 'true',
      CW_LEGACY_SIGNATURE: 'false',
      HANDOFF_AGENT_ID: '11',
      RETENTION_DAYS: '0.5',
      CW_HMAC_SECRET: 'a, b,c',
      CW_URL: undefined,
      PATH: '/bin',
    },
  })
  t.match(env, {
    PORT: 0,
    CW_ALLOW_UNSIGNED: true,
    CW_LEGACY_SIGNATURE: false,
    HANDOFF_AGENT_ID: 11,
    RETENTION_DAYS: 0.5,
    CW_HMAC_SECRET: 'a, b,c',
  })
  t.notOk('PATH' in env)
})

t.test('the plugin puts it on fastify.config', async t => {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(envPlugin, { env: await readEnv({ env: { PORT: '8080' } }) })
  t.match(app.config, { PORT: 8080, HOST: '127.0.0.1' })
})

t.test('every wrong value is one line with the variable, the problem and its purpose', async t => {
  const cases: [string, string, RegExp][] = [
    ['PORT', 'http', /^PORT must be an integer \(Port to listen on\)$/],
    ['PORT', '', /^PORT is empty: give it a value, or remove it \(Port to listen on\)$/],
    ['PORT', '65536', /^PORT must be <= 65535/],
    ['PORT', '-1', /^PORT must be >= 0/],
    ['PORT', '80.5', /^PORT must be an integer/],
    ['HOST', '', /^HOST is empty: give it a value, or remove it \(Address to listen on\)$/],
    ['LOG_LEVEL', 'loud', /^LOG_LEVEL must be .* allowed values: fatal, error, warn, info, debug, trace, silent \(/],
    ['TRUST_PROXY', '', /^TRUST_PROXY is empty/],
    ['DATABASE_URL', '', /^DATABASE_URL is empty/],
    ['CW_HMAC_SECRET', '', /^CW_HMAC_SECRET is empty: give it a value, or remove it \(.*comma-separated\)$/],
    ['CW_HMAC_SECRET', 'a,,b', /^CW_HMAC_SECRET is not in the right form/],
    ['CW_HMAC_SECRET', 'a, ,b', /^CW_HMAC_SECRET is not in the right form/],
    ['CW_HMAC_SECRET', 'a,', /^CW_HMAC_SECRET is not in the right form/],
    ['CW_HMAC_SECRET', ',a', /^CW_HMAC_SECRET is not in the right form/],
    ['CW_HMAC_SECRET', ' ', /^CW_HMAC_SECRET is empty/],
    ['CW_ALLOW_UNSIGNED', 'yes', /^CW_ALLOW_UNSIGNED must be true or false \(/],
    ['CW_ALLOW_UNSIGNED', '1', /^CW_ALLOW_UNSIGNED must be true or false \(/],
    ['CW_LEGACY_SIGNATURE', 'TRUE', /^CW_LEGACY_SIGNATURE must be true or false/],
    ['CW_LEGACY_SIGNATURE', '', /^CW_LEGACY_SIGNATURE is empty/],
    ['CW_TOLERANCE_SECONDS', '0', /^CW_TOLERANCE_SECONDS must be >= 30 \(/],
    ['STRIPE_TOLERANCE_SECONDS', '90000', /^STRIPE_TOLERANCE_SECONDS must be <= 86400/],
    ['STRIPE_TOLERANCE_SECONDS', '5m', /^STRIPE_TOLERANCE_SECONDS must be an integer/],
    ['STRIPE_WEBHOOK_SECRET', '', /^STRIPE_WEBHOOK_SECRET is empty/],
    ['STRIPE_WEBHOOK_SECRET', 'whsec_a,,whsec_b', /^STRIPE_WEBHOOK_SECRET is not in the right form/],
    ['CW_URL', 'chat.example.com', /^CW_URL is not in the right form/],
    ['CW_URL', 'https://', /^CW_URL is not in the right form/],
    ['CW_ACC_ID', 'one', /^CW_ACC_ID is not in the right form/],
    ['CW_ACC_ID', '01', /^CW_ACC_ID is not in the right form/],
    ['CW_TOKEN', '', /^CW_TOKEN is empty/],
    ['CW_ADMIN_TOKEN', '', /^CW_ADMIN_TOKEN is empty/],
    ['HANDOFF_AGENT_ID', 'sam', /^HANDOFF_AGENT_ID must be an integer/],
    ['CW_INBOX_IDS', '7;8', /^CW_INBOX_IDS is not in the right form/],
    ['CW_MODE', 'agent', /^CW_MODE must be .*: bot, account \(/],
    ['CW_CALLS_PER_MINUTE', '-1', /^CW_CALLS_PER_MINUTE must be >= 0/],
    ['HANDOFF_HOURS', '0', /^HANDOFF_HOURS must be > 0/],
    ['HANDOFF_AGENT_ID', '0', /^HANDOFF_AGENT_ID must be >= 1/],
    ['STRIPE_SECRET_KEY', 'pk_test_1', /^STRIPE_SECRET_KEY is not in the right form/],
    ['STRIPE_API_BASE', 'stripe', /^STRIPE_API_BASE is not in the right form/],
    ['STANDARD_PRICE_ID_60', '', /^STANDARD_PRICE_ID_60 is empty/],
    ['RETENTION_DAYS', '0', /^RETENTION_DAYS must be > 0/],
    ['RETENTION_DAYS', 'a week', /^RETENTION_DAYS must be a number/],
    ['DEDUP_DAYS', '3', /^DEDUP_DAYS must be >= 4/],
  ]
  for (const [name, value, message] of cases) {
    const error = await readEnv({ env: { [name]: value } }).then(
      () => null,
      (error: unknown) => error,
    )
    t.ok(error instanceof EnvError, `${name}=${value}`)
    t.match(error, { message })
    t.notMatch((error as Error).message, '\n')
  }
})

t.test('every empty variable is named with its purpose', async t => {
  for (const { name, description } of schema) {
    for (const value of ['', ' ', '\t']) {
      const message = `${name} is empty: give it a value, or remove it (${description})`
      await t.rejects(readEnv({ env: { [name]: value } }), { message })
    }
  }
})

t.test('a wrong secret is not shown', async t => {
  for (const name of ['CW_HMAC_SECRET', 'STRIPE_WEBHOOK_SECRET', 'STRIPE_SECRET_KEY']) {
    await t.rejects(readEnv({ env: { [name]: 'hunter2,,' } }), { message: /^(?!.*hunter2)/ })
  }
})

t.test('a secret as a file: the line in it, whatever its line end is', async t => {
  const folder = t.testdir({
    token: 's3cret\n',
    windows: 'a, b\r\n',
    bare: 'postgres://u:p@h/d',
    spaced: ' pass word ',
  })
  const env = {
    CW_TOKEN_FILE: join(folder, 'token'),
    CW_HMAC_SECRET_FILE: join(folder, 'windows'),
    DATABASE_URL_FILE: join(folder, 'bare'),
    CW_ADMIN_TOKEN_FILE: join(folder, 'spaced'),
  }
  const { config, given, files } = await readGivenEnv({ env })
  const values = {
    CW_TOKEN: 's3cret',
    CW_HMAC_SECRET: 'a, b',
    DATABASE_URL: 'postgres://u:p@h/d',
    CW_ADMIN_TOKEN: ' pass word ',
  }
  t.match(config, values)
  t.notOk('CW_TOKEN_FILE' in config)
  t.same(given.sort(), Object.keys(env).sort())
  t.same(Object.fromEntries(files), {
    DATABASE_URL: env.DATABASE_URL_FILE,
    CW_HMAC_SECRET: env.CW_HMAC_SECRET_FILE,
    CW_TOKEN: env.CW_TOKEN_FILE,
    CW_ADMIN_TOKEN: env.CW_ADMIN_TOKEN_FILE,
  })
})

t.test('every secret has such a variable', async t => {
  const secret = /SECRET|TOKEN|KEY$|HEADERS$|^DATABASE_URL$|^ALERT_WEBHOOK_URL$/
  const files = schema.map(({ name }) => name).filter(name => name.endsWith('_FILE') && name !== 'TUTOR_FILE')
  const secrets = schema.map(({ name }) => name).filter(name => secret.test(name) && !name.endsWith('_FILE'))
  t.same(files.sort(), secrets.map(name => `${name}_FILE`).sort())
})

t.test('a secret as a file that can’t be: an error with its variable, without the content and the path', async t => {
  const folder = t.testdir({ empty: '', blank: ' \n\n', lines: 'hunter2\nhunter3\n', odd: 'hunter2\n', no: { no: {} } })
  const cases: [string, RegExp][] = [
    [
      'hunter2',
      /^STRIPE_SECRET_KEY_FILE: user \d+ can't read the file that it names \(ENOENT: no such file or directory\)$/,
    ],
    [join(folder, 'no'), /^STRIPE_SECRET_KEY_FILE: user \d+ can't read .* \(EISDIR: /],
    [join(folder, 'empty'), /^STRIPE_SECRET_KEY_FILE: the file that it names is empty$/],
    [join(folder, 'blank'), /^STRIPE_SECRET_KEY_FILE: the file that it names is empty$/],
    [
      join(folder, 'lines'),
      /^STRIPE_SECRET_KEY_FILE: the file that it names has several lines: it must hold the value and/,
    ],
    [
      join(folder, 'odd'),
      /^STRIPE_SECRET_KEY, read from the file that STRIPE_SECRET_KEY_FILE names, is not in the right form \(Stripe API key/,
    ],
    [' ', /^STRIPE_SECRET_KEY_FILE is empty: give it a value, or remove it \(A file that holds STRIPE_SECRET_KEY, /],
  ]
  for (const [path, message] of cases) {
    const error = (await readEnv({ env: { STRIPE_SECRET_KEY_FILE: path } }).catch(error => error)) as Error
    t.ok(error instanceof EnvError, path)
    t.match(error, { message })
    t.notMatch(error.message, 'hunter')
  }
})

t.test('a secret and its file: an error that names both', async t => {
  const folder = t.testdir({ token: 'hunter2' })
  await t.rejects(
    readEnv({ env: { CW_TOKEN: 'hunter2', CW_TOKEN_FILE: join(folder, 'token') } }),
    new EnvError('CW_TOKEN and CW_TOKEN_FILE are both set: remove one of them'),
  )
})

t.test('.env.example matches the schema', async t => {
  const text = readFileSync(new URL('.env.example', root), 'utf8')
  const pattern = /^# (?<description>.+)\n# (?<name>[A-Z0-9_]+)=(?<preset>.*)$/gm
  t.same(groupsIn(text, pattern), schema)
  t.equal([...text.matchAll(/^#? ?[A-Z0-9_]+=/gm)].length, schema.length, 'and nothing else')
  t.notMatch(text, /^[^#\n]/m, 'copied as it is, it changes nothing')
})

t.test('the documented table matches the schema', async t => {
  const text = readFileSync(new URL('docs/configuration.md', root), 'utf8')
  const pattern = /^\| `(?<name>[A-Z0-9_]+)` +\| +(?:`(?<preset>[^`]*)` +)?\| (?<description>.*?) +\|$/gm
  t.same(groupsIn(text, pattern), schema)
})

t.test('tutor.json is looked for once: what is in force is what is announced', async t => {
  const before = process.cwd()
  process.chdir(t.testdir({ 'tutor.json': '{"closed":["2027-01-01"]}', 'other.json': '{}' }))
  t.teardown(() => process.chdir(before))
  const there = await readEnv({ env: {} })
  t.equal(there.TUTOR_FILE, 'tutor.json')
  t.match(webhooksOptions(there), { tutor: { closed: ['2027-01-01'] } })
  t.equal((await readEnv({ env: { TUTOR_FILE: 'other.json' } })).TUTOR_FILE, 'other.json')
  rmSync('tutor.json')
  const gone = await readEnv({ env: {} })
  t.equal(gone.TUTOR_FILE, undefined)
  writeFileSync('tutor.json', '{"closed":["2027-01-02"]}')
  t.equal(webhooksOptions(gone).tutor, undefined)
})
