import t from 'tap'
import { configured, sandboxWanted } from '../../commands/wanted.ts'
import { ENV_SCHEMA, EnvError } from '../../environment.ts'

const NAMES = Object.keys(ENV_SCHEMA.properties)
const NOTHING = [
  'PORT',
  'HOST',
  'LOG_LEVEL',
  'TRUST_PROXY',
  'DATABASE_URL',
  'DATABASE_URL_FILE',
  'TZ',
  'TUTOR_FILE',
  'RETENTION_DAYS',
  'DEDUP_DAYS',
  'SANDBOX',
  'OTEL_EXPORTER_OTLP_ENDPOINT',
  'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT',
  'OTEL_EXPORTER_OTLP_HEADERS',
  'OTEL_EXPORTER_OTLP_HEADERS_FILE',
  'OTEL_SERVICE_NAME',
]

const wanted = ({
  asked,
  given = [],
  environment = {},
  terminal = false,
}: Partial<Parameters<typeof sandboxWanted>[0]>) => sandboxWanted({ asked, given, environment, terminal })

t.test('nothing is configured: it is on', async t => {
  t.same(wanted({}), { sandbox: true })
  t.same(wanted({ given: NOTHING }), { sandbox: true })
  t.same(wanted({ asked: 'SANDBOX is true', given: ['PORT', 'SANDBOX'] }), { sandbox: true })
  t.same(configured(NAMES).length, NAMES.length - NOTHING.length)
})

t.test('each variable of something real: off, and it says why; an error if it was asked for', async t => {
  for (const name of NAMES.filter(name => !NOTHING.includes(name))) {
    t.same(wanted({ given: ['PORT', name] }), { sandbox: false, because: `${name} is set` })
    t.throws(
      () => wanted({ asked: 'SANDBOX is true', given: [name] }),
      new EnvError(`SANDBOX is true, but ${name} is set: remove it, the sandbox has its own`),
    )
  }
})

t.test('in production and under systemd: off without a word', async t => {
  const served = {
    'NODE_ENV is production': { NODE_ENV: 'production' },
    'systemd has started it (INVOCATION_ID is set)': { INVOCATION_ID: 'a1' },
    'systemd has started it (LISTEN_FDS is set)': { LISTEN_FDS: '1' },
    'systemd has started it (NOTIFY_SOCKET is set)': { NOTIFY_SOCKET: '/run/x' },
  }
  for (const [why, environment] of Object.entries(served)) {
    t.same(wanted({ environment }), { sandbox: false })
    t.same(wanted({ environment, given: ['CW_URL'] }), { sandbox: false })
    t.throws(
      () => wanted({ environment, asked: 'SANDBOX is true', given: ['CW_URL'] }),
      new EnvError(`SANDBOX is true, but ${why}: the sandbox is for trying it out by hand`),
    )
  }
  t.same(wanted({ environment: { INVOCATION_ID: 'a1' }, terminal: true }), { sandbox: true }, 'a desktop’s terminal')
  t.same(wanted({ environment: { NOTIFY_SOCKET: '/run/x' }, terminal: true }), { sandbox: false })
  t.same(wanted({ environment: { NODE_ENV: 'development', LISTEN_FDS: '' } }), { sandbox: true })
})

t.test('SANDBOX=false: off without a word', async t => {
  t.same(wanted({ asked: false }), { sandbox: false })
  t.same(wanted({ asked: false, given: ['CW_URL'] }), { sandbox: false })
})
