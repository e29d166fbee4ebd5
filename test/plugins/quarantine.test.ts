import tap from 'tap'
import { type QuarantineOptions, validQuarantine } from '../../plugins/quarantine.ts'
import { webhookApp } from '../helpers/app.ts'

tap.test('its limits, and what is wrong with others', async t => {
  t.equal(validQuarantine(undefined), undefined, 'off')
  t.same(validQuarantine({}), { maxBytes: 16 * 2 ** 20, hours: 24, perAddressPerMinute: 60 })
  t.same(validQuarantine({ maxMegabytes: 64, hours: 168, perAddressPerMinute: 1 }), {
    maxBytes: 64 * 2 ** 20,
    hours: 168,
    perAddressPerMinute: 1,
  })
  for (const [options, says] of [
    [{ maxMegabytes: 0 }, /^quarantine\.maxMegabytes \(QUARANTINE_MB\) must be a number from 1 to 64, not 0$/],
    [{ maxMegabytes: 65 }, /not 65$/],
    [{ maxMegabytes: '1' }, /must be a number/],
    [{ hours: 0 }, /^quarantine\.hours \(QUARANTINE_HOURS\) must be a number above 0, and 168 at most, not 0$/],
    [{ hours: 169 }, /not 169$/],
    [{ hours: '1' }, /must be a number/],
    [{ perAddressPerMinute: 0 }, /^quarantine\.perAddressPerMinute \(QUARANTINE_PER_MINUTE\) must be a whole number/],
    [{ perAddressPerMinute: 1.5 }, /not 1\.5$/],
  ] as [QuarantineOptions, RegExp][]) {
    t.throws(() => validQuarantine(options), { message: says })
  }
  await t.rejects(webhookApp(t, { quarantine: { hours: 0 } }), { message: /QUARANTINE_HOURS/ })
})

tap.test('a full one is counted', async t => {
  const token = 'the-token-of-metrics'
  const { app } = await webhookApp(t, { quarantine: { perAddressPerMinute: 2 }, operator: { metricsToken: token } })
  const outcomes: string[] = []
  const all = new Promise<void>(resolve => {
    app.webhooks.events.on('quarantined', ({ outcome }) => {
      if (outcomes.push(outcome) === 3) resolve()
    })
  })
  for (let n = 0; n < 3; n++) {
    const headers = { 'content-type': 'application/json', 'x-chatwoot-signature': `${n}`.repeat(64) }
    await app.inject({ method: 'POST', url: '/cw', headers, payload: '{}' })
  }
  await all
  const { body } = await app.inject({ url: '/metrics', headers: { authorization: `Bearer ${token}` } })
  t.match(body, 'tutorbot_webhooks_quarantine_total{source="chatwoot",outcome="kept"} 2\n')
  t.match(body, 'tutorbot_webhooks_quarantine_total{source="chatwoot",outcome="share"} 1\n')
  t.match(body, 'tutorbot_webhooks_quarantine_deliveries 2\n')
  t.match(body, /tutorbot_webhooks_quarantine_bytes [1-9]/)
})
