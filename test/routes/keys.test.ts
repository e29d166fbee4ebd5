import t from 'tap'
import { chatwootDelivery, stripeDelivery } from '../helpers/identify.ts'

const message = (id: unknown, conversation: unknown) => ({ id, conversation: { id: conversation } })
const identify = (account: string, payload: object, event = 'message_created') =>
  chatwootDelivery(event, account, { ...payload }, () => 'dispatch')

t.test('keys of ordinary ids have not changed', async t => {
  t.match(identify('1', message(11, 42)), {
    key: '1:42_11_message_created',
    orderingKey: 'conversation:1:42',
  })
  t.match(identify('1', { id: 42 }, 'conversation_updated'), {
    key: '1:42_conversation_updated_dispatch',
    orderingKey: 'conversation:1:42',
  })
  t.match(identify('1', { id: 7 }, 'contact_created'), { key: '1:7_contact_created', orderingKey: 'contact:1:7' })
  t.match(identify('1', message('abc-d.e', 42)), { key: '1:42_abc-d.e_message_created' })
  const session = { id: 'evt_1', data: { object: { metadata: { conversation_id: '42' } } } }
  t.match(
    stripeDelivery('checkout.session.completed', '1', session, () => 'hash'),
    {
      key: 'evt_1',
      orderingKey: 'conversation:1:42',
    },
  )
})

t.test('different lists of ids never share a key or mailbox', async t => {
  const ids: [string, string, string][] = [
    ['1', '1_1', '9'],
    ['1', '1', '1_9'],
    ['1', '1%5F1', '9'],
    ['1', '1:1', '9'],
    ['1:1', '1', '9'],
    ['1', '1', '9'],
    ['1_1', '1', '9'],
  ]
  const deliveries = ids.map(([account, conversation, id]) => identify(account, message(id, conversation)))
  t.equal(new Set(deliveries.map(({ key }) => key)).size, ids.length)
  t.equal(
    new Set(deliveries.map(({ orderingKey }) => orderingKey)).size,
    ids.length - 1,
    'one conversation is there twice',
  )
  const contacts = [identify('1:1', { id: '1' }, 'contact_created'), identify('1', { id: '1:1' }, 'contact_created')]
  t.equal(new Set(contacts.map(({ orderingKey }) => orderingKey)).size, 2)
})

t.test('a payment stays in its conversation’s mailbox, even with an odd id', async t => {
  const session = { id: 'evt_1', data: { object: { metadata: { conversation_id: '4_2' } } } }
  const payment = stripeDelivery('checkout.session.completed', '1', session, () => 'hash')
  t.equal(payment.orderingKey, identify('1', message(11, '4_2')).orderingKey)
})
