import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { presets, type Source } from '../../app.ts'
import { listen, webhookApp } from '../helpers/app.ts'
import { run } from '../helpers/cli.ts'

/** simulate, for a host's own source. */

const SECRETS = { SHOP_SECRET: 'a secret', SVIX_SECRET: 'whsec_c2VuZGVycy1zYW1wbGUta2V5LTI0Ynl0' }

async function host(t: Test, ...sources: Source[]) {
  const { app } = await webhookApp(t, { sources, prefix: '/hooks' })
  for (const { name } of sources) app.webhooks.inbox.handle(name, 'push', () => {})
  return { app, url: `http://127.0.0.1:${await listen(app)}/hooks` }
}

const identify: Source['identify'] = request => ({ event: request.field('type') })

t.test('a genuine request, a repeat, and requests to refuse', async t => {
  const { app, url } = await host(t, {
    name: 'github',
    path: '/github',
    verify: presets.github({ secrets: [SECRETS.SHOP_SECRET] }),
    identify: request => ({ event: request.header('x-github-event'), key: request.header('x-github-delivery') }),
  })
  const args = ['simulate', '--url', url, '--path', '/github', '--preset', 'github', '--secret-env', 'SHOP_SECRET']
  const pushed = await run(SECRETS, ...args, '--header', 'X-GitHub-Event: push', 'X-GitHub-Delivery: simulated-1')
  t.match(pushed, { code: 0, err: '' }, pushed.out)
  t.match(pushed.out, /github: genuine +200 accepted.*\ngithub: the same again +200 duplicate/)
  t.match(pushed.out, /github: unsigned +401 WEBHOOK_SIGNATURE_MISSING/)
  t.match(pushed.out, /github: of another body +401 WEBHOOK_SIGNATURE_MISMATCH/)
  t.notMatch(pushed.out, 'stale')
  t.equal((await app.webhooks.inbox.list()).length, 1)
})

t.test('with a signed timestamp and a body from a file', async t => {
  const { app, url } = await host(t, {
    name: 'svix',
    path: '/svix',
    verify: presets.standardWebhooks({ secrets: [SECRETS.SVIX_SECRET] }),
    identify: request => ({ event: request.field('type'), key: request.header('webhook-id') }),
  })
  const body = join(t.testdir(), 'body.json')
  writeFileSync(body, '{"type":"push","id":1}')
  const args = ['--path', '/svix', '--preset', 'standardWebhooks', '--secret-env', 'SVIX_SECRET', '--body', body]
  const { code, out } = await run(SECRETS, 'simulate', '--url', url, ...args)
  t.equal(code, 0, out)
  t.match(out, /stale +401 WEBHOOK_TIMESTAMP_OUTSIDE_TOLERANCE/)
  t.match(await app.webhooks.inbox.list(), [{ source: 'svix', payload: { type: 'push', id: 1 } }])
})

t.test('a secret that the server does not have is detected', async t => {
  const verify = presets.square({ secrets: ['other'], url: 'https://x.example/square' })
  const { url } = await host(t, { name: 'square', path: '/square', verify, identify })
  const args = [
    '--path',
    '/square',
    '--preset',
    'square',
    '--secret-env',
    'SHOP_SECRET',
    '--public-url',
    'https://x.example/square',
  ]
  const { code, out } = await run(SECRETS, 'simulate', '--url', url, ...args)
  t.equal(code, 1)
  t.match(out, /square: genuine +401 WEBHOOK_SIGNATURE_MISMATCH +\d+ +NO: expected 200/)
})

t.test('missing options are errors', async t => {
  const all = ['--path', '/x', '--preset', 'github', '--secret-env', 'SHOP_SECRET']
  const wrong: [string[], RegExp][] = [
    [['--path', 'x', '--preset', 'github'], /--path must begin with \//],
    [['--path', '/x'], /--preset must be one of standardWebhooks, polar, github, /],
    [['--path', '/x', '--preset', 'github'], /--secret-env must name the environment variable/],
    [['--path', '/x', '--preset', 'github', '--secret-env', 'NONE'], /--secret-env must name the environment variable/],
    [[...all, '--body', '/none/body.json'], /--body \/none\/body\.json can't be read: ENOENT/],
    [[...all, '--header', 'X-Event'], /--header X-Event is not of the form "Name: value"/],
  ]
  for (const [args, err] of wrong) t.match(await run(SECRETS, 'simulate', ...args), { code: 2, err }, args.join(' '))
})
