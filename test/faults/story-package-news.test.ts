import { join } from 'node:path'
import t from 'tap'
import { runJson } from '../helpers/cli.ts'
import { student } from '../helpers/story.ts'
import { setUp } from './fatal-effects.ts'

/** The tutor adds and corrects a package by a command, while the server is killed at each call that telling it makes. */

const ADD = '--student Sam --lessons 10 --minutes 60 --how cash --amount 450.00 --currency EUR'.split(' ')

for (const run of [0, 1]) {
  t.test(`the student is told once each while every other call kills the process, from number ${run}`, async t => {
    const world = await setUp(t, run, { calendar: 'local', runs: 2, isStep: () => true })
    const sam = student(world)
    await world.inPeace(() => sam.says('Hoi'))
    const read = sam.read().length
    const env = { DATABASE_URL: join(t.testdirName, 'webhooks.db'), CW_ACC_ID: world.chatwoot.accountId }
    const conversation = `${sam.conversation.id}`
    const { result: added } = await runJson<{ id: string; news: string }>(
      env,
      'packages',
      'add',
      '--conversation',
      conversation,
      ...ADD,
    )
    t.equal(await world.receiver.handled(added.news), 'webhook handled')
    const correct = ['packages', 'correct', added.id, '--minutes=-60', '--reason', 'by telephone']
    const { result: corrected } = await runJson<{ news: string }>(env, ...correct)
    t.equal(await world.receiver.handled(corrected.news), 'webhook handled')
    t.match(sam.read().slice(read), [/^Dank je wel! .*\nJe hebt nog 10 lessen/, /^We hebben .*\nJe hebt nog 9 lessen/])
    t.equal(sam.read().length, read + 2)
    t.match(sam.notes(), [/^Package added by the tutor/, /^Package corrected by the tutor/])
    t.equal(sam.notes().length, 2)
    t.ok(world.killed.size >= 2, `killed ${world.killed.size} times, of ${world.effects.length} calls`)
  })
}
