import { readFileSync } from 'node:fs'
import t, { type Test } from 'tap'
import { chatwoot, railsJson } from '../../commands/samples.ts'
import { ENV_SCHEMA } from '../../environment.ts'
import { signChatwoot } from '../../plugins/verification.ts'
import type { Program } from '../helpers/program.ts'
import { buildImage, canBuildImages, type Image, processOf, serviceOf, USER } from './container.ts'
import { ask, freePort } from './proxies.ts'

const SECRET = 'the-secret-of-the-container-tests'
const STRIPE_SECRET = 'whsec_of_the_container_tests'
const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')

t.test('the image gets the sources that the package is built from, and nothing else', async t => {
  const { include } = JSON.parse(read('tsconfig.build.json')) as { include: string[] }
  const expected = [...include, 'package.json', 'package-lock.json'].sort()
  const copied = [...read('Containerfile').matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, names = '']) =>
    names.split(' '),
  )
  t.same(copied.sort(), expected)
  t.same([...read('.containerignore').matchAll(/^!(.+)$/gm)].map(([, name]) => name).sort(), expected)
})

t.test('compose.yaml: each secret is a variable of ours, declared, and given by its file', async t => {
  const compose = read('compose.yaml')
  const files = [...compose.matchAll(/^ +(\w+)_FILE: \/run\/secrets\/(\w+)$/gm)]
  t.ok(files.length > 4)
  for (const [, name = '', secret] of files) {
    t.ok(`${name}_FILE` in ENV_SCHEMA.properties, name)
    t.equal(secret, name.toLowerCase())
    t.match(compose, new RegExp(`^ +- ${secret}$`, 'm'), 'the service gets it')
    t.match(compose, new RegExp(`^  ${secret}:\n    file: \\./secrets/${secret}$`, 'm'), 'it is declared')
  }
  for (const line of ['read_only: true', 'stop_grace_period: 20s', 'cap_drop: [ALL]', 'tmpfs: [/tmp]', '- data:/data'])
    t.match(compose, `    ${line}\n`)
})

t.test('the container', async t => {
  if (!canBuildImages(t)) return
  const image = await buildImage()
  t.teardown(() => image.remove())
  t.test('says what it needs', t => describes(t, image))
  t.test('serves, with its secrets as files, and writes to its volume only', t => serves(t, image))
  t.test('read-only, as process 1: serves, and ends in order', t => servesReadOnly(t, image))
  t.test('as process 1, waiting for its database: a signal ends it', t => endsWhileItWaits(t, image))
})

async function describes(t: Test, { config }: Image): Promise<void> {
  t.match(config, {
    User: `${USER}:${USER}`,
    Entrypoint: ['node', '--max-semi-space-size=16', '/opt/tutorbot-webhooks/commands/bin.cjs'],
    WorkingDir: '/',
    StopSignal: 'SIGTERM',
    Healthcheck: { Test: ['CMD', 'node', '-e'] },
  })
  t.same(Object.keys(config.Volumes), ['/data'])
  t.ok(config.Env.includes('NODE_ENV=production') && config.Env.includes('HOST=0.0.0.0'))
}

const listening = (service: Program) => service.line(/Server listening at/)

async function serves(t: Test, image: Image): Promise<void> {
  const [port, container] = [await freePort(), await image.container()]
  const volumes = {
    '/data': image.folder('data'),
    '/run/secrets': image.folder('secrets', { cw: `${SECRET}\n`, stripe: `${STRIPE_SECRET}\n` }),
  }
  const env = {
    PORT: `${port}`,
    CW_HMAC_SECRET_FILE: '/run/secrets/cw',
    STRIPE_WEBHOOK_SECRET_FILE: '/run/secrets/stripe',
  }
  // A container that has run once has the places where its volumes go.
  const command = (...args: string[]) => container.run({ env, volumes, command: ['tutorbot-webhooks', ...args] })
  t.equal(await command('--help').ended, 0)
  const before = await container.files()

  let service = container.run({ env, volumes })
  await listening(service)
  const pid = serviceOf(service)
  t.match(processOf(pid), { uid: USER, privileges: '0000000000000000' })
  t.equal((await ask(`http://127.0.0.1:${port}/health`, { method: 'GET' })).status, 200)
  const [, ...healthcheck] = image.config.Healthcheck.Test
  t.equal(await container.run({ env, volumes, command: healthcheck }).ended, 0, 'it is healthy')

  const simulated = command('simulate')
  t.equal(await simulated.ended, 0, simulated.errors())
  t.match(simulated.lines.at(-1), /^http:\/\/127\.0\.0\.1:\d+: \d+ as expected, 0 not$/)
  const body = railsJson(chatwoot.incoming())
  const delivery = () => ask(`http://127.0.0.1:${port}/cw`, { body, headers: signChatwoot(body, SECRET) })
  t.match(await delivery(), { status: 200, body: /"accepted"/ })

  const second = container.run({ env: { ...env, PORT: `${await freePort()}` }, volumes })
  t.equal(await second.ended, 1)
  t.match(second.errors(), /DATABASE_URL: data\/webhooks\.db is in use by another process; stop that one/)

  const backup = command('backup', '/data/backup.db')
  t.equal(await backup.ended, 0, backup.errors())
  process.kill(pid, 'SIGTERM')
  t.equal(await service.ended, 0, service.errors())
  t.match(service.lines.join('\n'), 'closing on SIGTERM')
  t.not(await container.run({ env, volumes, command: healthcheck }).ended, 0, 'and now it is not')

  service = container.run({ env, volumes })
  await listening(service)
  t.match(await delivery(), { status: 200, body: /"duplicate"/ }, 'the volume has kept what was accepted')
  process.kill(serviceOf(service), 'SIGTERM')
  t.equal(await service.ended, 0, service.errors())

  const away = ['sh', '-c', 'mkdir /data/old && mv /data/webhooks.db* /data/old/']
  t.equal(await container.run({ volumes, command: away }).ended, 0)
  const restored = command('restore', '/data/backup.db')
  t.equal(await restored.ended, 0, restored.errors())
  service = container.run({ env, volumes })
  await listening(service)
  t.match(await delivery(), { status: 200, body: /"duplicate"/ }, 'and so has its backup')
  process.kill(serviceOf(service), 'SIGTERM')
  t.equal(await service.ended, 0, service.errors())
  t.same(await container.files(), before, 'nothing in the container itself was written')
}

async function servesReadOnly(t: Test, image: Image): Promise<void> {
  const [port, container] = [await freePort(), await image.container()]
  const volumes = { '/data': image.folder('data-2'), '/run/secrets': image.folder('secrets-2', { cw: SECRET }) }
  const service = container.runReadOnly({
    env: { PORT: `${port}`, CW_HMAC_SECRET_FILE: '/run/secrets/cw' },
    volumes,
  })
  await listening(service)
  const pid = serviceOf(service)
  t.match(processOf(pid), { uid: USER, namespaces: [pid, 1], privileges: '0000000000000000' })
  const body = railsJson(chatwoot.incoming())
  const answer = await ask(`http://127.0.0.1:${port}/cw`, { body, headers: signChatwoot(body, SECRET) })
  t.match(answer, { status: 200, body: /"accepted"/ })
  process.kill(pid, 'SIGTERM')
  t.equal(await service.ended, 0, service.errors())
  t.match(service.lines.join('\n'), 'closing on SIGTERM')

  const touched = container.runReadOnly({ volumes, command: ['sh', '-c', 'echo x > /opt/tutorbot-webhooks/x'] })
  t.not(await touched.ended, 0)
  t.match(touched.errors(), /Read-only file system/)
}

async function endsWhileItWaits(t: Test, image: Image): Promise<void> {
  const container = await image.container()
  const env = { PORT: `${await freePort()}`, DATABASE_URL: 'postgres://127.0.0.1:1/none' }
  const service = container.runReadOnly({ env, volumes: { '/data': image.folder('data-3') } })
  await service.line(/waiting for postgres/)
  process.kill(serviceOf(service), 'SIGTERM')
  t.equal(await service.ended, 0, service.errors())
}
