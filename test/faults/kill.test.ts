import { join } from 'node:path'
import tap from 'tap'
import { killRounds } from '../helpers/kill-rounds.ts'

tap.test(
  'kill -9 under load, ten times: everything acknowledged is handled, nothing distinct is a duplicate',
  async t => {
    const result = await killRounds(join(t.testdir(), 'webhooks.db'), 10)
    t.ok(result.acknowledged >= 400, `${result.acknowledged} acknowledged, ${result.broken} without an answer`)
    t.same(result.wrong, [])
    t.same(result.lost, [])
  },
)
