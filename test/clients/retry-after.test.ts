import { mock } from 'node:test'
import t from 'tap'
import { retryAfterMs } from '../../clients/http.ts'

const HOUR = 3_600_000

mock.timers.enable({ apis: ['Date'], now: Date.parse('2026-10-21T07:28:00Z') })
t.teardown(() => mock.timers.reset())

t.test('Retry-After in seconds', async t => {
  const cases: [string | null | undefined, number][] = [
    ['0', 0],
    ['7', 7_000],
    [' 120 ', 120_000],
    ['1.5', 1_500],
    ['3600', HOUR],
    ['86400', HOUR],
    ['9'.repeat(400), HOUR],
    ['-5', 0],
    ['+5', 0],
    ['1e9', 0],
    ['0x10', 0],
    ['Infinity', 0],
    ['7, 7', 0],
    ['soon 5', 0],
    ['', 0],
    [null, 0],
    [undefined, 0],
  ]
  for (const [header, ms] of cases) t.equal(retryAfterMs(header), ms, String(header))
})

t.test('Retry-After as a date, in each of its forms', async t => {
  const cases: [string, number][] = [
    ['Wed, 21 Oct 2026 07:28:30 GMT', 30_000],
    ['Wednesday, 21-Oct-26 07:28:30 GMT', 30_000],
    ['Wed Oct 21 07:28:30 2026', 30_000],
    ['Wed, 21 Oct 2026 07:27:59 GMT', 0],
    ['Thu Oct  1 07:28:00 2026', 0],
    ['Sun Nov  1 07:28:00 2026', HOUR],
    ['Fri, 21 Oct 2099 07:28:00 GMT', HOUR],
    ['Wed, 99 Oct 2026 07:28:30 GMT', 0],
    ['Wed, 21 Okt 2026 07:28:30 GMT', 0],
    ['Wed, 21 Oct 2026 07:28:30 CET', 0],
    ['2026-10-21T07:28:30Z', 0],
  ]
  for (const [header, ms] of cases) t.equal(retryAfterMs(header), ms, header)
})

t.test('local time does not matter', async t => {
  const { TZ } = process.env
  t.teardown(() => {
    process.env.TZ = TZ ?? ''
    if (TZ === undefined) delete process.env.TZ
  })
  process.env.TZ = 'America/New_York'
  t.equal(new Date('2026-10-21T07:28:00Z').getHours(), 3)
  t.equal(retryAfterMs('Wed Oct 21 07:28:30 2026'), 30_000)
})
