import { mock } from 'node:test'
import tap from 'tap'
import type { ChatwootConversation } from '../../clients/chatwoot.ts'
import { Reads } from '../../clients/conversation-reads.ts'

/** A read is reused for merging unless something may have been written since. */

const PATH = '/conversations/42'
const conversation = () => ({ id: 42 }) as ChatwootConversation
const written = async () => {}

tap.test('until this process writes, a read is current; for each path by itself', async t => {
  const reads = new Reads()
  const read = await reads.register(async () => conversation())
  t.ok(reads.isCurrent(read, PATH))
  await reads.outdate(`${PATH}/labels`, written)
  t.ok(reads.isCurrent(read, PATH))
  t.notOk(reads.isCurrent(read, `${PATH}/labels`))
  t.ok(reads.isCurrent(await reads.register(async () => conversation()), `${PATH}/labels`))
})

tap.test('what did not come from here is not current', async t => {
  const reads = new Reads()
  t.notOk(reads.isCurrent(undefined, PATH))
  t.notOk(reads.isCurrent(conversation(), PATH))
})

tap.test('a read under way during a write may be older, and a write that failed may have been made', async t => {
  const reads = new Reads()
  const { promise, resolve } = Promise.withResolvers<ChatwootConversation>()
  const reading = reads.register(() => promise)
  await t.rejects(
    reads.outdate(PATH, () => Promise.reject(new Error('no answer'))),
    { message: 'no answer' },
  )
  resolve(conversation())
  t.notOk(reads.isCurrent(await reading, PATH))
})

tap.test('agents write too: after 30 s it is read again', async t => {
  const reads = new Reads()
  const read = await reads.register(async () => conversation())
  const real = performance.now.bind(performance)
  const now = mock.method(performance, 'now', () => real() + 30_000)
  t.notOk(reads.isCurrent(read, PATH))
  now.mock.restore()
  t.ok(reads.isCurrent(read, PATH))
})

tap.test('of 10,000 paths the last write is remembered; of others a read counts as older', async t => {
  const reads = new Reads()
  await reads.outdate(PATH, written)
  const read = await reads.register(async () => conversation())
  for (let n = 0; n < 9_999; n++) await reads.outdate(`/conversations/1${n}`, written)
  t.ok(reads.isCurrent(read, PATH))
  await reads.outdate('/conversations/7', written)
  t.ok(reads.isCurrent(read, PATH), 'its last write was before the read')
  await reads.outdate('/conversations/8', written)
  t.notOk(reads.isCurrent(read, '/conversations/9'), 'that of another may have been after it')
})
