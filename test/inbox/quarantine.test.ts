import pino from 'pino'
import tap from 'tap'
import {
  Quarantine,
  type QuarantinedRequest,
  type QuarantineLimits,
  type QuarantineOutcome,
  type QuarantineStore,
  type RefusedRequest,
} from '../../inbox/quarantine.ts'
import { testClock } from '../helpers/clock.ts'
import { gate } from '../helpers/inbox.ts'
import { captureLog } from '../helpers/log.ts'
import { until } from '../helpers/wait.ts'

const MINUTE = 60_000

let made = 0
function request(parts: Partial<RefusedRequest> = {}): RefusedRequest {
  const body = Buffer.from(`{"n":${made++}}`)
  return {
    source: 's',
    address: '203.0.113.7',
    receivedAt: 0,
    why: 'E',
    headers: { 'x-signature': 'a' },
    body,
    ...parts,
  }
}

/** A quarantine whose store keeps all, unless it is told otherwise. */
function quarantine(limits: Partial<QuarantineLimits> = {}, keep?: QuarantineStore['keep']) {
  const writes: QuarantinedRequest[][] = []
  const outcomes: QuarantineOutcome[] = []
  const clock = testClock()
  const log = captureLog()
  const store = {
    keep: async (requests: QuarantinedRequest[], maxBytes: number) => {
      writes.push([...requests])
      return keep === undefined ? requests.map(() => 'kept') : keep(requests, maxBytes)
    },
  } as unknown as QuarantineStore
  const kept = new Quarantine({
    maxBytes: 16 * 2 ** 20,
    perAddressPerMinute: 60,
    ...limits,
    store,
    clock,
    log: pino({}, log.stream),
    onOutcome: (_source, outcome) => void outcomes.push(outcome),
  })
  /** Waits until so many have an outcome. */
  const reached = (count: number) =>
    until(`${count} outcomes`, () => {
      clock.advance(100)
      return outcomes.length >= count
    })
  return { kept, writes, outcomes, clock, log, reached }
}

tap.test('each address has its share of a minute', async t => {
  const { kept, outcomes, reached } = quarantine({ perAddressPerMinute: 2 })
  for (let n = 0; n < 4; n++) kept.keep(request())
  kept.keep(request({ address: '203.0.113.8' }))
  await reached(5)
  t.same(outcomes.toSorted(), ['kept', 'kept', 'kept', 'share', 'share'])
  kept.keep(request({ receivedAt: MINUTE }))
  await reached(6)
  t.equal(outcomes.at(-1), 'kept', 'in the next minute again')
})

tap.test('who has an address of IPv6 has all of its network', async t => {
  const { kept, outcomes, reached } = quarantine({ perAddressPerMinute: 1 })
  const same = ['2001:db8:1:2::1', '2001:db8:1:2:3:4:5:6', '2001:db8:1:2:ffff::']
  for (const address of [...same, '2001:db8:1:3::1', '::1', '::2', '::ffff:1.2.3.4', '::ffff:1.2.3.5'])
    kept.keep(request({ address }))
  await reached(8)
  t.same(outcomes.toSorted(), ['kept', 'kept', 'kept', 'kept', 'kept', 'share', 'share', 'share'])
})

tap.test('one address has a tenth of the room in a minute, however large its bodies', async t => {
  const { kept, outcomes, reached } = quarantine({ maxBytes: 2 ** 20 })
  kept.keep(request({ body: Buffer.alloc(110_000) }))
  kept.keep(request({ body: Buffer.alloc(60_000) }))
  kept.keep(request({ body: Buffer.alloc(60_000) }))
  await reached(3)
  t.same(outcomes.toSorted(), ['kept', 'share', 'share'])
})

tap.test('in a minute with too many addresses newcomers are not kept', async t => {
  const { kept, outcomes, reached } = quarantine()
  const address = (n: number) => `198.18.${n >> 8}.${n & 255}`
  for (let n = 0; n < 1_001; n++) kept.keep(request({ address: address(n) }))
  kept.keep(request({ address: address(0) }))
  await reached(1_002)
  t.equal(outcomes.filter(outcome => outcome === 'share').length, 1)
})

tap.test('written a few at a time, with pauses; too much at once is not kept', async t => {
  const gated = gate()
  let isFirst = true
  const { kept, writes, outcomes, reached } = quarantine({ maxBytes: 640 * 2 ** 20 }, async requests => {
    if (isFirst) await gated.opened
    isFirst = false
    return requests.map(() => 'kept' as const)
  })
  kept.keep(request())
  for (let n = 0; n < 30; n++) kept.keep(request())
  for (let n = 0; n < 3; n++) kept.keep(request({ body: Buffer.alloc(3 * 2 ** 20) }))
  t.same(outcomes, ['busy'])
  gated.open()
  await reached(34)
  t.same(
    writes.map(({ length }) => length),
    [1, 20, 10, 1, 1],
  )
})

tap.test('the same request is the same one; another signature or body makes another', async t => {
  const { kept, writes, reached } = quarantine()
  const body = Buffer.from('{}')
  const all = [
    { body },
    { body },
    { body, headers: { 'x-signature': 'b' } },
    { body: Buffer.from('[]') },
    { body, source: 'r' },
  ]
  for (const parts of all) kept.keep(request(parts))
  await reached(5)
  const ids = writes.flat().map(({ id }) => id)
  t.equal(ids[0], ids[1])
  t.equal(new Set(ids).size, 4)
})

tap.test('a store that fails is said, and stops nothing', async t => {
  let isDown = true
  const { kept, outcomes, log, reached } = quarantine({}, async requests => {
    if (isDown) throw new Error('disk full')
    return requests.map(() => 'kept')
  })
  kept.keep(request())
  await reached(1)
  isDown = false
  kept.keep(request())
  await reached(2)
  t.same(outcomes, ['failed', 'kept'])
  t.match(log.lines[0], { level: 40, msg: 'refused deliveries could not be kept in quarantine' })
})

tap.test('when it stops, what waits is written at once, and nothing more is taken', async t => {
  const { kept, outcomes, writes, clock } = quarantine()
  for (let n = 0; n < 45; n++) kept.keep(request())
  await until('the first write', () => writes.length > 0 && clock.next() !== undefined)
  await kept.stop()
  t.same(outcomes.length, 45)
  kept.keep(request())
  t.equal(outcomes.at(-1), 'busy')
  t.equal(clock.next(), undefined, 'no timer is left')
  await kept.stop()
})
