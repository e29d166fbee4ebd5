import { DatabaseSync } from 'node:sqlite'
import tap from 'tap'
import { causeOf, partsOfCause } from '../../inbox/cause.ts'
import { PermanentError, TransientError } from '../../inbox/errors.ts'

const thrown = (run: () => unknown): Error => {
  try {
    run()
  } catch (error) {
    return error as Error
  }
  throw new Error('it threw nothing')
}
const withFields = (fields: object) => Object.assign(new Error('renee@example.com owes 12 euro'), fields)

tap.test('a cause is made of names and codes, never of a message', async t => {
  const sqlite = thrown(() => new DatabaseSync(':memory:').exec('nonsense'))
  const causes: [unknown, string][] = [
    [new Error('renee@example.com'), 'Error:ours'],
    [new TypeError('x'), 'TypeError:ours'],
    [new PermanentError('x'), 'PermanentError:ours'],
    ['renee@example.com', 'Thrown:ours'],
    [undefined, 'Thrown:ours'],
    [new TransientError('x', { outage: { system: 'stripe', isProof: false, code: 503 } }), 'TransientError:stripe:503'],
    [withFields({ system: 'google', status: 404 }), 'Error:google:404'],
    [withFields({ statusCode: 402 }), 'Error:ours:402'],
    [withFields({ status: 400, code: 'resource_missing' }), 'Error:ours:resource_missing'],
    [withFields({ code: 'renee@example.com', system: 'a b', name: 'Renee Jansen' }), 'Error:ours'],
    [withFields({ code: {}, system: 5 }), 'Error:ours'],
    [sqlite, 'Error:database:sqlite_1'],
    [new TransientError('x', { cause: sqlite }), 'TransientError:database:sqlite_1'],
    [withFields({ severity: 'ERROR', code: '23505' }), 'Error:database:23505'],
    [withFields({ code: 'ECONNRESET' }), 'Error:ours:ECONNRESET'],
    [AbortSignal.abort().reason, 'AbortError:ours:AbortError'],
    [new DOMException('x', 'TimeoutError'), 'TimeoutError:ours:timeout'],
    [new Error('x', { cause: withFields({ code: 'EPIPE' }) }), 'Error:ours:EPIPE'],
  ]
  for (const [error, cause] of causes) t.equal(causeOf(error), cause, cause)
})

tap.test('whatever is thrown has a cause', async t => {
  const circle = new Error('x')
  circle.cause = circle
  t.equal(causeOf(circle), 'Error:ours')
  const hostile = Object.defineProperty(new Error('x'), 'code', {
    get() {
      throw new Error('no')
    },
  })
  t.equal(causeOf(hostile), 'Error:ours')
})

tap.test('names that are never the same do not fill the store', async t => {
  const causes = new Set(Array.from({ length: 500 }, (_, n) => causeOf(withFields({ name: `Error${n}` }))))
  t.ok(causes.size <= 101, `${causes.size} causes`)
  t.ok(causes.has('Other:ours'))
  t.equal(causeOf(new TypeError('x')), 'TypeError:ours', 'known ones stay as they are')
})

tap.test('its parts', async t => {
  t.same(partsOfCause('ChatwootRefusedError:chatwoot:404'), {
    error: 'ChatwootRefusedError',
    system: 'chatwoot',
    code: '404',
  })
  t.same(partsOfCause('TypeError:ours'), { error: 'TypeError', system: 'ours', code: null })
  t.same(partsOfCause('unknown'), { error: 'unknown', system: null, code: null })
})
