import t from 'tap'
import { segmentOf } from '../../handlers/segment.ts'

t.test('the first matching rule counts', async t => {
  const cases: [Record<string, unknown>, string][] = [
    [{}, 'new'],
    [{ segment: 'weekend' }, 'weekend'],
    [{ segment: 'new', weekend_whitelisted: true, customer_since: '2024' }, 'new'],
    [{ segment: 'vip' }, 'new'],
    [{ segment: null, has_paid_lesson: true }, 'existing'],
    [{ weekend_whitelisted: true, returning_broadcast: true }, 'weekend'],
    [{ returning_broadcast: true, has_paid_lesson: true }, 'returning_broadcast'],
    [{ customer_since: '2024-01-02' }, 'existing'],
    [{ has_paid_lesson: true }, 'existing'],
    [{ has_completed_intake: true }, 'existing'],
    [{ intake_completed: true }, 'existing'],
    [{ trial_lesson_completed: true }, 'existing'],
    [{ lesson_booked: true }, 'existing'],
    [{ customer_status: 'active' }, 'existing'],
    [{ customer_status: 'lead', has_paid_lesson: false, customer_since: '' }, 'new'],
  ]
  for (const [attributes, segment] of cases) t.equal(segmentOf(attributes), segment, JSON.stringify(attributes))
})
