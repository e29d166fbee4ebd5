import tap from 'tap'
import { deliveryId } from '../../inbox/delivery-id.ts'

tap.test('an id is a UUIDv8 that depends on source and key alone', async t => {
  const ids = new Set<string>()
  for (let n = 0; n < 1_000; n++) {
    const id = deliveryId('stripe', `evt_${n}`)
    t.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    ids.add(id)
  }
  t.equal(ids.size, 1_000)
  // printf 'stripe\nevt_1' | sha256sum: d3efff155a7e6201f915c0a3bcd18fd2…
  t.equal(deliveryId('stripe', 'evt_1'), 'd3efff15-5a7e-8201-b915-c0a3bcd18fd2')
  t.not(deliveryId('stripe', 'evt_1'), deliveryId('chatwoot', 'evt_1'))
})
