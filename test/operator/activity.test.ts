import { EventEmitter } from 'node:events'
import tap from 'tap'
import type { AnsweredEvent, HandledEvent, WebhookEvents } from '../../inbox/events.ts'
import { createActivity } from '../../operator/activity.ts'
import { testClock } from '../helpers/clock.ts'

const MINUTE = 60_000

function countedActivity() {
  const clock = testClock()
  const events = new EventEmitter<WebhookEvents>()
  const activity = createActivity(events, () => clock.now())
  return {
    clock,
    events,
    activity,
    answer: (outcome: string) => events.emit('answered', { outcome } as AnsweredEvent),
    handle: (event: string, ms: number, more: Partial<HandledEvent> = {}) =>
      events.emit('handled', { source: 'chatwoot', event, attempt: 1, result: 'done', ms, ...more } as HandledEvent),
  }
}

tap.test('answers are counted by the minute, for an hour', async t => {
  const { clock, activity, answer } = countedActivity()
  for (const outcome of ['accepted', 'accepted', 'duplicate', 'ignored', 'unanswered']) answer(outcome)
  clock.advance(MINUTE)
  for (const outcome of ['refused', 'malformed', 'failed']) answer(outcome)
  const minutes = activity.minutes()
  t.equal(minutes.length, 60)
  t.same(minutes.slice(-2), [
    { at: clock.now() - MINUTE, accepted: 2, duplicate: 1, refused: 0, failed: 0, handlers: new Map() },
    { at: clock.now(), accepted: 0, duplicate: 0, refused: 2, failed: 1, handlers: new Map() },
  ])
  t.same(
    minutes.map(({ at }) => at),
    Array.from({ length: 60 }, (_, index) => clock.now() - (59 - index) * MINUTE),
  )
  clock.advance(58 * MINUTE)
  t.equal(activity.minutes()[0]?.accepted, 2)
  clock.advance(MINUTE)
  t.equal(activity.minutes()[0]?.refused, 2, 'what is older is gone')
  clock.advance(600 * MINUTE)
  t.ok(activity.minutes().every(({ accepted, refused }) => accepted + refused === 0))
})

tap.test('handlers, slowest first', async t => {
  const { clock, activity, handle } = countedActivity()
  handle('message_created', 10)
  handle('unreadable', 0, { attempt: 0, result: 'dead' })
  clock.advance(MINUTE)
  handle('message_created', 30, { result: 'pending' })
  handle('contact created', 90)
  const fast = { source: 'chatwoot', event: 'message_created', attempts: 2, failed: 1, mean: 20, slowest: 30 }
  const slow = { source: 'chatwoot', event: 'contact created', attempts: 1, failed: 0, mean: 90, slowest: 90 }
  t.same(activity.slowest(10), [slow, fast])
  t.same(activity.slowest(1), [slow])

  for (let event = 0; event < 200; event++) handle(`event_${event}`, 1)
  t.equal(activity.slowest(1_000).length, 100, 'names from outside do not fill the memory')
  handle('contact created', 100)
  t.match(activity.slowest(1), [{ attempts: 2, slowest: 100 }], 'those that are known are still counted')
  clock.advance(60 * MINUTE)
  t.same(activity.slowest(10), [])
})
