import tap from 'tap'
import { showableTime, utcTime } from '../../inbox/utc-time.ts'

tap.test('any time has a string form', async t => {
  t.equal(utcTime(0), '1970-01-01T00:00:00.000Z')
  t.equal(utcTime(Date.parse('2026-11-23T10:00:00Z')), '2026-11-23T10:00:00.000Z')
  for (const late of [9e15, Infinity, Number.MAX_VALUE, 8.64e15]) t.equal(utcTime(late), '9999-12-31T23:59:59.999Z')
  for (const early of [-9e15, -Infinity]) t.equal(utcTime(early), '0000-01-01T00:00:00.000Z')
  t.equal(showableTime(123), 123)
})
