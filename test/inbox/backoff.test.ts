import tap from 'tap'
import { afterFailure, describeError } from '../../inbox/backoff.ts'
import { PermanentError, TransientError } from '../../inbox/errors.ts'

const NOW = 1_000_000
const passing = new TransientError('away')
const bug = new TypeError('a bug')
const pending = (attempts: number) => ({ attempts, state: 'pending' as const })
const parked = (attempts: number) => ({ attempts, state: 'parked' as const })

function delayOf(outcome: ReturnType<typeof afterFailure>): number | undefined {
  return 'nextAttemptAt' in outcome ? outcome.nextAttemptAt - NOW : undefined
}

tap.test('retries in order after 1, 2, 4, 8, 16 and 32 s, for any error', async t => {
  for (const error of [passing, bug, 'thrown text']) {
    const outcomes = [1, 2, 3, 4, 5, 6].map(attempts => afterFailure(pending(attempts), error, NOW, 0))
    t.same(outcomes.map(delayOf), [1_000, 2_000, 4_000, 8_000, 16_000, 32_000])
    t.ok(outcomes.every(({ state }) => state === 'pending'))
  }
})

tap.test('then parks transient errors for 5 min, 30 min, 2 h and 12 h, then gives up', async t => {
  const first = afterFailure(pending(7), passing, NOW, 0)
  t.equal(first.state, 'parked')
  t.equal(delayOf(first), 5 * 60_000)
  const later = [8, 9, 10, 11].map(attempts => afterFailure(parked(attempts), passing, NOW, 0))
  t.same(later.map(delayOf), [30 * 60_000, 2 * 3_600_000, 12 * 3_600_000, undefined])
  t.same(
    later.map(({ state }) => state),
    ['parked', 'parked', 'parked', 'dead'],
  )
})

tap.test('gives up a bug after the retries in order', async t => {
  t.match(afterFailure(pending(7), bug, NOW), { state: 'dead', error: 'TypeError: a bug' })
})

tap.test('gives up permanent errors at once', async t => {
  t.match(afterFailure(pending(1), new PermanentError('gone'), NOW), { state: 'dead', error: 'PermanentError: gone' })
})

tap.test('a replayed delivery whose process dies early is parked like a new one', async t => {
  t.equal(delayOf(afterFailure(parked(2), passing, NOW, 0)), 5 * 60_000)
})

tap.test('spreads retries, and honours Retry-After up to an hour', async t => {
  t.equal(delayOf(afterFailure(pending(1), passing, NOW, 1)), 1_200)
  const asked = (retryAfterMs: number) =>
    delayOf(afterFailure(pending(1), new TransientError('x', { retryAfterMs }), NOW, 0))
  t.equal(asked(30_000), 30_000)
  t.equal(asked(10), 1_000)
  t.equal(asked(10 ** 12), 3_600_000)
  t.ok((delayOf(afterFailure(pending(1), passing, NOW)) ?? 0) >= 1_000, 'random by default')
})

tap.test('an error is one line with its cause', async t => {
  t.equal(describeError(new Error('above', { cause: new Error('below') })), 'Error: above: below')
  t.equal(describeError(Object.create(null)), 'Thrown: [Object: null prototype] {}')
  t.equal(describeError(new Error('x'.repeat(1_000))).length, 500)
})
