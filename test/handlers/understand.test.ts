import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'
import t, { type Test } from 'tap'
import type { Understand, UnderstandQuestion } from '../../app.ts'
import { understandAt } from '../../examples/understand.ts'
import { checkOptionNames } from '../../options.ts'
import { setUp } from '../helpers/lesson-story.ts'

/** A host's own understanding of what the grammar does not read. */

async function withHost(t: Test, understand: Understand) {
  const asked: UnderstandQuestion[] = []
  const tutor = await setUp(t, {
    understand: question => {
      asked.push(question)
      return understand(question)
    },
  })
  const outcomes: string[] = []
  tutor.app.webhooks.events.on('understood', ({ outcome }) => outcomes.push(outcome))
  const renee = tutor.student()
  const noted = async () => {
    const { items } = await tutor.app.webhooks.inbox.list({}, 100).then(items => ({ items }))
    const histories = await Promise.all(items.map(({ id }) => tutor.app.webhooks.inbox.history(id)))
    return histories.flat().map(({ what, detail }) => `${what}: ${detail}`)
  }
  return { ...tutor, renee, asked, outcomes, noted }
}

t.test('it is asked for what is not understood, with the choices that there are', async t => {
  const { renee, asked, outcomes, noted } = await withHost(t, async () => 'book')
  await renee.says('Hoi')
  t.strictSame(asked, [], 'for nothing else')
  t.match(await renee.says('die dingen van je, weet je wel'), [/^Wanneer wil je/])
  t.match(asked, [
    {
      text: 'die dingen van je, weet je wel',
      language: 'nl',
      situation: 'menu',
      choices: [{ value: 'book', title: 'Les boeken' }, { value: 'trial' }, { value: 'prices' }, { value: 'human' }],
    },
  ])
  t.strictSame(outcomes, ['used'])
  t.strictSame(await noted(), ['noted: understand: returned "book"'])
  t.notOk(renee.conversation.custom_attributes?.misunderstood, 'which is no miss')
})

t.test('it may return a time that is offered, and a person', async t => {
  let value: string | undefined
  const { renee, asked } = await withHost(t, async ({ choices }) => value ?? choices[1]?.value)
  await renee.says('Les boeken')
  const second = renee.choices()[1]
  t.match(await renee.says('die met koffie erbij'), [/^Je les op .* staat voor je klaar/])
  t.equal(asked[0]?.choices[1]?.title, second)
  t.match(asked[0]?.choices[1]?.value, /^2026-11-2\dT/)
  value = 'human'
  t.match(await renee.says('blub'), [/^Een ogenblik/])
})

t.test('a step or time that is not offered, or anything else, is refused: the answer is as without it', async t => {
  const values: unknown[] = ['minutes_90', '2026-11-25T10:00:00.000Z', { step: 'book' }, 7, 'x'.repeat(1_000)]
  for (const value of values) {
    await t.test(`${value}`.slice(0, 20), async t => {
      const { renee, outcomes, log, noted } = await withHost(t, async () => value as string)
      await renee.says('Hoi')
      t.match(await renee.says('blub'), ['Sorry, dat begreep ik niet.'])
      t.strictSame(outcomes, ['refused'])
      t.match(log.text(), 'none of the choices')
      t.match((await noted())[0], /^noted: understand: returned .{1,200}, which is none of the choices: not used$/)
    })
  }
})

t.test('it does not know either, or fails: as without it, and counted', async t => {
  const cases: [string, Understand, string, RegExp][] = [
    ['nothing', async () => null, 'nothing', /returned nothing/],
    ['a rejection', () => Promise.reject(new Error('no model')), 'failed', /failed: no model/],
    ['no error', () => Promise.reject('down'), 'failed', /failed: down/],
    [
      'a throw',
      () => {
        throw new Error('at once')
      },
      'failed',
      /failed: at once/,
    ],
    ['silence', ({ signal }) => once(signal, 'never') as never, 'failed', /failed: .*(timeout|aborted)/],
  ]
  for (const [name, understand, outcome, said] of cases) {
    await t.test(name, async t => {
      const { renee, outcomes, noted } = await withHost(t, understand)
      await renee.says('Hoi')
      t.match(await renee.says('blub'), ['Sorry, dat begreep ik niet.'])
      t.strictSame(outcomes, [outcome])
      t.match(await noted(), [said])
    })
  }
})

t.test('what is no function is said at the start', async t => {
  t.throws(() => checkOptionNames({ understand: 'gpt' as never }), {
    message: 'understand must be a function that returns one of the choices that it is given',
  })
})

t.test('the example asks a service over HTTP', async t => {
  const seen: unknown[] = []
  let status = 200
  const server = createServer(async (request, response) => {
    seen.push(request.headers.authorization, await json(request))
    response.writeHead(status, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ choice: 'prices' }))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/understand`
  const { renee, outcomes } = await withHost(t, understandAt(url, 'secret'))
  await renee.says('Hoi')
  t.match(await renee.says('poen?'), [/^Onze prijzen/])
  t.match(seen, ['Bearer secret', { text: 'poen?', language: 'nl', choices: [{ value: 'book' }] }])
  status = 503
  t.match(await renee.says('blub'), ['Sorry, dat begreep ik niet.'])
  t.strictSame(outcomes, ['used', 'failed'])
})
