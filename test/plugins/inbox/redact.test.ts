import tap from 'tap'
import { REDACTED, redactSecrets, TooDeepError } from '../../../plugins/inbox/redact.ts'

tap.test('secret fields are replaced at any depth, in objects and arrays; others stay', async t => {
  const payload = {
    conversation: { contact_inbox: { pubsub_token: 'a', source_id: 'b' } },
    channel: [{ secret: 'c', hmac_token: { nested: 'd' } }],
    client_secret: null,
    token_count: 3,
  }
  redactSecrets(payload)
  t.same(payload, {
    conversation: { contact_inbox: { pubsub_token: REDACTED, source_id: 'b' } },
    channel: [{ secret: REDACTED, hmac_token: REDACTED }],
    client_secret: null,
    token_count: 3,
  })
})

tap.test('what is nested too deep to be written again is refused', async t => {
  const nested = (depth: number) => JSON.parse(`${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`)
  t.doesNotThrow(() => redactSecrets(nested(200)))
  t.throws(() => redactSecrets(nested(202)), new TooDeepError())
  t.throws(() => redactSecrets({ list: JSON.parse('['.repeat(50_000) + ']'.repeat(50_000)) }), new TooDeepError())
})
