import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import t, { type Test } from 'tap'
import { presets, signChatwoot, signStripe } from '../app.ts'
import { type Block, blocksOf, blockWith, ROOT } from './helpers/docs.ts'
import { moduleOf } from './helpers/docs-code.ts'
import { type Program, startProgram } from './helpers/program.ts'
import { ask } from './ops/proxies.ts'

/** Runs every block of TypeScript and JavaScript in the README and the pages; the apps among them get signed requests. */

const BLOCKS = blocksOf().filter(({ language }) => language === 'ts' || language === 'js')
const FOLDER = join(ROOT, '.tap/docs-programs')
const isApp = ({ text }: Block) => text.includes('app.listen(')

/** What the text around a block says is there. By what the block holds. */
const BEFORE: Record<string, string> = {
  "once(app.webhooks.events, 'handled')": `await app.register((await import('tutorbot-webhooks')).default, {
    prefix: '/hooks', chatwoot: { secrets: ['s3cret'] }, handlers: { chatwoot: { contact_created() {} } } })`,
  '...verify.sign(body)': `await app.register((await import('tutorbot-webhooks')).default, {
    sources: [{ name: 'github', path: '/github', verify: presets.github({ secrets: ['s3cret'] }),
      identify: request => ({ event: request.header('x-github-event') }) }],
    handlers: { github: { push() {} } } })`,
}
/** What shows that a block did what the text around it says: this, when it has run, is true. */
const AFTER: Record<string, string> = {
  "once(app.webhooks.events, 'handled')": "event === 'contact_created' && result === 'done'",
  'inbox.unschedule(': "await app.webhooks.inbox.unschedule('remind:order-7') === false",
}

mkdirSync(FOLDER, { recursive: true })

/** Writes a block as a program. @param standIn takes the place of example.com */
function write(block: Block, standIn = 'http://127.0.0.1:9'): string {
  const [before, after] = [BEFORE, AFTER].map(by => Object.entries(by).find(([held]) => block.text.includes(held))?.[1])
  // What goes before stands after what the block takes from the text.
  const given = moduleOf({ ...block, text: `/* here */\n${block.text}` }).replace('/* here */', before ?? '')
  const checked = after === undefined ? '' : `if (!(${after})) throw new Error('not so')`
  const end = !isApp(block) && /\bapp\./.test(block.text) ? 'await app.ready()\nawait app.close()' : ''
  const code = [given, checked, end]
    .join('\n')
    .replaceAll("'tutorbot-webhooks'", "'../../app.ts'")
    .replace(/port: \d+/, 'port: 0')
    .replaceAll(/https:\/\/(\w+\.)?example\.com/g, standIn)
  const file = join(FOLDER, `${block.page.replaceAll(/\W/g, '-')}-${block.line}.ts`)
  writeFileSync(file, code)
  return file
}

/** Starts a block as a process, in a folder of its own. */
function start(t: Test, block: Block, standIn?: string): Program {
  const file = write(block, standIn)
  const command = ['sh', '-c', `unset NODE_OPTIONS; exec "${process.execPath}" "${file}"`]
  const env = { ...process.env, NODE_COMPILE_CACHE: join(ROOT, '.tap/compiled') }
  const program = startProgram(file, command, { cwd: t.testdir(), env, stdio: ['ignore', 'pipe', 'pipe'] })
  t.teardown(() => program.end('SIGKILL'))
  return program
}

async function startApp(t: Test, block: Block, standIn?: string) {
  const program = start(t, block, standIn)
  const [, url = ''] = /listening at (http:[^"]+)/.exec(await program.line(/Server listening at/)) ?? []
  const post = async (path: string, headers: Record<string, string>, body: string) => {
    const answer = await ask(url + path, { headers: { 'content-type': 'application/json', ...headers }, body })
    return { status: answer.status, ...JSON.parse(answer.body) }
  }
  return { ...program, url, post }
}

for (const block of BLOCKS.filter(block => !isApp(block) && !block.text.includes('await fetch('))) {
  t.test(`${block.page}:${block.line}`, async t => {
    // Here, since they end by themselves: that saves each a process. Their stores are in the folder where they run.
    const before = process.cwd()
    process.chdir(t.testdir())
    t.teardown(() => process.chdir(before))
    await t.resolves(import(write(block)))
  })
}

t.test('the README’s app', async t => {
  const { post, line } = await startApp(t, blockWith('README.md', 'app.listen('))
  const event = { id: 'evt_1', object: 'event', type: 'payout.paid', data: { object: { amount: 5000 } } }
  const body = JSON.stringify(event)
  t.match(await post('/hooks/webhook/payments', signStripe(body, 'whsec_s3cret'), body), { status: 'accepted' })
  await line(/paid out: 5000/)
  t.match(await post('/hooks/webhook/payments', signStripe(body, 'whsec_another'), body), { statusCode: 401 })
})

/** An app of somebody else, to which a handler posts. */
async function receiver(t: Test) {
  const received = Promise.withResolvers<unknown>()
  const server = http.createServer(async (request, response) => {
    received.resolve({ url: request.url, body: JSON.parse(await text(request)) })
    response.end()
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  t.teardown(() => server.close())
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, received: received.promise }
}

t.test('an app with handlers of its own, and the requests that its tests send', async t => {
  const page = 'docs/embedding.md'
  const messages = await receiver(t)
  const { url, post, line } = await startApp(t, blockWith(page, 'contact_created: onContact'), messages.url)
  const client = blockWith(page, "await fetch('http://127.0.0.1:4000")
  const sent = start(t, { ...client, text: client.text.replaceAll('http://127.0.0.1:4000', url) })
  t.equal(await sent.ended, 0, sent.errors())
  const shown = [...client.text.matchAll(/^console\.log.*\/\/ (.*\})/gm)].map(([, output = '']) => output.split('…'))
  t.equal(shown.length, 2)
  for (const [index, [begin = '', end = '']] of shown.entries()) {
    t.ok(
      sent.lines[index]?.startsWith(begin) && sent.lines[index]?.endsWith(end),
      `${begin}…${end}: ${sent.lines[index]}`,
    )
  }
  await line(/welcome, Sam/)

  const body = JSON.stringify({
    event: 'message_created',
    id: 6,
    content: 'Hoi',
    message_type: 'incoming',
    created_at: Math.floor(Date.now() / 1000),
    account: { id: 1 },
    conversation: { id: 7 },
    sender: { id: 5, name: 'Sam' },
  })
  t.match(await post('/hooks/cw', signChatwoot(body, 's3cret'), body), { status: 'accepted' })
  t.same(await messages.received, { url: '/messages', body: { from: 'Sam', text: 'Hoi' } })
  t.match(
    await post('/other', signChatwoot(body, 's3cret'), body),
    { event: 'message_created' },
    'verified, and parsed',
  )
  t.match(await post('/other', {}, body), { statusCode: 401 })
})

for (const page of ['docs/embedding.md', 'docs/sources.md']) {
  t.test(`${page}: another source`, async t => {
    const { post, line } = await startApp(
      t,
      blocksOf([page])
        .filter(isApp)
        .find(({ text }) => text.includes('github')) as Block,
    )
    const body = JSON.stringify({ ref: 'refs/heads/main', repository: { full_name: 'tutor/lessons' } })
    const signed = presets.github({ secrets: ['s3cret'] }).sign(body)
    const headers = { 'x-github-event': 'push', 'x-github-delivery': '1' }
    t.match(await post('/github', { ...headers, ...signed }, body), { status: 'accepted' })
    await line(/refs\/heads\/main was pushed/)
    t.match(await post('/github', { ...headers, ...signed }, body), { status: 'duplicate' })
    t.match(await post('/github', headers, body), { statusCode: 401 })
  })
}

t.test('a route of its own, made of single plugins', async t => {
  const { post, line } = await startApp(t, blockWith('docs/embedding.md', "'/shop'"))
  const body = JSON.stringify({ id: 'order-8', customer: 'sam' })
  t.match(await post('/shop', signChatwoot(body, 's3cret'), body), { status: 'accepted' })
  await line(/order order-8/)
  t.match(await post('/shop', signChatwoot(body, 's3cret'), body), { status: 'duplicate' })
  t.match(await post('/shop', signChatwoot(body, 'another'), body), { statusCode: 401 })
})

t.test('no app of the pages is left out', async t => {
  t.equal(BLOCKS.filter(isApp).length, 5)
  for (const held of [BEFORE, AFTER].flatMap(Object.keys))
    t.ok(
      BLOCKS.some(({ text }) => text.includes(held)),
      held,
    )
})
