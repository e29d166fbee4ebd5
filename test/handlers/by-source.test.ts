import pino from 'pino'
import t from 'tap'
import type { Handlers } from '../../app.ts'
import { handlersBySource } from '../../handlers/by-source.ts'
import { chatwootSource } from '../../sources/chatwoot.ts'
import type { Source } from '../../sources/source.ts'
import { stripeSource } from '../../sources/stripe.ts'
import { captureLog } from '../helpers/log.ts'

/** Whose handlers are whose, and what is wrong with them. */

const verify = () => true
const identify = () => ({ event: 'e' })
const { lines, stream } = captureLog()
const log = pino({}, stream)
const SOURCES: Source[] = [
  chatwootSource({ verify }),
  stripeSource({ verify, log }),
  { name: 'github', path: '/github', verify, identify, events: ['push', 'issues'] },
  { name: 'shop', path: '/shop', verify, identify },
]
const bySource = (handlers: object) => handlersBySource(handlers as Handlers, SOURCES, log)
const handler = () => {}
const pair = { handle: handler, gaveUp: handler }

t.test('by source and event', async t => {
  const handlers = {
    chatwoot: { message_created: handler, message_updated: undefined, 'macro.executed': pair },
    stripe: { 'payment_intent.succeeded': pair, 'v2.core.account.created': handler },
    github: undefined,
    shop: { whatever: handler },
  }
  t.same(bySource(handlers), {
    chatwoot: { message_created: handler, 'macro.executed': pair },
    stripe: { 'payment_intent.succeeded': pair, 'v2.core.account.created': handler },
    github: {},
    shop: { whatever: handler },
  })
  t.same(lines, [])
})

t.test('by event alone: the old form works, and a warning shows the new one', async t => {
  const both = { contact_created: handler, 'charge.captured': pair, chatwoot: { contact_created: pair } }
  t.same(bySource(both), { chatwoot: { contact_created: pair }, stripe: { 'charge.captured': pair } })
  t.match(lines, [
    { level: 40, msg: /write handlers: \{ chatwoot: \{ contact_created \}, stripe: \{ 'charge\.captured' \} \}\./ },
  ])
})

t.test('an unknown name is an error that suggests the nearest one', async t => {
  for (const [handlers, message] of [
    [
      { chatwoot: { mesage_created: handler } },
      'handlers.chatwoot.mesage_created: chatwoot has no event mesage_created (did you mean message_created?)',
    ],
    [
      { stripe: { 'payment_intent.succeded': handler } },
      'handlers.stripe.payment_intent.succeded: stripe has no event payment_intent.succeded (did you mean payment_intent.succeeded?)',
    ],
    [{ github: { pushed: handler } }, 'handlers.github.pushed: github has no event pushed (did you mean push?)'],
    [{ chatwoot: { greeting: handler } }, 'handlers.chatwoot.greeting: chatwoot has no event greeting'],
    [{ stripe: { message_created: handler } }, /stripe has no event message_created$/],
    [{ message_craeted: handler }, /^handlers\.message_craeted: .*did you mean message_created\?/],
    [{ 'charge.captred': handler }, /^handlers\.charge\.captred: .*did you mean charge\.captured\?/],
    [{ chatwot: { message_created: handler } }, /no source chatwot \(did you mean chatwoot\?\)$/],
    [{ gitlab: {} }, 'handlers.gitlab: there is no source gitlab'],
  ] as const) {
    t.throws(() => bySource(handlers), { name: 'TypeError', message }, JSON.stringify(Object.keys(handlers)))
  }
})

t.test('a handler that is no function is an error that names it', async t => {
  for (const wrong of [null, 'x', 5, { handle() {} }, { gaveUp() {} }, { handle: 1, gaveUp: 2 }]) {
    const message = /message_created must be a function, or \{ handle, gaveUp \}/
    t.throws(() => bySource({ message_created: wrong }), { message })
    t.throws(() => bySource({ chatwoot: { message_created: wrong } }), { message })
  }
  t.throws(() => bySource({ message_created: undefined }), { message: /must be a function/ })
  for (const wrong of [null, 'x', handler, []]) {
    t.throws(() => bySource({ chatwoot: wrong }), { message: /handlers\.chatwoot must be an object of handlers/ })
  }
})

t.test(
  'a source without a list of its events: a pair in the place of its handlers is refused, not registered',
  async t => {
    const message = 'handlers.shop must be an object of handlers by event: { <event>: { handle, gaveUp } }'
    t.throws(() => bySource({ shop: pair }), { name: 'TypeError', message })
    t.throws(() => bySource({ shop: { handle: handler } }), { message })
    t.same(bySource({ shop: { handle: handler, order: pair } }), { shop: { handle: handler, order: pair } })
    t.throws(() => bySource(null as never), {
      name: 'TypeError',
      message: 'handlers must be an object of handlers by source',
    })
  },
)
